/** Splits Java and C# into tokens: it knows their strings and comments, and no more of their grammar than that. */
export type Token = {
  readonly kind: "name" | "number" | "string" | "template" | "sign" | "end";
  /** The name or sign; of a string its value. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Of a C# template: its texts, and the offsets of the expressions between them. */
  readonly pieces?: readonly Piece[];
};
export type Piece = { readonly text: string } | { readonly start: number; readonly end: number };

export class TokenError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = "TokenError";
    this.at = at;
  }
}

const NAME = /[\p{L}_$@][\p{L}\p{N}_$]*/uy;
const NUMBER = /\d[\w.]*/y;
/** Longest first. */
const SIGNS = ["=>", "->", "::", "?.", "??=", "??", "&&", "||", "==", "!=", "<=", ">=", "+=", "++", "--", "-=", "*="];
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", 0: "\0", s: " " };

/** Throws TokenError. `from` and `to` bound the part of the text. */
export const tokensOf = (text: string, from = 0, to = text.length): readonly Token[] => {
  const tokens: Token[] = [];
  let at = from;
  for (;;) {
    at = skipBlank(text, at, to);
    if (at >= to) break;
    const token = tokenAt(text, at, to);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", start: to, end: to });
  return tokens;
};

const skipBlank = (text: string, from: number, to: number): number => {
  let at = from;
  while (at < to) {
    const character = text[at]!;
    if (character.trim() === "" || character === "\uFEFF") at++;
    else if (text.startsWith("//", at)) at = lineEnd(text, at);
    else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      if (end < 0) throw new TokenError("a comment without its end", at);
      at = end + 2;
    } else if (character === "#" && text.slice(text.lastIndexOf("\n", at) + 1, at).trim() === "")
      at = lineEnd(text, at);
    else break;
  }
  return Math.min(at, to);
};

const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
};

const tokenAt = (text: string, at: number, to: number): Token => {
  const opening = /^(\$*@?\$*)("{3,}|"|')/.exec(text.slice(at, at + 12));
  if (opening) {
    const [, prefix = "", quote = ""] = opening;
    return stringAt(text, at, { prefix, quote });
  }
  for (const [kind, pattern] of [
    ["name", NAME],
    ["number", NUMBER],
  ] as const) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return { kind, text: found, start: at, end: Math.min(at + found.length, to) };
  }
  const sign = SIGNS.find((each) => text.startsWith(each, at)) ?? text[at]!;
  return { kind: "sign", text: sign, start: at, end: at + sign.length };
};

type Opening = { readonly prefix: string; readonly quote: string };

const stringAt = (text: string, start: number, { prefix, quote }: Opening): Token => {
  const isVerbatim = prefix.includes("@");
  const isTemplate = prefix.includes("$");
  // Text blocks of Java and raw texts of C#.
  const isBlock = quote.length >= 3;
  // `$$"""…{{hole}}…"""`: as many braces as signs open a hole, and fewer stand for themselves.
  const braces = isBlock ? Math.max(1, prefix.replaceAll("@", "").length) : 1;
  const pieces: Piece[] = [];
  let value = "";
  let at = start + prefix.length + quote.length;
  for (;;) {
    const character = text[at];
    if (character === undefined || (character === "\n" && !isVerbatim && !isBlock))
      throw new TokenError("a text without its closing quote", start);
    if (text.startsWith(quote, at)) {
      if (!(isVerbatim && !isBlock && text[at + 1] === '"')) break;
      value += '"';
      at += 2;
    } else if (character === "\\" && !isVerbatim && !(isBlock && isTemplate)) {
      const [decoded, length] = escapeAt(text, at);
      value += decoded;
      at += length;
    } else if (isTemplate && character === "{" && opensHole(text, at, braces)) {
      const end = closingBrace(text, at + braces - 1);
      pieces.push({ text: value }, { start: at + braces, end });
      value = "";
      at = end + braces;
    } else if (isBlock) {
      value += character;
      at++;
    } else {
      value += character;
      at += isTemplate && (character === "{" || character === "}") && text[at + 1] === character ? 2 : 1;
    }
  }
  const end = at + quote.length;
  return isTemplate
    ? { kind: "template", text: "", start, end, pieces: [...pieces, { text: value }] }
    : { kind: "string", text: value, start, end };
};

/** Of a longer run of braces the last ones open the hole. */
const opensHole = (text: string, at: number, braces: number): boolean =>
  text.startsWith("{".repeat(braces), at) && text[at + braces] !== "{";

const escapeAt = (text: string, at: number): readonly [string, number] => {
  const letter = text[at + 1] ?? "";
  const digits = letter === "u" ? /^u+([0-9A-Fa-f]{4})/.exec(text.slice(at + 1, at + 12)) : null;
  if (digits) return [String.fromCharCode(Number.parseInt(digits[1]!, 16)), digits[0].length + 1];
  return [letter === "\n" ? "" : (ESCAPES[letter] ?? letter), 2];
};

/** The offset of the brace that ends an expression inside a template; a format behind a colon belongs to it. */
const closingBrace = (text: string, open: number): number => {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = text.indexOf('"', at + 1);
      if (end < 0) break;
      at = end;
    } else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at;
  }
  throw new TokenError("an expression inside a text without its closing brace", open);
};
