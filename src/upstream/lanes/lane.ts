/**
 * A lane: one persistent connection to OCS, with one exchange at a time and one tenant from connect to close. HTTP/1.1
 * answers have no id, so a late answer would be mistaken for that of the next request on its connection. Therefore the
 * lane closes the connection at the first anomaly: a timeout, a missing or surplus byte, an interim or malformed
 * answer. It uses no HTTP client library, because each tolerates some of these and does not report how far a request
 * got.
 */
import { afterPoll } from "./after-poll.ts";
import type { Endpoint } from "./endpoint.ts";
import { UpstreamError, type Request, type Withdrawal } from "../types.ts";
import { withdrawn as withdrawnError } from "../upstream-errors.ts";
import { InFlight, type ExchangeEnd, type RawAnswer } from "./in-flight.ts";
import { Connection, type Ends } from "./connection.ts";
import { reason } from "../../common/system-error.ts";

export type LaneOptions = {
  readonly endpoint: Endpoint;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly answerTimeout: () => number;
  readonly userAgent: string;
  /** False: tenants share a connection. */
  readonly onePerTenant: boolean;
  /** Called with the milliseconds that a new connection took. */
  readonly onConnected?: (ms: number) => void;
  /** Called when the connection was not closed by the lane itself: OCS may have restarted. */
  readonly onLost?: () => void;
  /** Called before a request is written to its connection. */
  readonly onSent?: ((request: Request, ends: Ends | undefined) => void) | undefined;
  /** Called when bytes from OCS may belong to another request; the connection is then closed. */
  readonly onSuspicion?: (suspicion: Suspicion) => void;
};

export type LaneState =
  | { readonly name: "idle" } // no connection
  | { readonly name: "connecting"; readonly tenant: string }
  | { readonly name: "busy"; readonly tenant: string }
  | { readonly name: "ready"; readonly tenant: string };

/** `tenant`: the tenant of the connection. */
export type Suspicion = { readonly lane: string; readonly tenant: string | undefined; readonly what: string };

/** After a negative answer the connection is watched this long for surplus bytes before it is used again. */
const QUARANTINE_MS = 50;
const ANSWER = "HTTP/";
/** The gateway closes a connection this long before OCS does, so that no request is lost. */
const BEFORE_CLOSE_MS = 1000;
/** Visible ASCII, so that no path can end the request line. */
const PATH = /^\/[\x21-\x7e]*$/;

export class Lane {
  readonly name: string;
  readonly #options: LaneOptions;
  /** The rest of the request line and the headers: exactly the four that OCS reads. */
  readonly #headers: { readonly bare: string; readonly json: string };
  #connection: Connection | undefined;
  #inFlight: InFlight | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  #connectedAt = 0;
  #answerTimeout = 0;
  #keepAliveTimer: NodeJS.Timeout | undefined;
  /** True if the last answer on this connection was positive, or if there was none. */
  #lastWasPositive = true;
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

  /** When the lane entered its state, in milliseconds of the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /** The tenant of the current connection. */
  get tenant(): string | undefined {
    return this.#state.name === "idle" ? undefined : this.#state.tenant;
  }

  /** When the current connection was made, in milliseconds of the monotonic clock; undefined without a connection. */
  get connectedAt(): number | undefined {
    return this.#connection?.isReady ? this.#connectedAt : undefined;
  }

  /** The request that is being sent or answered. */
  get request(): Request | undefined {
    return this.#inFlight?.request;
  }

  get endpoint(): string {
    return this.#options.endpoint.origin;
  }

