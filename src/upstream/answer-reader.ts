/**
 * One answer of OCS out of its bytes, in whatever pieces they come: a status line, a header block, and a body that ends where the header block
 * says (RFC 9112, sections 2 to 7). An answer is known only by its place, so nothing is forgiven that could move the place where the next one
 * begins: a blank line in front, a second length, a folded line, a line end or a character that does not belong.
 */
import type { HeaderLine } from "../message.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { FIELD, Garbled } from "./grammar.ts";

const MAX_HEAD = 16_384;
const MAX_ANSWER = 4 * 1024 * 1024;
const BLANK_LINE = "\r\n\r\n";
const VERSION = /^HTTP\/1\.[01] /;
const VERSION_LENGTH = "HTTP/1.1 ".length;
const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** A line end that is none, or a character that no header block has. */
const MALFORMED = /(?<!\r)\n|\r(?!\n|$)|\0/g;
const LENGTH = /^[0-9]{1,10}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const TIMEOUT = /(?:^|,)[\t ]*timeout=([0-9]{1,6})[\t ]*(?:,|$)/i;

/** Where the body ends: after so many bytes, with the last of its chunks, or with the connection. */
type Framing = number | ChunkedBody | "end";

export class AnswerReader {
  /** 0 until the header block is whole. */
  status = 0;
  /** Names in small letters; the values of a name that stands several times are joined by commas. */
  readonly headers: HeaderLine[] = [];
  /** Bytes so far, with all that came behind the answer. */
  received = 0;
  /** Not one byte is missing. */
  whole = false;
  /** It is whole, and bytes came behind it. */
  surplus = false;
  /** In the protocol that OCS speaks: HTTP/1.1, and no chunks. */
  documented = false;
  #head = "";
  #framing: Framing = "end";
  readonly #parts: Buffer[] = [];
  #length = 0;

  /** The next bytes; what is kept of them is copied. Throws Garbled, and what was known before stays known. */
  take(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.whole) this.surplus = true;
    else if (this.status === 0) this.#takeHead(bytes);
    else this.#takeBody(bytes);
    if (this.received > MAX_ANSWER) throw new Garbled("OCS's answer is larger than any that it documents");
  }

  /** The connection has ended, which is where a body ends of which nothing else says so. */
  end(): void {
    if (this.status !== 0 && this.#framing === "end") this.whole = true;
  }

  /** What came of the body. */
  get body(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The header block says where the body ends, other than by the end of the connection. */
  get framed(): boolean {
    return this.#framing !== "end";
  }

  /** Milliseconds for which OCS says that it keeps the connection, 0 when it ends it now. The manual's OCS says nothing of the kind. */
  get keptFor(): number | undefined {
    if (CLOSE.test(this.#header("connection") ?? "")) return 0;
    const seconds = TIMEOUT.exec(this.#header("keep-alive") ?? "")?.[1];
    return seconds === undefined ? undefined : 1000 * Number(seconds);
  }

  #takeHead(bytes: Buffer): void {
    const before = this.#head.length;
    const text = (this.#head += bytes.toString("latin1"));
    const end = text.indexOf(BLANK_LINE, Math.max(0, before - BLANK_LINE.length));
    if ((end < 0 ? text.length : end + BLANK_LINE.length) > MAX_HEAD) throw new Garbled("OCS's header block is larger than any that it documents");
    if (end < 0) return refuseBegun(text, before);
    this.#readHead(text.slice(0, end).split("\r\n"));
    this.#takeBody(bytes.subarray(end + BLANK_LINE.length - before));
  }

  #readHead([first, ...lines]: readonly string[]): void {
    const [, minor, status] = STATUS_LINE.exec(first!) ?? [];
    if (status === undefined) throw new Garbled("what came back from OCS does not begin with a status line");
    for (const line of lines) this.#readField(line);
    this.#framing = framingOf(this.#header("content-length"), this.#header("transfer-encoding"));
    this.documented = minor === "1" && !(this.#framing instanceof ChunkedBody);
    this.status = final(Number(status));
  }

  #readField(line: string): void {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined) throw new Garbled("a line of OCS's header block is none");
    const [lower, text] = [name.toLowerCase(), value!.trimEnd()];
    const known = this.headers.findIndex(([each]) => each === lower);
    if (known < 0) this.headers.push([lower, text]);
    else this.headers[known] = [lower, `${this.headers[known]![1]}, ${text}`];
  }

  #header(name: string): string | undefined {
    for (const [each, value] of this.headers) if (each === name) return value;
    return undefined;
  }

  #takeBody(bytes: Buffer): void {
    const framing = this.#framing;
    if (framing === "end") return this.#keep(bytes);
    if (typeof framing === "number") {
      const missing = framing - this.#length;
      this.#keep(bytes.length > missing ? bytes.subarray(0, missing) : bytes);
      if (bytes.length >= missing) this.#finish(bytes.length - missing);
    } else {
      for (const part of framing.take(bytes)) this.#keep(part);
      if (framing.whole) this.#finish(framing.surplus);
    }
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

/** Of a header block that is not whole yet: what it is now can be told before its end, which may never come. */
const refuseBegun = (text: string, before: number): void => {
  if (text.length >= VERSION_LENGTH && !VERSION.test(text)) throw new Garbled("what came back from OCS is not HTTP/1.1");
  MALFORMED.lastIndex = Math.max(0, before - 1);
  if (MALFORMED.test(text)) throw new Garbled("a line of OCS's header block is none");
};

const framingOf = (length: string | undefined, coding: string | undefined): Framing => {
  if (length !== undefined && coding !== undefined) throw new Garbled("OCS's answer has a length and chunks");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") throw new Garbled("OCS's answer has a transfer coding other than chunked");
  if (length !== undefined && !LENGTH.test(length)) throw new Garbled("the length of OCS's answer is not one whole number");
  if (coding !== undefined) return new ChunkedBody();
  return length === undefined ? "end" : Number(length);
};

const final = (status: number): number => {
  if (status >= 100 && status < 200) throw new Garbled("OCS sent an interim answer that nobody asked for");
  if (status !== 200 && (status < 400 || status > 599)) throw new Garbled(`OCS does not answer with status ${status}`);
  return status;
};
