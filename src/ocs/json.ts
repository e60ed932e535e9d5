/**
 * A strict JSON scanner (RFC 8259) for bodies and tokens: one pass, every member kept with its place, so that a reader can see what
 * JSON.parse hides. Refused by line and column: bytes that are not UTF-8, a BOM, lone surrogates, U+0000, `__proto__` and its kin,
 * depth above 4 and more than 128 members in requests, numbers that do not survive. Integers are exact: beyond 2^53 they come as bigint.
 */

export type JsonFraction = { readonly kind: "fraction"; readonly value: number };
export type JsonArray = { readonly kind: "array"; readonly items: readonly JsonValue[] };
export type JsonObject = { readonly kind: "object"; readonly members: readonly JsonMember[] };
export type JsonMember = { readonly key: string; readonly value: JsonValue };
export type JsonValue = string | number | bigint | boolean | null | JsonFraction | JsonArray | JsonObject;

export class JsonFault extends Error {
  /** The text ends before its value does. */
  readonly truncated: boolean;
  constructor(problem: string, text: string, at: number, truncated = false) {
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    super(`${problem} at line ${line}, column ${before.length - before.lastIndexOf("\n")}`);
    this.name = "JsonFault";
    this.truncated = truncated;
  }
}

export type JsonLimits = {
  readonly depth: number;
  /** In the whole text, entries of arrays among them. */
  readonly members: number;
  /** Also `__proto__` and its kin: for readers that make no objects of keys. */
  readonly anyKey: boolean;
};

const OF_REQUESTS: JsonLimits = { depth: 4, members: 128, anyKey: false };
const POLLUTING = new Set(["__proto__", "constructor", "prototype"]);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:(\.[0-9]+)?([eE][+-]?[0-9]+)?)/y;
// What may be left of a number whose end was cut off, behind as much as NUMBER takes.
const UNFINISHED = /(?:\.|[eE][+-]?)$/y;
const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, DOT, ZERO, NINE, LARGE_E, BACKSLASH, SMALL_E] = [
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2e, 0x30, 0x39, 0x45, 0x5c, 0x65,
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws JsonFault. */
export const scanJson = (bytes: Uint8Array): JsonValue => scanJsonText(decodeJson(bytes), OF_REQUESTS);

/** The same of text that was decoded already. Throws JsonFault. */
export const scanJsonText = (text: string, limits: JsonLimits): JsonValue => new Scanner(text, limits).document();

const BOM = "\ufeff";

/** Bytes as text: UTF-8 without a BOM. Throws JsonFault. */
export const decodeJson = (bytes: Uint8Array): string => {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    throw notUtf8(bytes);
  }
  if (text.startsWith(BOM))
    throw new JsonFault("a byte order mark (BOM) in front of the text; send UTF-8 without one", text, 0);
  return text;
};

/** Says which byte, where, and what it is likely to be. */
const notUtf8 = (bytes: Uint8Array): JsonFault => {
  if (endsInsideCharacter(bytes))
    return new JsonFault(
      "bytes that are not UTF-8: the last character is cut",
      lenientUtf8.decode(bytes),
      bytes.length,
      true,
    );
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return new JsonFault("bytes that are not UTF-8 but UTF-16; send UTF-8", "", 0);
  const before = validBefore(bytes);
  const found = bytes[before]!;
  // In Latin-1 and Windows-1252 a letter with an accent is one byte, and what follows is most often ASCII.
  const likely = found >= 0xa0 && !((bytes[before + 1] ?? 0) >= 0x80) ? " (it looks like Latin-1)" : "";
  const text = strictUtf8.decode(bytes.subarray(0, before));
  return new JsonFault(
    `bytes that are not UTF-8: 0x${found.toString(16).toUpperCase()}${likely}; send UTF-8`,
    text,
    text.length,
  );
};

