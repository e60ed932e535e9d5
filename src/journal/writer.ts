/**
 * All who wait share one write and one flush, and while that is on its way the next group forms. After a disk error nothing is acknowledged until
 * what the error left on disk was read back, its torn rest cut, and a new segment begun with what is owed.
 */
import type { Head, Journal, JournalNews, JournalStatus } from "./append.ts";
import type { Aside } from "./asides.ts";
import { BelievedTime, type Believed } from "./believed-time.ts";
import { isTooLate, JournalBroken, reasonOf, within } from "./broken.ts";
import { isDoubtful } from "./clock-trust.ts";
import { EntryClock, type Clocks, type Step } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Entry, Deleted } from "./entry.ts";
import { writeLine } from "./entry-line.ts";
import { Gathering } from "./gathering.ts";
import { Group } from "./group.ts";
import type { Lock } from "./lock.ts";
import { Outage, type OnFailure } from "./outage.ts";
import { segmentName } from "./places.ts";
import type { KeyRegister } from "./key-checks.ts";
import type { Begun, Recovered } from "./recover.ts";
import type { RevokedSet } from "./revoked.ts";
import type { Segments } from "./segments.ts";
import { copyOf, stateText } from "./start-state.ts";
import { writeMicros } from "./time.ts";
import type { Trail } from "./trail.ts";
import type { Digest } from "./tree.ts";

type Made = Recovered & {
  readonly dir: string;
  readonly disk: Disk;
  readonly segments: Segments;
  readonly clocks: Clocks;
  /** The time of the last entry of the run before, in microseconds since 1970. */
  readonly newest: number | undefined;
  readonly onFailure: OnFailure;
  readonly stuckMs: number;
  readonly tell: (news: JournalNews) => void;
  readonly written: (entry: Entry, index: number, micros: number) => void;
  readonly beside?: Readonly<Record<string, () => unknown>>;
  readonly lock: Lock;
};

const NOTE_DELAY_MS = 100;
const NOTED_BYTES = 4 << 20;
const LOOK_MS = 500;
const FIRST_TRY_MS = 100;
const LONGEST_TRY_MS = 1000;
const DONE = Promise.resolve();

export class FileJournal implements Journal {
  readonly #time: BelievedTime;
  readonly dir: string;
  readonly disk: Disk;
  readonly unsettled: ReadonlyMap<string, number>;
  readonly deleted: Deleted | undefined;
  readonly keys: KeyRegister;
  readonly revoked: RevokedSet;
  readonly begun: Begun;
  readonly #made: Made;
  readonly #clock: EntryClock;
  readonly #gathering: Gathering;
  readonly #outage: Outage;
  readonly #goesOn: boolean;
  readonly #watch: NodeJS.Timeout;
  /** What is known of the entries that are on disk. */
  readonly #known: Trail;
  #leaf: Digest | undefined;
  #filling = new Group();
  /** On its way to the disk while `#flushing`, or what an error left unknown; else empty. */
  #other = new Group();
  #flushing: Promise<void> | undefined;
  /** The last write, which may still be under way when it is no longer waited for. */
  #asked: Promise<void> | undefined;
  #looking: Promise<boolean> | undefined;
  #wanted = false;
  #timer: NodeJS.Timeout | undefined;
  #trying: NodeJS.Timeout | undefined;
  #index: number;
  #failed: JournalBroken | undefined;
  #failures = 0;
  #failedAt = 0;
  /** On the steady clock, when the doubt began in this run. */
  #closed: Promise<void> | undefined;
  #isUnlocked = false;

