/**
 * The lines of a segment, in whatever form its file is: plain while it is written and some time after, then compressed. Who reads goes through here.
 * A position is a byte of the lines, `\n` included, and the same in both forms; so what the index remembers stays true.
 */
import type { Disk, DiskFile } from "./disk.ts";
import { readFrames } from "./frames.ts";
import { compressedName, numbersIn, places, segmentName } from "./places.ts";

/** Read as a file: at most as many bytes as fit, 0 at the end. `size`: of the lines. */
export type SegmentFile = Pick<DiskFile, "read" | "size" | "close">;

/** With which index each segment begins, ascending. */
export const firstsOf = async (disk: Disk, dir: string): Promise<number[]> =>
  segmentsIn(await disk.list(places(dir).segments));

/** The same, of the names in their directory. */
export const segmentsIn = (names: readonly string[]): number[] =>
  [...new Set([...numbersIn(names, ".jsonl"), ...numbersIn(names, ".jsonl.zst")])].toSorted(
    (left, right) => left - right,
  );

/** Those whose lines are compressed. The plain file may be there besides, when a crash came before it was removed. */
export const compressedIn = (names: readonly string[]): ReadonlySet<number> => new Set(numbersIn(names, ".jsonl.zst"));

/** The compressed form where there is one. Meanwhile the one may take the other's place: then it is looked for once more. */
export const openSegment = async (disk: Disk, dir: string, first: number): Promise<SegmentFile> => {
  const at = places(dir);
  const compressed = await ifThere(disk, at.compressed(first));
  if (compressed) return readFrames(compressed, at.compressed(first));
  const plain = await ifThere(disk, at.segment(first));
  return plain ?? readFrames(await disk.open(at.compressed(first), "read"), at.compressed(first));
};

const ifThere = async (disk: Disk, path: string): Promise<DiskFile | undefined> => {
  try {
    return await disk.open(path, "read");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
};

/** The same of a segment that was set aside. */
export const openAside = async (disk: Disk, dir: string, first: number): Promise<SegmentFile> => {
  const folder = places(dir).setAside;
  const compressed = await ifThere(disk, `${folder}/${compressedName(first)}`);
  return compressed
    ? readFrames(compressed, `${folder}/${compressedName(first)}`)
    : disk.open(`${folder}/${segmentName(first)}`, "read");
};

/** Opens it, and closes it whatever becomes of the work. */
export const withSegment = async <Result>(
  disk: Disk,
  dir: string,
  first: number,
  work: (file: SegmentFile) => Promise<Result>,
): Promise<Result> => {
  const file = await openSegment(disk, dir, first);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
};

/** Removes its index, and its lines in both forms. The names are yet to be synced. */
export const removeSegment = async (disk: Disk, dir: string, first: number): Promise<void> => {
  const at = places(dir);
  for (const path of [at.segmentIndex(first), at.compressed(first), at.segment(first)]) {
    await disk.remove(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
  }
};
