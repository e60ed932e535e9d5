/**
 * Reads JSON with the offset of each value, and JSON whose texts or values have holes. Unlike the gateway's scanner it
 * reads HAR files of many megabytes; the depth and the number of values are limited.
 */
import { HOLE, type Member, type Value } from "./calls.ts";
import { fromMarks, MARK, URI_MARK } from "./holes.ts";

export class JsonError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = "JsonError";
    this.at = at;
  }
}

/** A value of the tree: objects and arrays keep their elements. */
export type Tree =
  | { readonly kind: "object"; readonly members: readonly TreeMember[]; readonly at: number }
  | { readonly kind: "array"; readonly items: readonly Tree[]; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number; readonly exact: boolean }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "word"; readonly text: string; readonly at: number }
  | { readonly kind: "hole"; readonly at: number };
export type TreeMember = { readonly key: string; readonly value: Tree; readonly at: number };

const DEEPEST = 64;
const MOST_VALUES = 2_000_000;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** `skip`: keys whose values are passed over. `base` is added to every offset. Throws JsonError. */
export const readTree = (text: string, base = 0, skip: ReadonlySet<string> = new Set()): Tree =>
  new Reader(text, base, skip).document();

class Reader {
  readonly #text: string;
  readonly #base: number;
  readonly #skip: ReadonlySet<string>;
  #at = 0;
  #values = 0;

  constructor(text: string, base: number, skip: ReadonlySet<string>) {
    this.#text = text;
    this.#base = base;
    this.#skip = skip;
  }

  document(): Tree {
    if (this.#text.startsWith("\uFEFF")) this.#at = 1;
    const value = this.#value(1);
    this.#blank();
    if (this.#at < this.#text.length) throw this.#error("text after the end of the JSON value");
    return value;
  }

  #value(depth: number): Tree {
    this.#blank();
    if (++this.#values > MOST_VALUES) throw this.#error(`more than ${MOST_VALUES} values`);
    if (depth > DEEPEST) throw this.#error(`nested deeper than ${DEEPEST}`);
    const at = this.#base + this.#at;
    const first = this.#text[this.#at];
    if (first === "{") return { kind: "object", members: this.#members(depth), at };
    if (first === "[") return { kind: "array", items: this.#items(depth), at };
    if (first === '"') return this.#string();
    if (first === MARK || first === URI_MARK) return this.#hole(at);
    for (const word of ["true", "false", "null"])
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return { kind: "word", text: word, at };
      }
    return { kind: "number", text: this.#number(), at };
  }

  /** A hole may stand for a part of a number only: it goes on to the next sign of JSON. */
  #hole(at: number): Tree {
    while (this.#at < this.#text.length && !",}] \t\r\n".includes(this.#text[this.#at]!)) this.#at++;
    return { kind: "hole", at };
  }

  #number(): string {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) throw this.#error("expected a JSON value");
    this.#at += found.length;
    return found;
  }

  #members(depth: number): readonly TreeMember[] {
    const members: TreeMember[] = [];
    this.#at++;
    if (this.#closes("}")) return members;
    do {
      this.#blank();
      if (this.#text[this.#at] !== '"') throw this.#error("expected a key in double quotes");
      const at = this.#base + this.#at;
      const key = this.#string().text;
      this.#take(":");
      const value = this.#value(depth + 1);
      if (!this.#skip.has(key)) members.push({ key, value, at });
    } while (this.#continues("}"));
    return members;
  }

  #items(depth: number): readonly Tree[] {
    const items: Tree[] = [];
    this.#at++;
    if (this.#closes("]")) return items;
    do items.push(this.#value(depth + 1));
    while (this.#continues("]"));
    return items;
  }

  #string(): { kind: "string"; text: string; at: number; exact: boolean } {
    const at = this.#base + this.#at;
    const start = ++this.#at;
    const parts: string[] = [];
    let from = start;
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) throw this.#error("a text without its closing quote");
      if (code === 0x22) break;
      if (code < 0x20) throw this.#error("a control character inside a text");
      if (code !== 0x5c) continue;
      parts.push(this.#text.slice(from, this.#at), this.#escape());
      from = this.#at + 1;
    }
    parts.push(this.#text.slice(from, this.#at++));
    return { kind: "string", text: parts.join(""), at, exact: parts.length === 1 };
  }

  #escape(): string {
    const letter = this.#text[++this.#at] ?? "";
    if (letter === "u") {
      const digits = this.#text.slice(this.#at + 1, this.#at + 5);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw this.#error("expected four hexadecimal digits after \\u");
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if ('"\\/'.includes(letter) && letter !== "") return letter;
    const meaning = ESCAPES[letter];
    if (meaning === undefined) throw this.#error("an escape that JSON does not have");
    return meaning;
  }

  #closes(bracket: string): boolean {
    this.#blank();
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #continues(bracket: string): boolean {
    if (this.#closes(bracket)) return false;
    this.#take(",");
    return true;
  }

  #take(sign: string): void {
    this.#blank();
    if (this.#text[this.#at] !== sign) throw this.#error(`expected "${sign}"`);
    this.#at++;
  }

  #blank(): void {
    while (" \n\r\t".includes(this.#text[this.#at] ?? "?")) this.#at++;
  }

  #error(message: string): JsonError {
    return new JsonError(message, this.#base + Math.min(this.#at, this.#text.length));
  }
}

/** The tree as a value of a call. `place` gives the offset in the file for one in the text. */
export const toValue = (tree: Tree, place: (at: number) => number = (at) => at): Value => {
  const at = place(tree.at);
  switch (tree.kind) {
    case "object":
      return {
        kind: "object",
        members: tree.members.map((each): Member => ({
          key: each.key,
          value: toValue(each.value, place),
          at: place(each.at),
        })),
        open: false,
        at,
      };
    case "string":
      return { kind: "text", parts: fromMarks(tree.text), at };
    case "number":
      return { kind: "number", text: tree.text, at };
    case "hole":
      return { kind: "unknown", hole: HOLE, at };
    case "word":
      return tree.text === "null" ? { kind: "absent", at } : { kind: "other", json: tree.text, at };
    case "array":
      return { kind: "other", json: "[]", at };
  }
};

/** The member's value, if the tree is an object that has it. */
export const memberOf = (tree: Tree | undefined, key: string): Tree | undefined =>
  tree?.kind === "object" ? tree.members.findLast((member) => member.key === key)?.value : undefined;

export const stringOf = (tree: Tree | undefined): string | undefined =>
  tree?.kind === "string" ? tree.text : undefined;
