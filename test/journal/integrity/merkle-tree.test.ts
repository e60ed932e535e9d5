import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyProof,
  createTree,
  digestBytes,
  digestOf,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/journal/integrity/merkle-tree.ts";
import { Prefix, hashLine } from "../../../src/journal/verify/merkle.ts";
import { CORPORA } from "../../kit/corpora.ts";

const corpus = new URL("rfc6962-proofs/", CORPORA);
const hasCorpus = existsSync(corpus);
if (!hasCorpus && process.env.CI === "true") throw new Error(`the corpus ${corpus.pathname} is missing`);

type Row = { wantErr: boolean; desc: string; file: string; proof: string[] | null } & (
  | { kind: "inclusion"; leafIdx: number; treeSize: number; leafHash: string; root: string }
  | { kind: "consistency"; size1: number; size2: number; root1: string; root2: string }
);

const decode = (text: string): string => digestOf(Buffer.from(text, "base64"));

const holds = (row: Row): boolean => {
  const proof = (row.proof ?? []).map(decode);
  return row.kind === "inclusion"
    ? verifyInclusion({
        index: row.leafIdx,
        size: row.treeSize,
        leaf: decode(row.leafHash),
        root: decode(row.root),
        proof,
      })
    : verifyConsistency({
        size1: row.size1,
        size2: row.size2,
        root1: decode(row.root1),
        root2: decode(row.root2),
        proof,
      });
};

describe.skipIf(!hasCorpus)("the Merkle tree, by the corpus rfc6962-proofs,", () => {
  const reference = hasCorpus
    ? (JSON.parse(readFileSync(new URL("reference-tree.json", corpus), "utf8")) as {
        leaf_inputs: string[];
        roots: string[];
      })
    : { leaf_inputs: [], roots: [] };
  const rows = hasCorpus
    ? readFileSync(new URL("proofs.jsonl", corpus), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Row)
    : [];

  it("has the 9 roots of the reference tree, and so has the verifier's own", () => {
    const tree = createTree();
    const prefix = new Prefix();
    const roots = [digestBytes(tree.root()).toString("hex")];
    const verifiers = [prefix.root()];
    for (const input of reference.leaf_inputs) {
      tree.append(leafHash(Buffer.from(input, "hex")));
      prefix.add(hashLine(Buffer.from(input, "hex")));
      roots.push(digestBytes(tree.root()).toString("hex"));
      verifiers.push(prefix.root());
    }
    expect(roots).toHaveLength(9);
    expect(roots).toEqual(reference.roots);
    expect(verifiers).toEqual(reference.roots);
  });

  it("verifies 12 proofs and rejects 184", () => {
    const wrong = rows.filter((row) => holds(row) === row.wantErr).map(({ file }) => file);
    expect(wrong).toEqual([]);
    expect([rows.filter(holds).length, rows.filter((row) => !holds(row)).length]).toEqual([12, 184]);
  });
});

const leavesOf = (size: number): string[] =>
  Array.from({ length: size }, (_, number) => leafHash(Buffer.from(`entry ${number}`)));

describe("the Merkle tree", () => {
  it("has the same root whether grown leaf by leaf or computed by the RFC's recursion", () => {
    const tree = createTree();
    for (const [at, leaf] of leavesOf(200).entries()) {
      tree.append(leaf);
      expect(tree.root()).toBe(rootOf(leavesOf(200), 0, at + 1));
    }
    expect(tree.size()).toBe(200);
  });

  it("proves the inclusion of every leaf in every tree up to 40 leaves, and of no other leaf", () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = leavesOf(size);
      const root = rootOf(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const proof = inclusionProof(leaves, index);
        expect(verifyInclusion({ index, size, leaf, root, proof })).toBe(true);
        expect(verifyInclusion({ index, size, leaf: leafHash(Buffer.from("another")), root, proof })).toBe(false);
        if (size > 1) expect(verifyInclusion({ index: (index + 1) % size, size, leaf, root, proof })).toBe(false);
      }
    }
  });

  it("proves the consistency of every two trees up to 40 leaves, and not with another root", () => {
    const leaves = leavesOf(40);
    for (let size2 = 1; size2 <= 40; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        const [root1, root2] = [rootOf(leaves, 0, size1), rootOf(leaves, 0, size2)];
        const proof = consistencyProof(leaves.slice(0, size2), size1);
        expect(verifyConsistency({ size1, size2, root1, root2, proof })).toBe(true);
        expect(verifyConsistency({ size1, size2, root1: nodeHash(root1, root1), root2, proof })).toBe(false);
        expect(verifyConsistency({ size1, size2, root1, root2: nodeHash(root2, root2), proof })).toBe(false);
      }
    }
  });

  it("rejects a proof with any flipped bit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), fc.nat(), fc.nat(), (size, pick, bit) => {
        const leaves = leavesOf(size);
        const index = pick % size;
        const proof = inclusionProof(leaves, index).map(digestBytes);
        const turned = proof[bit % proof.length]!;
        turned[(bit >> 3) % 32]! ^= 1 << (bit & 7);
        return !verifyInclusion({
          index,
          size,
          leaf: leaves[index]!,
          root: rootOf(leaves),
          proof: proof.map(digestOf),
        });
      }),
      { numRuns: 200 },
    );
  });
});
