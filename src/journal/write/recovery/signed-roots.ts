/** The signed roots: from the checkpoints in the directory, and from those stored elsewhere. */
import { readWhole, type Disk } from "../../disk.ts";
import { JournalDamaged } from "../../errors.ts";
import { readCheckpoint, type Checkpoint } from "../../integrity/checkpoints/signed-note.ts";
import { digestOf, type Digest } from "../../integrity/merkle-tree.ts";
import { numbersIn, type paths } from "../../paths.ts";

/** `from`: where it is stored, for example "checkpoint 7 of the anchor". */
export type PublishedCheckpoint = Checkpoint & { readonly from?: string };

/** The roots of `from` entries and more. */
export const readSigned = async (
  disk: Disk,
  at: ReturnType<typeof paths>,
  from: number,
): Promise<Map<number, Digest>> => {
  const signed = new Map<number, Digest>();
  for (const size of numbersIn(await disk.list(at.checkpoints), "").filter((each) => each >= from)) {
    const checkpoint = readCheckpoint((await readWhole(disk, at.checkpoint(size))).toString());
    if (checkpoint?.size !== size)
      throw new JournalDamaged(`${at.checkpoint(size)}: not a checkpoint of ${size} entries`);
    signed.set(size, digestOf(checkpoint.root));
  }
  return signed;
};

/** Adds roots that exist only elsewhere, and returns their names by size. */
export const addPublished = (
  signed: Map<number, Digest>,
  published: readonly PublishedCheckpoint[],
): Map<number, string> => {
  const elsewhere = new Map<number, string>();
  for (const { size, root, from } of published) {
    const own = signed.get(size);
    if (own !== undefined && own !== digestOf(root))
      throw new JournalDamaged(
        `checkpoint ${size} is not the one that ${from === undefined ? "was published" : `is in ${from}`}`,
      );
    if (own === undefined)
      elsewhere.set(size, from === undefined ? `the published checkpoint ${size}` : `checkpoint ${size} in ${from}`);
    signed.set(size, digestOf(root));
  }
  return elsewhere;
};
