/** The Merkle tree of a bundle (RFC 6962): leaf hashes, and what inclusion and consistency proofs prove. */
import { createHash } from "node:crypto";

/** For a tree of 2^53 leaves. Longer proofs are cut, so they lead nowhere. */
export const LONGEST_PATH = 64;

export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

/** RFC 6962, 2.1: a line without its line feed is a leaf. */
export const leafHash = (line) => sha256(Buffer.of(0), line);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** RFC 9162, 2.1.3.2. Undefined when the path does not fit the tree. */
export const rootFrom = (leaf, index, size, path) => {
  if (!(index >= 0 && index < size)) return undefined;
  let [node, last, hash] = [BigInt(index), BigInt(size - 1), leaf];
  for (const sibling of path) {
    if (last === 0n) return undefined;
    if (node % 2n === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node / 2n, last / 2n];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [node / 2n, last / 2n];
  }
  return last === 0n ? hash : undefined;
};

/** RFC 9162, 2.1.4.2. */
export const isContinued = ({ size: size1, root: root1 }, { size: size2, root: root2 }, proof) => {
  if (!(size1 > 0 && size1 <= size2)) return false;
  if (size1 === size2) return proof.length === 0 && root1.equals(root2);
  const isPower = (BigInt(size1) & (BigInt(size1) - 1n)) === 0n;
  const [start, ...path] = isPower ? [root1, ...proof] : proof;
  if (!start) return false;
  let [node, last] = [BigInt(size1 - 1), BigInt(size2 - 1)];
  while (node % 2n === 1n) [node, last] = [node / 2n, last / 2n];
  let [first, second] = [start, start];
  for (const sibling of path) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      [first, second] = [nodeHash(sibling, first), nodeHash(sibling, second)];
      while (node % 2n === 0n && node !== 0n) [node, last] = [node / 2n, last / 2n];
    } else second = nodeHash(second, sibling);
    [node, last] = [node / 2n, last / 2n];
  }
  return last === 0n && first.equals(root1) && second.equals(root2);
};
