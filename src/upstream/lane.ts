/**
 * A lane: one persistent connection to OCS with one exchange at a time, and one tenant from connect to close.
 * HTTP/1.1 answers carry no id, so a late answer would meet the next request on its connection. Therefore the connection is destroyed at
 * the first anomaly: a timeout, a cut or surplus byte, an interim or unparseable answer. No client library is between: each forgives
 * something of that, and tells later than the wire does how far a request got.
 */
import { afterPoll } from "./after-poll.ts";
import type { Endpoint } from "./endpoint.ts";
import { NoAnswer, type Request, type Withdrawal } from "./exchange.ts";
import { withdrawal } from "./job.ts";
import { Pending, type End, type RawAnswer } from "./pending.ts";
import { Wire } from "./wire.ts";
import { reason } from "../system-error.ts";

export type LaneOptions = {
  readonly endpoint: Endpoint;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly answerTimeout: () => number;
  readonly userAgent: string;
  /** Tenants take turns on one connection only when this is false. */
  readonly onePerTenant: boolean;
  /** Called when a connection can carry a request: milliseconds that it took to make. */
  readonly connected?: (ms: number) => void;
  /** Called when the connection ended and not we have ended it: nothing tells an OCS that fell silent from one that has begun anew. */
  readonly lost?: () => void;
  /** Called when what came may be the answer to another request; the connection is then destroyed. */
  readonly suspected?: (suspicion: Suspicion) => void;
};

export type LaneState =
  | { readonly name: "idle" } // no connection
  | { readonly name: "connecting"; readonly tenant: string }
  | { readonly name: "busy"; readonly tenant: string }
  | { readonly name: "ready"; readonly tenant: string };

/** `tenant`: whose connection it was. */
export type Suspicion = { readonly lane: string; readonly tenant: string | undefined; readonly what: string };

/** After a negative answer its connection is watched this long for bytes that do not belong to it. */
const QUARANTINE_MS = 50;
const ANSWER = "HTTP/";
/** A connection that OCS says it will end is ended here before, so that no request meets its end. */
const BEFORE_ITS_END_MS = 1000;
/** Visible ASCII: whatever builds a path, nothing in it ends the request line. */
const PATH = /^\/[\x21-\x7e]*$/;

export class Lane {
  readonly name: string;
  readonly #options: LaneOptions;
  /** Behind the request line. OCS reads four headers, and those are what it gets. */
  readonly #headers: { readonly bare: string; readonly json: string };
  #wire: Wire | undefined;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #connectedAt = 0;
  #timeout = 0;
  #expiry: NodeJS.Timeout | undefined;
  /** The last answer on this connection, if there was one. */
  #positive = true;
  #state: LaneState = { name: "idle" };
  #since = performance.now();

