/**
 * The index: where in the journal a story lies, by what it can be found. Each sealed segment has one of its own (`index/segment.ts`), which is never
 * changed; what is not sealed, and what spans segments, is in a live one (`index/live.ts`). Anyone may delete any of these files: they are made again
 * from the segments. Whoever searches brings them up to date first, and several processes may do so at once. Writing the journal knows nothing of them.
 */
import { join } from "node:path";
import type { Expression } from "./filter.ts";
import { candidates, sealedCandidates, type Candidate } from "./index/candidates.ts";
import { CatchUp, type Progress } from "./index/catch-up.ts";
import { PEOPLE } from "./index/conditions.ts";
import { countIn, type Count } from "./index/count.ts";
import { Live } from "./index/live.ts";
import { Months } from "./index/months.ts";
import { readSnapshot } from "./index/open.ts";
import { extentsOf, SealedIndexes, searchedAlone } from "./index/sealed.ts";
import type { Extent } from "./index/segment.ts";
import type { EpochSeen } from "./index/summary.ts";
import type { Snapshot } from "./open-do-not-calls.ts";
import { places } from "./places.ts";

export type { Candidate } from "./index/candidates.ts";
export type { Progress } from "./index/catch-up.ts";
export type { EpochSeen } from "./index/summary.ts";
export { damagedLine, lineAt } from "./index/lines.ts";
export { Misplaced } from "./index/misplaced.ts";

/** Called now and then; may throw. */
type OnStep = () => void;

export class Index {
  readonly #dir: string;
  readonly #live: Live;
  readonly #sealed: SealedIndexes;
  readonly #months: Months;
  readonly #catchingUp: CatchUp;
  /** Where the live index beside the segments is taken from, once. */
  #takenFrom: string | undefined;

  /** `elsewhere`: a directory for all that must be made, where nothing can or may be written beside the segments. */
  constructor(dir: string, elsewhere?: string) {
    this.#dir = dir;
    const { index, indexes } = places(dir);
    this.#live = new Live(elsewhere === undefined ? index : join(elsewhere, "index.sqlite"));
    const folders = elsewhere === undefined ? { write: indexes } : { write: join(elsewhere, "index"), read: indexes };
    this.#sealed = new SealedIndexes(dir, folders);
    this.#months = new Months(folders);
    this.#catchingUp = new CatchUp({ dir, live: this.#live, sealed: this.#sealed, months: this.#months });
    this.#takenFrom = elsewhere === undefined ? undefined : index;
  }

  /** Entries that it knows of. */
  get size(): number {
    return this.#live.state.size;
  }

  close(): void {
    this.#sealed.close();
    this.#months.close();
    this.#live.close();
  }

  /** The live index is made again from the segments. */
  rebuild(): void {
    this.#live.clear();
  }

