/**
 * The search index: the places of transactions in the journal, by the values with which they are searched. Each sealed
 * segment has an index file that never changes (`sealed/segment-index.ts`); the rest, and transactions that span
 * segments, is in a live index (`live-index.ts`). Any of these files can be deleted; they are built again from the
 * segments. Every search updates them first, and several processes can do so at once. The journal's writer does not
 * know the index.
 */
import { join } from "node:path";
import type { Expression } from "../filter/keys.ts";
import { candidates, sealedCandidates, type Candidate } from "./candidates.ts";
import { CatchUp, type Progress } from "./catch-up.ts";
import { TOKEN_FIELDS } from "./sql-conditions.ts";
import { countIn, type Count } from "./count.ts";
import { LiveIndex } from "./live-index.ts";
import { MonthIndexes } from "./sealed/month-indexes.ts";
import { readSnapshot } from "./open-dnc-snapshot.ts";
import { SealedIndexes } from "./sealed/sealed-indexes.ts";
import type { EpochRange } from "./sealed/segment-summary.ts";
import type { Snapshot } from "../../open-dnc/open-dnc-rows.ts";
import { paths } from "../../paths.ts";
import { SegmentList } from "../../segments/segment-list.ts";

export type { Candidate } from "./candidates.ts";
export type { Progress } from "./catch-up.ts";
export type { EpochRange } from "./sealed/segment-summary.ts";
export { damagedLine, lineAt } from "./segment-lines.ts";
export { StaleIndex } from "./stale-index.ts";

/** Called between two steps; may throw to stop the search. */
type OnStep = () => void;

export class SearchIndex {
  readonly segments: SegmentList;
  readonly #live: LiveIndex;
  readonly #sealed: SealedIndexes;
  readonly #months: MonthIndexes;
  readonly #catchingUp: CatchUp;
  /** The live index beside the segments, to be copied once. */
  #copiedFrom: string | undefined;

