/**
 * Inclusion proofs (RFC 6962, 2.1.1) of chosen entries with little memory: while all lines pass, only the roots of full
 * chunks are kept. Leaf hashes within a chunk are read from the files beside the segments, and count only if they have
 * the chunk's root.
 */
import { nodeDisk, readAll } from "../disk.ts";
import { numbersIn, paths } from "../paths.ts";
import { DIGEST_BYTES, digestOf, inclusionProof, nodeHash, rootOf, type Digest } from "../integrity/merkle-tree.ts";

/** A power of two, so that a full chunk is a full subtree. */
const CHUNK = 256;
const MOST_KEPT = 64;

export class InclusionProofs {
  readonly #dir: string;
  readonly #roots: Digest[] = [];
  /** Leaves after the last full chunk. */
  #rest: Digest[] = [];
  /** From the roots of the chunks up to the root of the tree. */
  #levels: Digest[][] | undefined;
  readonly #kept = new Map<number, readonly Digest[]>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  get size(): number {
    return this.#roots.length * CHUNK + this.#rest.length;
  }

  /** Call it with every leaf, in order. */
  add(leaf: Digest): void {
    this.#rest.push(leaf);
    if (this.#rest.length < CHUNK) return;
    this.#roots.push(rootOf(this.#rest));
    this.#rest = [];
  }

  root(): Digest {
    return this.#tops().at(-1)?.[0] ?? rootOf([]);
  }

  /** Sibling hashes from the leaf up. Rejects when the recorded leaf hashes differ from the lines that passed. */
  async of(index: number): Promise<Digest[]> {
    let place = Math.floor(index / CHUNK);
    const path = inclusionProof(place < this.#roots.length ? await this.#leavesOf(place) : this.#rest, index % CHUNK);
    for (const level of this.#tops()) {
      const sibling = level[place % 2 === 0 ? place + 1 : place - 1];
      if (sibling !== undefined) path.push(sibling);
      place = Math.floor(place / 2);
    }
    return path;
  }

  /** Pairs give the level above; an unpaired node moves up unchanged, as RFC 6962 splits. */
  #tops(): readonly (readonly Digest[])[] {
    if (this.#levels) return this.#levels;
    const levels = [this.#rest.length === 0 ? [...this.#roots] : [...this.#roots, rootOf(this.#rest)]];
    for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
      levels.push(
        Array.from({ length: Math.ceil(below.length / 2) }, (_, at) =>
          2 * at + 1 < below.length ? nodeHash(below[2 * at]!, below[2 * at + 1]!) : below[2 * at]!,
        ),
      );
    }
    return (this.#levels = levels);
  }

  async #leavesOf(chunk: number): Promise<readonly Digest[]> {
    const known = this.#kept.get(chunk);
    if (known) return known;
    const leaves = await readLeaves(this.#dir, chunk * CHUNK, CHUNK);
    if (leaves.length !== CHUNK || rootOf(leaves) !== this.#roots[chunk])
      throw new Error(
        `the leaf hashes of entries ${chunk * CHUNK} to ${(chunk + 1) * CHUNK - 1} do not match the lines. To ` +
          "find out why: ocsgw audit verify -c FILE",
      );
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(chunk, leaves);
    return leaves;
  }
}

/** `count` leaf hashes from index `from` on, across segments; fewer if there are no more. */
export const readLeaves = async (dir: string, from: number, count: number): Promise<Digest[]> => {
  const at = paths(dir);
  const firsts = numbersIn(
    (await nodeDisk.list(at.segments))
      .filter((name) => name.endsWith(".hashes"))
      .map((name) => name.replace(".hashes", ".jsonl")),
    ".jsonl",
  );
  const leaves: Digest[] = [];
  for (const [place, first] of firsts.entries()) {
    const next = firsts[place + 1] ?? Number.POSITIVE_INFINITY;
    const wanted = from + leaves.length;
    if (next <= wanted || first > wanted || leaves.length === count) continue;
    const file = await nodeDisk.open(at.leaves(first), "read");
    try {
      const bytes = await readAll(
        file,
        (wanted - first) * DIGEST_BYTES,
        Math.min(count - leaves.length, next - wanted) * DIGEST_BYTES,
      );
      for (let offset = 0; offset + DIGEST_BYTES <= bytes.length; offset += DIGEST_BYTES)
        leaves.push(digestOf(bytes.subarray(offset, offset + DIGEST_BYTES)));
    } finally {
      await file.close();
    }
  }
  return leaves;
};
