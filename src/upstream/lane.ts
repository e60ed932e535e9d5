/**
 * A lane: one persistent connection to OCS with one exchange at a time, and one tenant from connect to close.
 * HTTP/1.1 answers carry no id, so a late answer would meet the next request on its connection. Therefore the connection is destroyed at
 * the first anomaly: a timeout, a cut or surplus byte, an interim or unparseable answer.
 */
import { Client, errors, type Dispatcher } from "undici";
import type { Socket } from "node:net";
import type { HeaderLine } from "../message.ts";
import { connectTo, type Endpoint } from "./endpoint.ts";
import { NoAnswer, type Request } from "./exchange.ts";

export type LaneOptions = {
  readonly endpoint: Endpoint;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly answerTimeout: number;
  readonly userAgent: string;
  /** Tenants take turns on one connection only when this is false. */
  readonly onePerTenant: boolean;
};

export type LaneState =
  | { readonly name: "idle" } // no connection
  | { readonly name: "dialling"; readonly tenant: string }
  | { readonly name: "busy"; readonly tenant: string }
  | { readonly name: "ready"; readonly tenant: string };

export type RawAnswer = { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: Uint8Array; readonly ms: number };

/** As long as Node's timers count: OCS's clients do not hang up. */
const FOR_EVER = 2_147_483_647;
const MAX_ANSWER = 4 * 1024 * 1024;
/** After a negative answer its connection is watched this long for bytes that do not belong to it. */
const QUARANTINE_MS = 50;

export class Lane {
  readonly name: string;
  readonly #options: LaneOptions;
  #client: Client | undefined;
  #socket: Socket | undefined;
  #state: LaneState = { name: "idle" };
  /** Whole exchanges of the present tenant in a row. */
  served = 0;

  constructor(name: string, options: LaneOptions) {
    this.name = name;
    this.#options = options;
  }

  get state(): LaneState {
    return this.#state;
  }

  /** The tenant that the present connection belongs to. */
  get tenant(): string | undefined {
    return this.#state.name === "idle" ? undefined : this.#state.tenant;
  }

  get endpoint(): string {
    return this.#options.endpoint.origin;
  }

  /** Rejects with NoAnswer, whose `sent` tells whether the request had begun to leave. The caller sees to one exchange at a time. */
  exchange(request: Request): Promise<RawAnswer> {
    if (this.tenant !== undefined && this.tenant !== request.tenant) {
      if (this.#options.onePerTenant) this.close();
      this.served = 0;
    }
    const client = (this.#client ??= this.#open());
    this.#state = { name: this.#socket ? "busy" : "dialling", tenant: request.tenant };
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, this.#options.answerTimeout, () => (this.#state = { name: "busy", tenant: request.tenant }));
      exchange.settle = (answer, fault) => {
        if (fault) this.close();
        else if (this.#client === client) this.#state = { name: "ready", tenant: request.tenant };
        if (answer) {
          this.served++;
          resolve(answer);
        } else reject(fault!);
      };
      client.dispatch(dispatchOptions(request, this.#options.userAgent), exchange);
    });
  }

  /** Resolves when the connection may carry another request, or is gone. */
  async quarantine(answer: RawAnswer): Promise<void> {
    if (answer.status >= 200 && answer.status < 300) return;
    if (this.#client) await new Promise((resolve) => setTimeout(resolve, QUARANTINE_MS));
  }

  close(): void {
    const client = this.#client;
    this.#forget();
    client?.destroy().catch(() => undefined);
  }

  #forget(): void {
    this.#client = undefined;
    this.#socket = undefined;
    this.#state = { name: "idle" };
    this.served = 0;
  }

  #open(): Client {
    const client: Client = new Client(this.#options.endpoint.origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: FOR_EVER,
      keepAliveMaxTimeout: FOR_EVER,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16_384,
      connect: (_options, done) => connectTo(this.#options.endpoint, (error, socket) => {
        if (!socket) return done(error ?? new Error("no connection"), null);
        if (this.#client !== client) socket.destroy();
        else this.#adopt(client, socket);
        done(null, socket);
      }),
    });
    return client;
  }

  #adopt(client: Client, socket: Socket): void {
    this.#socket = socket;
    sendOnlyWhatOcsReads(socket);
    socket.once("close", () => {
      if (this.#client === client && this.#state.name === "ready") this.close();
    });
  }
}

/** The engine adds a Connection header of its own. OCS reads four headers, and those are what it gets. */
const sendOnlyWhatOcsReads = (socket: Socket): void => {
  const write = socket.write.bind(socket) as (chunk: unknown, ...rest: unknown[]) => boolean;
  socket.write = ((chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === "string" ? chunk.replace("\r\nconnection: keep-alive\r\n", "\r\n") : chunk, ...rest)) as Socket["write"];
};

const dispatchOptions = ({ method, path, body }: Request, userAgent: string): Dispatcher.DispatchOptions => ({
  method,
  path,
  headers: body === "" ? ["User-Agent", userAgent] : ["User-Agent", userAgent, "Content-type", "application/json"],
  body: body === "" ? null : Buffer.from(body, "utf8"),
});

/** One request on the wire. What the engine tells in order is the proof of how far it got. */
class Exchange implements Dispatcher.DispatchHandler {
  settle: (answer: RawAnswer | undefined, fault: NoAnswer | undefined) => void = () => undefined;
  readonly #request: Request;
  readonly #timeout: number;
  readonly #began: () => void;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #startedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #status = 0;
  #headers: HeaderLine[] = [];
  #settled = false;

