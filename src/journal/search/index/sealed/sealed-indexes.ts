/** The indexes of sealed segments that a search has open. An index that is missing or invalid is built. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeDisk } from "../../../disk.ts";
import { numbersIn, paths, segmentIndexName } from "../../../paths.ts";
import { SegmentList, type Extent } from "../../../segments/segment-list.ts";
import { StaleIndex } from "../stale-index.ts";
import { isDatabaseFault } from "../schema.ts";
import { buildSegmentIndex, openSegmentIndex, type SegmentIndex } from "./segment-index.ts";

/** Folders of the indexes: new ones go to `write`; `read` may have more. */
export type Folders = { readonly write: string; readonly read?: string | undefined };

/** Each open index takes a file descriptor and up to 256 KiB. */
const MOST_OPEN = 8;
/** Building an index never takes so long: an older temporary file is a leftover. */
const OLD_MS = 3_600_000;

/** An open index and the number of its users. */
type OpenIndex = { readonly index: SegmentIndex; users: number };

export class SealedIndexes {
  readonly #dir: string;
  readonly #folders: Folders;
  /** In order of their last use. */
  readonly #open = new Map<number, OpenIndex>();
  /** Segments whose index in the read-only folder does not match their lines. */
  readonly #distrusted = new Set<number>();

  constructor(dir: string, folders: Folders) {
    this.#dir = dir;
    this.#folders = folders;
  }

  /** Builds the index if there is none. Rejects as `buildSegmentIndex` does. */
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

  /** Rows of the index, which stays open meanwhile. */
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

  /** Whether there is a file. It is verified when it is used. */
  isThere(first: number): boolean {
    const { write, read } = this.#folders;
    return [write, ...(read === undefined || this.#distrusted.has(first) ? [] : [read])].some((folder) =>
      existsSync(join(folder, segmentIndexName(first))),
    );
  }

  /** Removes indexes of deleted segments, and temporary files that a crash left. */
  async removeOrphans(firsts: readonly number[]): Promise<void> {
    const { write } = this.#folders;
    if (!existsSync(write)) return;
    const names = await nodeDisk.list(write);
    for (const first of numbersIn(names, ".sqlite")) if (!firsts.includes(first)) this.discard(first);
    for (const name of names.filter((each) => each.endsWith(".tmp"))) {
      const age = Date.now() - (await nodeDisk.modified(join(write, name)).catch(() => Date.now()));
      if (age > OLD_MS) rmSync(join(write, name), { force: true });
    }
  }

  /** Drops an index that does not match its lines. */
  discard(first: number): void {
    this.#close(first);
    this.#distrusted.add(first);
    rmSync(join(this.#folders.write, segmentIndexName(first)), { force: true });
  }

  close(): void {
    for (const first of this.#open.keys()) this.#close(first);
  }

  async #hold(extent: Extent): Promise<OpenIndex> {
    const known = this.#open.get(extent.first);
    // Close it if its file was removed or replaced, so that it is built again.
    const isSame = known !== undefined && known.index.end === extent.end && !known.index.isGone();
    if (known && !isSame) this.#close(extent.first);
    const held =
      known && isSame ? known : { index: (await this.#find(extent)) ?? (await this.#make(extent)), users: 0 };
    held.users++;
    this.#open.delete(extent.first);
    this.#open.set(extent.first, held);
    return held;
  }

  #release(held: OpenIndex): void {
    held.users--;
    for (const [first, each] of this.#open) {
      if (this.#open.size <= MOST_OPEN) return;
      if (each.users === 0) this.#close(first);
    }
  }

  #close(first: number): void {
    const held = this.#open.get(first);
    this.#open.delete(first);
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
        `${path} was built from the segment's lines, but does not match them. To find out why: ` +
          "ocsgw audit verify -c FILE",
      );
    return made;
  }
}

/** StaleIndex if the file was damaged while it was open. */
const damagedOr = (error: unknown, { first }: Extent): unknown =>
  isDatabaseFault(error)
    ? new StaleIndex(`the index of the segment of index ${first} cannot be read`, [first], { cause: error })
    : error;

/** Whether each sealed segment has an index and no index is left over. */
export const isMaintained = async (dir: string): Promise<boolean> => {
  const { firsts, sealed } = await new SegmentList(dir).read();
  const made = new Set(
    existsSync(paths(dir).indexes) ? numbersIn(await nodeDisk.list(paths(dir).indexes), ".sqlite") : [],
  );
  return sealed.every(({ first }) => made.has(first)) && [...made].every((first) => firsts.includes(first));
};
