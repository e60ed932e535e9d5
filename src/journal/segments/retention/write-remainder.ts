/**
 * Rewrites a segment without its deleted lines, compressed, and replaces the segment: the same steps as in
 * `compress.ts`, which also removes partial files of a crash.
 */
import { readWhole, type Disk } from "../../disk.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "../../integrity/merkle-tree.ts";
import type { Journal } from "../../journal.ts";
import { paths, segmentName } from "../../paths.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { writeMicros } from "../../time.ts";
import { deletedText } from "./deleted-lines.ts";
import { SegmentDamaged } from "./due-segments.ts";
import { readFrames, writeFrames } from "../frames.ts";
import type { Place } from "./lines-by-kind.ts";
import { withSegment, type SegmentFile } from "../segment.ts";

export type WriteOptions = {
  readonly first: number;
  /** The index of the entry that states the deletion. */
  readonly by: number;
  /** All deleted lines, ascending. */
  readonly places: readonly Place[];
  /** The remainder is already in place; only leftovers of a crash are removed. */
  readonly isWritten: boolean;
  /** Milliseconds since 1970: a time in the month whose index contains the segment. */
  readonly month: number;
};

/** When it resolves, the directory is flushed, and neither the deleted lines nor an index of them exist any more. */
export const writeRemainder = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  { first, by, places, isWritten, month }: WriteOptions,
): Promise<void> => {
  const at = paths(dir);
  if (!isWritten) {
    const temporary = `${at.compressed(first)}.tmp`;
    try {
      await withSegment(disk, dir, first, (file) => pack(disk, temporary, without(file, places, by)));
      await requireRemainder({ disk, dir }, temporary, { first, by, places });
    } catch (error) {
      await disk.remove(temporary).catch(() => undefined);
      throw error;
    }
    // Before the lines: after a crash, only a clock that was right would show that an index is older than them.
    await removeIndexes({ disk, dir }, { first, month });
    await disk.rename(temporary, at.compressed(first));
  }
  await disk.syncDirectory(at.segments);
  if (await removed(disk, at.segment(first))) await disk.syncDirectory(at.segments);
  if (isWritten && !(await isOlder(disk, at.segmentIndex(first), at.compressed(first)))) return;
  // A search may have built them again from the former lines.
  await removeIndexes({ disk, dir }, { first, month });
};

/**
 * The next search rebuilds the indexes. The segment's own index is removed last: while it exists, the removal is not
 * complete.
 */
const removeIndexes = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  { first, month }: Pick<WriteOptions, "first" | "month">,
): Promise<void> => {
  const at = paths(dir);
  await removed(disk, `${at.indexes}/${writeMicros(month * 1000).slice(0, "2026-11".length)}.month.sqlite`);
  await removed(disk, at.segmentIndex(first));
};

const isOlder = async (disk: Disk, path: string, other: string): Promise<boolean> => {
  try {
    return (await disk.modified(path)) < (await disk.modified(other));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
};

const removed = async (disk: Disk, path: string): Promise<boolean> => {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
};

/** The segment's lines, with the text of a deletion at these places. */
const without = (file: SegmentFile, places: readonly Place[], by: number): Pick<SegmentFile, "read"> => ({
  read: async (into, position) => {
    const got = await file.read(into, position);
    for (let at = firstBehind(places, position); at < places.length; at++) {
      const place = places[at]!;
      if (place.position >= position + got) break;
      const text = deletedText(by, place.length);
      const from = Math.max(place.position, position);
      const to = Math.min(place.position + place.length, position + got);
      into.set(text.subarray(from - place.position, to - place.position), from - position);
    }
    return got;
  },
});

/** The first place that ends after this byte. */
const firstBehind = (places: readonly Place[], position: number): number => {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]!.position + places[middle]!.length <= position) low = middle + 1;
    else high = middle;
  }
  return low;
};

const pack = async (disk: Disk, path: string, lines: Pick<SegmentFile, "read">): Promise<void> => {
  const file = await disk.open(path, "create");
  try {
    await file.truncate(0);
    await writeFrames(lines, file, () => false);
    await file.flush();
  } finally {
    await file.close();
  }
};

/** Throws unless every line that is kept is there, byte for byte. */
const requireRemainder = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  path: string,
  { first, by, places }: Pick<WriteOptions, "first" | "by" | "places">,
): Promise<void> => {
  const hashes = await readWhole(disk, paths(dir).leaves(first));
  const deleted = new Map(places.map((place) => [place.index, place]));
  const file = await readFrames(await disk.open(path, "read"), path);
  try {
    let index = first;
    const good = await forEachLine(file, (bytes, start, end) => {
      const place = deleted.get(index);
      const at = (index - first) * DIGEST_BYTES;
      const isAsItShould = place
        ? bytes.subarray(start, end).equals(deletedText(by, place.length))
        : at + DIGEST_BYTES <= hashes.length &&
          leafHashWithin(bytes, start, end) === digestOf(hashes.subarray(at, at + DIGEST_BYTES));
      if (!isAsItShould) return false;
      index++;
      return true;
    });
    if (good !== (await file.size()))
      throw new SegmentDamaged(
        `line ${index - first + 1} of ${segmentName(first)} was not copied correctly, so the segment stays`,
      );
  } finally {
    await file.close();
  }
};
