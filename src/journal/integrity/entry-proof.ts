/**
 * Verifies single lines. A line that supports a claim ("complete", "set aside", "deleted") must lead to the root of the
 * last checkpoint. A line that is only shown must match its checksum or its recorded leaf hash.
 */
import { readAll, readWhole, type Disk } from "../disk.ts";
import { readCheckpoint } from "./checkpoints/signed-note.ts";
import { numbersIn, paths } from "../paths.ts";
import { hasValidChecksum } from "./line-checksum.ts";
import { Tiles } from "./tiles.ts";
import { DIGEST_BYTES, digestOf, leafHash, leafHashWithin, verifyInclusion, type Digest } from "./merkle-tree.ts";

/**
 * proved: the line leads to the root of the last checkpoint. uncovered: the line is newer than that checkpoint.
 * unproved: the line was changed, or its proof is missing or damaged.
 */
export type Proof = "proved" | "uncovered" | "unproved";

type Place = { readonly disk: Disk; readonly dir: string };

/** Proves lines by the last checkpoint at the time of `open`. Close it after use. */
export class Prover {
  readonly #tiles: Tiles;
  readonly #root: Digest | undefined;

  private constructor(tiles: Tiles, root: Digest | undefined) {
    [this.#tiles, this.#root] = [tiles, root];
  }

  static async open({ disk, dir }: Place): Promise<Prover> {
    const size = await coveredIn({ disk, dir });
    return new Prover(new Tiles(disk, dir, size), size === 0 ? undefined : await rootOf({ disk, dir }, size));
  }

  /** Entries below it are covered by the checkpoint. */
  get size(): number {
    return this.#tiles.size;
  }

  async of(index: number, line: Uint8Array): Promise<Proof> {
    const { size } = this.#tiles;
    if (index >= size) return "uncovered";
    if (this.#root === undefined) return "unproved";
    // Missing or damaged leaf hashes prove nothing.
    const proof = await this.#tiles.of(index).catch(() => undefined);
    const isIn = proof && verifyInclusion({ index, size, leaf: leafHash(line), root: this.#root, proof });
    return isIn ? "proved" : "unproved";
  }

  close(): Promise<void> {
    return this.#tiles.close();
  }
}

/** The size of the last checkpoint; 0 if there is none. */
export const coveredIn = async ({ disk, dir }: Place): Promise<number> => {
  const names = await disk.list(paths(dir).checkpoints).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return [];
  });
  return numbersIn(names, "").at(-1) ?? 0;
};

const rootOf = async ({ disk, dir }: Place, size: number): Promise<Digest | undefined> => {
  const note = await readWhole(disk, paths(dir).checkpoint(size)).catch(() => undefined);
  const signed = note && readCheckpoint(note.toString());
  return signed?.size === size ? digestOf(signed.root) : undefined;
};

/** bytes[start, end) of the segment that begins with `first` is the line of this index. */
export type Part = { readonly bytes: Buffer; readonly start: number; readonly end: number; readonly index: number };

/** By its checksum; without a valid checksum, by the leaf hash recorded for its index. */
export const isAsWritten = async (place: Place, first: number, { bytes, start, end, index }: Part): Promise<boolean> =>
  hasValidChecksum(bytes, start, end) || (await recordedAt(place, first, index)) === hashOf(bytes, start, end);

/** Copies the line if there is no byte before it. */
const hashOf = (bytes: Buffer, start: number, end: number): Digest =>
  start > 0 ? leafHashWithin(bytes, start, end) : leafHash(bytes.subarray(start, end));

const recordedAt = async ({ disk, dir }: Place, first: number, index: number): Promise<Digest | undefined> => {
  try {
    const file = await disk.open(paths(dir).leaves(first), "read");
    try {
      const bytes = await readAll(file, (index - first) * DIGEST_BYTES, DIGEST_BYTES);
      return bytes.length === DIGEST_BYTES ? digestOf(bytes) : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
};