  /** Rejects with UpstreamError. The caller must not start another exchange before this one has ended. */
  exchange(request: Request): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      if (!PATH.test(request.path))
        return reject(unsent("the path has a character that is not allowed in a request line"));
      const inFlight = new InFlight(request, resolve, reject);
      // First reads bytes or a FIN that have arrived already.
      if (this.#connection) afterPoll(() => this.#start(inFlight));
      else this.#start(inFlight);
    });
  }

  /** After a negative answer: resolves when the connection may be used again, or is closed. */
  async quarantine(): Promise<void> {
    if (this.#connection) await new Promise((resolve) => setTimeout(resolve, QUARANTINE_MS));
  }

  close(): void {
    const [connection, inFlight] = [this.#connection, this.#inFlight];
    this.#connection = this.#inFlight = undefined;
    this.#state = { name: "idle" };
    this.#since = performance.now();
    clearTimeout(this.#answerTimer);
    clearTimeout(this.#keepAliveTimer);
    this.#answerTimer = this.#keepAliveTimer = undefined;
    connection?.destroy();
    if (inFlight)
      settleExchange(
        inFlight,
        inFlight.sent ? inFlight.connectionLost() : { fault: unsent("the connection ended before the request left") },
      );
  }

  #start(inFlight: InFlight): void {
    const { tenant } = inFlight.request;
    if (this.#options.onePerTenant && this.tenant !== undefined && this.tenant !== tenant) this.close();
    this.#inFlight = inFlight;
    if (this.#connection) return this.#send(inFlight, this.#connection);
    this.#setState("connecting", tenant);
    this.#lastWasPositive = true;
    this.#connection = this.#connect(inFlight);
  }

  #connect(first: InFlight): Connection {
    const connection: Connection = new Connection(this.#options.endpoint, {
      onReady: () => {
        this.#connectedAt = performance.now();
        this.#options.onConnected?.(this.#connectedAt - this.#since);
        // As in `exchange`, first reads bytes or a FIN that have arrived already.
        afterPoll(() => this.#inFlight === first && this.#connection === connection && this.#send(first, connection));
      },
      onFailed: (error) => this.#finish({ fault: unsent(reason(error)) }),
      onBytes: (bytes) => this.#receive(bytes, connection),
      onEnd: () => {
        this.#options.onLost?.();
        if (this.#inFlight?.sent) this.#finish(this.#inFlight.connectionLost());
        this.close();
      },
    });
    return connection;
  }

  #send(inFlight: InFlight, connection: Connection): void {
    clearTimeout(this.#keepAliveTimer);
    const withdrawn = inFlight.request.withdrawn?.(true);
    if (withdrawn !== undefined) return this.#withdraw(inFlight, withdrawn);
    this.#setState("busy", inFlight.request.tenant);
    this.#startAnswerTimer();
    inFlight.markSent();
    this.#options.onSent?.(inFlight.request, connection.ends);
    connection.write(this.#textOf(inFlight.request));
  }

  /** Ends a request that must not be sent any more. No byte of it was sent, so the connection stays usable. */
  #withdraw(inFlight: InFlight, why: Withdrawal): void {
    this.#inFlight = undefined;
    this.#setState("ready", inFlight.request.tenant);
    settleExchange(inFlight, { fault: withdrawnError(why) });
  }

  #textOf({ method, path, body }: Request): string {
    if (body !== "")
      return `${method} ${path}${this.#headers.json}Content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return `${method} ${path}${this.#headers.bare}${method === "GET" ? "" : "Content-length: 0\r\n"}\r\n`;
  }

  /** One timer for all exchanges of the lane: each refreshes it, and it is ignored if no request is in flight. */
  #startAnswerTimer(): void {
    const timeout = this.#options.answerTimeout();
    if (this.#answerTimer && timeout === this.#answerTimeout) return void this.#answerTimer.refresh();
    clearTimeout(this.#answerTimer);
    this.#answerTimeout = timeout;
    this.#answerTimer = setTimeout(
      () => this.#inFlight && this.#finish(this.#inFlight.timedOut(timeout)),
      timeout,
    ).unref();
  }

  #receive(bytes: Buffer, connection: Connection): void {
    if (!this.#inFlight?.sent) return this.#receiveUnasked(bytes);
    const end = this.#inFlight.receive(bytes, connection.isFlushed);
    if (end) this.#finish(end);
  }

  /**
   * Handles bytes without a request. After a negative answer they may be its rest, because OCS announces some too
   * short. A second answer is suspect.
   */
  #receiveUnasked(bytes: Buffer): void {
    const isAnswer = bytes.toString("latin1", 0, ANSWER.length) === ANSWER;
    if (this.#lastWasPositive || isAnswer)
      this.#reportSuspicion(
        `OCS sent ${isAnswer ? "an answer" : "data"} while no request was in flight; the connection was closed`,
      );
    this.close();
  }

  #reportSuspicion(what: string): void {
    this.#options.onSuspicion?.({ lane: this.name, tenant: this.tenant, what });
  }

  #finish(end: ExchangeEnd): void {
    const inFlight = this.#inFlight!;
    const { answer, fault } = end;
    this.#inFlight = undefined;
    this.#lastWasPositive = answer?.status === 200;
    const suspected = fault?.reason === "malformed-response" && (!answer || this.#lastWasPositive);
    if (suspected) this.#reportSuspicion(fault.message);
    if (fault) this.close();
    else this.#becomeReady(inFlight);
    settleExchange(inFlight, suspected && answer ? { answer: { ...answer, suspected } } : end);
  }

  /** Makes the lane ready for the next request, at most until shortly before OCS closes the connection. */
  #becomeReady({ request, keepAliveMs }: InFlight): void {
    this.#setState("ready", request.tenant);
    if (keepAliveMs === undefined) return;
    if (keepAliveMs <= BEFORE_CLOSE_MS) this.close();
    else this.#keepAliveTimer = setTimeout(() => this.#inFlight || this.close(), keepAliveMs - BEFORE_CLOSE_MS).unref();
  }

  #setState(name: "connecting" | "busy" | "ready", tenant: string): void {
    if (this.#state.name === name && this.#state.tenant === tenant) return;
    this.#state = { name, tenant };
    this.#since = performance.now();
  }
}

const unsent = (why: string): UpstreamError => new UpstreamError("unreachable", false, `no connection to OCS: ${why}`);

const settleExchange = ({ resolve, reject }: InFlight, { answer, fault }: ExchangeEnd): void => {
  if (answer) resolve(answer);
  else reject(fault!);
};
