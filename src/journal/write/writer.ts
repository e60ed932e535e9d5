/**
 * Waiting entries share one write and one flush, while the next batch fills. After a disk error the writer acknowledges
 * nothing until it has read back what the error left on disk, cut the torn end, and begun a new segment with what the
 * outage buffer kept. `writer-state.ts` has the states.
 */
import type { Head, Journal, JournalStatus, LastDeleted } from "../journal.ts";
import type { SetAsideRange } from "../segments/set-aside-ranges.ts";
import type { Believed } from "./clock/believed-time.ts";
import { isTimeout, withTimeout } from "../../common/timeout.ts";
import { JournalUnavailable, reasonOf } from "../errors.ts";
import type { Disk } from "../disk.ts";
import type { Entry } from "../entry.ts";
import { GroupCommit } from "./group-commit.ts";
import { Batch } from "./batch.ts";
import { BatchWriter, type BatchWriterOptions } from "./batch-writer.ts";
import { EntryIntake, type IntakeOptions } from "./entry-intake.ts";
import type { Lock } from "../lock/lock.ts";
import { OutageBuffer, type OutageOptions } from "./outage-buffer.ts";
import { segmentName } from "../paths.ts";
import { PlaceWatch } from "./place-watch.ts";
import type { KeyRegister } from "../integrity/key-checks.ts";
import type { OpenedFrom, Recovered } from "./recovery/recover.ts";
import type { RevokedSet } from "../revocations/revoked-set.ts";
import { WriterStates } from "./writer-state.ts";

type WriterOptions = Recovered &
  BatchWriterOptions &
  OutageOptions &
  Pick<IntakeOptions, "clocks" | "newest" | "onNews"> & {
    readonly dir: string;
    readonly disk: Disk;
    readonly lock: Lock;
  };

const NOTE_DELAY_MS = 100;
const NOTED_BYTES = 4 << 20;
const RETRY_MS = { first: 100, longest: 1000 };
const DONE = Promise.resolve();

export class JournalWriter implements Journal {
  readonly dir: string;
  readonly disk: Disk;
  readonly unsettled: ReadonlyMap<string, number>;
  readonly keys: KeyRegister;
  readonly revoked: RevokedSet;
  readonly openedFrom: OpenedFrom;
  readonly #options: WriterOptions;
  readonly #states = new WriterStates();
  readonly #intake: EntryIntake;
  readonly #writer: BatchWriter;
  readonly #groupCommit: GroupCommit;
  readonly #outage: OutageBuffer;
  readonly #place: PlaceWatch;
  #filling = new Batch();
  /** The batch that is being written, or whose fate an error left unknown; otherwise empty. */
  #inFlight = new Batch();
  /** A batch is to be written as soon as no other write is running. */
  #isFlushRequested = false;
  #noteTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closing: Promise<void> | undefined;

