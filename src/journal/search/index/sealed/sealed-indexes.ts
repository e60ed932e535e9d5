/** The indexes of sealed segments that one searcher has open: each is made when it is missing, or not what it should be. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import { numbersIn, places, segmentIndexName } from "../places.ts";
import { spansIn } from "../spans.ts";
import { Misplaced } from "./misplaced.ts";
import { isDatabaseFault } from "./schema.ts";
import { buildSegmentIndex, openSegmentIndex, type Extent, type SegmentIndex } from "./segment.ts";

/** Where the indexes are: made in `write`, and found in `read` as well. */
export type Folders = { readonly write: string; readonly read?: string | undefined };

/** Each takes a descriptor, and a quarter of a MiB at most. */
const MOST_OPEN = 32;
/** Nobody takes so long to make one. */
const OLD_MS = 3_600_000;

/** Opened, and by how many used. */
type Held = { readonly index: SegmentIndex; users: number };

export class SealedIndexes {
  readonly #dir: string;
  readonly #folders: Folders;
  /** The one used last is the last. */
  readonly #held = new Map<number, Held>();
  /** Their index in the folder that is only read led to other lines. */
  readonly #distrusted = new Set<number>();

  constructor(dir: string, folders: Folders) {
    this.#dir = dir;
    this.#folders = folders;
  }

  /** Made when there is none. Rejects as `buildSegmentIndex` does. */
  async with<Result>(extent: Extent, work: (index: SegmentIndex) => Result | Promise<Result>): Promise<Result> {
    const held = await this.#hold(extent);
    try {
      return await work(held.index);
    } catch (error) {
      throw damagedOr(error, extent);
    } finally {
      this.#release(held);
    }
  }

  /** Rows of it, while it stays open. */
  async *rows<Row>(extent: Extent, work: (index: SegmentIndex) => Iterable<Row>): AsyncGenerator<Row, void, undefined> {
    const held = await this.#hold(extent);
    try {
      yield* work(held.index);
    } catch (error) {
      throw damagedOr(error, extent);
    } finally {
      this.#release(held);
    }
  }

  /** Whether there is a file; what it is worth shows when it is used. */
  isThere(first: number): boolean {
    const { write, read } = this.#folders;
    return [write, ...(read === undefined || this.#distrusted.has(first) ? [] : [read])].some((folder) =>
      existsSync(join(folder, segmentIndexName(first))),
    );
  }

  /** Of segments that are deleted, and what a crash left half made. */
  async removeOthers(firsts: readonly number[]): Promise<void> {
    const { write } = this.#folders;
    if (!existsSync(write)) return;
    const names = await nodeDisk.list(write);
    for (const first of numbersIn(names, ".sqlite")) if (!firsts.includes(first)) this.discard(first);
    for (const name of names.filter((each) => each.endsWith(".tmp"))) {
      const age = Date.now() - (await nodeDisk.modified(join(write, name)).catch(() => Date.now()));
      if (age > OLD_MS) rmSync(join(write, name), { force: true });
    }
  }

  /** Its lines are not where it says. */
  discard(first: number): void {
    this.#close(first);
    this.#distrusted.add(first);
    rmSync(join(this.#folders.write, segmentIndexName(first)), { force: true });
  }

  close(): void {
    for (const first of this.#held.keys()) this.#close(first);
  }

  async #hold(extent: Extent): Promise<Held> {
    const known = this.#held.get(extent.first);
    // One whose file was removed or replaced would hide that it has to be made again.
    const isSame = known !== undefined && known.index.end === extent.end && !known.index.isGone();
    if (known && !isSame) this.#close(extent.first);
    const held =
      known && isSame ? known : { index: (await this.#find(extent)) ?? (await this.#make(extent)), users: 0 };
    held.users++;
    this.#held.delete(extent.first);
    this.#held.set(extent.first, held);
    return held;
  }

  #release(held: Held): void {
    held.users--;
    for (const [first, each] of this.#held) {
      if (this.#held.size <= MOST_OPEN) return;
      if (each.users === 0) this.#close(first);
    }
  }

  #close(first: number): void {
    const held = this.#held.get(first);
    this.#held.delete(first);
    if (held?.index.database.isOpen) held.index.database.close();
  }

  async #find(extent: Extent): Promise<SegmentIndex | undefined> {
    const { write, read } = this.#folders;
    for (const folder of [write, ...(read === undefined || this.#distrusted.has(extent.first) ? [] : [read])]) {
      const found = await openSegmentIndex(this.#dir, join(folder, segmentIndexName(extent.first)), extent);
      if (found) return found;
    }
    return undefined;
  }

  async #make(extent: Extent): Promise<SegmentIndex> {
    await nodeDisk.makeDirectory(this.#folders.write);
    const path = join(this.#folders.write, segmentIndexName(extent.first));
    await buildSegmentIndex(this.#dir, path, extent);
    const made = await openSegmentIndex(this.#dir, path, extent);
    if (!made)
      throw new Error(
        `${path} was made of the segment's lines and does not lead to them: ocsgw audit verify tells what is wrong`,
      );
    return made;
  }
}

/** It was altered while it was open. */
const damagedOr = (error: unknown, { first }: Extent): unknown =>
  isDatabaseFault(error)
    ? new Misplaced(`the index of the segment of index ${first} cannot be read`, [first], { cause: error })
    : error;

type Extents = {
  /** The first index of each segment that is there. */
  readonly firsts: readonly number[];
  /** Those but the one that is being written. */
  readonly sealed: readonly Extent[];
  /** The first index of each one between them whose lines are gone: they were set aside. Its leaf hashes tell where it was. */
  readonly holes: readonly number[];
};

/** All ascending. */
export const extentsOf = async (dir: string): Promise<Extents> => {
  const spans = spansIn(await nodeDisk.list(places(dir).segments));
  const there = spans.filter(({ isThere }) => isThere);
  const firsts = there.map(({ first }) => first);
  const [oldest = Infinity, youngest = -Infinity] = [firsts[0], firsts.at(-1)];
  const holes = spans.filter(({ first, isThere }) => !isThere && first > oldest && first < youngest);
  return { firsts, sealed: there.slice(0, -1), holes: holes.map(({ first }) => first) };
};

/** Those of the first `size` entries that are searched by their own index, ascending: of the others the live one has `taken` every story. */
export const searchedAlone = async (
  dir: string,
  size: number,
  taken: ReadonlySet<number>,
): Promise<readonly Extent[]> => {
  const { sealed } = await extentsOf(dir);
  return sealed.filter(({ first, end }) => end <= size && !taken.has(first));
};

/** Whether each sealed segment has an index, and each index a segment. */
export const isTended = async (dir: string): Promise<boolean> => {
  const { firsts, sealed } = await extentsOf(dir);
  const made = new Set(
    existsSync(places(dir).indexes) ? numbersIn(await nodeDisk.list(places(dir).indexes), ".sqlite") : [],
  );
  return sealed.every(({ first }) => made.has(first)) && [...made].every((first) => firsts.includes(first));
};
