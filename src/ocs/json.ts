/**
 * A strict JSON scanner (RFC 8259) for bodies and tokens. Unlike JSON.parse it keeps duplicate members. It rejects,
 * with line and column: bytes that are not UTF-8, a BOM, lone surrogates, U+0000, keys such as `__proto__`, in requests
 * a depth above 4 and more than 128 members, and numbers that would lose digits. Integers are exact: bigint beyond
 * 2^53.
 */

import { decodeJson } from "./decode-json.ts";
import { JsonFault } from "./json-fault.ts";

export type JsonFraction = { readonly kind: "fraction"; readonly value: number };
export type JsonArray = { readonly kind: "array"; readonly items: readonly JsonValue[] };
export type JsonObject = { readonly kind: "object"; readonly members: readonly JsonMember[] };
export type JsonMember = { readonly key: string; readonly value: JsonValue };
export type JsonValue = string | number | bigint | boolean | null | JsonFraction | JsonArray | JsonObject;

export type JsonLimits = {
  readonly depth: number;
  /** Maximum members in the whole text, including array elements. */
  readonly members: number;
  /** Accepts keys such as `__proto__`: for callers that do not use keys as property names. */
  readonly anyKey: boolean;
};

const REQUEST_LIMITS: JsonLimits = { depth: 4, members: 128, anyKey: false };
const POLLUTING = new Set(["__proto__", "constructor", "prototype"]);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:(\.[0-9]+)?([eE][+-]?[0-9]+)?)/y;
// The rest of a truncated number after the match of NUMBER.
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
/** Throws JsonFault. */
export const scanJson = (bytes: Uint8Array): JsonValue => scanJsonText(decodeJson(bytes), REQUEST_LIMITS);

/** For decoded text. Throws JsonFault. */
export const scanJsonText = (text: string, limits: JsonLimits): JsonValue => new Scanner(text, limits).document();

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
    throw this.#fault("expected a value");
  }

  #object(depth: number): JsonObject {
    this.#descend(depth);
    const members: JsonMember[] = [];
    if (this.#closes("}")) return { kind: "object", members };
    do {
      this.#blank();
      if (this.#text[this.#at] !== '"') throw this.#fault("expected a key in double quotes");
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
    this.#take(",", ` or "${bracket}"`);
    return true;
  }

  #string(): string {
    const start = this.#at++;
    let value = this.#plain();
    let code = this.#text.charCodeAt(this.#at);
    // The text is valid UTF-8, so only escapes can produce lone surrogates or U+0000.
    if (code === QUOTE) {
      this.#at++;
      return value;
    }
    for (; code !== QUOTE; code = this.#text.charCodeAt(this.#at)) {
      if (Number.isNaN(code)) throw this.#fault("expected the quotation mark at the end of a string");
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
        throw this.#fault("expected four hexadecimal digits after \\u", /^[0-9A-Fa-f]{0,3}$/.test(digits));
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
    if (!found) throw this.#fault("expected a number", start + 1 >= this.#text.length);
    this.#at += found[0].length;
    UNFINISHED.lastIndex = this.#at;
    if (UNFINISHED.test(this.#text)) throw this.#fault("expected a number", true);
    const value = Number(found[0]);
    if (!Number.isFinite(value) || Object.is(value, -0))
      throw new JsonFault("a number that cannot be kept exact", this.#text, start, this.#at >= this.#text.length);
    if (found[1] !== undefined || found[2] !== undefined) return { kind: "fraction", value };
    return Number.isSafeInteger(value) ? value : BigInt(found[0]);
  }

  /** The fast path for integers of up to 15 digits; undefined for other numbers. */
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
        throw this.#fault("expected a value", true);
      return false;
    }
    this.#at += word.length;
    return true;
  }

  #take(character: string, also = ""): void {
    if (this.#text[this.#at] !== character) throw this.#fault(`expected "${character}"${also}`);
    this.#at++;
  }

  #blank(): void {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return;
    }
  }

  /** The part of a string before the next quote, backslash or control character, or the end. */
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
