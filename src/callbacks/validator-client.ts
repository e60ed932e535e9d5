/**
 * The operator's own validator: an announcement that was read and checked goes on to one configured address, and the answer comes back untouched.
 * The library is given a request and a reply of ours, never OCS's: it forwards every header that it is shown, and takes `..` out of paths.
 */
import { EventEmitter } from "node:events";
import { Agent as HttpAgent, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import httpProxy from "http-proxy";
import { certificatesPem } from "../x509/pem.ts";
import { bytesOf, type HeaderLine, type Reply } from "../message.ts";
import { reason } from "../system-error.ts";

// With this variable the library takes another way, past agent and timeouts.
delete process.env.FORCE_FETCH_PATH;

export type RelayOptions = {
  readonly url: string;
  /** Milliseconds for the whole answer. */
  readonly timeout: number;
  /** PEM of the CA that signed the validator's certificate; the public ones when left out. */
  readonly ca?: string | undefined;
  readonly userAgent: string;
};

/** What came of it: the validator's answer, or why there is none. */
export type Relayed =
  | { readonly reply: Reply }
  | { readonly failed: "timeout" | "unreachable" | "cut"; readonly detail: string };

export type Relay = {
  readonly send: (body: Uint8Array, contentType: string | undefined) => Promise<Relayed>;
  readonly close: () => void;
};

/** No answer of a validator is larger. */
const MAX_ANSWER = 1 << 20;
const CONNECTIONS = 64;
/** Headers that speak of one connection only (RFC 9110, 7.6.1), and the length, which is written anew. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
]);

export const createRelay = ({ url, timeout, ca, userAgent }: RelayOptions): Relay => {
  const target = new URL(url);
  const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS };
  const agent =
    target.protocol === "https:"
      ? new HttpsAgent({ ...agentOptions, ...(ca !== undefined && { ca: certificatesPem(ca) }), minVersion: "TLSv1.2" })
      : new HttpAgent(agentOptions);
  const proxy = httpProxy.createProxyServer({
    target,
    agent,
    ignorePath: true,
    secure: true,
    selfHandleResponse: true,
  });
  proxy.on("proxyRes", (answer: IncomingMessage, _request, response) => (response as unknown as Taker).take(answer));
  return {
    send: (body, contentType) =>
      new Promise((resolve) => {
        const taker = new Taker(timeout, resolve);
        const request = requestOf(target, {
          "user-agent": userAgent,
          "content-type": contentType ?? "application/json",
          "content-length": String(body.length),
        });
        proxy.web(
          request,
          taker as unknown as ServerResponse,
          { buffer: Readable.from([body], { objectMode: false }) },
          (error) => taker.fail("unreachable", reason(error)),
        );
      }),
    close: () => agent.destroy(),
  };
};

/** As much of a request as the library looks at. */
const requestOf = ({ host, pathname, search }: URL, headers: Readonly<Record<string, string>>): IncomingMessage =>
  Object.assign(new EventEmitter(), {
    method: "POST",
    url: `${pathname}${search}`,
    httpVersion: "1.1",
    httpVersionMajor: 1,
    headers: { host, ...headers },
    socket: new EventEmitter(),
  }) as unknown as IncomingMessage;

/** The reply that the library is given: takes the answer, bounded in size and time. */
class Taker extends EventEmitter {
  readonly headersSent = false;
  readonly finished = false;
  /** For the library: a reply that closes before it was written makes it give up its request. */
  writableFinished = false;
  readonly #done: (relayed: Relayed) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(timeout: number, done: (relayed: Relayed) => void) {
    super();
    this.#done = done;
    this.#timer = setTimeout(() => this.fail("timeout", `no answer within ${timeout} ms`), timeout);
  }

  take(answer: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_ANSWER) this.fail("cut", `the answer is larger than ${MAX_ANSWER} bytes`);
      else chunks.push(chunk);
    });
    answer.once("end", () =>
      this.#succeed({ status: answer.statusCode ?? 502, headers: endToEnd(answer), body: Buffer.concat(chunks) }),
    );
    answer.once("error", () => this.fail("cut", "the answer ended before it was whole"));
    answer.once("close", () => this.fail("cut", "the answer ended before it was whole"));
  }

  fail(failed: "timeout" | "unreachable" | "cut", detail: string): void {
    if (this.writableFinished) return;
    this.emit("close");
    this.#end({ failed, detail });
  }

  #succeed(reply: Reply): void {
    this.#end({ reply });
  }

  #end(relayed: Relayed): void {
    if (this.writableFinished) return;
    this.writableFinished = true;
    clearTimeout(this.#timer);
    this.#done(relayed);
  }
}

const endToEnd = ({ rawHeaders, headers }: IncomingMessage): HeaderLine[] => {
  const named = new Set(
    (headers.connection ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  const lines: HeaderLine[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.has(name)) lines.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  }
  return lines;
};

/** What OCS gets when the validator has not answered, by what the operator wants then. */
export const withoutAnswer = (
  wanted: "allow" | "block",
  failed: Extract<Relayed, { failed: string }>["failed"],
  handle: number,
): Reply =>
  wanted === "allow"
    ? { status: 200, headers: [["ETag", String(handle)]], body: bytesOf("") }
    : { status: failed === "timeout" ? 504 : 502, headers: [], body: bytesOf("") };
