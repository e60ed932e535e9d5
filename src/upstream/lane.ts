/**
 * A lane: one persistent connection to OCS with one exchange at a time, and one tenant from connect to close.
 * HTTP/1.1 answers carry no id, so a late answer would meet the next request on its connection. Therefore the connection is destroyed at
 * the first anomaly: a timeout, a cut or surplus byte, an interim or unparseable answer.
 */
import { Client, type Dispatcher } from "undici";
import type { Socket } from "node:net";
import type { HeaderLine } from "../message.ts";
import { connectTo, Wire, type Endpoint } from "./endpoint.ts";
import { NoAnswer, type Request } from "./exchange.ts";

export type LaneOptions = {
  readonly endpoint: Endpoint;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly answerTimeout: () => number;
  readonly userAgent: string;
  /** Tenants take turns on one connection only when this is false. */
  readonly onePerTenant: boolean;
  /** Called when OCS, and not we, ended the connection. */
  readonly lost?: () => void;
  /** Called when what came may be the answer to another request; the connection is then destroyed. */
  readonly suspected?: (suspicion: Suspicion) => void;
};

export type LaneState =
  | { readonly name: "idle" } // no connection
  | { readonly name: "dialling"; readonly tenant: string }
  | { readonly name: "busy"; readonly tenant: string }
  | { readonly name: "ready"; readonly tenant: string };

/** `tenant`: whose connection it was. */
export type Suspicion = { readonly lane: string; readonly tenant: string | undefined; readonly what: string };

export type RawAnswer = { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: Uint8Array; readonly ms: number };

/** As long as Node's timers count: OCS's clients do not hang up. */
const FOR_EVER = 2_147_483_647;
const MAX_ANSWER = 4 * 1024 * 1024;
/** After a negative answer its connection is watched this long for bytes that do not belong to it. */
const QUARANTINE_MS = 50;
const ANSWER = "HTTP/";

export class Lane {
  readonly name: string;
  readonly #options: LaneOptions;
  readonly #headers: { readonly bare: string[]; readonly json: string[] };
  #client: Client | undefined;
  #wire: Wire | undefined;
  /** Under way, and its timer. */
  #exchange: Exchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timeout = 0;
  /** The last answer on this connection, if there was one. */
  #positive = true;
  #state: LaneState = { name: "idle" };
  #since = performance.now();

  constructor(name: string, options: LaneOptions) {
    this.name = name;
    this.#options = options;
    const agent = ["User-Agent", options.userAgent];
    this.#headers = { bare: agent, json: [...agent, "Content-type", "application/json"] };
  }

  get state(): LaneState {
    return this.#state;
  }

