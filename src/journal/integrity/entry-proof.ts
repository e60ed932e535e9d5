/**
 * Whether a line is as it was written. What a claim is drawn from ("complete", "set aside", "deleted") must lead to the
 * root of the last checkpoint. What is only shown must be as its checksum or its recorded leaf hash says.
 */
import { readAll, readWhole, type Disk } from "./disk.ts";
import { readCheckpoint } from "./note.ts";
import { numbersIn, places } from "./places.ts";
import { isSealed } from "./seal.ts";
import { Tiles } from "./tiles.ts";
import { DIGEST_BYTES, digestOf, leafHash, leafHashWithin, verifyInclusion, type Digest } from "./tree.ts";

/**
 * proved: the line leads to the root of the last checkpoint. uncovered: that checkpoint does not reach so far.
 * unproved: the line is another than was signed, or what would prove it is missing or damaged.
 */
export type Proof = "proved" | "uncovered" | "unproved";

type Place = { readonly disk: Disk; readonly dir: string };

/** By the last checkpoint that there is when it is opened. To be closed. */
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

  /** Entries below it are covered. */
  get size(): number {
    return this.#tiles.size;
  }

  async of(index: number, line: Uint8Array): Promise<Proof> {
    const { size } = this.#tiles;
    if (index >= size) return "uncovered";
    if (this.#root === undefined) return "unproved";
    // Whatever is wrong with the leaf hashes, they prove nothing then.
    const proof = await this.#tiles.of(index).catch(() => undefined);
    const isIn = proof && verifyInclusion({ index, size, leaf: leafHash(line), root: this.#root, proof });
    return isIn ? "proved" : "unproved";
  }

  close(): Promise<void> {
    return this.#tiles.close();
  }
}

/** The size of the last checkpoint; 0 where there is none. */
export const coveredIn = async ({ disk, dir }: Place): Promise<number> => {
  const names = await disk.list(places(dir).checkpoints).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return [];
  });
  return numbersIn(names, "").at(-1) ?? 0;
};

const rootOf = async ({ disk, dir }: Place, size: number): Promise<Digest | undefined> => {
  const note = await readWhole(disk, places(dir).checkpoint(size)).catch(() => undefined);
  const signed = note && readCheckpoint(note.toString());
  return signed?.size === size ? digestOf(signed.root) : undefined;
};

/** bytes[start, end) of the segment that begins with `first` is the line of this index. */
export type Part = { readonly bytes: Buffer; readonly start: number; readonly end: number; readonly index: number };

/** By its checksum; one that has none, or another, by the leaf hash that was recorded for its index. */
export const isAsWritten = async (place: Place, first: number, { bytes, start, end, index }: Part): Promise<boolean> =>
  isSealed(bytes, start, end) || (await recordedAt(place, first, index)) === hashOf(bytes, start, end);

/** Without a byte in front the line is copied. */
const hashOf = (bytes: Buffer, start: number, end: number): Digest =>
  start > 0 ? leafHashWithin(bytes, start, end) : leafHash(bytes.subarray(start, end));

const recordedAt = async ({ disk, dir }: Place, first: number, index: number): Promise<Digest | undefined> => {
  try {
    const file = await disk.open(places(dir).leaves(first), "read");
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
