/**
 * What vouches for a checkpoint lies beside it: `<size>.cosigned` is the same note with the cosignatures of
 * witnesses, `<size>.tsr` the answer of a time stamping authority. The checkpoint's own file is never written
 * again.
 */
import { readWhole, replaceWhole, type Disk } from "../disk.ts";
import { readCheckpoint } from "../note.ts";
import { places } from "../places.ts";
import { readSignatureLines } from "../verify/cosignature.mjs";

type Place = { readonly disk: Disk; readonly dir: string };

/** One for a journal: of two that write the same file the cosignature of one would be lost. */
export class CosignedNotes {
  readonly #at: Place;
  #turn: Promise<void> = Promise.resolve();

  constructor(at: Place) {
    this.#at = at;
  }

  /** Resolves when the line is on disk. `note`: the checkpoint as it was signed; `line`: with its line break. */
  add(note: string, line: string): Promise<void> {
    const done = this.#turn.then(() => this.#add(note, line));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #add(note: string, line: string): Promise<void> {
    const { disk, dir } = this.#at;
    const path = places(dir).cosigned(readCheckpoint(note)!.size);
    const before = (await textOf(disk, path)) ?? note;
    // A file of another note is none of this checkpoint.
    const lines = before.startsWith(note) ? before.slice(note.length) : "";
    await replaceWhole(disk, path, Buffer.from(`${note}${without(lines, line)}${line}`));
  }
}

/** A witness that cosigns the same checkpoint again, at a later time, has one line. */
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
