/**
 * Lines of a sealed segment that were deleted before the others, because the retention time of their kind is over. A
 * text of the same length replaces each, so that all other lines keep their line number and byte position.
 * `docs/reference/journal-format.md` describes the form.
 */
import { createHash } from "node:crypto";

const START = Buffer.from("deleted: entry ");
const SPACE = 0x20;

/** A shorter line is never deleted: the text would not fit. */
export const LEAST_LENGTH = 48;

/** The text that replaces a line. `by`: the index of the entry that states the deletion. */
export const deletedText = (by: number, length: number): Buffer => {
  const text = Buffer.alloc(length, SPACE);
  text.write(`${START.toString()}${by} says so`);
  return text;
};

/** Whether bytes[start, end) is the text of a deleted line: no entry begins like it. */
export const isDeletedLine = (bytes: Buffer, start: number, end: number): boolean =>
  bytes[start] === START[0] &&
  end - start >= LEAST_LENGTH &&
  bytes.compare(START, 0, START.length, start, start + START.length) === 0;

/** The index of the entry that such a text names; undefined if it names none. */
export const namedIn = (bytes: Buffer, start: number, end: number): number | undefined => {
  const by = /^(\d{1,15}) says so *$/.exec(bytes.toString("latin1", start + START.length, end))?.[1];
  return by === undefined ? undefined : Number(by);
};

/** Which lines of one segment are deleted: their number, and the SHA-256 (hex) of their indexes in ascending order. */
export class DeletedLines {
  readonly #hash = createHash("sha256");
  #count = 0;

  add(index: number): void {
    this.#hash.update(`${index}\n`);
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }
}
