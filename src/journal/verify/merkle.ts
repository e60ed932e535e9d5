/** RFC 6962 for verification, written independently of `integrity/merkle-tree.ts`, so that a mistake there is found. */
import { hash } from "node:crypto";

const block = new Uint8Array(65);
const view = Buffer.from(block.buffer);

/** Leaf hash of a line, in hex. */
export const hashLine = (line: Uint8Array): string => {
  const input = Buffer.allocUnsafe(line.length + 1);
  input[0] = 0x00;
  input.set(line, 1);
  return hash("sha256", input, "hex");
};

const hashPair = (left: string, right: string): string => {
  block[0] = 0x01;
  view.write(left, 1, "hex");
  view.write(right, 33, "hex");
  return hash("sha256", block, "hex");
};

/** The sizes of the full subtrees, smallest first: the bits of `size`. */
const sizesOf = (size: number): number[] => {
  const sizes: number[] = [];
  for (let leaves = 1; leaves <= size; leaves *= 2) if (Math.floor(size / leaves) % 2 === 1) sizes.push(leaves);
  return sizes;
};

/** Roots of growing prefixes: a stack of full subtrees, largest first, merged when two have the same size. */
export class Prefix {
  readonly #subtrees: { leaves: number; digest: string }[] = [];
  size = 0;

  /** `frontier`: the roots of the full subtrees of `size` leaves, the smallest first; see `isOf`. */
  constructor(size = 0, frontier: readonly string[] = []) {
    this.size = size;
    const sizes = sizesOf(size);
    for (const [at, digest] of frontier.entries()) this.#subtrees.unshift({ leaves: sizes[at]!, digest });
  }

  static isOf(size: number, frontier: readonly string[]): boolean {
    return (
      Number.isSafeInteger(size) &&
      size > 0 &&
      sizesOf(size).length === frontier.length &&
      frontier.every((digest) => /^[0-9a-f]{64}$/.test(digest))
    );
  }

  add(leaf: string): void {
    let grown = { leaves: 1, digest: leaf };
    while (this.#subtrees.at(-1)?.leaves === grown.leaves) {
      const left = this.#subtrees.pop()!;
      grown = { leaves: left.leaves * 2, digest: hashPair(left.digest, grown.digest) };
    }
    this.#subtrees.push(grown);
    this.size++;
  }

  root(): string {
    const digests = this.#subtrees.map(({ digest }) => digest);
    return digests.length === 0
      ? hash("sha256", "", "hex")
      : digests.reduceRight((right, left) => hashPair(left, right));
  }
}
