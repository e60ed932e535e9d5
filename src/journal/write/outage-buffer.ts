/**
 * What the journal keeps and counts while it cannot be written: kept entries are written first after the outage, and a
 * `gap` states how many were lost.
 */
import { writeMicros } from "../time.ts";
import type { Entry, Gap, Intent, Outcome } from "../entry.ts";
import { beginsRequest, endsRequest, outageOf, type Outage } from "../kinds.ts";

/** refuse: an append fails, and its request is refused. continue: the request goes on without the journal. */
export type OnFailure = "refuse" | "continue";

/** The reply to a request whose intent was not acknowledged: HTTP status and code of the refusal. */
export type RefusalReply = Pick<Outcome, "status" | "code">;

export type OutageOptions = { readonly onFailure: OnFailure; readonly refusal: RefusalReply };

const TOO_MANY = "more refusals arrived at once than the journal could buffer";
/** More than the requests that can be in flight at a failure. */
const MOST_BUFFERED = 10_000;

/** `requests`: how many of them begin or end a request. */
type Lost = { readonly count: number; readonly requests: number; readonly from: string; readonly to: string };
const NOTHING: Lost = { count: 0, requests: 0, from: "", to: "" };

export class OutageBuffer {
  readonly #continues: boolean;
  readonly #refusal: RefusalReply;
  #lost = NOTHING;
  /** Why nothing can be written; undefined while the journal works. */
  #reason: string | undefined;
  #began = "";
  #buffered: Entry[] = [];
  /** Requests that went on without their intent: an outcome alone would be useless. */
  readonly #unrecorded = new Set<string>();
  /** How many of a gap's lost entries begin or end a request: the gap may have to be written again. */
  readonly #requestsIn = new WeakMap<Gap, number>();

  constructor({ onFailure, refusal }: OutageOptions) {
    this.#continues = onFailure === "continue";
    this.#refusal = refusal;
  }

  /** Entries that were lost since the last `gap`. */
  get lost(): number {
    return this.#lost.count;
  }

  /** Those of them that begin or end a request. */
  get lostRequests(): number {
    return this.#lost.requests;
  }

  get buffered(): number {
    return this.#buffered.length;
  }

  /** From now on nothing can be written. */
  begin(reason: string, micros: number): void {
    this.#reason = reason;
    this.#began = writeMicros(micros);
  }

  /** An entry that did not reach the disk. */
  addFailed(entry: Entry, micros: number): void {
    if (entry.kind === "gap") return this.#remember(entry);
    if (this.isLost(entry)) return this.countLoss(entry, micros);
    if (handlingOf(entry) === "reported") {
      if (!this.#continues) return;
      if (beginsRequest(entry)) this.#unrecorded.add(entry.id);
      this.countLoss(entry, micros);
    } else if (handlingOf(entry) === "counted" || this.#buffered.length >= MOST_BUFFERED) this.countLoss(entry, micros);
    else this.#buffered.push(entry);
  }

  /** An entry that is on disk although its append was rejected. Nothing of its request was sent. */
  addWritten(entry: Entry): void {
    if (entry.kind === "intent" && !this.#continues) this.#buffered.push(notSent(entry, this.#refusal));
  }

  /** Whether this ends a request that went on without its intent. True once per request. */
  isLost(entry: Entry): boolean {
    return this.#unrecorded.size > 0 && endsRequest(entry) && this.#unrecorded.delete(entry.id);
  }

  countLoss(entry: Entry, micros: number): void {
    const now = writeMicros(micros);
    const { count, requests, from } = this.#lost;
    const isOfRequest = beginsRequest(entry) || endsRequest(entry);
    this.#lost = { count: count + 1, requests: requests + (isOfRequest ? 1 : 0), from: from || now, to: now };
  }

  /** Whether there is a loss to state. */
  get hasLoss(): boolean {
    return this.#lost.count > 0;
  }

  /** The loss as an entry; it then counts as stated. */
  gap(): Gap {
    const { count, requests, from, to } = this.#lost;
    const reason = this.#reason === undefined ? TOO_MANY : cannot(this.#reason);
    this.#lost = NOTHING;
    this.#reason = undefined;
    return this.#counted({ kind: "gap", reason, from, to, lost: count }, requests);
  }

  /**
   * The entries to write first after the outage: the gap, then the buffered ones. If one fails again, pass it to
   * `addFailed`.
   */
  takeBuffered(micros: number): Entry[] {
    const buffered = this.#buffered.filter((entry) => !this.#drops(entry, micros));
    this.#buffered = [];
    const gap: Gap = {
      kind: "gap",
      reason: cannot(this.#reason),
      from: this.#began,
      to: writeMicros(micros),
      lost: this.#lost.count,
    };
    this.#counted(gap, this.#lost.requests);
    this.#lost = NOTHING;
    return [gap, ...buffered];
  }

  /** The journal can be written again. Returns the entries that arrived after `takeBuffered`. */
  end(): Entry[] {
    const buffered = this.#buffered;
    this.#buffered = [];
    if (this.#lost.count === 0) this.#reason = undefined;
    return buffered;
  }

  /** Only now is it known which intents of the failed batch are on disk. */
  #drops(entry: Entry, micros: number): boolean {
    const dropped = this.isLost(entry);
    if (dropped) this.countLoss(entry, micros);
    return dropped;
  }

  #remember(gap: Gap): void {
    const { lost = 0, from } = gap;
    const { count, requests, to } = this.#lost;
    this.#lost = { count: count + lost, requests: requests + (this.#requestsIn.get(gap) ?? 0), from, to: to || from };
  }

  #counted(gap: Gap, requests: number): Gap {
    this.#requestsIn.set(gap, requests);
    return gap;
  }
}

const cannot = (reason = ""): string => `the journal could not be written: ${reason}`;

/** A reinstatement that was reported as failed must not take effect later. */
const handlingOf = (entry: Entry): Outage =>
  entry.kind === "config" && entry.change === "lifted" ? "reported" : outageOf(entry.kind);

const notSent = ({ id }: Intent, { status, code }: RefusalReply): Outcome => ({
  kind: "outcome",
  id,
  delivery: "not-sent",
  origin: "gateway",
  status,
  code,
  warning: null,
  waits: { queue_ms: 0, ocs_ms: 0, total_ms: 0 },
  lane: null,
  endpoint: null,
});
