/**
 * What a witness remembers: of each log the checkpoint that it cosigned last, as a file with that note. A file is
 * replaced whole and flushed before the cosignature is given away, so that no crash lets the witness sign a smaller
 * or another tree afterwards.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { nodeDisk, readWhole, replaceWhole, type Disk } from "../journal/disk.ts";
import { readCheckpoint, textOfNote, witnessKey, type Checkpoint, type Cosigner } from "../journal/note.ts";
import { checkCosignature, readWitnessKey, splitCosigned } from "../journal/verify/cosignature.mjs";
import { makeFolders } from "../file-owner.ts";

const FOLDER = "logs";
const ENDING = ".checkpoint";

export class Records {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #last: Map<string, Checkpoint>;

  private constructor(disk: Disk, folder: string, last: Map<string, Checkpoint>) {
    this.#disk = disk;
    this.#folder = folder;
    this.#last = last;
  }

  /** Throws an error that names the file when one is not what this witness wrote: with less it must not go on. */
  static async open(dir: string, own: Cosigner, disk: Disk = nodeDisk): Promise<Records> {
    const folder = recordsIn(dir);
    await makeFolders(folder);
    const last = new Map<string, Checkpoint>();
    for (const name of (await disk.list(folder)).filter((each) => each.endsWith(ENDING))) {
      const path = join(folder, name);
      const note = (await readWhole(disk, path)).toString();
      const checkpoint = readCheckpoint(note);
      if (!checkpoint || fileOf(checkpoint.origin) !== name || !isCosigned(note, own)) {
        throw new Error(
          `${path} is not as this witness wrote it: the file was changed, or the key or name of the witness was`,
        );
      }
      last.set(checkpoint.origin, checkpoint);
    }
    return new Records(disk, folder, last);
  }

  get count(): number {
    return this.#last.size;
  }

  /** The checkpoint that was cosigned last. */
  of(origin: string): Checkpoint | undefined {
    return this.#last.get(origin);
  }

  /** Resolves when it is on disk. `note`: with the cosignature. */
  async keep(checkpoint: Checkpoint, note: string): Promise<void> {
    await replaceWhole(this.#disk, join(this.#folder, fileOf(checkpoint.origin)), Buffer.from(note));
    this.#last.set(checkpoint.origin, checkpoint);
  }
}

/** The folder of the record, in a witness's state. */
export const recordsIn = (dir: string): string => join(dir, FOLDER);

/** An origin may be any text, so the name is a hash of it. */
const fileOf = (origin: string): string => `${createHash("sha256").update(origin).digest("hex").slice(0, 32)}${ENDING}`;

const isCosigned = (note: string, { name, key }: Cosigner): boolean => {
  const own = readWitnessKey(witnessKey(name, key));
  return (
    splitCosigned(note)?.signatures.some(
      (signature) =>
        signature.name === own.name &&
        signature.id === own.id &&
        checkCosignature(textOfNote(note), signature, own).verdict === "valid",
    ) === true
  );
};
