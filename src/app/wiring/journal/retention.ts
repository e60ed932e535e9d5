/**
 * What grows old in the journal's directory is looked at four times a day: segments, and checkpoints that are no longer needed one by one. What is
 * deleted cannot be got back, so nothing is deleted on one reading of a clock: only while the clock is believed (`clock-trust.ts`), only when the
 * gateway has run for an hour, and at each look only as many days of entries as have passed since the look before, and one.
 */
import { events } from "../events.ts";
import type { RetentionState } from "../console/retention.ts";
import { accountName } from "../journal/access.ts";
import type { Doubt } from "../journal/clock-trust.ts";
import { finishRetiring, NotYet, retire, type RetentionOptions } from "../journal/retention.ts";
import { thinCheckpoints } from "../journal/thinning.ts";
import { wallMicros, writeMicros } from "../journal/time.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";
import { faultInWords } from "../system-error.ts";

const HOUR_MS = 3_600_000;
const EVERY_MS = 6 * HOUR_MS;
const DAY_MS = 24 * HOUR_MS;
/** While what must be known for a deletion is not known. */
const AGAIN_MS = 10 * 60_000;

type Parts = Pick<RetentionOptions, "journal" | "checkpoints" | "openDoNotCalls"> & {
  /** Resolves with whether it is known which Do-Not-Calls are open. */
  readonly known: () => Promise<boolean>;
  /** Those in force. */
  readonly current: () => Settings;
  /** Runs it so many milliseconds later, and returns what prevents that. */
  readonly later?: (run: () => Promise<void>, ms: number) => () => void;
};

const byTimer: NonNullable<Parts["later"]> = (run, ms) => {
  const timer = setTimeout(() => void run(), ms).unref();
  return () => clearTimeout(timer);
};

export type Retention = {
  readonly state: () => RetentionState;
  /** Entries that this run deleted. */
  readonly deleted: () => number;
  /** Somebody says that the clock is right: resolves when that is on disk. What is due is deleted at the next look, however much it is. */
  readonly confirmClock: (user: string) => Promise<RetentionState>;
  /** In words, why nothing is deleted although it may be due. */
  readonly warnings: () => readonly string[];
};

export const startRetention = async (parts: Parts, stops: Stops): Promise<Retention> => {
  const retention = new Looks(parts);
  await finishRetiring(parts.journal);
  retention.lookAfter(Math.max(0, HOUR_MS - parts.journal.believed().ran));
  stops.push(() => retention.stop());
  return retention;
};

class Looks implements Retention {
  readonly #parts: Parts;
  /** Undefined once it was stopped. */
  #cancel: (() => void) | undefined = () => undefined;
  #turn: Promise<void> = Promise.resolve();
  /** On the monotonic clock since the journal was opened. */
  #lookedAt = 0;
  #nextAt = 0;
  #confirmed = false;
  #waits: string | undefined;
  #deleted = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  lookAfter(ms: number): void {
    this.#cancel?.();
    this.#nextAt = this.#ran() + ms;
    this.#cancel = (this.#parts.later ?? byTimer)(() => (this.#turn = this.#turn.then(() => this.#look())), ms);
  }

  stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    return this.#turn;
  }

  readonly state = (): RetentionState => {
    const { doubt } = this.#parts.journal.believed();
    return {
      clock: writeMicros(wallMicros()),
      believed: doubt === undefined,
      doubt: doubt ? { from: writeMicros(doubt.from), to: writeMicros(doubt.to) } : null,
      waits: doubt ? inWords(doubt) : (this.#waits ?? null),
      next_look: Math.max(0, Math.round(this.#nextAt - this.#ran())),
      entries: this.#parts.journal.status().size,
    };
  };

  readonly deleted = (): number => this.#deleted;

  readonly confirmClock = async (user: string): Promise<RetentionState> => {
    const { journal } = this.#parts;
    const { failed } = journal.status();
    if (failed !== undefined) throw new Error(failed);
    const now = writeMicros(wallMicros());
    await journal.append({ kind: "clock", from: now, to: now, step_ms: 0, confirmed_by: accountName(user) });
    this.#confirmed = true;
    this.lookAfter(Math.max(0, HOUR_MS - this.#ran()));
    return this.state();
  };

  readonly warnings = (): readonly string[] => {
    const { doubt } = this.#parts.journal.believed();
    const why = doubt ? inWords(doubt) : this.#waits;
    return why === undefined ? [] : [`retention waits: ${why}`];
  };

  #ran(): number {
    return this.#parts.journal.believed().ran;
  }

  async #look(): Promise<void> {
    const done = await this.#delete();
    if (this.#cancel) this.lookAfter(done ? EVERY_MS : AGAIN_MS);
  }

  /** Resolves with whether this look has done what it could; else it is made again soon. */
  async #delete(): Promise<boolean> {
    const { journal, known } = this.#parts;
    const { doubt } = journal.believed();
    if (doubt) {
      events.retentionFailed(inWords(doubt));
      return true;
    }
    if (!(await known())) {
      this.#waits =
        "it is not known which Do-Not-Calls are open, or more are open than are kept in memory, and none must be lost with its segment";
      return false;
    }
    try {
      await this.#deleteDue();
      this.#waits = undefined;
      return true;
    } catch (error) {
      this.#waits = faultInWords(error);
      events.retentionFailed(this.#waits);
      return !(error instanceof NotYet);
    }
  }

  async #deleteDue(): Promise<void> {
    const { journal, checkpoints, openDoNotCalls, current } = this.#parts;
    const { retention, legal_hold, checkpoint } = current().audit;
    const ran = this.#ran();
    const explained = DAY_MS + ran - this.#lookedAt;
    const now = (): number => journal.believed().now / 1000;
    const retired = await retire({
      journal,
      checkpoints,
      openDoNotCalls,
      keep: retention,
      holds: legal_hold,
      now,
      ...(!this.#confirmed && { most: explained }),
    });
    if (retired) {
      events.entriesRetired(retired.from, retired.to, retired.segments.length);
      this.#deleted += retired.to - retired.from;
    }
    await thinCheckpoints(journal, now(), this.#confirmed ? undefined : Math.ceil((2 * explained) / checkpoint.every));
    this.#confirmed = false;
    this.#lookedAt = ran;
  }
}

const inWords = ({ from, to }: Doubt): string =>
  `the clock went from ${writeMicros(from)} to ${writeMicros(to)} between two entries. If ${writeMicros(wallMicros())} is right, run: ocsgw audit retention --confirm-clock; else set the clock right`;
