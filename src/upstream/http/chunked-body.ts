/** Parses a chunked body (RFC 9112, section 7.1). OCS sends none, but a proxy in front of it may. */
import { FIELD, MalformedResponse } from "./grammar.ts";

/** A chunk's size; extensions are ignored. */
const SIZE = /^([0-9A-Fa-f]{1,7})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const MAX_LINE = 1024;
const LINE_END = "\r\n";

export class ChunkedBody {
  isComplete = false;
  /** Number of bytes after the end. */
  surplusBytes = 0;
  /** Not parsed yet; one character per byte. */
  #unread = "";
  /** Length of the current chunk with its line end; 0 between two chunks. */
  #expected = 0;
  #inTrailers = false;

  /** Returns the chunks that these bytes complete. Throws MalformedResponse. */
  read(bytes: Buffer): Buffer[] {
    this.#unread += bytes.toString("latin1");
    const chunks: Buffer[] = [];
    while (!this.isComplete && (this.#expected > 0 ? this.#readChunk(chunks) : this.#readLine()));
    return chunks;
  }

  /** Returns false if the chunk is incomplete. */
  #readChunk(chunks: Buffer[]): boolean {
    if (this.#unread.length < this.#expected) return false;
    const text = this.#take(this.#expected);
    if (!text.endsWith(LINE_END))
      throw new MalformedResponse("a chunk of OCS's answer does not have the announced length");
    chunks.push(Buffer.from(text.slice(0, -LINE_END.length), "latin1"));
    this.#expected = 0;
    return true;
  }

  /** Returns false if the line is incomplete. */
  #readLine(): boolean {
    const end = this.#unread.indexOf(LINE_END);
    if ((end < 0 ? this.#unread.length : end) > MAX_LINE)
      throw new MalformedResponse("a line between the chunks of OCS's answer is too long");
    if (end < 0) return false;
    const line = this.#take(end + LINE_END.length).slice(0, -LINE_END.length);
    if (this.#inTrailers) this.#readTrailer(line);
    else this.#readSize(line);
    return true;
  }

  #readSize(line: string): void {
    const size = SIZE.exec(line)?.[1];
    if (size === undefined) throw new MalformedResponse("a chunk of OCS's answer has no size");
    const length = Number.parseInt(size, 16);
    this.#inTrailers = length === 0;
    if (length > 0) this.#expected = length + LINE_END.length;
  }

  #readTrailer(line: string): void {
    if (line !== "" && !FIELD.test(line)) throw new MalformedResponse("OCS's answer has a malformed trailer line");
    this.isComplete = line === "";
    if (this.isComplete) this.surplusBytes = this.#unread.length;
  }

  #take(length: number): string {
    const text = this.#unread.slice(0, length);
    this.#unread = this.#unread.slice(length);
    return text;
  }
}