  constructor(made: Made) {
    this.#made = made;
    this.dir = made.dir;
    this.disk = made.disk;
    this.unsettled = made.trail.open;
    this.deleted = made.trail.deleted;
    this.keys = made.trail.keys;
    this.revoked = made.trail.revoked;
    this.begun = made.begun;
    this.#known = copyOf(made.trail);
    this.#leaf = made.leaf;
    this.#clock = new EntryClock(made.clocks, made.newest);
    this.#time = new BelievedTime({ clocks: made.clocks, trust: made.trail.clock, newest: made.newest });
    this.#gathering = new Gathering(made.clocks.steady);
    this.#outage = new Outage(made.onFailure);
    this.#goesOn = made.onFailure === "continue";
    this.#index = made.tree.size();
    this.#watch = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  readonly append = (entry: Entry): Promise<void> => {
    if (this.#failed) return this.#miss(entry, this.#failed);
    if (this.#outage.isLost(entry)) {
      this.#outage.lose(this.#clock.show());
      return DONE;
    }
    try {
      this.#add(entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    this.#want();
    return this.#filling.done;
  };

  readonly note = (entry: Entry): void => {
    if (this.#failed) return this.#outage.miss(entry, this.#clock.show());
    if (this.#filling.length >= NOTED_BYTES) return this.#outage.lose(this.#clock.show());
    this.#add(entry);
    this.#timer ??= setTimeout(() => this.#want(), NOTE_DELAY_MS);
  };

  readonly status = (): JournalStatus => {
    const { segments, torn, tree } = this.#made;
    const waiting = this.#index - tree.size();
    const { since } = this.#flushing ? this.#other : this.#filling;
    return {
      size: tree.size(),
      segment: segments.first === undefined ? undefined : segmentName(segments.first),
      bytes: segments.bytes,
      failed: this.#failed?.message,
      failures: this.#failures,
      waiting,
      lag: waiting === 0 ? 0 : Math.max(0, (this.#clock.show() - since) / 1000),
      lost: this.#outage.lost,
      owed: this.#outage.owed,
      torn,
    };
  };

  readonly head = async (stateFor?: string): Promise<Head> => {
    const { tree, leaves, segments } = this.#made;
    if (this.#failed) throw this.#failed;
    if (this.#filling.length > 0) {
      this.#want();
      await this.#filling.done;
    }
    while (this.#flushing) await this.#flushing;
    if (this.#failed) throw this.#failed;
    const head = {
      size: tree.size(),
      root: tree.root(),
      state: stateFor === undefined ? undefined : this.#state(stateFor),
    };
    try {
      await within(this.#made.stuckMs, Promise.all([segments.flush(), leaves.flush()]));
    } catch (error) {
      this.#fail(error);
    }
    if (this.#failed) throw this.#failed;
    return head;
  };

  /** While nothing is on its way to the disk. */
  #state(origin: string): string | undefined {
    const {
      tree,
      segments: { first, bytes, number },
    } = this.#made;
    if (first === undefined || this.#leaf === undefined) return undefined;
    const beside = Object.fromEntries(Object.entries(this.#made.beside ?? {}).map(([name, save]) => [name, save()]));
    return stateText(
      {
        size: tree.size(),
        tree,
        leaf: this.#leaf,
        segment: first,
        bytes,
        segments: number,
        trail: this.#known,
        beside,
      },
      origin,
    );
  }

  readonly close = (): Promise<void> => (this.#closed ??= this.#close());

  async #close(): Promise<void> {
    try {
      if (!this.#failed) await this.head();
    } finally {
      for (const timer of [this.#timer, this.#trying, this.#watch]) clearTimeout(timer);
      this.#failed ??= new JournalBroken(this.dir, "it is closed");
      // A disk that hangs is not waited for.
      await within(this.#made.stuckMs, this.#letGo()).catch((error: unknown) => {
        if (!isTooLate(error)) throw error;
      });
    }
  }

  async #letGo(): Promise<void> {
    const { segments, leaves, lock } = this.#made;
    await this.#flushing;
    await Promise.allSettled([segments.close(), leaves.close()]);
    await lock.release();
  }

  #miss(entry: Entry, why: JournalBroken): Promise<void> {
    this.#outage.miss(entry, this.#clock.show());
    return this.#goesOn && !this.#closed ? DONE : Promise.reject(why);
  }

  #add(entry: Entry): void {
    if (this.#outage.tells) this.#put(this.#outage.gap());
    const { keys } = this.#made.trail;
    if (keys.owes && !keys.states(entry)) this.#put(keys.statement());
    this.#put(entry);
  }

  #put(entry: Entry): void {
    const micros = this.#clock.next(this.#step);
    const given = this.#made.trail.given(entry, this.#index, this.#believedNow);
    this.#filling.add(given, writeLine(this.#index, writeMicros(micros), given), micros);
    this.#made.trail.took(given);
    if (entry.kind === "clock") this.#time.note(entry);
    if (entry.kind === "config")
      for (const { revoked } of [this.#made.trail, this.#known]) revoked.trim(this.#believedNow);
    this.#index++;
  }

  readonly asides = (): readonly Aside[] => this.#known.asides.all();

  readonly believed = (): Believed => this.#time.believed;

  /** Milliseconds since 1970. */
  readonly #believedNow = (): number => this.believed().now / 1000;

  readonly #step = ({ from, to }: Step): void => {
    const stepMs = Math.round((to - from) / 1000);
    this.#put({
      kind: "clock",
      from: writeMicros(from),
      to: writeMicros(to),
      step_ms: stepMs,
      ...(isDoubtful({ from, to }) && { unconfirmed: true }),
    });
    this.#made.tell({ kind: "clock", stepMs });
  };

  /** After the turn, so that all that came in one turn of the event loop go together. */
  #want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    if (!this.#flushing) setImmediate(this.#start);
  }

  readonly #start = (): void => {
    if (this.#failed || this.#flushing || this.#filling.length === 0) return;
    if (this.#gathering.waits(this.#filling.entries.length)) setImmediate(this.#start);
    else this.#flushing = this.#flush();
  };

  async #flush(): Promise<void> {
    this.#swap();
    try {
      await this.#write();
    } catch (error) {
      this.#fail(error);
    }
    this.#flushing = undefined;
    if (this.#failed) this.#tryLater(FIRST_TRY_MS);
    else if (this.#wanted) setImmediate(this.#start);
  }

  #swap(): void {
    [this.#filling, this.#other] = [this.#other, this.#filling];
    this.#gathering.went(this.#other.entries.length);
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Puts the other group on disk. What comes too late is looked at as after an error. */
  async #write(): Promise<void> {
    const [group, failed] = [this.#other, this.#failed];
    this.#asked = this.#made.segments.write({ bytes: group.bytes, index: this.#made.tree.size(), time: group.since });
    await within(this.#made.stuckMs, this.#asked);
    if (this.#failed !== failed) return;
    this.#made.segments.took(group.length);
    group.resolve();
    // First those who waited, then the tree.
    await group.done;
    this.#grow(group, group.entries.length);
    group.empty();
    if (this.#made.leaves.spills) await within(this.#made.stuckMs, this.#made.leaves.write());
  }

  /** The first `count` entries of the group are on disk. */
  #grow(group: Group, count: number): void {
    const { tree, leaves, trail, written } = this.#made;
    for (let at = 0; at < count; at++) {
      const leaf = group.leaves[at]!;
      trail.settled(group.entries[at]!);
      written(group.entries[at]!, tree.size(), group.times[at]!);
      this.#known.take(group.entries[at]!, tree.size());
      tree.append(leaf);
      leaves.add(leaf);
      this.#leaf = leaf;
    }
  }

  /** From now on nothing is acknowledged, and who waits is told so. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    const reason = reasonOf(error);
    this.#failed = new JournalBroken(this.dir, reason, error);
    this.#failures++;
    this.#failedAt = performance.now();
    this.#outage.begin(reason, this.#clock.show());
    for (const group of [this.#other, this.#filling]) {
      if (this.#goesOn) group.resolve();
      else group.reject(this.#failed);
    }
    this.#discard(this.#filling.entries);
    this.#filling.empty();
    this.#index = this.#made.tree.size();
    this.#made.tell({ kind: "broken", reason });
    if (!this.#flushing) this.#tryLater(FIRST_TRY_MS);
  }

  #tryLater(ms: number): void {
    if (this.#closed) return;
    this.#trying = setTimeout(() => {
      this.#flushing = this.#mend(Math.min(2 * ms, LONGEST_TRY_MS));
    }, ms);
  }

  /** Tries to write again. Nothing else touches the disk meanwhile, because nothing is admitted. */
  async #mend(nextTryMs: number): Promise<void> {
    try {
      await this.#requireLock();
      await this.#readBack();
      const owed = this.#outage.settle(this.#clock.show());
      for (const entry of owed) this.#put(entry);
      this.#swap();
      await this.#write();
      this.#goOn(owed);
    } catch {
      this.#tryLater(nextTryMs);
    }
    this.#flushing = undefined;
    if (this.#wanted) setImmediate(this.#start);
  }

  /** Without it another process may be writing: nothing is written, nor read back as ours. */
  async #requireLock(): Promise<void> {
    const fault = await within(this.#made.stuckMs, this.#made.lock.fault());
    if (fault === undefined) return;
    if (!this.#isUnlocked) this.#made.tell({ kind: "unlocked", reason: fault });
    this.#isUnlocked = true;
    throw new Error(fault);
  }

  /** What of the group that failed is on disk stays, because it may have been read; what is not never was. */
  async #readBack(): Promise<void> {
    const { segments, leaves, tree } = this.#made;
    const group = this.#other;
    await this.#asked?.catch(() => undefined);
    const kept = group.linesIn(await segments.readBack(group.bytes));
    this.#grow(group, kept);
    for (const entry of group.entries.slice(0, kept)) this.#outage.found(entry);
    this.#discard(group.entries.slice(kept));
    group.empty();
    await leaves.reopen();
    this.#index = tree.size();
  }

  #discard(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#made.trail.lost(entry);
      this.#outage.miss(entry, this.#clock.show());
    }
  }

  #goOn([gap, ...owed]: readonly Entry[]): void {
    this.#failed = undefined;
    const late = this.#outage.end();
    for (const entry of late) this.#put(entry);
    if (late.length > 0) this.#want();
    this.#made.tell({
      kind: "mended",
      afterMs: Math.round(performance.now() - this.#failedAt),
      lost: gap?.kind === "gap" ? (gap.lost ?? 0) : 0,
      owed: owed.length + late.length,
    });
  }

  /** A file that was moved or removed takes lines as before, and nobody would ever find them. One look at a time: each holds a thread that others need. */
  readonly #look = async (): Promise<void> => {
    if (this.#failed || this.#looking) return;
    this.#looking = this.#made.segments.isInPlace();
    try {
      const isInPlace = await within(this.#made.stuckMs, this.#looking);
      if (!isInPlace && !this.#closed) this.#fail(new Error("the segment's file is no longer in its place"));
      await this.#requireLock();
    } catch (error) {
      if (!this.#closed) this.#fail(error);
      await this.#looking;
    }
    this.#looking = undefined;
  };
}
