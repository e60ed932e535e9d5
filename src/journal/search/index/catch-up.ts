/** Brings the indexes up to date with the segments. */
import { nodeDisk } from "../../disk.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { withSegment } from "../../segments/segment.ts";
import type { Extent, SegmentList } from "../../segments/segment-list.ts";
import { endOfLine, digestOf, lineAt, readBatch, readEntryAt } from "./segment-lines.ts";
import type { LiveIndex, State } from "./live-index.ts";
import { StaleIndex } from "./stale-index.ts";
import type { MonthIndexes } from "./sealed/month-indexes.ts";
import type { SealedIndexes } from "./sealed/sealed-indexes.ts";
import type { SpanningLine } from "./sealed/segment-index.ts";
import type { LocatedEntry } from "./index-writer.ts";

/** Called with the number of indexed entries after each batch, and awaited. */
export type Progress = (size: number) => void | Promise<void>;

type Parts = {
  readonly dir: string;
  readonly segments: SegmentList;
  readonly live: LiveIndex;
  readonly sealed: SealedIndexes;
  readonly months: MonthIndexes;
};

export class CatchUp {
  readonly #dir: string;
  readonly #segments: SegmentList;
  readonly #live: LiveIndex;
  readonly #sealed: SealedIndexes;
  readonly #months: MonthIndexes;

