/** Parses one answer of OCS from bytes that arrive in any pieces, and finds the end of its body. */
import { readHead, rejectPartialHead, rejectLongHead, type AnswerHead } from "./answer-head.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { MalformedResponse } from "./grammar.ts";

const MAX_ANSWER = 4 * 1024 * 1024;
const BLANK_LINE = "\r\n\r\n";

export class AnswerReader {
  /** Number of bytes received, including those after the answer. */
  received = 0;
  isComplete = false;
  /** True if bytes arrived after the complete answer. */
  hasSurplus = false;
  /** Undefined until the header block is complete. */
  head: AnswerHead | undefined;
  #headText = "";
  #chunks: ChunkedBody | undefined;
  readonly #parts: Buffer[] = [];
  #length = 0;

  /** Copies the bytes that it keeps. Throws MalformedResponse; earlier results stay valid. */
  read(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.isComplete) this.hasSurplus = true;
    else if (this.head) this.#readBody(bytes, this.head);
    else this.#readHead(bytes);
    if (this.received > MAX_ANSWER) throw new MalformedResponse("OCS's answer is larger than 4 MiB");
  }

  /** Call this when the connection has ended, which also ends a body without a length. */
  end(): void {
    if (this.head?.framing === "end") this.isComplete = true;
  }

  /** The bytes of the body so far. */
  get body(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  #readHead(bytes: Buffer): void {
    const before = this.#headText.length;
    const text = (this.#headText += bytes.toString("latin1"));
    const end = text.indexOf(BLANK_LINE, Math.max(0, before - BLANK_LINE.length));
    rejectLongHead(end < 0 ? text.length : end + BLANK_LINE.length);
    if (end < 0) return rejectPartialHead(text, before);
    this.head = readHead(text.slice(0, end));
    if (this.head.framing === "chunks") this.#chunks = new ChunkedBody();
    this.#readBody(bytes.subarray(end + BLANK_LINE.length - before), this.head);
  }

  #readBody(bytes: Buffer, { framing }: AnswerHead): void {
    if (this.#chunks) {
      for (const part of this.#chunks.read(bytes)) this.#keep(part);
      if (this.#chunks.isComplete) this.#finish(this.#chunks.surplusBytes);
    } else if (typeof framing === "number") {
      const missing = framing - this.#length;
      this.#keep(bytes.length > missing ? bytes.subarray(0, missing) : bytes);
      if (bytes.length >= missing) this.#finish(bytes.length - missing);
    } else this.#keep(bytes);
  }

  #keep(part: Buffer): void {
    if (part.length > 0) this.#parts.push(Buffer.from(part));
    this.#length += part.length;
  }

  #finish(surplus: number): void {
    this.isComplete = true;
    this.hasSurplus = surplus > 0;
  }
}
