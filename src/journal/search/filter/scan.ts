/** Splits the text of a filter into tokens with their places. */
import { FilterError } from "./error.ts";

export type Value = { readonly text: string; readonly quoted: boolean; readonly at: number; readonly length: number };

type Placed = { readonly text: string; readonly at: number; readonly length: number };

export type Token = Placed &
  (
    | { readonly kind: "open" | "close" | "not" | "or" | "bare" | "end" }
    | { readonly kind: "term"; readonly key: string; readonly values: readonly Value[] }
  );

const KEY = /[A-Za-z][A-Za-z._-]*(?=:)/y;
const BARE_VALUE = /[^\s(),"]+/y;
const BARE_WORD = /[^\s()"]+/y;
const BLANKS = /\s*/y;

/** Throws FilterError. */
export const scan = (text: string): Token[] => {
  const tokens: Token[] = [];
  for (let at = skip(text, 0); at < text.length; at = skip(text, at)) {
    const token = next(text, at);
    tokens.push(token);
    at = token.at + token.length;
  }
  return tokens;
};

const skip = (text: string, at: number): number => at + match(BLANKS, text, at).length;

const match = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
};

const next = (text: string, at: number): Token => {
  const sign = text[at]!;
  if (sign === "(") return { kind: "open", text: sign, at, length: 1 };
  if (sign === ")") return { kind: "close", text: sign, at, length: 1 };
  // Request ids begin with a digit, and addresses of records with a slash.
  if (sign === "-" && /[A-Za-z0-9("/]/.test(text[at + 1] ?? "")) return { kind: "not", text: sign, at, length: 1 };
  const key = match(KEY, text, at);
  // An address, as a record's URI, has a colon too.
  if (key !== "" && !text.startsWith("//", at + key.length + 1)) return termAt(text, at, key);
  if (sign === '"') return { kind: "bare", ...valueAt(text, at) };
  const word = match(BARE_WORD, text, at);
  return { kind: word === "OR" ? "or" : "bare", text: word, at, length: word.length };
};

const termAt = (text: string, at: number, key: string): Token => {
  const values: Value[] = [];
  let end = at + key.length + 1;
  for (;;) {
    const value = valueAt(text, end);
    values.push(value);
    end = value.at + value.length;
    if (text[end] !== ",") break;
    end++;
  }
  return { kind: "term", key, values, text: text.slice(at, end), at, length: end - at };
};

const valueAt = (text: string, at: number): Value => {
  if (text[at] === '"') return quotedAt(text, at);
  const bare = match(BARE_VALUE, text, at);
  if (bare === "")
    throw new FilterError("a value is missing", {
      text,
      at,
      length: 1,
      help: 'put values with spaces in quotes, for example tenant:"Alpha Tenant"',
    });
  return { text: bare, quoted: false, at, length: bare.length };
};

const quotedAt = (text: string, at: number): Value => {
  let value = "";
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '"') return { text: value, quoted: true, at, length: end + 1 - at };
    if (text[end] === "\\" && end + 1 < text.length) end++;
    value += text[end];
  }
  throw new FilterError("this quote is not closed", { text, at, length: text.length - at });
};
