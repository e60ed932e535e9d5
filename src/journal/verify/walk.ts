/** Reads a segment line by line; the memory needed does not grow with the segment. */
import { open, stat } from "node:fs/promises";
import { formOf, unpacked, type Chunks } from "./segments/frames.ts";

export type Line = {
  /** Counted from 1. */
  readonly number: number;
  /** Without `\n`. Valid until the next line is read. */
  readonly bytes: Buffer;
  /** From the head that every line of the journal begins with; undefined if it has none. */
  readonly head: Head | undefined;
  /** The file ends before the line's `\n`. */
  readonly partial: boolean;
  /** The line is the text of a deletion: an entry must state it. */
  readonly deleted: boolean;
};

/**
 * A new segment begins at 64 MiB, so no line of the journal is longer. Of a longer line only the beginning is read: it
 * does not belong to the journal.
 */
const LONGEST_LINE = 64 << 20;
const KEPT_OF_LONGER = 4096;

export type Head = { readonly index: number; readonly time: string; /** As it is called now. */ readonly kind: string };

const CHUNK = 1 << 20;
/** Bytes, for lines that the gateway writes meanwhile. */
const LEAST_CHUNK = 4096;
const HEAD_BYTES = 96;
const CLOSING_BRACE = 0x7d;
const LETTER_D = 0x64;
const DELETED = /^deleted: entry \d{1,15} says so *$/;
const HEAD = /^\{"index":(0|[1-9][0-9]{0,14}),"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)","kind":"([a-z-]+)"/;

/** Kinds of format 1 and their current names. */
const FORMER: ReadonlyMap<string, string> = new Map([
  ["doubt", "in-doubt"],
  ["retired", "deleted"],
]);

/** An incomplete line lacks its end, but its beginning may still give its index. */
const readHead = (bytes: Buffer, partial: boolean): Head | undefined => {
  const found = HEAD.exec(bytes.toString("latin1", 0, HEAD_BYTES));
  return found && (partial || bytes.at(-1) === CLOSING_BRACE)
    ? { index: Number(found[1]), time: found[2]!, kind: FORMER.get(found[3]!) ?? found[3]! }
    : undefined;
};

const isDeleted = (bytes: Buffer): boolean => bytes[0] === LETTER_D && DELETED.test(bytes.toString("latin1"));

/**
 * Reads the compressed form of a segment if there is one. If that is damaged, resolves with a description after the
 * lines that precede the damage. Throws when the path is not a regular file. `pace`: awaited after each part, of 1 MiB
 * at most.
 */
export const walk = async (
  given: string,
  onLine: (line: Line) => void,
  pace?: () => Promise<void>,
): Promise<string | undefined> => {
  const path = await formOf(given);
  const chunks = path.endsWith(".zst") ? unpacked(path) : plain(path);
  let number = 0;
  let pieces = new Pieces();
  for (;;) {
    const { done, value: bytes } = await chunks.next();
    if (done && bytes !== undefined) return bytes;
    if (done) break;
    let start = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", start)) {
      const line = pieces.with(bytes.subarray(start, end));
      onLine({ number: ++number, bytes: line, head: readHead(line, false), partial: false, deleted: isDeleted(line) });
      pieces = new Pieces();
      start = end + 1;
    }
    pieces.add(bytes.subarray(start));
    await pace?.();
  }
  const rest = pieces.with(Buffer.alloc(0));
  if (rest.length > 0)
    onLine({ number: number + 1, bytes: rest, head: readHead(rest, true), partial: true, deleted: false });
  return undefined;
};

const ifGone = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
};

/** Each piece is valid until the next one is read. */
const plain = async function* (path: string): Chunks {
  // The gateway may have compressed it meanwhile.
  const found = await stat(path).catch(ifGone);
  if (!found) return yield* unpacked(`${path}.zst`);
  if (!found.isFile()) throw new Error(`${path} is not a regular file`);
  await using file = await open(path, "r");
  for (const chunk = Buffer.alloc(Math.min(CHUNK, found.size + LEAST_CHUNK)); ;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return undefined;
    yield chunk.subarray(0, bytesRead);
  }
};

/** A line that came in several chunks. */
class Pieces {
  #pieces: Buffer[] = [];
  #length = 0;

  /** Keeps a copy. */
  add(piece: Buffer): void {
    if (piece.length === 0 || this.#length > LONGEST_LINE) return;
    this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
    if (this.#length > LONGEST_LINE) this.#pieces = [Buffer.concat(this.#pieces).subarray(0, KEPT_OF_LONGER)];
  }

  with(last: Buffer): Buffer {
    if (this.#length === 0) return last;
    this.add(last);
    return Buffer.concat(this.#pieces);
  }
}
