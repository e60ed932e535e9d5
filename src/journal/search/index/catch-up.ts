/** Brings the indexes up to date with the segments. */
import { nodeDisk } from "../disk.ts";
import { forEachLine } from "../lines.ts";
import { withSegment } from "../segment.ts";
import { behindLine, digestOf, lineAt, readBatch, readPlaced } from "./lines.ts";
import type { Live, State } from "./live.ts";
import { Misplaced } from "./misplaced.ts";
import type { Months } from "./months.ts";
import { extentsOf, searchedAlone, type SealedIndexes } from "./sealed.ts";
import type { Extent, Seam } from "./segment.ts";
import type { Placed } from "./write.ts";

/** Told how many entries were taken in; awaited before the next ones are. */
export type Progress = (size: number) => void | Promise<void>;

type Parts = { readonly dir: string; readonly live: Live; readonly sealed: SealedIndexes; readonly months: Months };

export class CatchUp {
  readonly #dir: string;
  readonly #live: Live;
  readonly #sealed: SealedIndexes;
  readonly #months: Months;

  constructor({ dir, live, sealed, months }: Parts) {
    [this.#dir, this.#live, this.#sealed, this.#months] = [dir, live, sealed, months];
  }

  /** Takes in what was appended since. */
  async entries(onProgress?: Progress): Promise<void> {
    if (this.#live.isGone) this.#live.reopen();
    const { firsts, sealed, holes } = await extentsOf(this.#dir);
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

  /** A request that lost its end with lines that were set aside has none any more; and has it again when they are put back. */
  #knowHoles(holes: readonly number[]): void {
    if (holes.join() === this.#live.holes.join()) return;
    if (this.#live.state.size > 0) this.#live.clear();
    this.#live.setHoles(holes);
  }

  /** The last line that was taken in still stands where it stood. Of a segment that was retired nothing more can be said. */
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
    this.#live.forget(first, await this.#linesAt(this.#live.endsBeyond(first), firsts));
  }

  /** Throws Misplaced. */
  async #linesAt(seams: readonly Seam[], firsts: readonly number[]): Promise<readonly Placed[]> {
    const placed: Placed[] = [];
    for (const first of new Set(seams.map(({ at }) => firsts.findLast((each) => each <= at)))) {
      if (first === undefined) continue;
      await withSegment(nodeDisk, this.#dir, first, async (file) => {
        for (const { at, position } of seams.filter((seam) => firsts.findLast((each) => each <= seam.at) === first)) {
          placed.push(await readPlaced(file, { dir: this.#dir, first, index: at, from: position }));
        }
      });
    }
    return placed;
  }

  /** Of a segment with an index of its own, what spans segments. */
  async #absorb(extent: Extent): Promise<void> {
    const { first, end } = extent;
    const before = this.#live.state;
    const read = (): Promise<void> =>
      this.#sealed.with(extent, async ({ position, line, seams }) => {
        this.#live.absorb(before, { size: end, segment: first, position, line }, await this.#linesAt(seams(), [first]));
      });
    await read().catch((error: unknown) => {
      if (!(error instanceof Misplaced)) throw error;
      this.#sealed.discard(first);
      return read();
    });
  }

  async #takeSegment(first: number, onProgress?: Progress): Promise<void> {
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (;;) {
        const state = this.#live.state;
        const from = state.segment === first && state.size > first ? await behindLine(file, state.position) : 0;
        const { batch, line } = await readBatch(file, {
          dir: this.#dir,
          first,
          index: Math.max(first, state.size),
          from,
        });
        if (batch.length === 0) return;
        this.#live.take(state, afterBatch(first, batch, line), batch);
        await onProgress?.(this.#live.state.size);
      }
    });
  }

  /** Of the open Do-Not-Calls. Reads what the live index did not: of segments with an index of their own the lines that matter, else all. */
  async duties(): Promise<void> {
    if (this.#live.dutiesSize >= this.#live.state.size) return;
    const { firsts, sealed } = await extentsOf(this.#dir);
    for (const [place, first] of firsts.entries()) {
      const extent = sealed[place];
      if ((extent?.end ?? Number.POSITIVE_INFINITY) <= this.#live.dutiesSize) continue;
      const isWhole = extent !== undefined && this.#live.dutiesSize <= first && extent.end <= this.#live.state.size;
      if (isWhole && this.#sealed.isThere(first)) await this.#dutiesBy(extent);
      else await this.#dutiesIn(first);
    }
  }

  async #dutiesBy(extent: Extent): Promise<void> {
    const { first, end } = extent;
    const wanted = await this.#sealed.with(extent, (index) => index.doNotCalls());
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (let done = 0; done < wanted.length || done === 0; done += AT_ONCE) {
        const placed: Placed[] = [];
        for (const { at, position } of wanted.slice(done, done + AT_ONCE))
          placed.push(await readPlaced(file, { dir: this.#dir, first, index: at, from: position }));
        const isLast = done + AT_ONCE >= wanted.length;
        this.#live.takeDuties(done === 0 ? first : wanted[done]!.at, placed, isLast ? end : wanted[done + AT_ONCE]!.at);
      }
    });
  }

  async #dutiesIn(first: number): Promise<void> {
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (let [expected, from] = [-1, 0]; ;) {
        const index = Math.max(first, this.#live.dutiesSize);
        if (index >= this.#live.state.size) return;
        // Another process may have gone on.
        if (index !== expected) from = await behindLines(file, index - first);
        const { batch, next } = await readBatch(file, { dir: this.#dir, first, index, from });
        const known = batch.filter(({ entry }) => entry.index < this.#live.state.size);
        if (known.length === 0) return;
        this.#live.takeDuties(index, known, known.at(-1)!.entry.index + 1);
        [expected, from] = [index + batch.length, next];
      }
    });
  }

  /** What the months' files lack of the segments that have an index of their own. */
  async #sumUp(): Promise<void> {
    this.#months.refresh();
    const { taken, size, release } = this.#live.view();
    release();
    for (const extent of await searchedAlone(this.#dir, size, taken)) {
      if (!this.#months.has(extent.first)) await this.#sealed.with(extent, (index) => this.#months.add(index));
    }
  }
}

/** Lines of Do-Not-Calls. */
const AT_ONCE = 5000;

const afterBatch = (first: number, batch: readonly Placed[], line: Uint8Array): State => ({
  size: batch.at(-1)!.entry.index + 1,
  segment: first,
  position: batch.at(-1)!.position,
  line,
});

/** The byte behind so many lines. */
const behindLines = async (file: Parameters<typeof forEachLine>[0], lines: number): Promise<number> => {
  let left = lines;
  return left <= 0 ? 0 : forEachLine(file, () => left-- > 0);
};
