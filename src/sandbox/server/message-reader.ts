/**
 * Parses HTTP/1.1 requests from a byte stream, one at a time. Supports Content-length bodies only, and limits the size
 * of head and body.
 */
import type { HeaderLine } from "../../common/message.ts";

export type Message = {
  readonly method: string;
  /** Raw, in origin or absolute form. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
};

/** The bytes are not a valid request: the connection ends with a 400. */
export class MalformedMessage extends Error {}

const MAX_HEAD = 16_384;
const MAX_BODY = 1_048_576;
const END_OF_HEAD = "\r\n\r\n";
const REQUEST_LINE = /^([A-Z]+) ([\x21-\x7e]+) HTTP\/1\.[01]$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

type Head = Omit<Message, "body"> & { readonly length: number };

export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | undefined;

  feed(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** Number of bytes that are not yet part of a returned message. */
  get waiting(): number {
    return this.#bytes.length;
  }

  /** True when no byte has arrived after the last message. */
  get idle(): boolean {
    return this.#bytes.length === 0 && !this.#head;
  }

  /** The next message; undefined while it is incomplete. Throws MalformedMessage. */
  next(): Message | undefined {
    this.#head ??= this.#takeHead();
    if (!this.#head || this.#bytes.length < this.#head.length) return undefined;
    const { length, ...head } = this.#head;
    this.#head = undefined;
    return { ...head, body: this.#take(length) };
  }

  #takeHead(): Head | undefined {
    const end = this.#bytes.indexOf(END_OF_HEAD);
    if (end > MAX_HEAD || (end === -1 && this.#bytes.length > MAX_HEAD))
      throw new MalformedMessage(`the head is longer than ${MAX_HEAD} bytes`);
    if (end === -1) return undefined;
    const text = this.#take(end).toString("latin1");
    this.#take(END_OF_HEAD.length);
    return readHead(text);
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

const readHead = (text: string): Head => {
  const [first, ...lines] = text.split("\r\n");
  const request = REQUEST_LINE.exec(first!);
  if (!request) throw new MalformedMessage("the request line is malformed");
  const headers = lines.map(readHeader);
  return { method: request[1]!, target: request[2]!, headers, length: lengthOf(headers) };
};

const readHeader = (line: string): HeaderLine => {
  const header = HEADER_LINE.exec(line);
  if (!header || CONTROL.test(line)) throw new MalformedMessage("a header line is malformed");
  return [header[1]!, Buffer.from(header[2]!, "latin1").toString("utf8")];
};

const lengthOf = (headers: readonly HeaderLine[]): number => {
  const named = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  if (named("transfer-encoding").length > 0)
    throw new MalformedMessage("a body has a Content-length, no Transfer-encoding");
  const lengths = named("content-length");
  if (lengths.length === 0) return 0;
  if (lengths.length > 1 || !/^[0-9]{1,9}$/.test(lengths[0]!))
    throw new MalformedMessage("Content-length is not a single decimal number");
  if (Number(lengths[0]) > MAX_BODY) throw new MalformedMessage(`the body is longer than ${MAX_BODY} bytes`);
  return Number(lengths[0]);
};
