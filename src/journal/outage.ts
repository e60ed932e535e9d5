/** What is owed to the journal while it cannot be written, and what is lost to it: counted, told in a `gap` and written first when it can be again. */
import { writeMicros } from "./time.ts";
import type { Abandoned, Entry, Gap, Intent, Outcome } from "./entry.ts";

/** refuse: who could not append is told so, and does not go on. continue: goes on without the journal. */
export type OnFailure = "refuse" | "continue";

const TOO_MANY = "more refusals came at once than the journal could take";
/** The outcomes of what was under way at the failure are fewer. */
const MOST_OWED = 10_000;

type Lost = { readonly count: number; readonly from: string; readonly to: string };
const NOTHING: Lost = { count: 0, from: "", to: "" };

export class Outage {
  readonly #goesOn: boolean;
  #lost = NOTHING;
  /** Why nothing can be written; undefined while all is well. */
  #reason: string | undefined;
  #began = "";
  #owed: Entry[] = [];
  /** Requests that went on without their intent: their outcomes are no use without it. */
  readonly #unrecorded = new Set<string>();

  constructor(onFailure: OnFailure) {
    this.#goesOn = onFailure === "continue";
  }

  /** Entries that were lost since the last `gap`. */
  get lost(): number {
    return this.#lost.count;
  }

  get owed(): number {
    return this.#owed.length;
  }

  /** Nothing can be written from now on. */
  begin(reason: string, micros: number): void {
    this.#reason = reason;
    this.#began = writeMicros(micros);
  }

  /** An entry that did not get to the disk. */
  miss(entry: Entry, micros: number): void {
    if (entry.kind === "gap") return this.#remember(entry);
    if (this.isLost(entry)) return this.lose(micros);
    if (entry.kind === "intent") {
      if (!this.#goesOn) return;
      this.#unrecorded.add(entry.id);
      this.lose(micros);
    } else if (entry.kind === "refusal" || this.#owed.length >= MOST_OWED) this.lose(micros);
    else if (isEnd(entry) || isNews(entry)) this.#owed.push(entry);
    else if (this.#goesOn) this.lose(micros);
  }

  /** An entry that is on disk, although who appended it was told that it is not. Nothing of that request was sent. */
  found(entry: Entry): void {
    if (entry.kind === "intent" && !this.#goesOn) this.#owed.push(notSent(entry));
  }

  /** The end of a request that went on without its intent. Asked once. */
  isLost(entry: Entry): boolean {
    return this.#unrecorded.size > 0 && isEnd(entry) && this.#unrecorded.delete(entry.id);
  }

  lose(micros: number): void {
    const now = writeMicros(micros);
    this.#lost = { count: this.#lost.count + 1, from: this.#lost.from || now, to: now };
  }

  /** Whether there is a loss to tell. */
  get tells(): boolean {
    return this.#lost.count > 0;
  }

  /** The loss as an entry, which is thereby told. */
  gap(): Gap {
    const { count, from, to } = this.#lost;
    const reason = this.#reason === undefined ? TOO_MANY : cannot(this.#reason);
    this.#lost = NOTHING;
    this.#reason = undefined;
    return { kind: "gap", reason, from, to, lost: count };
  }

  /** What is to be written first now that it can be: the gap, then what is owed. What fails again comes back by `miss`. */
  settle(micros: number): Entry[] {
    const owed = this.#owed.filter((entry) => !this.#drops(entry, micros));
    this.#owed = [];
    const gap: Gap = {
      kind: "gap",
      reason: cannot(this.#reason),
      from: this.#began,
      to: writeMicros(micros),
      lost: this.#lost.count,
    };
    this.#lost = NOTHING;
    return [gap, ...owed];
  }

  /** The journal is written again. What came after `settle` is left to be written. */
  end(): Entry[] {
    const owed = this.#owed;
    this.#owed = [];
    if (this.#lost.count === 0) this.#reason = undefined;
    return owed;
  }

  /** Only now it is known which intents of the group that failed are on disk. */
  #drops(entry: Entry, micros: number): boolean {
    const dropped = this.isLost(entry);
    if (dropped) this.lose(micros);
    return dropped;
  }

  #remember({ lost = 0, from }: Gap): void {
    this.#lost = { count: this.#lost.count + lost, from, to: this.#lost.to || from };
  }
}

const cannot = (reason = ""): string => `the journal could not be written: ${reason}`;

const isEnd = (entry: Entry): entry is Outcome | Abandoned => entry.kind === "outcome" || entry.kind === "abandoned";

/** Noted by the way, few, and worth keeping. A lifting that was told as not done must not come true later. */
const isNews = (entry: Entry): boolean =>
  (entry.kind === "config" && entry.change !== "lifted") ||
  entry.kind === "switchover" ||
  entry.kind === "alarm" ||
  entry.kind === "flood" ||
  entry.kind === "clock";

const notSent = ({ id }: Intent): Outcome => ({
  kind: "outcome",
  id,
  delivery: "not-sent",
  origin: "gateway",
  status: 503,
  code: "OCSGW-5101",
  warning: null,
  waits: { queue_ms: 0, ocs_ms: 0, total_ms: 0 },
  lane: null,
  endpoint: null,
});
