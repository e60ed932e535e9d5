/** Reads a segment line by line, in memory that does not grow with it. */
import { open, stat } from "node:fs/promises";
import { formOf, unpacked, type Chunks } from "./frames.ts";

export type Line = {
  /** Counted from 1. */
  readonly number: number;
  /** Without `\n`. Valid until the next line is asked for. */
  readonly bytes: Buffer;
  /** From the head that every line begins with; undefined when this is no such head. */
  readonly head: Head | undefined;
  /** The file ends before its `\n`. */
  readonly partial: boolean;
};

/** A segment is begun anew at 64 MiB, so no line of the journal is longer. Of one that is, only the beginning is read: it is none of the journal. */
const LONGEST_LINE = 64 << 20;
const KEPT_OF_LONGER = 4096;

export type Head = { readonly index: number; readonly time: string; /** As it is called now. */ readonly kind: string };

const CHUNK = 1 << 20;
const HEAD_BYTES = 96;
const CLOSING_BRACE = 0x7d;
const HEAD = /^\{"index":(0|[1-9][0-9]{0,14}),"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)","kind":"([a-z-]+)"/;

/** Kinds of format 1 and what they are called now. */
const FORMER: ReadonlyMap<string, string> = new Map([
  ["doubt", "in-doubt"],
  ["retired", "deleted"],
]);

/** A piece of a line lacks its end, but its beginning may still say which line it was. */
const readHead = (bytes: Buffer, partial: boolean): Head | undefined => {
  const found = HEAD.exec(bytes.toString("latin1", 0, HEAD_BYTES));
  return found && (partial || bytes.at(-1) === CLOSING_BRACE)
    ? { index: Number(found[1]), time: found[2]!, kind: FORMER.get(found[3]!) ?? found[3]! }
    : undefined;
};

/**
 * Takes the compressed form of a segment where there is one. Resolves with what is wrong with that; then the lines are those before the damage.
 * Throws when the path is no regular file.
 */
export const walk = async (given: string, onLine: (line: Line) => void): Promise<string | undefined> => {
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
      onLine({ number: ++number, bytes: line, head: readHead(line, false), partial: false });
      pieces = new Pieces();
      start = end + 1;
    }
    pieces.add(bytes.subarray(start));
  }
  const rest = pieces.with(Buffer.alloc(0));
  if (rest.length > 0) onLine({ number: number + 1, bytes: rest, head: readHead(rest, true), partial: true });
  return undefined;
};

const ifGone = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
};

/** Each piece is valid until the next one is asked for. */
const plain = async function* (path: string): Chunks {
  // Between two looks the gateway may have compressed it.
  const found = await stat(path).catch(ifGone);
  if (!found) return yield* unpacked(`${path}.zst`);
  if (!found.isFile()) throw new Error(`${path} is no regular file`);
  await using file = await open(path, "r");
  for (const chunk = Buffer.alloc(CHUNK); ;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK);
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
