/**
 * Keeps cosignatures beside the checkpoint: `<size>.cosigned` is the same note with the cosignatures of witnesses, and
 * `<size>.tsr` the reply of a time stamping authority. The checkpoint's own file never changes.
 */
import { readWhole, replaceWhole, type Disk } from "../../disk.ts";
import { readCheckpoint } from "../checkpoints/signed-note.ts";
import { paths } from "../../paths.ts";
import { readSignatureLines } from "../../verify/bundle/cosignature.mjs";
import { SerialQueue } from "../../../common/serial-queue.ts";

type Place = { readonly disk: Disk; readonly dir: string };

/** Use one instance per journal: two writers of the same file would lose a cosignature. */
export class CosignedNotes {
  readonly #at: Place;
  readonly #queue = new SerialQueue();

  constructor(at: Place) {
    this.#at = at;
  }

  /** Resolves when the line is on disk. `note`: the checkpoint as it was signed; `line`: with its line break. */
  add(note: string, line: string): Promise<void> {
    return this.#queue.run(() => this.#add(note, line));
  }

  async #add(note: string, line: string): Promise<void> {
    const { disk, dir } = this.#at;
    const path = paths(dir).cosigned(readCheckpoint(note)!.size);
    const before = (await textOf(disk, path)) ?? note;
    // A file with another note does not belong to this checkpoint.
    const lines = before.startsWith(note) ? before.slice(note.length) : "";
    await replaceWhole(disk, path, Buffer.from(`${note}${without(lines, line)}${line}`));
  }
}

/** Removes an earlier cosignature by the same witness. */
const without = (lines: string, line: string): string => {
  const by = (of: string): string => readSignatureLines(`${of}\n`)?.map(({ name, id }) => `${name}+${id}`)[0] ?? "";
  const own = by(line.trimEnd());
  const kept = lines.split("\n").filter((each) => each !== "" && by(each) !== own);
  return kept.map((each) => `${each}\n`).join("");
};

const textOf = async (disk: Disk, path: string): Promise<string | undefined> => {
  try {
    return (await readWhole(disk, path)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};
