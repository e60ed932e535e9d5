/**
 * The lines of a segment, whatever the form of its file: plain while it is written and for some time after, then
 * compressed. All readers use this file. A position is a byte of the lines, `\n` included, and is the same in both
 * forms, so the positions in the index stay valid.
 */
import type { Disk, DiskFile } from "../disk.ts";
import { readFrames } from "./frames.ts";
import { compressedName, numbersIn, paths, segmentName } from "../paths.ts";

/** Reads like a file: at most as many bytes as fit, 0 at the end. `size`: bytes of the lines. */
export type SegmentFile = Pick<DiskFile, "read" | "size" | "close">;

/** The first index of each segment, ascending. */
export const firstsOf = async (disk: Disk, dir: string): Promise<number[]> =>
  segmentsIn(await disk.list(paths(dir).segments));

/** The same, from the file names. */
export const segmentsIn = (names: readonly string[]): number[] =>
  [...new Set([...numbersIn(names, ".jsonl"), ...numbersIn(names, ".jsonl.zst")])].toSorted(
    (left, right) => left - right,
  );

/** The first indexes of compressed segments. After a crash the plain file may exist too. */
export const compressedIn = (names: readonly string[]): ReadonlySet<number> => new Set(numbersIn(names, ".jsonl.zst"));

/** Opens the compressed form if there is one. The plain one may be replaced meanwhile: then it tries again. */
export const openSegment = async (disk: Disk, dir: string, first: number): Promise<SegmentFile> => {
  const at = paths(dir);
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

/** The same for a segment that was set aside. */
export const openSetAside = async (disk: Disk, dir: string, first: number): Promise<SegmentFile> => {
  const folder = paths(dir).setAside;
  const compressed = await ifThere(disk, `${folder}/${compressedName(first)}`);
  return compressed
    ? readFrames(compressed, `${folder}/${compressedName(first)}`)
    : disk.open(`${folder}/${segmentName(first)}`, "read");
};

/** Opens the segment, and closes it however the work ends. */
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

/** Removes its index, and its lines in both forms. The caller syncs the directory. */
export const removeSegment = async (disk: Disk, dir: string, first: number): Promise<void> => {
  const at = paths(dir);
  for (const path of [at.segmentIndex(first), at.compressed(first), at.segment(first)]) {
    await disk.remove(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
  }
};
