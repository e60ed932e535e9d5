/**
 * Asks another node over its admin API: one connection for one question, first the proof that the other one is of
 * `shared` (with a common key), then the question. Nothing waits for longer than the given time, and nothing is kept
 * that is larger than the given size.
 */
import { Agent as HttpAgent, request as overHttp, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as overHttps } from "node:https";
import { isIP } from "node:net";
import { reason } from "../../common/system-error.ts";
import { certificatesPem } from "../../common/x509/pem.ts";
import type { Viewer } from "../viewer.ts";
import { ASKING, askingOf } from "./asking.ts";
import { NODE, SCHEME } from "./by-peer.ts";
import { isSameProof, newNonce, proofOfAsked, proofOfQuestion } from "./proofs.ts";

export type PeerAddress = { readonly node: string; readonly address: string };

/** PEM texts; `ca` undefined: the system's. `key` of the config is never sent. */
export type PeerCredentials = {
  /** The name of this node. */
  readonly node: string;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
};

export type PeerQuestion = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query. */
  readonly target: string;
  readonly body?: object | undefined;
  readonly viewer: Viewer;
  readonly gone: AbortSignal;
};

export type PeerLimits = { readonly ms: number; readonly bytes: number };

/** `value`: the JSON. */
export type PeerAnswer = { readonly status: number; readonly value: unknown };

/** The message says why the other node gave no answer, as the end of a sentence about it. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

const CONNECT_MS = 3000;
/** An answer about a challenge or a refusal. */
const SMALL_BYTES = 64 << 10;

export type Peer = { readonly at: PeerAddress; readonly credentials: PeerCredentials };

/** Resolves to the answer, whatever its status. Rejects with NoAnswer. */
export const askPeer = async (peer: Peer, question: PeerQuestion, { ms, bytes }: PeerLimits): Promise<PeerAnswer> => {
  const late = AbortSignal.timeout(ms);
  return asking(peer, { ...question, gone: AbortSignal.any([question.gone, late]) }, late, async (response) => ({
    status: response.statusCode!,
    value: parsed(await textOf(response, bytes), peer.at),
  }));
};

/** A file of another node, as it arrives. `close` must be called. Rejects with NoAnswer unless the status is 200. */
export const openPeerFile = async (peer: Peer, question: PeerQuestion): Promise<PeerFile> => {
  const line = new Line(peer.at, peer.credentials, question.gone);
  try {
    const response = await line.ask(question);
    if (response.statusCode !== 200) throw new NoAnswer(refusalIn(response, await textOf(response, SMALL_BYTES)));
    return { response, close: () => line.close() };
  } catch (error) {
    line.close();
    throw inWords(error, question.gone);
  }
};

export type PeerFile = { readonly response: IncomingMessage; readonly close: () => void };

const asking = async <Result>(
  { at, credentials }: Peer,
  question: PeerQuestion,
  late: AbortSignal,
  read: (response: IncomingMessage) => Promise<Result>,
): Promise<Result> => {
  const line = new Line(at, credentials, question.gone);
  try {
    return await read(await line.ask(question));
  } catch (error) {
    throw inWords(error, late);
  } finally {
    line.close();
  }
};

const inWords = (error: unknown, late: AbortSignal): NoAnswer => {
  if (error instanceof NoAnswer) return error;
  return new NoAnswer(late.aborted ? "no answer in time" : reason(error));
};

/** One connection. */
class Line {
  readonly #at: PeerAddress;
  readonly #credentials: PeerCredentials;
  readonly #gone: AbortSignal;
  readonly #agent: HttpAgent;
  readonly #isTls: boolean;

