/**
 * Whether a start may continue from a state: the files must be those that the state describes, as far as that can be
 * checked without reading them.
 */
import { readAll, type DiskFile } from "../../disk.ts";
import { coversAll } from "../../segments/set-aside-ranges.ts";
import type { Checkpoint } from "../../integrity/checkpoints/signed-note.ts";
import { segmentName } from "../../paths.ts";
import type { StartState } from "../start-state.ts";
import { leafHash } from "../../integrity/merkle-tree.ts";

const LOOK_BACK = 1 << 16;
const NEWLINE = 0x0a;

/** `damaged`: the first indexes of segments that are about to be set aside and may be missing. */
type Names = {
  readonly segments: readonly number[];
  readonly hashes: readonly number[];
  readonly damaged: readonly number[];
};

/**
 * Every segment of the state must exist with its leaf hashes; of deleted or set-aside segments, which an entry must
 * state, the leaf hashes.
 */
export const requireSegments = (
  { segment: last, segments: number, trail: { setAsideRanges } }: StartState,
  { segments, hashes, damaged }: Names,
): void => {
  const own = new Set(segments);
  const first = segments[0] ?? 0;
  if (!own.has(last)) throw new Error(`its last segment, ${segmentName(last)}, is missing`);
  const recorded = hashes.filter((each) => each >= first && each <= last);
  const missing = recorded.find(
    (each) => !own.has(each) && !damaged.includes(each) && !coversAll(setAsideRanges.all(), each, each + 1),
  );
  if (missing !== undefined) throw new Error(`${segmentName(missing)} is missing`);
  if (recorded.length < segments.filter((each) => each <= last).length) throw new Error("a segment has no leaf hashes");
  const found = hashes.filter((each) => each <= last).length;
  if (found !== number) throw new Error(`there were ${number} segments, but there are leaf hashes of ${found}`);
};

/**
 * Every place outside must have a checkpoint at least as large, so that the lines above the state are compared with its
 * newest.
 */
export const requireReached = (
  { size }: StartState,
  elsewhere: readonly (Checkpoint & { readonly from?: string })[],
): void => {
  for (const [from = "the checkpoint sinks", checkpoints] of Map.groupBy(elsewhere, (each) => each.from)) {
    const newest = Math.max(...checkpoints.map((each) => each.size));
    if (newest < size)
      throw new Error(`the newest checkpoint in ${from} covers only ${newest} entries, so the lines after it are read`);
  }
};

/** The line before the next line's position must be the last one that the state knows. */
export const requireLastLine = async (
  file: Pick<DiskFile, "read" | "size">,
  { bytes, segment, leaf }: StartState,
): Promise<void> => {
  const size = await file.size();
  if (size < bytes) throw new Error(`${segmentName(segment)} has ${size} bytes, and had ${bytes}`);
  if (bytes === 0) return;
  for (let length = LOOK_BACK; ; length *= 4) {
    const start = Math.max(0, bytes - length);
    const read = await readAll(file, start, bytes - start);
    const before = read.lastIndexOf(NEWLINE, read.length - 2);
    if (before < 0 && start > 0) continue;
    if (read.at(-1) === NEWLINE && leafHash(read.subarray(before + 1, -1)) === leaf) return;
    throw new Error(`${segmentName(segment)} has another line where it ends`);
  }
};