/** How many bytes in front are whole characters. Each try halves what is not known. */
const validBefore = (bytes: Uint8Array): number => {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8Beginning(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The character that cannot be completed begins up to three bytes before.
  while (good > 0 && !isWhole(bytes.subarray(0, good))) good--;
  return good;
};

const isWhole = (bytes: Uint8Array): boolean => {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** True when all but an unfinished last character is UTF-8: the body was cut. */
const endsInsideCharacter = (bytes: Uint8Array): boolean => !isWhole(bytes) && isUtf8Beginning(bytes);

/** True of UTF-8 whose last character may be unfinished. */
const isUtf8Beginning = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
};

class Scanner {
  readonly #text: string;
  readonly #limits: JsonLimits;
  #at = 0;
  #members = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): JsonValue {
    this.#blank();
    const value = this.#value(1);
    this.#blank();
    if (this.#at < this.#text.length) throw this.#fault("text after the end of the value");
    return value;
  }

  #value(depth: number): JsonValue {
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    if (first !== undefined && (first === "-" || (first >= "0" && first <= "9"))) return this.#number();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const)
      if (this.#word(word)) return value;
    throw this.#fault("a value was expected");
  }

  #object(depth: number): JsonObject {
    this.#descend(depth);
    const members: JsonMember[] = [];
    if (this.#closes("}")) return { kind: "object", members };
    do {
      this.#blank();
      if (this.#text[this.#at] !== '"') throw this.#fault("a key in double quotes was expected");
      const start = this.#at;
      const key = this.#string();
      if (POLLUTING.has(key) && !this.#limits.anyKey)
        throw new JsonFault("a key that no request may carry", this.#text, start);
      if (++this.#members > this.#limits.members)
        throw new JsonFault(`more than ${this.#limits.members} members`, this.#text, start);
      this.#blank();
      this.#take(":");
      this.#blank();
      members.push({ key, value: this.#value(depth + 1) });
    } while (this.#continues("}"));
    return { kind: "object", members };
  }

  #array(depth: number): JsonArray {
    this.#descend(depth);
    const items: JsonValue[] = [];
    if (this.#closes("]")) return { kind: "array", items };
    do {
      this.#blank();
      if (++this.#members > this.#limits.members) throw this.#fault(`more than ${this.#limits.members} members`);
      items.push(this.#value(depth + 1));
    } while (this.#continues("]"));
    return { kind: "array", items };
  }

  #descend(depth: number): void {
    if (depth > this.#limits.depth) throw this.#fault(`nesting deeper than ${this.#limits.depth}`);
    this.#at++;
    this.#blank();
  }

  #closes(bracket: string): boolean {
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #continues(bracket: string): boolean {
    this.#blank();
    if (this.#closes(bracket)) return false;
    this.#take(",", `, or ${bracket}`);
    return true;
  }

  #string(): string {
    const start = this.#at++;
    let value = this.#plain();
    let code = this.#text.charCodeAt(this.#at);
    // The text is UTF-8: only an escape can bring in half a character, or U+0000.
    if (code === QUOTE) {
      this.#at++;
      return value;
    }
    for (; code !== QUOTE; code = this.#text.charCodeAt(this.#at)) {
      if (code !== BACKSLASH) throw this.#fault("a control character inside a string");
      value += this.#escape();
      value += this.#plain();
    }
    this.#at++;
    if (!value.isWellFormed()) throw new JsonFault("a lone surrogate inside a string", this.#text, start);
    if (value.includes("\0")) throw new JsonFault("U+0000 inside a string", this.#text, start);
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1];
    if (letter === "u") {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits))
        throw this.#fault("\\u wants four hexadecimal digits", /^[0-9A-Fa-f]{0,3}$/.test(digits));
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meaning = letter === undefined ? undefined : ESCAPES[letter];
    if (meaning === undefined) throw this.#fault("an escape that JSON does not have", letter === undefined);
    this.#at += 2;
    return meaning;
  }

  #number(): number | bigint | JsonFraction {
    const start = this.#at;
    const short = this.#shortInteger();
    if (short !== undefined) return short;
    NUMBER.lastIndex = start;
    const found = NUMBER.exec(this.#text);
    if (!found) throw this.#fault("a number was expected", start + 1 >= this.#text.length);
    this.#at += found[0].length;
    UNFINISHED.lastIndex = this.#at;
    if (UNFINISHED.test(this.#text)) throw this.#fault("a number was expected", true);
    const value = Number(found[0]);
    if (!Number.isFinite(value) || Object.is(value, -0))
      throw new JsonFault("a number that cannot be kept exact", this.#text, start, this.#at >= this.#text.length);
    if (found[1] !== undefined || found[2] !== undefined) return { kind: "fraction", value };
    return Number.isSafeInteger(value) ? value : BigInt(found[0]);
  }

  /** Up to 15 digits with nothing else before or behind them, as most numbers are. */
  #shortInteger(): number | undefined {
    let value = 0;
    let end = this.#at;
    let code = this.#text.charCodeAt(end);
    for (; code >= ZERO && code <= NINE; code = this.#text.charCodeAt(++end)) value = value * 10 + code - ZERO;
    const length = end - this.#at;
    if (
      length === 0 ||
      length > 15 ||
      code === DOT ||
      code === SMALL_E ||
      code === LARGE_E ||
      (length > 1 && this.#text[this.#at] === "0")
    )
      return undefined;
    this.#at = end;
    return value;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) {
      const rest = this.#text.slice(this.#at);
      if (rest !== "" && rest.length < word.length && word.startsWith(rest))
        throw this.#fault("a value was expected", true);
      return false;
    }
    this.#at += word.length;
    return true;
  }

  #take(character: string, also = ""): void {
    if (this.#text[this.#at] !== character) throw this.#fault(`${character}${also} was expected`);
    this.#at++;
  }

  #blank(): void {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return;
    }
  }

  /** What stands in a string as it is: up to a quote, a backslash, a control character or the end. */
  #plain(): string {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (
      let code = text.charCodeAt(at);
      code >= SPACE && code !== QUOTE && code !== BACKSLASH;
      code = text.charCodeAt(++at)
    );
    this.#at = at;
    return text.slice(start, at);
  }

  #fault(problem: string, truncated = this.#at >= this.#text.length): JsonFault {
    return new JsonFault(truncated ? `the text ends early: ${problem}` : problem, this.#text, this.#at, truncated);
  }
}
