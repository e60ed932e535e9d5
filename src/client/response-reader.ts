/** Reads one HTTP/1.1 answer from the bytes of a connection. */
import { Buffer } from "node:buffer";

export type Answer = {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** True if another request may be sent on the connection. */
  readonly keepsOpen: boolean;
};

/** The bytes are no whole HTTP/1.1 answer. */
export class MalformedAnswer extends Error {}

const MOST_HEAD = 64 * 1024;
const MOST_BODY = 16 * 1024 * 1024;
const BEGINNING = "HTTP/1.";
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: .*)?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

type Head = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly minor: string };
type Framing = "none" | "chunked" | "until-close" | number;

/** Of these a gateway sends one: two that differ would be read by chance. */
const SINGLE = /^(?:content-length|ocsgw-[a-z-]+)$/;

export class ResponseReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #head: Head | undefined;
  #dechunker = new Dechunker();

  /** The answer, once it is whole. Throws MalformedAnswer. */
  push(chunk: Uint8Array): Answer | undefined {
    this.#chunks.push(Buffer.from(chunk));
    this.#length += chunk.length;
    if (this.#length > MOST_HEAD + MOST_BODY) throw new MalformedAnswer("the answer is too large");
    return this.#read(false);
  }

  /** The other side ends the connection: the answer, if that is its end. Throws MalformedAnswer for a part of one. */
  end(): Answer | undefined {
    if (this.#length === 0 && !this.#head) return undefined;
    const answer = this.#read(true);
    if (!answer) throw new MalformedAnswer("the connection ended within the answer");
    return answer;
  }

  #read(ended: boolean): Answer | undefined {
    while (!this.#head) {
      const head = this.#takeHead();
      if (!head) return undefined;
      // An interim answer, such as 100 Continue.
      if (head.status >= 200) this.#head = head;
      else if (head.status === 101) throw new MalformedAnswer("the server switched to another protocol");
    }
    const { status, headers } = this.#head;
    const framing = framingOf(this.#head);
    const body = this.#bodyBy(framing, ended);
    if (body === undefined) return undefined;
    const isLast = framing === "until-close" || this.#length > 0 || ended || closes(this.#head);
    return { status, headers, body: body.toString("utf8"), keepsOpen: !isLast };
  }

  /** All bytes that are not read yet, as one. */
  #bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #drop(length: number): void {
    this.#chunks = [this.#bytes().subarray(length)];
    this.#length -= length;
  }

  #takeHead(): Head | undefined {
    const bytes = this.#bytes();
    const feed = bytes.indexOf("\n");
    const isBare = feed >= 0 && bytes[feed - 1] !== 0x0d;
    if (isBare || !BEGINNING.startsWith(bytes.toString("latin1", 0, BEGINNING.length)))
      throw new MalformedAnswer("this is no answer of HTTP/1.1");
    const end = bytes.indexOf("\r\n\r\n");
    if (end > MOST_HEAD || (end < 0 && bytes.length > MOST_HEAD))
      throw new MalformedAnswer("the header block is too large");
    if (end < 0) return undefined;
    const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
    this.#drop(end + 4);
    const status = STATUS_LINE.exec(first)?.[1];
    if (status === undefined) throw new MalformedAnswer("this is no answer of HTTP/1.1");
    return { status: Number(status), headers: headersIn(lines), minor: first[7]! };
  }

  /** Takes the body; undefined while more is to come. */
  #bodyBy(framing: Framing, ended: boolean): Buffer | undefined {
    if (framing === "none") return Buffer.alloc(0);
    if (framing === "chunked") {
      const length = this.#dechunker.push(this.#bytes());
      this.#drop(length);
      return this.#dechunker.body;
    }
    if (framing === "until-close" ? !ended : this.#length < framing) return undefined;
    const length = framing === "until-close" ? this.#length : framing;
    const body = this.#bytes().subarray(0, length);
    this.#drop(length);
    return body;
  }
}