  constructor(name: string, options: LaneOptions) {
    this.name = name;
    this.#options = options;
    const bare = ` HTTP/1.1\r\nHost: ${new URL(options.endpoint.origin).host}\r\nUser-Agent: ${options.userAgent}\r\n`;
    this.#headers = { bare, json: `${bare}Content-type: application/json\r\n` };
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

  /** When the present connection was made, in milliseconds of the monotonic clock; undefined without a connection. */
  get connectedAt(): number | undefined {
    return this.#wire?.isReady ? this.#connectedAt : undefined;
  }

  get endpoint(): string {
    return this.#options.endpoint.origin;
  }

  /** Rejects with NoAnswer, whose `sent` tells whether the request had begun to leave. The caller sees to one exchange at a time. */
  exchange(request: Request): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      if (!PATH.test(request.path)) return reject(unsent("the path has a character that no request line may have"));
      const pending = new Pending(request, resolve, reject);
      // Bytes or an end that already wait on the connection are seen before anything is written on it.
      if (this.#wire) afterPoll(() => this.#take(pending));
      else this.#take(pending);
    });
  }

  /** After a negative answer. Resolves when the connection may carry another request, or is gone. */
  async quarantine(): Promise<void> {
    if (this.#wire) await new Promise((resolve) => setTimeout(resolve, QUARANTINE_MS));
  }

  close(): void {
    const [wire, pending] = [this.#wire, this.#pending];
    this.#wire = this.#pending = undefined;
    this.#state = { name: "idle" };
    this.#since = performance.now();
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    this.#timer = this.#expiry = undefined;
    wire?.destroy();
    if (pending)
      settle(pending, pending.sent ? pending.cut() : { fault: unsent("the connection ended before the request left") });
  }

  #take(pending: Pending): void {
    const { tenant } = pending.request;
    if (this.#options.onePerTenant && this.tenant !== undefined && this.tenant !== tenant) this.close();
    this.#pending = pending;
    if (this.#wire) return this.#send(pending, this.#wire);
    this.#become("connecting", tenant);
    this.#positive = true;
    this.#wire = this.#dial(pending);
  }

  #dial(first: Pending): Wire {
    const wire: Wire = new Wire(this.#options.endpoint, {
      ready: () => {
        this.#connectedAt = performance.now();
        this.#options.connected?.(this.#connectedAt - this.#since);
        // As on a connection that stands: what OCS sends unasked, or an end, is seen before anything is written.
        afterPoll(() => this.#pending === first && this.#wire === wire && this.#send(first, wire));
      },
      failed: (error) => this.#over({ fault: unsent(reason(error)) }),
      took: (bytes) => this.#came(bytes, wire),
      gone: () => {
        this.#options.lost?.();
        if (this.#pending?.sent) this.#over(this.#pending.cut());
        this.close();
      },
    });
    return wire;
  }

  #send(pending: Pending, wire: Wire): void {
    clearTimeout(this.#expiry);
    const withdrawn = pending.request.withdrawn?.(true);
    if (withdrawn !== undefined) return this.#withdraw(pending, withdrawn);
    this.#become("busy", pending.request.tenant);
    this.#await();
    pending.begin();
    wire.write(this.#textOf(pending.request));
  }

  /** It may not be sent any more, and nothing of it has left: the connection is as good as before. */
  #withdraw(pending: Pending, why: Withdrawal): void {
    this.#pending = undefined;
    this.#become("ready", pending.request.tenant);
    settle(pending, { fault: withdrawal(why) });
  }

  #textOf({ method, path, body }: Request): string {
    if (body !== "")
      return `${method} ${path}${this.#headers.json}Content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return `${method} ${path}${this.#headers.bare}${method === "GET" ? "" : "Content-length: 0\r\n"}\r\n`;
  }

  /** One timer for all exchanges of the lane: it is wound up again with each, and means nothing when it ends while none is under way. */
  #await(): void {
    const timeout = this.#options.answerTimeout();
    if (this.#timer && timeout === this.#timeout) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#timeout = timeout;
    this.#timer = setTimeout(() => this.#pending && this.#over(this.#pending.late(timeout)), timeout).unref();
  }

  #came(bytes: Buffer, wire: Wire): void {
    if (!this.#pending?.sent) return this.#stray(bytes);
    const end = this.#pending.take(bytes, wire.isFlushed);
    if (end) this.#over(end);
  }

  /** Nothing was asked. The rest of a negative answer may come late, because OCS announces some of those too short; a second answer is another thing. */
  #stray(bytes: Buffer): void {
    const isAnswer = bytes.toString("latin1", 0, ANSWER.length) === ANSWER;
    if (this.#positive || isAnswer)
      this.#suspect(isAnswer ? "OCS sent an answer while nothing was asked" : "OCS sent bytes while nothing was asked");
    this.close();
  }

  #suspect(what: string): void {
    this.#options.suspected?.({ lane: this.name, tenant: this.tenant, what });
  }

  #over(end: End): void {
    const pending = this.#pending!;
    const { answer, fault } = end;
    this.#pending = undefined;
    this.#positive = answer?.status === 200;
    const suspected = fault?.why === "garbled" && (!answer || this.#positive);
    if (suspected) this.#suspect(fault.message);
    if (fault) this.close();
    else this.#rest(pending);
    settle(pending, suspected && answer ? { answer: { ...answer, suspected } } : end);
  }

  /** Ready for the next one, for as long as OCS says that it keeps the connection. */
  #rest({ request, keptFor }: Pending): void {
    this.#become("ready", request.tenant);
    if (keptFor === undefined) return;
    if (keptFor <= BEFORE_ITS_END_MS) this.close();
    else this.#expiry = setTimeout(() => this.#pending || this.close(), keptFor - BEFORE_ITS_END_MS).unref();
  }

  #become(name: "connecting" | "busy" | "ready", tenant: string): void {
    if (this.#state.name === name && this.#state.tenant === tenant) return;
    this.#state = { name, tenant };
    this.#since = performance.now();
  }
}

const unsent = (why: string): NoAnswer => new NoAnswer("unreachable", false, `no connection to OCS: ${why}`);

const settle = ({ resolve, reject }: Pending, { answer, fault }: End): void => {
  if (answer) resolve(answer);
  else reject(fault!);
};
