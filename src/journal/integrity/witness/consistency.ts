/** The proofs that witnesses want: that a checkpoint only appends to the entries that they have seen. */
import type { Disk } from "../disk.ts";
import type { Checkpoint } from "../note.ts";
import { Tiles } from "../tiles.ts";
import { digestOf, verifyConsistency, type Digest } from "../tree.ts";

type Place = { readonly disk: Disk; readonly dir: string };

/** This journal's own leaf hashes do not lead to its own checkpoint: no fault of a witness. */
export class NoProof extends Error {
  override readonly name = "NoProof";
}

/** Of 33 million entries that the files of tiles do not have, as in a journal of an older gateway: some 13 MiB. */
const MOST_MADE = 131_072;

/**
 * One for a journal. It keeps what it made from leaf hashes, so that a proof costs what came since the last one, and
 * witnesses that are in step share one.
 */
export class ConsistencyProofs {
  readonly #at: Place;
  readonly #made = new Map<string, Digest>();
  #last: { readonly of: string; readonly proof: Promise<readonly Digest[]> } | undefined;

  constructor(at: Place) {
    this.#at = at;
  }

  /**
   * From the tree of the first `old` entries to the checkpoint; empty where nothing is to be proved. It is held
   * against the checkpoint's root before anybody gets it. Rejects with NoProof, or LeavesMissing.
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
      // What is damaged now may be repaired; nothing that was made of it is kept.
      this.#made.clear();
      this.#last = undefined;
      throw error;
    } finally {
      await Promise.all([now.close(), before.close()]);
    }
  }
}