/** Values of a name that comes twice are joined, as RFC 9110 has it. */
const headersIn = (lines: readonly string[]): ReadonlyMap<string, string> => {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined) throw new MalformedAnswer("a header line is malformed");
    const key = name.toLowerCase();
    const before = headers.get(key);
    if (before === undefined) headers.set(key, value!);
    else if (!SINGLE.test(key)) headers.set(key, `${before}, ${value}`);
    else if (before !== value) throw new MalformedAnswer(`two different values of ${key}`);
  }
  return headers;
};

const framingOf = ({ status, headers }: Head): Framing => {
  if (status === 204 || status === 304) return "none";
  const encoding = headers.get("transfer-encoding");
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== "chunked") throw new MalformedAnswer("an unknown Transfer-Encoding");
    return "chunked";
  }
  const length = headers.get("content-length");
  if (length === undefined) return "until-close";
  if (!/^[0-9]{1,9}$/.test(length)) throw new MalformedAnswer("Content-Length is malformed");
  if (Number(length) > MOST_BODY) throw new MalformedAnswer("the answer is too large");
  return Number(length);
};

const closes = ({ headers, minor }: Head): boolean => {
  const said = (headers.get("connection") ?? "").toLowerCase();
  // With a length beside it, the chunks may be read in another way by somebody in between.
  const isTwofold = headers.has("transfer-encoding") && headers.has("content-length");
  return isTwofold || said.includes("close") || (minor === "0" && !said.includes("keep-alive"));
};

const LONGEST_CHUNK_LINE = 4096;
/** More are joined: a part of one byte costs a hundred. */
const MOST_PARTS = 10_000;

/** Reads chunks as they come, each byte once. */
class Dechunker {
  /** The whole body, once its end was read. */
  body: Buffer | undefined;
  #parts: Buffer[] = [];
  #size = 0;
  #isAfterLast = false;

  /** The bytes that were read; the others are to be given again with those that follow. Throws MalformedAnswer. */
  push(bytes: Buffer): number {
    let at = 0;
    while (this.body === undefined) {
      const next = this.#isAfterLast ? this.#trailer(bytes, at) : this.#chunk(bytes, at);
      if (next === undefined) break;
      at = next;
    }
    return at;
  }

  /** The offset behind the chunk; undefined while it is not whole. */
  #chunk(bytes: Buffer, at: number): number | undefined {
    const line = lineAt(bytes, at);
    if (line === undefined) return undefined;
    const size = /^([0-9A-Fa-f]{1,7})(?:[ \t]*;.*)?$/.exec(line)?.[1];
    if (size === undefined) throw new MalformedAnswer("a chunk is malformed");
    const length = Number.parseInt(size, 16);
    const start = at + line.length + 2;
    if (length === 0) {
      this.#isAfterLast = true;
      return start;
    }
    if (this.#size + length > MOST_BODY) throw new MalformedAnswer("the answer is too large");
    if (bytes.length < start + length + 2) return undefined;
    if (bytes.toString("latin1", start + length, start + length + 2) !== "\r\n")
      throw new MalformedAnswer("a chunk is malformed");
    this.#parts.push(bytes.subarray(start, start + length));
    this.#size += length;
    if (this.#parts.length > MOST_PARTS) this.#parts = [Buffer.concat(this.#parts)];
    return start + length + 2;
  }

  /** Trailers are ignored; an empty line ends them. */
  #trailer(bytes: Buffer, at: number): number | undefined {
    const line = lineAt(bytes, at);
    if (line === undefined) return undefined;
    if (line === "") this.body = Buffer.concat(this.#parts);
    return at + line.length + 2;
  }
}

const lineAt = (bytes: Buffer, at: number): string | undefined => {
  const end = bytes.indexOf("\r\n", at);
  if ((end < 0 ? bytes.length : end) - at > LONGEST_CHUNK_LINE) throw new MalformedAnswer("a chunk is malformed");
  return end < 0 ? undefined : bytes.toString("latin1", at, end);
};
