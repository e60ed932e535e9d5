/** Where things lie in the journal's directory. A segment and its leaf hashes are named by the index of their first entry, a checkpoint and a state by its size. */
import { join } from "node:path";

const DIGITS = 12;

const numbered = (number: number): string => String(number).padStart(DIGITS, "0");

export const places = (dir: string) => ({
  segments: join(dir, "segments"),
  checkpoints: join(dir, "checkpoints"),
  /** What a start goes on from, beside some of the checkpoints. May be deleted at any time: then a start reads every line. */
  states: join(dir, "states"),
  /** Up to where the lines were read again and found as they were signed. */
  mark: join(dir, "verified"),
  lock: join(dir, "lock"),
  /** Who holds the kernel's lock on it writes the journal. Nothing but `lock/kernel.ts` may open it. */
  writer: join(dir, "lock", "writer"),
  /** Who that is, in words for people. */
  holder: join(dir, "lock", "holder.json"),
  /** Where a running gateway takes commands. */
  commands: join(dir, "commands.sock"),
  /** Of what no sealed segment's index has. May be deleted at any time, as may those of segments and months: they are made again from the segments. */
  index: join(dir, "index.sqlite"),
  indexes: join(dir, "index"),
  segmentIndex: (first: number): string => join(dir, "index", segmentIndexName(first)),
  verifierKeys: join(dir, "checkpoint.pub"),
  segment: (first: number): string => join(dir, "segments", segmentName(first)),
  /** Where the files of damaged segments are moved to, by the name that they had. */
  setAside: join(dir, "set-aside"),
  /** The same lines, compressed. */
  compressed: (first: number): string => join(dir, "segments", compressedName(first)),
  leaves: (first: number): string => join(dir, "segments", `${numbered(first)}.hashes`),
  /** Inner nodes of the tree; may be deleted at any time: they are made again from the leaf hashes. */
  tilesDirectory: join(dir, "tiles"),
  tiles: (level: number): string => join(dir, "tiles", String(level)),
  checkpoint: (size: number): string => join(dir, "checkpoints", numbered(size)),
  /** The same note with the cosignatures of witnesses behind its own signature. */
  cosigned: (size: number): string => join(dir, "checkpoints", `${numbered(size)}${COSIGNED}`),
  /** The answer of a time stamping authority (RFC 3161, TimeStampResp) about the bytes of the checkpoint's file. */
  timestamp: (size: number): string => join(dir, "checkpoints", `${numbered(size)}${TIMESTAMP}`),
  state: (size: number): string => join(dir, "states", numbered(size)),
});

type Ending = ".jsonl" | ".jsonl.zst" | ".hashes" | ".sqlite" | typeof COSIGNED | typeof TIMESTAMP | "";

export const COSIGNED = ".cosigned";
export const TIMESTAMP = ".tsr";

export const segmentName = (first: number): string => `${numbered(first)}.jsonl`;

export const compressedName = (first: number): string => `${segmentName(first)}.zst`;

export const segmentIndexName = (first: number): string => `${numbered(first)}.sqlite`;

/**
 * The numbers of the names that fit, ascending: of segments with ".jsonl" and ".jsonl.zst", of their leaf hashes with
 * ".hashes", of checkpoints and states with "", of what vouches for checkpoints with ".cosigned" and ".tsr", of indexes with ".sqlite".
 */
export const numbersIn = (names: readonly string[], ending: Ending): number[] =>
  names
    .filter(
      (name) =>
        name.length === DIGITS + ending.length && name.endsWith(ending) && /^[0-9]+$/.test(name.slice(0, DIGITS)),
    )
    .map((name) => Number(name.slice(0, DIGITS)))
    .toSorted((left, right) => left - right);
