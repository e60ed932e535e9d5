/** Consistency proofs for witnesses: a checkpoint only appends to the entries that the witness has cosigned. */
import type { Disk } from "../../disk.ts";
import type { Checkpoint } from "../checkpoints/signed-note.ts";
import { Tiles } from "../tiles.ts";
import { digestOf, verifyConsistency, type Digest } from "../merkle-tree.ts";

type Place = { readonly disk: Disk; readonly dir: string };

/** The journal's leaf hashes do not lead to its own checkpoint. */
export class NoProof extends Error {
  override readonly name = "NoProof";
}

/** Enough for 33 million entries without tiles, as in an older gateway's journal: about 13 MiB. */
const MOST_MADE = 131_072;

/**
 * Use one per journal. It keeps the nodes that it computed, so a proof costs only the entries since the last one, and
 * witnesses at the same size share one.
 */
export class ConsistencyProofs {
  readonly #at: Place;
  readonly #made = new Map<string, Digest>();
  #last: { readonly of: string; readonly proof: Promise<readonly Digest[]> } | undefined;

  constructor(at: Place) {
    this.#at = at;
  }

  /**
   * The proof from the tree of the first `old` entries to the checkpoint, verified against its root; empty if nothing
   * is to be proved. Rejects with NoProof, or LeavesMissing.
   */
  of(old: number, checkpoint: Checkpoint): Promise<readonly Digest[]> {
    if (old === 0 || old === checkpoint.size) return Promise.resolve([]);
    const of = `${old} ${checkpoint.size} ${digestOf(checkpoint.root)}`;
    if (this.#last?.of !== of) this.#last = { of, proof: this.#prove(old, checkpoint) };
    return this.#last.proof;
  }

  async #prove(old: number, { size, root }: Checkpoint): Promise<readonly Digest[]> {
    const { disk, dir } = this.#at;
    if (this.#made.size > MOST_MADE) this.#made.clear();
    const [now, before] = [new Tiles(disk, dir, size, this.#made), new Tiles(disk, dir, old, this.#made)];
    try {
      const proof = await now.consistency(old);
      const root1 = await before.root();
      if (verifyConsistency({ size1: old, size2: size, root1, root2: digestOf(root), proof })) return proof;
      throw new NoProof(`the leaf hashes of the first ${size} entries do not lead to checkpoint ${size}`);
    } catch (error) {
      // The damage may be repaired, so nothing computed from it is kept.
      this.#made.clear();
      this.#last = undefined;
      throw error;
    } finally {
      await Promise.all([now.close(), before.close()]);
    }
  }
}
