/** The proof that a witness wants: that a checkpoint only appends to the entries that it has seen. */
import type { Disk } from "../disk.ts";
import type { Checkpoint } from "../note.ts";
import { Tiles } from "../tiles.ts";
import { digestOf, verifyConsistency, type Digest } from "../tree.ts";

type Place = { readonly disk: Disk; readonly dir: string };

/** This journal's own leaf hashes do not lead to its own checkpoint: no fault of a witness. */
export class NoProof extends Error {
  override readonly name = "NoProof";
}

/**
 * From the tree of the first `old` entries to the checkpoint; empty where nothing is to be proved. It is held
 * against the checkpoint's root before anybody gets it. Rejects with NoProof, or LeavesMissing.
 */
export const proveConsistency = async (
  { disk, dir }: Place,
  old: number,
  { size, root }: Checkpoint,
): Promise<readonly Digest[]> => {
  if (old === 0 || old === size) return [];
  const [now, before] = [new Tiles(disk, dir, size), new Tiles(disk, dir, old)];
  try {
    const proof = await now.consistency(old);
    const isProof = verifyConsistency({
      size1: old,
      size2: size,
      root1: await before.root(),
      root2: digestOf(root),
      proof,
    });
    if (!isProof) throw new NoProof(`the leaf hashes of the first ${size} entries do not lead to checkpoint ${size}`);
    return proof;
  } finally {
    await Promise.all([now.close(), before.close()]);
  }
};