  /** The monotonic clock's milliseconds when it came into this state. */
  get since(): number {
    return this.#since;
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
    return new Promise((resolve, reject) => {
      // Bytes or an end that already wait on the connection are seen in this turn of the event loop and in the engine's own, before it writes.
      if (this.#wire) setImmediate(() => this.#dispatch(request, resolve, reject));
      else this.#dispatch(request, resolve, reject);
    });
  }

  /** After a negative answer. Resolves when the connection may carry another request, or is gone. */
  async quarantine(): Promise<void> {
    if (this.#client) await new Promise((resolve) => setTimeout(resolve, QUARANTINE_MS));
  }

  close(): void {
    const client = this.#client;
    this.#forget();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    client?.destroy().catch(() => undefined);
  }

  #dispatch(request: Request, resolve: (answer: RawAnswer) => void, reject: (fault: NoAnswer) => void): void {
    if (this.#options.onePerTenant && this.tenant !== undefined && this.tenant !== request.tenant) this.close();
    const client = (this.#client ??= this.#open());
    this.#become(this.#wire ? "busy" : "dialling", request.tenant);
    const exchange = new Exchange(request, {
      begun: () => {
        this.#become("busy", request.tenant);
        this.#await(exchange);
        return this.#wire!;
      },
      over: (answer, fault) => {
        if (this.#exchange === exchange) this.#exchange = undefined;
        this.#positive = answer?.status === 200;
        if (fault?.why === "garbled" && (!answer || this.#positive)) this.#suspect(fault.message);
        if (fault && this.#client === client) this.close();
        else if (this.#client === client) this.#become("ready", request.tenant);
        if (answer) resolve(answer);
        else reject(fault!);
      },
    });
    client.dispatch(this.#dispatchOptions(request), exchange);
  }

  #suspect(what: string): void {
    this.#options.suspected?.({ lane: this.name, tenant: this.tenant, what });
  }

  /** Nothing was asked. The rest of a negative answer may come late, because OCS announces some of those too short; a second answer is another thing. */
  #stray(chunk: Buffer): void {
    const isAnswer = chunk.toString("latin1", 0, ANSWER.length) === ANSWER;
    if (this.#positive || isAnswer) this.#suspect(isAnswer ? "OCS sent an answer while nothing was asked" : "OCS sent bytes while nothing was asked");
    this.close();
  }

  /** One timer for all exchanges of the lane: it is wound up again with each, and means nothing when it ends while none is under way. */
  #await(exchange: Exchange): void {
    this.#exchange = exchange;
    const timeout = this.#options.answerTimeout();
    if (this.#timer && timeout === this.#timeout) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#timeout = timeout;
    this.#timer = setTimeout(() => this.#exchange?.late(this.#timeout), timeout).unref();
  }

  #become(name: "dialling" | "busy" | "ready", tenant: string): void {
    if (this.#state.name === name && this.#state.tenant === tenant) return;
    this.#state = { name, tenant };
    this.#since = performance.now();
  }

  #forget(): void {
    this.#client = undefined;
    this.#wire = undefined;
    this.#state = { name: "idle" };
    this.#since = performance.now();
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
    this.#positive = true;
    this.#wire = new Wire(socket, (chunk) => this.#client === client && this.#stray(chunk));
    let theirs = false;
    socket.once("end", () => (theirs = true)).once("error", ({ code }: NodeJS.ErrnoException) => (theirs ||= code === "ECONNRESET"));
    socket.once("close", () => {
      if (this.#client !== client) return;
      if (this.#state.name === "ready") this.close();
      if (theirs) this.#options.lost?.();
    });
  }

  #dispatchOptions({ method, path, body }: Request): Dispatcher.DispatchOptions {
    return { method, path, headers: body === "" ? this.#headers.bare : this.#headers.json, body: body === "" ? null : body };
  }
}

type Ends = {
  /** Just before the first byte: the connection it leaves on. */
  readonly begun: () => Wire;
  /** Once. An answer, a fault, or both: then the answer counts, and its connection is not to be used again. */
  readonly over: (answer: RawAnswer | undefined, fault: NoAnswer | undefined) => void;
};

/** One request on the wire. What the engine tells in order is the proof of how far it got. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: Request;
  readonly #ends: Ends;
  #wire: Wire | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #startedAt = 0;
  #status = 0;
  readonly #headers: HeaderLine[] = [];
  /** The header block says where the body ends, other than by the end of the connection. */
  #framed = false;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(request: Request, ends: Ends) {
    this.#request = request;
    this.#ends = ends;
  }

  /** It has taken so many milliseconds, and its time is up. */
  late(timeout: number): void {
    this.#controller?.abort(new NoAnswer("no-answer", true, `OCS did not answer within ${timeout} ms`));
  }

  /** The engine calls this just before the first byte: an error that comes earlier proves that nothing was sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#request.hold?.stands() === false) return controller.abort(new NoAnswer("void", false, "no such record for this tenant"));
    this.#startedAt = performance.now();
    this.#controller = controller;
    this.#wire = this.#ends.begun();
    this.#wire.ask();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return controller.abort(garbled("OCS sent an interim answer that nobody asked for"));
    if (status !== 200 && (status < 400 || status > 599)) return controller.abort(garbled(`OCS does not answer with status ${status}`));
    this.#status = status;
    this.#framed = headers["content-length"] !== undefined || /^chunked$/i.test(String(headers["transfer-encoding"]));
    for (const name of Object.keys(headers)) {
      const value = headers[name]!;
      this.#headers.push([name, typeof value === "string" ? value : value.join(", ")]);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > MAX_ANSWER) return controller.abort(garbled("OCS's answer is larger than any that it documents"));
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const clean = this.#wire!.settle(this.#length);
    if (this.#needsBody && !this.#framed) return this.#finish(undefined, garbled("OCS's answer does not say where it ends"));
    if (this.#needsBody && this.#request.fits?.(this.#answer().body) === false) return this.#finish(undefined, garbled("OCS's answer is not the one that was asked for"));
    // OCS's positive answer to a POST has no body: with one it may be another request's answer, and its connection is not to be trusted.
    const odd = !clean || (this.#request.method === "POST" && this.#status === 200 && this.#length > 0);
    this.#finish(this.#answer(), odd ? garbled("more came from OCS than one answer in the shape of its request") : undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    // The outcome is the status: that is known once the header block is whole, also when the body's length lies.
    const known = this.#status !== 0 && !this.#needsBody;
    this.#finish(known ? this.#answer() : undefined, this.#faultOf(error));
  }

  /** Only a positive answer to a GET says what was asked for in its body. */
  get #needsBody(): boolean {
    return this.#request.method === "GET" && this.#status === 200;
  }

  #answer(): RawAnswer {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    return { status: this.#status, headers: this.#headers, body, ms: performance.now() - this.#startedAt };
  }

  #faultOf(error: Error): NoAnswer {
    if (error instanceof NoAnswer) return error;
    if (!this.#wire) return new NoAnswer("unreachable", false, `no connection to OCS: ${(error as NodeJS.ErrnoException).code ?? error.message}`);
    return this.#wire.received > 0 ? garbled("what came back from OCS is not one whole HTTP answer") : new NoAnswer("cut", true, "the connection to OCS ended after the request was sent");
  }

  #finish(answer: RawAnswer | undefined, fault: NoAnswer | undefined): void {
    if (fault && this.#wire) fault.waits = { queue: 0, ocs: performance.now() - this.#startedAt };
    this.#ends.over(answer, fault);
  }
}

const garbled = (detail: string): NoAnswer => new NoAnswer("garbled", true, detail);