  constructor({ dir, segments, live, sealed, months }: Parts) {
    [this.#dir, this.#segments, this.#live] = [dir, segments, live];
    [this.#sealed, this.#months] = [sealed, months];
  }

  /** Indexes the entries that were appended since. */
  async entries(onProgress?: Progress): Promise<void> {
    if (this.#live.isGone) this.#live.reopen();
    const { firsts, sealed, holes } = await this.#segments.read();
    if (!(await this.#continues(firsts))) this.#live.clear();
    this.#knowHoles(holes);
    await this.#forget(firsts);
    for (const [place, first] of firsts.entries()) {
      const extent = sealed[place];
      if ((extent?.end ?? Number.POSITIVE_INFINITY) <= this.#live.state.size) continue;
      if (extent && this.#live.state.size <= first) {
        await this.#absorb(extent);
        await onProgress?.(this.#live.state.size);
      } else await this.#takeSegment(first, onProgress);
    }
    await this.#sumUp();
  }

  /**
   * When segments are set aside or put back, transactions lose or regain their outcome: the live index starts again.
   */
  #knowHoles(holes: readonly number[]): void {
    if (holes.join() === this.#live.holes.join()) return;
    if (this.#live.state.size > 0) this.#live.clear();
    this.#live.setHoles(holes);
  }

  /**
   * Whether the last indexed line is still at its place. If retention deleted its segment, the next segment must
   * follow.
   */
  async #continues(firsts: readonly number[]): Promise<boolean> {
    const { size, segment, position, line } = this.#live.state;
    if (size === 0) return true;
    if (!firsts.includes(segment)) return firsts.length > 0 && firsts[0]! >= size;
    const found = await withSegment(nodeDisk, this.#dir, segment, (file) => lineAt(file, position));
    return found !== undefined && digestOf(found).equals(line);
  }

  async #forget(firsts: readonly number[]): Promise<void> {
    const first = firsts[0] ?? 0;
    if (!this.#live.hasBelow(first)) return;
    this.#live.removeBefore(first, await this.#linesAt(this.#live.closingLinesFrom(first), firsts));
  }

  /** Throws StaleIndex. */
  async #linesAt(spanningLines: readonly SpanningLine[], firsts: readonly number[]): Promise<readonly LocatedEntry[]> {
    const placed: LocatedEntry[] = [];
    for (const first of new Set(spanningLines.map(({ at }) => firsts.findLast((each) => each <= at)))) {
      if (first === undefined) continue;
      await withSegment(nodeDisk, this.#dir, first, async (file) => {
        for (const { at, position } of spanningLines.filter(
          (spanning) => firsts.findLast((each) => each <= spanning.at) === first,
        )) {
          placed.push(await readEntryAt(file, { dir: this.#dir, first, index: at, from: position }));
        }
      });
    }
    return placed;
  }

  /** Adds the lines of a segment with an index of its own whose transactions span segments. */
  async #absorb(extent: Extent): Promise<void> {
    const { first, end } = extent;
    const before = this.#live.state;
    const read = (): Promise<void> =>
      this.#sealed.with(extent, async ({ position, line, spanningLines }) => {
        this.#live.addSpanning(
          before,
          { size: end, segment: first, position, line },
          await this.#linesAt(spanningLines(), [first]),
        );
      });
    await read().catch((error: unknown) => {
      if (!(error instanceof StaleIndex)) throw error;
      this.#sealed.discard(first);
      return read();
    });
  }

  async #takeSegment(first: number, onProgress?: Progress): Promise<void> {
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (;;) {
        const state = this.#live.state;
        const from = state.segment === first && state.size > first ? await endOfLine(file, state.position) : 0;
        const { batch, line } = await readBatch(file, {
          dir: this.#dir,
          first,
          index: Math.max(first, state.size),
          from,
        });
        if (batch.length === 0) return;
        this.#live.addBatch(state, afterBatch(first, batch, line), batch);
        await onProgress?.(this.#live.state.size);
      }
    });
  }

  /** Updates the open Do-Not-Calls. For a segment with its own index it reads only the lines that may matter. */
  async openDnc(): Promise<void> {
    if (this.#live.openDncSize >= this.#live.state.size) return;
    const { firsts, sealed } = await this.#segments.read();
    for (const [place, first] of firsts.entries()) {
      const extent = sealed[place];
      if ((extent?.end ?? Number.POSITIVE_INFINITY) <= this.#live.openDncSize) continue;
      const isWhole = extent !== undefined && this.#live.openDncSize <= first && extent.end <= this.#live.state.size;
      if (isWhole && this.#sealed.isThere(first)) await this.#openDncFromIndex(extent);
      else await this.#openDncFromLines(first);
    }
  }

  async #openDncFromIndex(extent: Extent): Promise<void> {
    const { first, end } = extent;
    const wanted = await this.#sealed.with(extent, (index) => index.doNotCalls());
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (let done = 0; done < wanted.length || done === 0; done += AT_ONCE) {
        const placed: LocatedEntry[] = [];
        for (const { at, position } of wanted.slice(done, done + AT_ONCE))
          placed.push(await readEntryAt(file, { dir: this.#dir, first, index: at, from: position }));
        const isLast = done + AT_ONCE >= wanted.length;
        this.#live.addOpenDnc(done === 0 ? first : wanted[done]!.at, placed, isLast ? end : wanted[done + AT_ONCE]!.at);
      }
    });
  }

  async #openDncFromLines(first: number): Promise<void> {
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (let [expected, from] = [-1, 0]; ;) {
        const index = Math.max(first, this.#live.openDncSize);
        if (index >= this.#live.state.size) return;
        // Another process may have continued meanwhile.
        if (index !== expected) from = await endOfLines(file, index - first);
        const { batch, next } = await readBatch(file, { dir: this.#dir, first, index, from });
        const known = batch.filter(({ entry }) => entry.index < this.#live.state.size);
        if (known.length === 0) return;
        this.#live.addOpenDnc(index, known, known.at(-1)!.entry.index + 1);
        [expected, from] = [batch.at(-1)!.entry.index + 1, next];
      }
    });
  }

  /** Adds the sealed segments that the months' files lack. */
  async #sumUp(): Promise<void> {
    this.#months.refresh();
    const { liveSegments, size, release } = this.#live.view();
    release();
    for (const extent of await this.#segments.sealedBelow(size, liveSegments)) {
      if (!this.#months.has(extent.first)) await this.#sealed.with(extent, (index) => this.#months.add(index));
    }
  }
}

/** Lines of Do-Not-Calls per batch. */
const AT_ONCE = 5000;

const afterBatch = (first: number, batch: readonly LocatedEntry[], line: Uint8Array): State => ({
  size: batch.at(-1)!.entry.index + 1,
  segment: first,
  position: batch.at(-1)!.position,
  line,
});

/** The byte after so many lines. */
const endOfLines = async (file: Parameters<typeof forEachLine>[0], lines: number): Promise<number> => {
  let left = lines;
  return left <= 0 ? 0 : forEachLine(file, () => left-- > 0);
};
