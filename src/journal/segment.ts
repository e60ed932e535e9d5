/** The lines of a segment: who reads them goes through here. A position is a byte of the lines, `\n` included. */
import type { Disk, DiskFile } from "./disk.ts";
import { numbersIn, places } from "./places.ts";

/** Read as a file: at most as many bytes as fit, 0 at the end. `size`: of the lines. */
export type SegmentFile = Pick<DiskFile, "read" | "size" | "close">;

/** With which index each segment begins, ascending. */
export const firstsOf = async (disk: Disk, dir: string): Promise<number[]> => segmentsIn(await disk.list(places(dir).segments));

/** The same, of the names in their directory. */
export const segmentsIn = (names: readonly string[]): number[] => numbersIn(names, ".jsonl");

export const openSegment = (disk: Disk, dir: string, first: number): Promise<SegmentFile> => disk.open(places(dir).segment(first), "read");

/** Opens it, and closes it whatever becomes of the work. */
export const withSegment = async <Result>(disk: Disk, dir: string, first: number, work: (file: SegmentFile) => Promise<Result>): Promise<Result> => {
  const file = await openSegment(disk, dir, first);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
};
