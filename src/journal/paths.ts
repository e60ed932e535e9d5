/**
 * The paths in the journal's directory. A segment and its leaf hashes are named by the index of their first entry, a
 * checkpoint and a start state by its size.
 */
import { join } from "node:path";

const DIGITS = 12;

const numbered = (number: number): string => String(number).padStart(DIGITS, "0");

export const paths = (dir: string) => ({
  segments: join(dir, "segments"),
  checkpoints: join(dir, "checkpoints"),
  /** Start states, beside some of the checkpoints. May be deleted at any time: the next start then reads every line. */
  states: join(dir, "states"),
  /** The index up to which background verification has read the lines and found them as signed. */
  mark: join(dir, "verified"),
  /** For each destination of `audit.forward` the index of the next entry that it gets. */
  forward: join(dir, "forward"),
  lock: join(dir, "lock"),
  /** The process that holds the kernel's lock on this file writes the journal. Only `lock/kernel.ts` may open it. */
  writer: join(dir, "lock", "writer"),
  /** A description of the lock's holder, for people. */
  holder: join(dir, "lock", "holder.json"),
  /** The socket on which a running gateway takes commands. */
  commands: join(dir, "commands.sock"),
  /**
   * The index of the entries that no sealed segment's index covers. It may be deleted at any time, as may those of
   * segments and months: they are rebuilt from the segments.
   */
  index: join(dir, "index.sqlite"),
  indexes: join(dir, "index"),
  segmentIndex: (first: number): string => join(dir, "index", segmentIndexName(first)),
  verifierKeys: join(dir, "checkpoint.pub"),
  segment: (first: number): string => join(dir, "segments", segmentName(first)),
  /** The directory for the files of damaged segments; they keep their names. */
  setAside: join(dir, "set-aside"),
  /** The same lines, compressed. */
  compressed: (first: number): string => join(dir, "segments", compressedName(first)),
  leaves: (first: number): string => join(dir, "segments", `${numbered(first)}.hashes`),
  /** Inner nodes of the tree; may be deleted at any time: they are rebuilt from the leaf hashes. */
  tilesDirectory: join(dir, "tiles"),
  tiles: (level: number): string => join(dir, "tiles", String(level)),
  checkpoint: (size: number): string => join(dir, "checkpoints", numbered(size)),
  /** The same note with the cosignatures of witnesses after its own signature. */
  cosigned: (size: number): string => join(dir, "checkpoints", `${numbered(size)}${COSIGNED}`),
  /** The time stamping authority's answer (RFC 3161, TimeStampResp) about the bytes of the checkpoint's file. */
  timestamp: (size: number): string => join(dir, "checkpoints", `${numbered(size)}${TIMESTAMP}`),
  state: (size: number): string => join(dir, "states", numbered(size)),
  /** What this gateway knows of the journals of other gateways, and has cosigned for them. */
  peers: join(dir, "peers"),
  /** Masked copies of configs that were in force, by hash. May be deleted at any time. */
  configs: join(dir, "configs"),
});

type Ending = ".jsonl" | ".jsonl.zst" | ".hashes" | ".sqlite" | typeof COSIGNED | typeof TIMESTAMP | "";

export const COSIGNED = ".cosigned";
export const TIMESTAMP = ".tsr";

export const segmentName = (first: number): string => `${numbered(first)}.jsonl`;

export const compressedName = (first: number): string => `${segmentName(first)}.zst`;

export const segmentIndexName = (first: number): string => `${numbered(first)}.sqlite`;

/**
 * The numbers of the matching names, ascending: segments with ".jsonl" and ".jsonl.zst", their leaf hashes with
 * ".hashes", checkpoints and states with "", cosigned checkpoints with ".cosigned", timestamps with ".tsr", indexes
 * with ".sqlite".
 */
export const numbersIn = (names: readonly string[], ending: Ending): number[] =>
  names
    .filter(
      (name) =>
        name.length === DIGITS + ending.length && name.endsWith(ending) && /^[0-9]+$/.test(name.slice(0, DIGITS)),
    )
    .map((name) => Number(name.slice(0, DIGITS)))
    .toSorted((left, right) => left - right);
