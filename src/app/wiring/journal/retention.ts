/**
 * Deletes old segments, and checkpoints that are no longer needed individually, four times a day. Deletion cannot be
 * undone, so one clock reading is not enough: the gateway deletes only while the clock is trusted (`clock-trust.ts`)
 * and once it has run for an hour, and each run deletes at most as many days of entries as have passed since the last
 * run, plus one.
 */
import { setTimeout as pass } from "node:timers/promises";
import { events } from "../../../common/log/events.ts";
import type { RetentionState } from "../../../admin/api/retention.ts";
import { accountName } from "../../../journal/access.ts";
import type { Doubt } from "../../../journal/write/clock/clock-trust.ts";
import { isDamage, DeletionDelayed, type RetentionOptions } from "../../../journal/segments/retention/due-segments.ts";
import { finishRemainders, leaveRemainders } from "../../../journal/segments/retention/remainder.ts";
import { finishDeleting, deleteExpired } from "../../../journal/segments/retention/retention.ts";
import { pruneCheckpoints } from "../../../journal/integrity/checkpoints/prune-checkpoints.ts";
import { wallMicros, writeMicros } from "../../../journal/time.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { faultInWords } from "../../../common/system-error.ts";

const HOUR_MS = 3_600_000;
const EVERY_MS = 6 * HOUR_MS;
const DAY_MS = 24 * HOUR_MS;
/** Delay before the next attempt while a fact needed for deletion is unknown. */
const RETRY_MS = 10 * 60_000;
/** Milliseconds of rest for each millisecond of rewriting segments. */
const REST = 9;

type Parts = Pick<RetentionOptions, "journal" | "checkpoints" | "openDoNotCalls"> & {
  /** Resolves to whether the open Do-Not-Calls are known. */
  readonly known: () => Promise<boolean>;
  /** The settings in force. */
  readonly current: () => Settings;
  /** Calls the function after this many milliseconds; returns a function that cancels the call. */
  readonly later?: (run: () => Promise<void>, ms: number) => () => void;
};

const byTimer: NonNullable<Parts["later"]> = (run, ms) => {
  const timer = setTimeout(() => void run(), ms).unref();
  return () => clearTimeout(timer);
};

export type Retention = {
  readonly state: () => RetentionState;
  /** Number of entries that this process deleted. */
  readonly deleted: () => number;
  /**
   * An operator confirms that the clock is right. Resolves when the confirmation is on disk. The next run then deletes
   * everything that is due.
   */
  readonly confirmClock: (user: string) => Promise<RetentionState>;
  /** Why nothing is deleted although entries may be due. */
  readonly warnings: () => readonly string[];
};

/** First completes deletions that an earlier run journaled but did not finish. */
export const startRetention = async (parts: Parts, stops: ShutdownSteps): Promise<Retention> => {
  const retention = new RetentionSchedule(parts);
  await finishDeleting(parts.journal, parts.current().audit.legal_hold);
  retention.runAfter(Math.max(0, HOUR_MS - parts.journal.believed().ran));
  stops.push(() => retention.stop());
  return retention;
};

class RetentionSchedule implements Retention {
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  /** Undefined after `stop`. */
  #cancel: (() => void) | undefined = () => undefined;
  #turn: Promise<void> = Promise.resolve();
  /** Milliseconds since the journal was opened, monotonic. */
  #lastRunAt = 0;
  #nextAt = 0;
  #confirmed = false;
  #waits: string | undefined;
  #deleted = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  runAfter(ms: number): void {
    this.#cancel?.();
    this.#nextAt = this.#uptime() + ms;
    this.#cancel = (this.#parts.later ?? byTimer)(() => (this.#turn = this.#turn.then(() => this.#run())), ms);
  }

  stop(): Promise<void> {
    this.#stopping.abort();
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
      next_look: Math.max(0, Math.round(this.#nextAt - this.#uptime())),
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
    this.runAfter(Math.max(0, HOUR_MS - this.#uptime()));
    return this.state();
  };

  readonly warnings = (): readonly string[] => {
    const { doubt } = this.#parts.journal.believed();
    const why = doubt ? inWords(doubt) : this.#waits;
    return why === undefined ? [] : [`retention waits: ${why}`];
  };

  #uptime(): number {
    return this.#parts.journal.believed().ran;
  }

  async #run(): Promise<void> {
    const done = await this.#delete();
    if (this.#cancel) this.runAfter(done ? EVERY_MS : RETRY_MS);
  }

  /** Resolves to whether this run is complete; if not, it is repeated soon. */
  async #delete(): Promise<boolean> {
    const { journal, known } = this.#parts;
    const { doubt } = journal.believed();
    if (doubt) {
      events.retentionFailed({ reason: inWords(doubt) });
      return true;
    }
    if (!(await known())) {
      this.#waits =
        "the open Do-Not-Calls are unknown or too many to keep in memory, so deleting a segment could lose one";
      return false;
    }
    try {
      await this.#deleteDue();
      this.#waits = undefined;
      return true;
    } catch (error) {
      this.#waits = faultInWords(error);
      // It passes by itself, and nobody has to do anything about it.
      if (error instanceof DeletionDelayed) return false;
      events.retentionFailed({ reason: this.#waits });
      return true;
    }
  }

  async #deleteDue(): Promise<void> {
    const { journal, checkpoints, openDoNotCalls, current } = this.#parts;
    const { retention, legal_hold, checkpoint } = current().audit;
    const ran = this.#uptime();
    const explained = DAY_MS + ran - this.#lastRunAt;
    const now = (): number => journal.believed().now / 1000;
    const { signal } = this.#stopping;
    const options = {
      journal,
      checkpoints,
      openDoNotCalls,
      keep: retention,
      holds: legal_hold,
      now,
      isStopped: () => signal.aborted,
      pause: (tookMs: number): Promise<void> =>
        pass(REST * tookMs, undefined, { signal, ref: false }).catch(() => undefined),
      ...(!this.#confirmed && { most: explained }),
    };
    // A damaged segment keeps no older one from being deleted.
    const damage = await finishRemainders(options).catch((error: unknown) => {
      if (!isDamage(error)) throw error;
      return error;
    });
    const retired = await deleteExpired(options);
    if (retired) {
      events.entriesDeleted({ from: retired.from, to: retired.to, segments: retired.segments.length });
      this.#deleted += retired.to - retired.from;
    }
    if (damage !== undefined) throw damage as Error;
    const left = await leaveRemainders(options);
    if (left) {
      events.entriesDeletedByKind({ entries: left.entries, segments: left.segments });
      this.#deleted += left.entries;
    }
    await pruneCheckpoints(journal, now(), this.#confirmed ? undefined : Math.ceil((2 * explained) / checkpoint.every));
    this.#confirmed = false;
    this.#lastRunAt = ran;
  }
}

const inWords = ({ from, to }: Doubt): string =>
  `the clock jumped from ${writeMicros(from)} to ${writeMicros(to)} between two entries. If ` +
  `${writeMicros(wallMicros())} is correct, run: ocsgw audit retention -c FILE --confirm-clock; otherwise set the ` +
  "clock";
