/**
 * One answer of OCS out of its bytes, in whatever pieces they come, up to the place where its body ends and the next answer could begin.
 */
import { readHead, refuseBegun, refuseLongHead, type AnswerHead } from "./answer-head.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { Garbled } from "./grammar.ts";

const MAX_ANSWER = 4 * 1024 * 1024;
const BLANK_LINE = "\r\n\r\n";

export class AnswerReader {
  /** Bytes so far, with all that came behind the answer. */
  received = 0;
  /** Not one byte is missing. */
  whole = false;
  /** It is whole, and bytes came behind it. */
  surplus = false;
  /** Undefined until its block is whole. */
  head: AnswerHead | undefined;
  #begun = "";
  #chunks: ChunkedBody | undefined;
  readonly #parts: Buffer[] = [];
  #length = 0;

  /** The next bytes; what is kept of them is copied. Throws Garbled, and what was known before stays known. */
  take(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.whole) this.surplus = true;
    else if (this.head) this.#takeBody(bytes, this.head);
    else this.#takeHead(bytes);
    if (this.received > MAX_ANSWER) throw new Garbled("OCS's answer is larger than any that it documents");
  }

  /** The connection has ended, which is where a body ends of which nothing else says so. */
  end(): void {
    if (this.head?.framing === "end") this.whole = true;
  }

  /** What came of the body. */
  get body(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  #takeHead(bytes: Buffer): void {
    const before = this.#begun.length;
    const text = (this.#begun += bytes.toString("latin1"));
    const end = text.indexOf(BLANK_LINE, Math.max(0, before - BLANK_LINE.length));
    refuseLongHead(end < 0 ? text.length : end + BLANK_LINE.length);
    if (end < 0) return refuseBegun(text, before);
    this.head = readHead(text.slice(0, end));
    if (this.head.framing === "chunks") this.#chunks = new ChunkedBody();
    this.#takeBody(bytes.subarray(end + BLANK_LINE.length - before), this.head);
  }

  #takeBody(bytes: Buffer, { framing }: AnswerHead): void {
    if (this.#chunks) {
      for (const part of this.#chunks.take(bytes)) this.#keep(part);
      if (this.#chunks.whole) this.#finish(this.#chunks.surplus);
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
    this.whole = true;
    this.surplus = surplus > 0;
  }
}