  constructor(request: Request, timeout: number, began: () => void) {
    this.#request = request;
    this.#timeout = timeout;
    this.#began = began;
  }

  /** The engine calls this just before the first byte: an error that comes earlier proves that nothing was sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#startedAt = performance.now();
    this.#began();
    this.#timer = setTimeout(() => controller.abort(new NoAnswer("no-answer", true, `OCS did not answer within ${this.#timeout} ms`)), this.#timeout);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return controller.abort(new NoAnswer("garbled", true, "OCS sent an interim answer that nobody asked for"));
    this.#status = status;
    this.#headers = Object.entries(headers).flatMap(([name, value]): HeaderLine[] =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]]);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > MAX_ANSWER) return controller.abort(new NoAnswer("garbled", true, "OCS's answer is larger than any that it documents"));
    this.#chunks.push(Uint8Array.from(chunk));
  }

  onResponseEnd(): void {
    // OCS's positive answer to a POST has no body: with one it may be another request's answer, and its connection is not to be trusted.
    const odd = this.#request.method === "POST" && this.#status === 200 && this.#length > 0;
    this.#finish(this.#answer(), odd ? new NoAnswer("garbled", true, "OCS's answer does not have the shape of its request") : undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const fault = this.#faultOf(error);
    // A POST's outcome is its status: that is known once the header block is whole, also when the body's length lies.
    const known = this.#status >= 200 && this.#request.method === "POST" && fault.why !== "no-answer";
    this.#finish(known ? this.#answer() : undefined, fault);
  }

  #answer(): RawAnswer {
    return { status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks), ms: performance.now() - this.#startedAt! };
  }

  #faultOf(error: Error): NoAnswer {
    if (error instanceof NoAnswer) return error;
    if (this.#startedAt === undefined) return new NoAnswer("unreachable", false, `no connection to OCS: ${reasonOf(error)}`);
    return this.#status > 0 || !isCut(error)
      ? new NoAnswer("garbled", true, "what came back from OCS is not one whole HTTP answer")
      : new NoAnswer("cut", true, "the connection to OCS ended after the request was sent");
  }

  #finish(answer: RawAnswer | undefined, fault: NoAnswer | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    if (fault && this.#startedAt !== undefined) fault.waits = { queue: 0, ocs: performance.now() - this.#startedAt };
    this.settle(answer, fault);
  }
}

/** The engine names an unasked 100 Continue a socket error as well, with this message. */
const isCut = (error: Error): boolean =>
  error instanceof errors.SocketError ? error.message !== "bad response" : "syscall" in error || (error as NodeJS.ErrnoException).code === "ECONNRESET";

const reasonOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;