  constructor(at: PeerAddress, credentials: PeerCredentials, gone: AbortSignal) {
    [this.#at, this.#credentials, this.#gone] = [at, credentials, gone];
    this.#isTls = at.address.startsWith("https:");
    this.#agent = this.#isTls ? tlsAgent(at, credentials) : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  }

  async ask({ method, target, body, viewer }: PeerQuestion): Promise<IncomingMessage> {
    const asking = askingOf(viewer);
    const headers = { [ASKING]: asking, Authorization: await this.#authorization(method, target, asking) };
    const response = await this.#send(method, target, headers, body);
    const name = response.headers[NODE.toLowerCase()];
    if (name !== undefined && name !== this.#at.node)
      throw new NoAnswer(`at ${this.#at.address} answers the node ${String(name)}: correct shared.peers.address`);
    if (name === undefined)
      throw new NoAnswer(
        response.statusCode === 401
          ? "it does not know credentials of nodes: its version is older, or its config has no shared.peers"
          : `at ${this.#at.address} answers no node that can be asked (HTTP ${response.statusCode})`,
      );
    return response;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #authorization(method: string, target: string, viewer: string): Promise<string> {
    const { node, key } = this.#credentials;
    if (key === undefined) return credential({ node });
    const nonce = newNonce();
    const path = `/api/peers/challenge?node=${encodeURIComponent(node)}&nonce=${nonce}`;
    const response = await this.#send("GET", path, {}, undefined);
    const text = await textOf(response, SMALL_BYTES);
    if (response.statusCode !== 200)
      throw new NoAnswer(
        response.statusCode === 404
          ? "it knows no questions of other nodes: its version is older"
          : refusalIn(response, text),
      );
    const { node: answering, challenge, proof } = membersOf(parsed(text, this.#at));
    if (typeof challenge !== "string" || typeof proof !== "string") throw notItsApi(this.#at);
    if (answering !== this.#at.node)
      throw new NoAnswer(`at ${this.#at.address} answers another node: correct shared.peers.address`);
    const exchange = { asking: node, asked: this.#at.node, nonce, challenge };
    if (!isSameProof(proof, proofOfAsked(key, exchange))) throw new NoAnswer("it has another shared.peers.common_key");
    return credential({ node, nonce, challenge, proof: proofOfQuestion(key, exchange, { method, target, viewer }) });
  }

  #send(
    method: string,
    target: string,
    given: Readonly<Record<string, string>>,
    body: object | undefined,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...given,
      ...(text !== undefined && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { method, headers, agent: this.#agent, signal: this.#gone };
    const request = (this.#isTls ? overHttps : overHttp)(new URL(target, this.#at.address), options);
    const timer = setTimeout(() => request.destroy(new NoAnswer("no connection in time")), CONNECT_MS);
    request
      .on("socket", (socket) => {
        if (!socket.connecting) return clearTimeout(timer);
        socket.once(this.#isTls ? "secureConnect" : "connect", () => clearTimeout(timer));
      })
      .on("response", resolve)
      .on("error", reject)
      .on("close", () => {
        clearTimeout(timer);
        reject(new NoAnswer("it closed the connection without an answer"));
      })
      .end(text);
    return promise;
  }
}

const tlsAgent = ({ address }: PeerAddress, { ca, certificate }: PeerCredentials): HttpsAgent => {
  const hostname = new URL(address).hostname.replaceAll(/[[\]]/g, "");
  return new HttpsAgent({
    keepAlive: true,
    maxSockets: 1,
    minVersion: "TLSv1.2",
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(ca !== undefined && { ca: certificatesPem(ca) }),
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  });
};

const credential = (members: object): string =>
  `${SCHEME} ${Buffer.from(JSON.stringify(members)).toString("base64url")}`;

const textOf = async (response: IncomingMessage, most: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new NoAnswer(`its answer is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new NoAnswer("its answer ended too early");
  return Buffer.concat(chunks).toString("utf8");
};

const parsed = (text: string, at: PeerAddress): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw notItsApi(at);
  }
};

const notItsApi = ({ address }: PeerAddress): NoAnswer =>
  new NoAnswer(`its answer is not from an admin API: is ${address} its address?`);

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

const MOST_SHOWN = 300;

/** `HTTP 503: the search took too long`, without characters that would move a terminal's cursor. */
export const refusalIn = ({ statusCode }: Pick<IncomingMessage, "statusCode">, text: string): string => {
  const { error } = membersOf(parsedOrNothing(text));
  const words = typeof error === "string" ? `: ${error.slice(0, MOST_SHOWN).replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")}` : "";
  return `HTTP ${statusCode}${words}`;
};

const parsedOrNothing = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
