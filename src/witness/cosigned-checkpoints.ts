/**
 * The last checkpoint that a witness cosigned for each log, a file with the note for each. The file is replaced and
 * flushed before the cosignature is sent, so that the witness signs no smaller or different tree after a crash.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { nodeDisk, readWhole, replaceWhole, type Disk } from "../journal/disk.ts";
import {
  readCheckpoint,
  textOfNote,
  witnessKey,
  type Checkpoint,
  type Cosigner,
} from "../journal/integrity/checkpoints/signed-note.ts";
import { checkCosignature, readWitnessKey, splitCosigned } from "../journal/verify/bundle/cosignature.mjs";
import { makeFolders } from "../common/file-owner.ts";

const FOLDER = "logs";
const ENDING = ".checkpoint";

export class CosignedCheckpoints {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #last: Map<string, Checkpoint>;

  private constructor(disk: Disk, folder: string, last: Map<string, Checkpoint>) {
    this.#disk = disk;
    this.#folder = folder;
    this.#last = last;
  }

  /** Rejects with an error that names a file which this witness did not write: it must not start without its state. */
  static async open(dir: string, own: Cosigner, disk: Disk = nodeDisk): Promise<CosignedCheckpoints> {
    const folder = checkpointsIn(dir);
    await makeFolders(folder);
    const last = new Map<string, Checkpoint>();
    for (const name of (await disk.list(folder)).filter((each) => each.endsWith(ENDING))) {
      const path = join(folder, name);
      const note = (await readWhole(disk, path)).toString();
      const checkpoint = readCheckpoint(note);
      if (!checkpoint || fileOf(checkpoint.origin) !== name || !isCosigned(note, own)) {
        throw new Error(
          `${path} does not have this witness's cosignature: the file, or the witness's key or name, was changed`,
        );
      }
      last.set(checkpoint.origin, checkpoint);
    }
    return new CosignedCheckpoints(disk, folder, last);
  }

  get count(): number {
    return this.#last.size;
  }

  /** The last cosigned checkpoint of a log. */
  last(origin: string): Checkpoint | undefined {
    return this.#last.get(origin);
  }

  /** All last cosigned checkpoints. */
  all(): readonly Checkpoint[] {
    return [...this.#last.values()];
  }

  /** Forgets a log, so that its next checkpoint is taken as its first. Resolves when the disk has it. */
  async forget(origin: string): Promise<void> {
    if (!this.#last.has(origin)) return;
    await this.#disk.remove(join(this.#folder, fileOf(origin)));
    await this.#disk.syncDirectory(this.#folder);
    this.#last.delete(origin);
  }

  /** Resolves when the note is on disk. `note`: with the cosignature. */
  async save(checkpoint: Checkpoint, note: string): Promise<void> {
    await replaceWhole(this.#disk, join(this.#folder, fileOf(checkpoint.origin)), Buffer.from(note));
    this.#last.set(checkpoint.origin, checkpoint);
  }
}

/** The folder of the checkpoints in a witness's state. */
export const checkpointsIn = (dir: string): string => join(dir, FOLDER);

/** A hash, because an origin may be any text. */
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
