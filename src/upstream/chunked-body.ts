/** A chunked body out of its bytes (RFC 9112, section 7.1). OCS's own answers have a length; this is for what may stand in front of it. */
import { FIELD, Garbled } from "./grammar.ts";

/** Its size, and extensions that mean nothing here. */
const SIZE = /^([0-9A-Fa-f]{1,7})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const MAX_LINE = 1024;
const LINE_END = "\r\n";

export class ChunkedBody {
  whole = false;
  /** Bytes behind its end. */
  surplus = 0;
  /** What was not read yet, each byte a character. */
  #rest = "";
  /** Of the chunk that is being read, its line end included; 0 between two chunks. */
  #due = 0;
  #inTrailers = false;

  /** The chunks that have become whole with these bytes. Throws Garbled. */
  take(bytes: Buffer): Buffer[] {
    this.#rest += bytes.toString("latin1");
    const chunks: Buffer[] = [];
    while (!this.whole && (this.#due > 0 ? this.#readChunk(chunks) : this.#readLine()));
    return chunks;
  }

  /** False when it is not whole yet. */
  #readChunk(chunks: Buffer[]): boolean {
    if (this.#rest.length < this.#due) return false;
    const text = this.#cut(this.#due);
    if (!text.endsWith(LINE_END)) throw new Garbled("a chunk of OCS's answer is not as long as it says");
    chunks.push(Buffer.from(text.slice(0, -LINE_END.length), "latin1"));
    this.#due = 0;
    return true;
  }

  /** False when there is no whole line yet. */
  #readLine(): boolean {
    const end = this.#rest.indexOf(LINE_END);
    if ((end < 0 ? this.#rest.length : end) > MAX_LINE)
      throw new Garbled("a line between the chunks of OCS's answer is too long");
    if (end < 0) return false;
    const line = this.#cut(end + LINE_END.length).slice(0, -LINE_END.length);
    if (this.#inTrailers) this.#readTrailer(line);
    else this.#readSize(line);
    return true;
  }

  #readSize(line: string): void {
    const size = SIZE.exec(line)?.[1];
    if (size === undefined) throw new Garbled("a chunk of OCS's answer has no size");
    const length = Number.parseInt(size, 16);
    this.#inTrailers = length === 0;
    if (length > 0) this.#due = length + LINE_END.length;
  }

  #readTrailer(line: string): void {
    if (line !== "" && !FIELD.test(line)) throw new Garbled("a trailer of OCS's answer is none");
    this.whole = line === "";
    if (this.whole) this.surplus = this.#rest.length;
  }

  #cut(length: number): string {
    const text = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return text;
  }
}
