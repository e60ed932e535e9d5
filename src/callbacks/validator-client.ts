/**
 * Forwards checked announcements to the operator's own validator at one configured address, and returns its answer
 * unchanged. http-proxy gets a request and a reply made by the gateway, never OCS's own: it forwards every header that
 * it sees, and resolves `..` in paths.
 */
import { EventEmitter } from "node:events";
import { Agent as HttpAgent, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import httpProxy from "http-proxy";
import { certificatesPem } from "../common/x509/pem.ts";
import { bytesOf, type HeaderLine, type Reply } from "../common/message.ts";
import { reason } from "../common/system-error.ts";

// With this variable http-proxy uses fetch, without the agent and its timeouts.
delete process.env.FORCE_FETCH_PATH;

export type ValidatorOptions = {
  readonly url: string;
  /** Milliseconds for the whole answer. */
  readonly timeout: number;
  /** PEM of the CA of the validator's certificate; default: the public CAs. */
  readonly ca?: string | undefined;
  readonly userAgent: string;
};

/** The validator's answer, or the reason why it sent no answer. */
export type ValidatorAnswer =
  | { readonly reply: Reply }
  | { readonly failed: "timeout" | "unreachable" | "cut"; readonly detail: string };

export type ValidatorClient = {
  readonly send: (body: Uint8Array, contentType: string | undefined) => Promise<ValidatorAnswer>;
  readonly close: () => void;
};

/** Maximum bytes of an answer. */
const MAX_ANSWER = 1 << 20;
const CONNECTIONS = 64;
/** Headers of one connection (RFC 9110, 7.6.1), and the length, which the gateway writes itself. */
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

export const createValidatorClient = ({ url, timeout, ca, userAgent }: ValidatorOptions): ValidatorClient => {
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
  proxy.on("proxyRes", (answer: IncomingMessage, _request, response) =>
    (response as unknown as AnswerReader).read(answer),
  );
  return {
    send: (body, contentType) =>
      new Promise((resolve) => {
        const reader = new AnswerReader(timeout, resolve);
        const request = requestOf(target, {
          "user-agent": userAgent,
          "content-type": contentType ?? "application/json",
          "content-length": String(body.length),
        });
        proxy.web(
          request,
          reader as unknown as ServerResponse,
          { buffer: Readable.from([body], { objectMode: false }) },
          (error) => reader.fail("unreachable", reason(error)),
        );
      }),
    close: () => agent.destroy(),
  };
};

/** The parts of a request that http-proxy reads. */
const requestOf = ({ host, pathname, search }: URL, headers: Readonly<Record<string, string>>): IncomingMessage =>
  Object.assign(new EventEmitter(), {
    method: "POST",
    url: `${pathname}${search}`,
    httpVersion: "1.1",
    httpVersionMajor: 1,
    headers: { host, ...headers },
    socket: new EventEmitter(),
  }) as unknown as IncomingMessage;

/** The reply object for http-proxy: reads the answer within limits of size and time. */
class AnswerReader extends EventEmitter {
  readonly headersSent = false;
  readonly finished = false;
  /** http-proxy gives up its request when the reply closes before this is true. */
  writableFinished = false;
  readonly #done: (answer: ValidatorAnswer) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(timeout: number, done: (answer: ValidatorAnswer) => void) {
    super();
    this.#done = done;
    this.#timer = setTimeout(() => this.fail("timeout", `no answer within ${timeout} ms`), timeout);
  }

  read(answer: IncomingMessage): void {
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
    answer.once("error", () => this.fail("cut", "the answer is incomplete"));
    answer.once("close", () => this.fail("cut", "the answer is incomplete"));
  }

  fail(failed: "timeout" | "unreachable" | "cut", detail: string): void {
    if (this.writableFinished) return;
    this.emit("close");
    this.#end({ failed, detail });
  }

  #succeed(reply: Reply): void {
    this.#end({ reply });
  }

  #end(answer: ValidatorAnswer): void {
    if (this.writableFinished) return;
    this.writableFinished = true;
    clearTimeout(this.#timer);
    this.#done(answer);
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

/** The reply to OCS when the validator has not answered. `wanted`: the setting `on_timeout`. */
export const fallbackReply = (
  wanted: "allow" | "block",
  failed: Extract<ValidatorAnswer, { failed: string }>["failed"],
  handle: number,
): Reply =>
  wanted === "allow"
    ? { status: 200, headers: [["ETag", String(handle)]], body: bytesOf("") }
    : { status: failed === "timeout" ? 504 : 502, headers: [], body: bytesOf("") };
