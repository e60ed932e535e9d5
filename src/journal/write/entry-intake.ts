/** Gives entries their index, their time and the members that the journal adds, and puts them into a batch. */
import type { JournalNews } from "../journal.ts";
import type { Entry } from "../entry.ts";
import { writeLine } from "../entry-line.ts";
import { writeMicros } from "../time.ts";
import type { Batch } from "./batch.ts";
import { BelievedTime, type Believed } from "./clock/believed-time.ts";
import { isDoubtful } from "./clock/clock-trust.ts";
import { EntryClock, type Clocks, type Step } from "./clock/entry-clock.ts";
import type { OutageBuffer } from "./outage-buffer.ts";
import type { RecoveryScan } from "./recovery/recovery-scan.ts";

export type IntakeOptions = {
  readonly clocks: Clocks;
  /** The time of the previous run's last entry, in microseconds since 1970. */
  readonly newest: number | undefined;
  /** What the accepted entries say, on disk or not. */
  readonly trail: RecoveryScan;
  readonly known: RecoveryScan;
  readonly outage: OutageBuffer;
  readonly onNews: (news: JournalNews) => void;
};

export class EntryIntake {
  /** The next entry's index. */
  index: number;
  readonly #options: IntakeOptions;
  readonly #clock: EntryClock;
  readonly #time: BelievedTime;

  constructor(index: number, options: IntakeOptions) {
    const { clocks, newest, trail } = options;
    this.index = index;
    this.#options = options;
    this.#clock = new EntryClock(clocks, newest);
    this.#time = new BelievedTime({ clocks, trust: trail.clock, newest });
  }

  /** Adds the entry after those that must precede it: a gap, the check values of index keys. */
  add(batch: Batch, entry: Entry): void {
    const { outage, trail } = this.#options;
    if (outage.hasLoss) this.put(batch, outage.gap());
    if (trail.keys.hasUnstated && !trail.keys.isStating(entry)) this.put(batch, trail.keys.statement());
    this.put(batch, entry);
  }

  put(batch: Batch, entry: Entry): void {
    const { trail, known } = this.#options;
    const micros = this.#clock.next((step) => this.#putStep(batch, step));
    const given = trail.given(entry, this.index, this.#believedNow);
    batch.add(given, writeLine(this.index, writeMicros(micros), given), micros);
    trail.accept(given);
    if (entry.kind === "clock") this.#time.note(entry);
    if (entry.kind === "config") for (const { revoked } of [trail, known]) revoked.trim(this.#believedNow);
    this.index++;
  }

  /** These entries are not on disk. */
  discard(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#options.trail.lost(entry);
      this.#options.outage.addFailed(entry, this.now());
    }
  }

  /** The time of the entries' clock, in microseconds since 1970. */
  now(): number {
    return this.#clock.wallTime();
  }

  get believed(): Believed {
    return this.#time.believed;
  }

  /** Milliseconds since 1970. */
  readonly #believedNow = (): number => this.believed.now / 1000;

  #putStep(batch: Batch, { from, to }: Step): void {
    const stepMs = Math.round((to - from) / 1000);
    this.put(batch, {
      kind: "clock",
      from: writeMicros(from),
      to: writeMicros(to),
      step_ms: stepMs,
      ...(isDoubtful({ from, to }) && { unconfirmed: true }),
    });
    this.#options.onNews({ kind: "clock", stepMs });
  }
}
