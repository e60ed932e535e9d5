import { writeFile } from "node:fs/promises";
import { mkdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { InclusionProofs } from "../../../src/journal/export/inclusion-proofs.ts";
import { paths } from "../../../src/journal/paths.ts";
import {
  digestBytes,
  inclusionProof,
  leafHash,
  rootOf,
  verifyInclusion,
  type Digest,
} from "../../../src/journal/integrity/merkle-tree.ts";
import { aDirectory, removeDirectory } from "../kit.ts";

const leavesOf = (size: number): Digest[] =>
  Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`entry ${index}`)));

const write = async (dir: string, leaves: readonly Digest[], firsts: readonly number[]): Promise<void> => {
  await mkdir(paths(dir).segments, { recursive: true });
  for (const [place, first] of firsts.entries())
    await writeFile(paths(dir).leaves(first), Buffer.concat(leaves.slice(first, firsts[place + 1]).map(digestBytes)));
};

describe("inclusion proofs of chosen entries", () => {
  it.each([1, 2, 255, 256, 257, 511, 512, 513, 1023, 1500, 2049])(
    "are those of RFC 6962 over %d entries, across segments",
    async (size) => {
      const dir = await aDirectory();
      const leaves = leavesOf(size);
      await write(
        dir,
        leaves,
        [0, 100, 300, 1000].filter((first) => first < size),
      );
      const proofs = new InclusionProofs(dir);
      for (const leaf of leaves) proofs.add(leaf);
      const root = rootOf(leaves);
      expect([proofs.size, proofs.root()]).toEqual([size, root]);
      for (const index of [0, 1, 254, 255, 256, 511, 1000, size >> 1, size - 2, size - 1].filter(
        (each) => each >= 0 && each < size,
      )) {
        const proof = await proofs.of(index);
        expect(proof).toEqual(inclusionProof(leaves, index));
        expect(verifyInclusion({ index, size, leaf: leaves[index]!, root, proof })).toBe(true);
      }
      await removeDirectory(dir);
    },
  );

  it("are refused if the leaf hashes do not match the lines", async () => {
    const dir = await aDirectory();
    const leaves = leavesOf(600);
    await write(dir, leaves.with(20, leaves[21]!), [0]);
    const proofs = new InclusionProofs(dir);
    for (const leaf of leaves) proofs.add(leaf);
    await expect(proofs.of(7)).rejects.toThrow("do not match the lines");
    expect(await proofs.of(300)).toEqual(inclusionProof(leaves, 300));
    await removeDirectory(dir);
  });
});