  /** `ownDirectory`: a directory for new files, if nothing can or may be written beside the segments. */
  constructor(dir: string, ownDirectory?: string) {
    this.segments = new SegmentList(dir);
    const { index, indexes } = paths(dir);
    this.#live = new LiveIndex(ownDirectory === undefined ? index : join(ownDirectory, "index.sqlite"));
    const folders =
      ownDirectory === undefined ? { write: indexes } : { write: join(ownDirectory, "index"), read: indexes };
    this.#sealed = new SealedIndexes(dir, folders);
    this.#months = new MonthIndexes(folders);
    this.#catchingUp = new CatchUp({
      dir,
      segments: this.segments,
      live: this.#live,
      sealed: this.#sealed,
      months: this.#months,
    });
    this.#copiedFrom = ownDirectory === undefined ? undefined : index;
  }

  /** The number of indexed entries. */
  get size(): number {
    return this.#live.state.size;
  }

  close(): void {
    this.#sealed.close();
    this.#months.close();
    this.#live.close();
  }

  /** Drops the live index; it is built again from the segments. */
  rebuild(): void {
    this.#live.clear();
  }

  /** Drops the indexes that have these entries at wrong places. `alsoLive`: drops the live index in any case. */
  async discard(wrong: readonly number[], alsoLive: boolean): Promise<void> {
    const { sealed } = await this.segments.read();
    const { liveSegments, release } = this.#live.view();
    release();
    let isLive = alsoLive;
    for (const index of wrong) {
      const extent = sealed.findLast(({ first }) => first <= index);
      if (!extent || index >= extent.end || liveSegments.has(extent.first)) isLive = true;
      else this.#sealed.discard(extent.first);
    }
    if (isLive) this.#live.clear();
  }

  /** For an index elsewhere: copies the live index beside the segments, so that only newer entries must be indexed. */
  async copyLiveIndex(): Promise<void> {
    const from = this.#copiedFrom;
    this.#copiedFrom = undefined;
    if (from !== undefined) await this.#live.copyFrom(from);
  }

  /** Indexes the entries that were appended since. Reports progress after each batch. */
  async catchUp(onProgress?: Progress): Promise<void> {
    await this.copyLiveIndex();
    await this.#catchingUp.entries(onProgress);
  }

  /**
   * One step of maintenance: builds the index of a sealed segment, adds it to its month's file, removes it from the
   * live index, or removes what belongs to deleted segments. Indexes no new entries. Resolves to true if there may be
   * more to do.
   */
  async maintain(): Promise<boolean> {
    const { firsts, sealed } = await this.segments.read();
    this.#months.refresh();
    const bare = sealed.find((extent) => !this.#sealed.isThere(extent.first) || !this.#months.summaryOf(extent));
    if (bare) {
      await this.#sealed.with(bare, (index) => this.#months.add(index));
      return true;
    }
    const { liveSegments, release } = this.#live.view();
    release();
    const ready = sealed.find(({ first, end }) => liveSegments.has(first) && end <= this.size);
    if (ready) {
      await this.#sealed.with(ready, (index) => this.#live.removeSealed(ready, index.spanningLines()));
      return true;
    }
    await this.#sealed.removeOrphans(firsts);
    this.#months.forget(firsts[0] ?? 0);
    return false;
  }

  /** Candidates with an index below `before`, newest first. `onStep` may throw to stop. */
  async *candidates(
    expression: Expression,
    before: number,
    onStep?: OnStep,
  ): AsyncGenerator<Candidate, void, undefined> {
    const { database, facets, size, liveSegments, release } = this.#live.view();
    const live = candidates(database, facets, expression, before, onStep);
    try {
      const sealed = await this.segments.sealedBelow(size, liveSegments);
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
      // An unfinished statement would keep the read transaction open.
      live.return();
      release();
    }
  }

  /** How many match; undefined if only the lines can tell. */
  async count(expression: Expression): Promise<Count | undefined> {
    const { database, facets, size, liveSegments, release } = this.#live.view();
    try {
      const here = countIn(database, facets, expression);
      if (!here) return undefined;
      const { left, ...sealed } = this.#months.count(await this.segments.sealedBelow(size, liveSegments), expression);
      let sum = added(here, sealed);
      for (const extent of this.#months.mayFit(left, expression)) {
        const more: Count | undefined = await this.#sealed.with(extent, (index) =>
          countIn(index.database, index.facets, expression, TOKEN_FIELDS),
        );
        if (!more) return undefined;
        sum = added(sum, more);
      }
      return sum;
    } finally {
      release();
    }
  }

  /** Transactions that were open when the journal had `size` entries. In no order. */
  async openAt(size: number): Promise<Candidate[]> {
    const { database, size: known, liveSegments, release } = this.#live.view();
    try {
      const found = database.prepare(OPEN_AT).all(size, size) as unknown as Candidate[];
      for (const extent of await this.segments.sealedBelow(known, liveSegments)) {
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

  /** The epochs of the index key that made tokens, with their periods. */
  async epochs(): Promise<EpochRange[]> {
    const { database, size, liveSegments, release } = this.#live.view();
    try {
      const all = database.prepare("SELECT * FROM epochs").all() as unknown as EpochRange[];
      for (const extent of await this.segments.sealedBelow(size, liveSegments))
        all.push(
          ...(this.#months.summaryOf(extent)?.epochs ??
            (await this.#sealed.with(extent, (index) => index.summary().epochs))),
        );
      return mergeEpochs(all);
    } finally {
      release();
    }
  }

  /** Open Do-Not-Calls, oldest first. */
  async openDnc(): Promise<Candidate[]> {
    await this.#catchingUp.openDnc();
    return this.#live.openDnc();
  }

  /** How many Do-Not-Calls are open, and which, unless there are more than `most`. */
  async openDncSnapshot(most: number): Promise<Snapshot> {
    await this.#catchingUp.openDnc();
    return this.#live.readConsistently((database) => readSnapshot(database, most));
  }
}

const OPEN_AT =
  "SELECT at, position, at + closed AS closed, position + closed_position AS closed_position FROM transactions " +
  "WHERE at < ? AND at + closed >= ?";

const added = (one: Count, other: Count): Count => ({
  count: one.count + other.count,
  refused: one.refused + other.refused,
});

const mergeEpochs = (all: readonly EpochRange[]): EpochRange[] => {
  const joined = new Map<string, EpochRange>();
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