  /** These entries are not where the indexes say: those of their segments are made again, and the live one where it has them, or `alsoLive`. */
  async distrust(wrong: readonly number[], alsoLive: boolean): Promise<void> {
    const { sealed } = await extentsOf(this.#dir);
    const { taken, release } = this.#live.view();
    release();
    let isLive = alsoLive;
    for (const index of wrong) {
      const extent = sealed.findLast(({ first }) => first <= index);
      if (!extent || index >= extent.end || taken.has(extent.first)) isLive = true;
      else this.#sealed.discard(extent.first);
    }
    if (isLive) this.#live.clear();
  }

  /** Of an index elsewhere: what there is beside the segments is copied first, so that only the rest has to be read. */
  async takeOver(): Promise<void> {
    const from = this.#takenFrom;
    this.#takenFrom = undefined;
    if (from !== undefined) await this.#live.copyFrom(from);
  }

  /** Takes in what was appended since. Tells how far it is after each batch. */
  async catchUp(onProgress?: Progress): Promise<void> {
    await this.takeOver();
    await this.#catchingUp.entries(onProgress);
  }

  /**
   * One step of what can wait: a sealed segment gets an index of its own, or a row in its month's file, or leaves the live index, or what belongs to
   * deleted segments is removed. Takes nothing in: as long as nobody searches, each entry is indexed once. Resolves with whether there may be more to do.
   */
  async tend(): Promise<boolean> {
    const { firsts, sealed } = await extentsOf(this.#dir);
    this.#months.refresh();
    const bare = sealed.find((extent) => !this.#sealed.isThere(extent.first) || !this.#months.summaryOf(extent));
    if (bare) {
      await this.#sealed.with(bare, (index) => this.#months.add(index));
      return true;
    }
    const { taken, release } = this.#live.view();
    release();
    const ready = sealed.find(({ first, end }) => taken.has(first) && end <= this.size);
    if (ready) {
      await this.#sealed.with(ready, (index) => this.#live.leave(ready, index.seams()));
      return true;
    }
    await this.#sealed.removeOthers(firsts);
    this.#months.forget(firsts[0] ?? 0);
    return false;
  }

  /** Youngest first, those with an index below `before`. `onStep` is called now and then, and may throw. */
  async *candidates(
    expression: Expression,
    before: number,
    onStep?: OnStep,
  ): AsyncGenerator<Candidate, void, undefined> {
    const { database, facets, size, taken, release } = this.#live.view();
    const live = candidates(database, facets, expression, before, onStep);
    try {
      const sealed = await this.#sealedBelow(size, taken);
      let head = live.next();
      for (const extent of this.#months
        .mayFit(
          sealed.filter(({ first }) => first < before),
          expression,
        )
        .toReversed()) {
        for (; !head.done && head.value.at >= extent.end; head = live.next()) yield head.value;
        for await (const row of this.#sealed.rows(extent, (index) =>
          sealedCandidates(index, expression, before, onStep),
        )) {
          for (; !head.done && head.value.at > row.at; head = live.next()) yield head.value;
          yield row;
        }
        onStep?.();
      }
      for (; !head.done; head = live.next()) yield head.value;
    } finally {
      // A statement that is not done would keep the moment that was read.
      live.return();
      release();
    }
  }

  /** How many fit; undefined when only the lines can tell. */
  async count(expression: Expression): Promise<Count | undefined> {
    const { database, facets, size, taken, release } = this.#live.view();
    try {
      const here = countIn(database, facets, expression);
      if (!here) return undefined;
      const { left, ...sealed } = this.#months.count(await this.#sealedBelow(size, taken), expression);
      let sum = added(here, sealed);
      for (const extent of this.#months.mayFit(left, expression)) {
        const more: Count | undefined = await this.#sealed.with(extent, (index) =>
          countIn(index.database, index.facets, expression, PEOPLE),
        );
        if (!more) return undefined;
        sum = added(sum, more);
      }
      return sum;
    } finally {
      release();
    }
  }

  /** Stories that began below `size` and ended at or behind it: of the journal up to there they were open. In no order. */
  async openAt(size: number): Promise<Candidate[]> {
    const { database, size: known, taken, release } = this.#live.view();
    try {
      const found = database.prepare(OPEN_AT).all(size, size) as unknown as Candidate[];
      for (const extent of await this.#sealedBelow(known, taken)) {
        if (extent.first < size && size < extent.end)
          found.push(
            ...(await this.#sealed.with(
              extent,
              (index) => index.database.prepare(OPEN_AT).all(size, size) as unknown as Candidate[],
            )),
          );
      }
      return found;
    } finally {
      release();
    }
  }

  /** Which epochs of the index key made the tokens, and from when to when. */
  async epochs(): Promise<EpochSeen[]> {
    const { database, size, taken, release } = this.#live.view();
    try {
      const all = database.prepare("SELECT * FROM epochs").all() as unknown as EpochSeen[];
      for (const extent of await this.#sealedBelow(size, taken))
        all.push(
          ...(this.#months.summaryOf(extent)?.epochs ??
            (await this.#sealed.with(extent, (index) => index.summary().epochs))),
        );
      return joinedEpochs(all);
    } finally {
      release();
    }
  }

  /** Do-Not-Calls that are still owed, oldest first. */
  async duties(): Promise<Candidate[]> {
    await this.#catchingUp.duties();
    return this.#live.duties();
  }

  /** How many are open, and which, unless there are more than `most`: of one moment, whatever other processes take in meanwhile. */
  async openDoNotCalls(most: number): Promise<Snapshot> {
    await this.#catchingUp.duties();
    return this.#live.atOnce((database) => readSnapshot(database, most));
  }

  #sealedBelow(size: number, taken: ReadonlySet<number>): Promise<readonly Extent[]> {
    return searchedAlone(this.#dir, size, taken);
  }
}

const OPEN_AT =
  "SELECT at, position, at + closed AS closed, position + closed_position AS closed_position FROM stories WHERE at < ? AND at + closed >= ?";

const added = (one: Count, other: Count): Count => ({
  count: one.count + other.count,
  refused: one.refused + other.refused,
});

const joinedEpochs = (all: readonly EpochSeen[]): EpochSeen[] => {
  const joined = new Map<string, EpochSeen>();
  for (const seen of all) {
    const { epoch } = seen;
    const before = joined.get(epoch);
    if (!before) {
      joined.set(epoch, seen);
      continue;
    }
    const [first, last] = [seen.first < before.first ? seen : before, seen.last > before.last ? seen : before];
    joined.set(epoch, {
      epoch,
      first: first.first,
      first_time: first.first_time,
      last: last.last,
      last_time: last.last_time,
    });
  }
  return [...joined.values()].toSorted((one, other) => one.first - other.first);
};
