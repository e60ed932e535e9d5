/**
 * The Merkle tree of RFC 6962, section 2.1: its hashes, a compact range that grows by appending, and both kinds of
 * proof.
 */
import { hash } from "node:crypto";

/** The 32 bytes of a SHA-256 as latin1 text. In Node a string costs a third of a Buffer, and `===` compares it. */
export type Digest = string;

export const DIGEST_BYTES = 32;
export const EMPTY_ROOT: Digest = hash("sha256", "", "binary");

const LEAF = 0;
const preimage = Buffer.alloc(1 + 2 * DIGEST_BYTES, 1);

export const nodeHash = (left: Digest, right: Digest): Digest => {
  preimage.write(left, 1, "latin1");
  preimage.write(right, 1 + DIGEST_BYTES, "latin1");
  return hash("sha256", preimage, "binary");
};

export const leafHash = (entry: Uint8Array): Digest => {
  const prefixed = Buffer.allocUnsafe(entry.length + 1);
  prefixed.set(entry, 1);
  return leafHashWithin(prefixed, 1, prefixed.length);
};

/** The leaf hash of bytes[start, end) without a copy: the prefix temporarily overwrites the byte before `start`. */
export const leafHashWithin = (bytes: Buffer, start: number, end: number): Digest => {
  const lent = bytes[start - 1]!;
  bytes[start - 1] = LEAF;
  const digest = hash("sha256", bytes.subarray(start - 1, end), "binary");
  bytes[start - 1] = lent;
  return digest;
};

export const digestBytes = (digest: Digest): Buffer => Buffer.from(digest, "latin1");
export const digestOf = (bytes: Uint8Array): Digest =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

export type Tree = {
  readonly size: () => number;
  readonly append: (leaf: Digest) => void;
  readonly root: () => Digest;
  /**
   * The roots of its full subtrees, the smallest first: one for each bit of the size. `createTree` can continue from
   * them.
   */
  readonly frontier: () => Digest[];
};

/** The state from which a tree can continue: as many roots as `size` has bits set. */
export type Frontier = { readonly size: number; readonly roots: readonly Digest[] };

const EMPTY: Frontier = { size: 0, roots: [] };

/**
 * Keeps one hash per level: the roots of the full subtrees, as the bits of a binary counter. Throws when `from` is not
 * a valid frontier.
 */
export const createTree = (from: Frontier = EMPTY): Tree => {
  const peaks = peaksOf(from);
  let { size } = from;
  return {
    size: () => size,
    append: (leaf) => {
      let carry = leaf;
      let level = 0;
      for (let peak = peaks[0]; peak !== undefined; peak = peaks[level]) {
        carry = nodeHash(peak, carry);
        peaks[level++] = undefined;
      }
      peaks[level] = carry;
      size++;
    },
    root: () =>
      peaks.reduce<Digest | undefined>(
        (right, peak) => (peak === undefined ? right : right === undefined ? peak : nodeHash(peak, right)),
        undefined,
      ) ?? EMPTY_ROOT,
    frontier: () => peaks.filter((peak) => peak !== undefined),
  };
};

const peaksOf = ({ size, roots }: Frontier): (Digest | undefined)[] => {
  const bits = Array.from(size.toString(2))
    .toReversed()
    .map((bit) => bit === "1");
  if (!isCount(size) || bits.filter(Boolean).length !== roots.length || !areDigests(roots))
    throw new Error(`a tree of ${size} entries has other subtrees`);
  let next = 0;
  return size === 0 ? [] : bits.map((bit) => (bit ? roots[next++] : undefined));
};

/** The root over leaves[from, to). */
export const rootOf = (leaves: readonly Digest[], from = 0, to = leaves.length): Digest => {
  if (to - from <= 1) return leaves[from] ?? EMPTY_ROOT;
  const middle = from + splitOf(to - from);
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, to));
};

/** The largest power of two below `size`. */
const splitOf = (size: number): number => {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
};

/** PATH(m, D[n]): the sibling hashes from leaf `index` to the root over all leaves. */
export const inclusionProof = (leaves: readonly Digest[], index: number, from = 0, to = leaves.length): Digest[] => {
  if (to - from <= 1) return [];
  const middle = from + splitOf(to - from);
  return index < middle - from
    ? [...inclusionProof(leaves, index, from, middle), rootOf(leaves, middle, to)]
    : [...inclusionProof(leaves, index - (middle - from), middle, to), rootOf(leaves, from, middle)];
};

/** PROOF(m, D[n]): the tree over all leaves extends the tree over the first `size`. */
export const consistencyProof = (leaves: readonly Digest[], size: number): Digest[] =>
  size === 0 ? [] : subproof(leaves, size, 0, leaves.length, true);

const subproof = (leaves: readonly Digest[], size: number, from: number, to: number, whole: boolean): Digest[] => {
  if (size === to - from) return whole ? [] : [rootOf(leaves, from, to)];
  const split = splitOf(to - from);
  return size <= split
    ? [...subproof(leaves, size, from, from + split, whole), rootOf(leaves, from + split, to)]
    : [...subproof(leaves, size - split, from + split, to, false), rootOf(leaves, from, from + split)];
};

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const areDigests = (proof: readonly Digest[]): boolean => proof.every(({ length }) => length === DIGEST_BYTES);

export type Inclusion = {
  readonly index: number;
  readonly size: number;
  readonly leaf: Digest;
  readonly root: Digest;
  readonly proof: readonly Digest[];
};

/** RFC 9162, 2.1.3.2: verifies the inclusion proofs of RFC 6962. */
export const verifyInclusion = ({ index, size, leaf, root, proof }: Inclusion): boolean => {
  if (!isCount(index) || !isCount(size) || index >= size || !areDigests([leaf, ...proof])) return false;
  let node = index;
  let last = size - 1;
  let digest = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    const right = node % 2 === 1 || node === last;
    digest = right ? nodeHash(sibling, digest) : nodeHash(digest, sibling);
    while (right && node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && digest === root;
};

export type Consistency = {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Digest;
  readonly root2: Digest;
  readonly proof: readonly Digest[];
};

/** RFC 9162, 2.1.4.2. An empty tree needs no proof: every tree extends it. */
export const verifyConsistency = ({ size1, size2, root1, root2, proof }: Consistency): boolean => {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2 || !areDigests(proof)) return false;
  if (size1 === size2) return proof.length === 0 && root1 === root2;
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : [...proof];
  const start = path.shift();
  if (start === undefined) return false;
  let [node, last] = [size1 - 1, size2 - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [digest1, digest2] = [start, start];
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [digest1, digest2] = [nodeHash(sibling, digest1), nodeHash(sibling, digest2)];
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else digest2 = nodeHash(digest2, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && digest1 === root1 && digest2 === root2;
};

const half = (value: number): number => Math.floor(value / 2);

const isPowerOfTwo = (value: number): boolean => {
  let power = 1;
  while (power < value) power *= 2;
  return power === value;
};
