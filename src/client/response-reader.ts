/** Reads one HTTP/1.1 answer from the bytes of a connection. */
import { Buffer } from "node:buffer";

export type Answer = {
  readonly status: number;
  /** By name in lower case; the first value of a name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** True if another request may be sent on the connection. */
  readonly keepsOpen: boolean;
};

/** The bytes are no whole HTTP/1.1 answer. */
export class MalformedAnswer extends Error {}

const MOST_HEAD = 64 * 1024;
const MOST_BODY = 16 * 1024 * 1024;
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: .*)?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

type Head = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly minor: string };
type Framing = "none" | "chunked" | "until-close" | number;

export class ResponseReader {
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | undefined;

  /** The answer, once it is whole. Throws MalformedAnswer. */
  push(chunk: Uint8Array): Answer | undefined {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > MOST_HEAD + MOST_BODY) throw new MalformedAnswer("the answer is too large");
    return this.#read(false);
  }

  /** The other side ends the connection: the answer, if that is its end. Throws MalformedAnswer for a part of one. */
  end(): Answer | undefined {
    if (this.#bytes.length === 0 && !this.#head) return undefined;
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
    const framing = framingOf(this.#head);
    const body = this.#bodyBy(framing, ended);
    if (body === undefined) return undefined;
    const { text, length } = body;
    const surplus = this.#bytes.length > length;
    const isLast = framing === "until-close" || surplus || ended || closes(this.#head);
    return { status: this.#head.status, headers: this.#head.headers, body: text, keepsOpen: !isLast };
  }

  #takeHead(): Head | undefined {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#bytes.length > MOST_HEAD) throw new MalformedAnswer("the header block is too large");
      return undefined;
    }
    const [first = "", ...lines] = this.#bytes.toString("latin1", 0, end).split("\r\n");
    this.#bytes = this.#bytes.subarray(end + 4);
    const status = STATUS_LINE.exec(first)?.[1];
    if (status === undefined) throw new MalformedAnswer("this is no answer of HTTP/1.1");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = HEADER_LINE.exec(line) ?? [];
      if (name === undefined) throw new MalformedAnswer("a header line is malformed");
      const key = name.toLowerCase();
      const before = headers.get(key);
      if (key === "content-length" && before !== undefined && before !== value)
        throw new MalformedAnswer("two different lengths");
      if (before === undefined) headers.set(key, value!);
    }
    return { status: Number(status), headers, minor: first[7]! };
  }

  /** Undefined while more is to come. `length`: bytes of the connection that belong to the answer. */
  #bodyBy(framing: Framing, ended: boolean): { readonly text: string; readonly length: number } | undefined {
    const bytes = this.#bytes;
    if (framing === "none") return { text: "", length: 0 };
    if (framing === "chunked") return dechunk(bytes);
    if (framing === "until-close") return ended ? { text: bytes.toString("utf8"), length: bytes.length } : undefined;
    return bytes.length < framing ? undefined : { text: bytes.toString("utf8", 0, framing), length: framing };
  }
}

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
  return said.includes("close") || (minor === "0" && !said.includes("keep-alive"));
};

const dechunk = (bytes: Buffer): { readonly text: string; readonly length: number } | undefined => {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = /^([0-9A-Fa-f]{1,7})(?:[ \t]*;.*)?$/.exec(bytes.toString("latin1", at, end))?.[1];
    if (size === undefined) throw new MalformedAnswer("a chunk is malformed");
    const length = Number.parseInt(size, 16);
    if (length === 0) return trailers(bytes, end, chunks);
    const after = end + 2 + length;
    if (bytes.length < after + 2) return undefined;
    if (bytes.toString("latin1", after, after + 2) !== "\r\n") throw new MalformedAnswer("a chunk is malformed");
    chunks.push(bytes.subarray(end + 2, after));
    at = after + 2;
  }
};

/** Trailers are ignored; an empty line ends them. */
const trailers = (
  bytes: Buffer,
  endOfLast: number,
  chunks: readonly Buffer[],
): { readonly text: string; readonly length: number } | undefined => {
  const end = bytes.indexOf("\r\n\r\n", endOfLast);
  return end < 0 ? undefined : { text: Buffer.concat(chunks).toString("utf8"), length: end + 4 };
};