  constructor(options: WriterOptions) {
    const { dir, disk, trail, openedFrom, clocks, tree } = options;
    this.#options = options;
    [this.dir, this.disk, this.openedFrom] = [dir, disk, openedFrom];
    [this.unsettled, this.keys, this.revoked] = [trail.open, trail.keys, trail.revoked];
    this.#outage = new OutageBuffer(options);
    this.#writer = new BatchWriter(options);
    this.#intake = new EntryIntake(tree.size(), { ...options, known: this.#writer.known, outage: this.#outage });
    this.#groupCommit = new GroupCommit(clocks.steady);
    this.#place = new PlaceWatch({
      ...options,
      isTaking: () => !this.#states.why,
      fail: (error) => void (this.#closing ?? this.#fail(error)),
    });
  }

  readonly append = (entry: Entry): Promise<void> => {
    const { why } = this.#states;
    if (why) {
      this.#outage.addFailed(entry, this.#intake.now());
      return this.#options.onFailure === "continue" && !this.#closing ? DONE : Promise.reject(why);
    }
    if (this.#outage.isLost(entry)) {
      this.#outage.countLoss(entry, this.#intake.now());
      return DONE;
    }
    try {
      this.#intake.add(this.#filling, entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    this.#requestFlush();
    return this.#filling.done;
  };

  readonly note = (entry: Entry): void => {
    if (this.#states.why) return this.#outage.addFailed(entry, this.#intake.now());
    if (this.#filling.length >= NOTED_BYTES) return this.#outage.countLoss(entry, this.#intake.now());
    this.#intake.add(this.#filling, entry);
    this.#noteTimer ??= setTimeout(() => this.#requestFlush(), NOTE_DELAY_MS);
  };

  readonly status = (): JournalStatus => {
    const { segments, torn } = this.#options;
    const waiting = this.#intake.index - this.#writer.size;
    const { since } = this.#states.underWay ? this.#inFlight : this.#filling;
    return {
      size: this.#writer.size,
      segment: segments.first === undefined ? undefined : segmentName(segments.first),
      bytes: segments.bytes,
      failed: this.#states.why?.message,
      failures: this.#failures,
      waiting,
      lag: waiting === 0 ? 0 : Math.max(0, (this.#intake.now() - since) / 1000),
      lost: this.#outage.lost,
      lost_requests: this.#outage.lostRequests,
      buffered: this.#outage.buffered,
      torn,
    };
  };

  readonly setAsideRanges = (): readonly SetAsideRange[] => this.#writer.known.setAsideRanges.all();

  readonly lastDeleted = (): LastDeleted | undefined => {
    const { deleted: entry, deletedBy: by } = this.#writer.known;
    return entry && { entry, by };
  };

  readonly believed = (): Believed => this.#intake.believed;

  readonly head = async (stateFor?: string): Promise<Head> => {
    this.#states.requireTaking();
    if (this.#filling.length > 0) {
      this.#requestFlush();
      await this.#filling.done;
    }
    while (this.#states.current.name === "writing") await this.#states.underWay;
    this.#states.requireTaking();
    const head = this.#writer.head(stateFor);
    await this.#writer.flush().catch((error: unknown) => this.#fail(error));
    this.#states.requireTaking();
    return head;
  };

  readonly close = (): Promise<void> => (this.#closing ??= this.#close());

  async #close(): Promise<void> {
    try {
      if (!this.#states.why) await this.head();
    } finally {
      for (const timer of [this.#noteTimer, this.#retryTimer]) clearTimeout(timer);
      this.#place.stop();
      const { why = new JournalUnavailable(this.dir, "it is closed"), underWay } = this.#states;
      this.#states.become({ name: "closed", why, done: underWay });
      this.#drop(this.#filling, why);
      // A disk that hangs is not waited for.
      await withTimeout(this.#options.stuckMs, this.#release(underWay)).catch((error: unknown) => {
        if (!isTimeout(error)) throw error;
      });
    }
  }

  async #release(underWay: Promise<void> | undefined): Promise<void> {
    const { segments, leaves, lock } = this.#options;
    await underWay;
    await Promise.allSettled([segments.close(), leaves.close()]);
    await lock.release();
  }

  /** Waits for the end of the turn, so that all entries of one turn of the event loop share a batch. */
  #requestFlush(): void {
    if (this.#isFlushRequested) return;
    this.#isFlushRequested = true;
    if (this.#states.current.name === "open") setImmediate(this.#start);
  }

  readonly #start = (): void => {
    if (this.#states.current.name !== "open" || this.#filling.length === 0) return;
    if (this.#groupCommit.shouldWait(this.#filling.entries.length)) setImmediate(this.#start);
    else this.#flush();
  };

  #flush(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#swap();
    this.#states.become({ name: "writing", done: promise });
    const failures = this.#failures;
    void this.#writer
      .write(this.#inFlight, () => this.#failures > failures)
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        resolve();
        this.#flushed();
      });
  }

  /** The write has ended: it succeeded, or the writer failed meanwhile. */
  #flushed(): void {
    const { current } = this.#states;
    if (current.name === "writing") {
      this.#states.become({ name: "open" });
      if (this.#isFlushRequested) setImmediate(this.#start);
    } else if (current.name === "failed") {
      this.#states.become({ ...current, late: undefined });
      this.#retryIn(RETRY_MS.first);
    }
  }

  #swap(): void {
    [this.#filling, this.#inFlight] = [this.#inFlight, this.#filling];
    this.#groupCommit.onBatchStart(this.#inFlight.entries.length);
    this.#isFlushRequested = false;
    clearTimeout(this.#noteTimer);
    this.#noteTimer = undefined;
  }

  /** From now on nothing is acknowledged, and all waiting appends are rejected. */
  #fail(error: unknown): void {
    const reason = reasonOf(error);
    const why = new JournalUnavailable(this.dir, reason, error);
    // After a close, only the batch that was being written can still fail.
    if (this.#states.current.name === "closed") this.#inFlight.reject(why);
    if (this.#states.why) return;
    const late = this.#states.underWay;
    this.#states.become({ name: "failed", why, since: performance.now(), late });
    this.#failures++;
    this.#outage.begin(reason, this.#intake.now());
    if (this.#options.onFailure === "continue") for (const batch of [this.#inFlight, this.#filling]) batch.resolve();
    this.#inFlight.reject(why);
    this.#drop(this.#filling, why);
    this.#intake.index = this.#writer.size;
    this.#options.onNews({ kind: "broken", reason });
    if (!late) this.#retryIn(RETRY_MS.first);
  }

  /** Rejects the appends that wait for this batch, which is never written. */
  #drop(batch: Batch, why: JournalUnavailable): void {
    batch.reject(why);
    this.#intake.discard(batch.entries);
    batch.empty();
  }

  #retryIn(ms: number): void {
    if (this.#closing) return;
    this.#retryTimer = setTimeout(() => void this.#recover(Math.min(2 * ms, RETRY_MS.longest)), ms);
  }

  /** Tries to write again. Nothing else uses the disk meanwhile, because no entries are taken. */
  async #recover(nextTryMs: number): Promise<void> {
    const { current: failed } = this.#states;
    if (failed.name !== "failed") return;
    const { why, since } = failed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#states.become({ name: "recovering", why, since, done: promise });
    try {
      await this.#place.requireLock();
      await this.#readBack();
      const buffered = this.#outage.takeBuffered(this.#intake.now());
      for (const entry of buffered) this.#intake.put(this.#filling, entry);
      this.#swap();
      await this.#writer.write(this.#inFlight, () => false);
      this.#recovered(buffered, since);
    } catch {
      if (this.#states.current.name === "recovering") {
        this.#states.become({ name: "failed", why, since, late: undefined });
        this.#retryIn(nextTryMs);
      }
    }
    resolve();
    if (this.#isFlushRequested && this.#states.current.name === "open") setImmediate(this.#start);
  }

  async #readBack(): Promise<void> {
    const batch = this.#inFlight;
    const kept = await this.#writer.readBack(batch);
    for (const entry of batch.entries.slice(0, kept)) this.#outage.addWritten(entry);
    this.#intake.discard(batch.entries.slice(kept));
    batch.empty();
    await this.#options.leaves.reopen();
    this.#intake.index = this.#writer.size;
  }

  /** After a close, what the outage buffer kept is on disk too, and nothing more is taken. */
  #recovered([gap, ...buffered]: readonly Entry[], since: number): void {
    if (this.#states.current.name !== "recovering") return;
    this.#states.become({ name: "open" });
    const late = this.#outage.end();
    for (const entry of late) this.#intake.put(this.#filling, entry);
    if (late.length > 0) this.#requestFlush();
    this.#options.onNews({
      kind: "recovered",
      afterMs: Math.round(performance.now() - since),
      lost: gap?.kind === "gap" ? (gap.lost ?? 0) : 0,
      buffered: buffered.length + late.length,
    });
  }
}
