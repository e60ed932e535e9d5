/**
 * Lines that were deleted before the others of their segment, because the retention time of their kind was over: which
 * lines they are, and what entries state about them. In the tree, its recorded leaf hash replaces a deleted line.
 */
import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Line } from "./walk.ts";

const HASH_BYTES = 32;

/** The recorded leaf hash, in hex, by its position in the segment; undefined if there is none. */
export type Recorded = (place: number) => string | undefined;

/** `path`: of the file of leaf hashes; if it is missing, none are recorded. */
export const recordedIn = async (path: string): Promise<Recorded> => {
  const bytes = await readHashes(path);
  return (place) => {
    const hash = bytes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
    return place >= 0 && hash.length === HASH_BYTES ? hash.toString("hex") : undefined;
  };
};

const readHashes = async (path: string): Promise<Buffer> => {
  try {
    await using file = await open(path, "r");
    const found = await file.stat();
    return found.isFile() ? await file.readFile() : Buffer.alloc(0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return Buffer.alloc(0);
  }
};

const MOST_LINES = 5;

type Segment = { readonly hash: Hash; readonly lines: number[]; count: number };
/** `by`: the index of the entry. */
type DeletionStatement = {
  readonly from: number;
  readonly entries: number;
  readonly sha256: string;
  readonly by: number;
};

export class Deletions {
  readonly #segments = new Map<number, Segment>();
  readonly #statements: DeletionStatement[] = [];

  /** Takes a line of the segment that begins with `first`. */
  take(first: number, { number, head, bytes, deleted }: Line): void {
    if (head?.kind === "deleted") this.#statements.push(...parse(bytes, head.index));
    if (!deleted) return;
    const segment = this.#segments.get(first) ?? { hash: createHash("sha256"), lines: [], count: 0 };
    this.#segments.set(first, segment);
    segment.hash.update(`${first + number - 1}\n`);
    segment.count++;
    if (segment.lines.length < MOST_LINES) segment.lines.push(number);
  }

  /** The number of deleted lines that entries explain; only entries below `covered` count. */
  explained(covered: number): number {
    return [...this.#segments].reduce(
      (sum, [first, { count }]) => sum + (this.isExplained(first, covered) ? count : 0),
      0,
    );
  }

  /** The other segments with deleted lines, by first index. `lines`: some of those lines, counted from 1. */
  unexplained(
    covered: number,
  ): { readonly first: number; readonly count: number; readonly lines: readonly number[] }[] {
    return [...this.#segments]
      .filter(([first]) => !this.isExplained(first, covered))
      .map(([first, { count, lines }]) => ({ first, count, lines }));
  }

  /**
   * Whether an entry names exactly these lines. It must be covered by a checkpoint: an attacker who deletes lines can
   * also write an entry.
   */
  isExplained(first: number, covered: number): boolean {
    const segment = this.#segments.get(first);
    const sha256 = segment?.hash.copy().digest("hex");
    return this.#statements.some(
      (said) => said.from === first && said.by < covered && said.entries === segment?.count && said.sha256 === sha256,
    );
  }
}

/** A changed line can contain anything: it is ignored here, and the roots show the change. */
const parse = (bytes: Buffer, by: number): DeletionStatement[] => {
  try {
    const { remainders = [] } = JSON.parse(bytes.toString()) as {
      readonly remainders?: readonly Omit<DeletionStatement, "by">[];
    };
    return remainders.map(({ from, entries, sha256 }) => ({ from, entries, sha256, by }));
  } catch {
    return [];
  }
};
