/**
 * Translates errors of the YAML parser. Its own messages use the words of YAML's grammar, and it often reports the line
 * after the mistake: the place here is where an operator has to look, with a further place where two lines disagree.
 */
import { Lexer, type YAMLError } from "yaml";

/** Offsets in the text. */
export type YamlProblem = {
  readonly at: number;
  readonly message: string;
  readonly help?: string;
  readonly also?: { readonly at: number; readonly message: string };
};

type Found = Pick<YAMLError, "code" | "message" | "pos">;
type Row = readonly [
  code: RegExp,
  message: RegExp,
  translate: (text: string, at: number, found: Found) => YamlProblem | undefined,
];

const INDENT = "use the same number of spaces as in the lines beside it; the line above may be the wrong one";
const COMPARE = "compare the indentation, quotes, brackets and colons of both lines with the lines around them";
const QUOTE = 'quote the value: "…"';

const firstWord = (text: string, at: number): number => at + /^[ \r\n]*/.exec(text.slice(at))![0].length;
const restOfLine = (text: string, at: number): string => /^[^\r\n]*/.exec(text.slice(at))![0];
const startsLine = (text: string, at: number): boolean => /(?:^|\n)[ \t]*$/.test(text.slice(0, at));

/** Mistakes that the parser reports in many ways: what the text at the place looks like decides. */
const MISTAKES: readonly (readonly [looks: RegExp, message: string, help: string])[] = [
  [/^(?:<{7}|={7}|>{7})/, "a merge conflict is not resolved", "keep one of the two versions, and remove the markers"],
  [/^-[^\s-]/, "expected a space after -", 'write "- value"'],
  [/^[\w.-]+:[^\s:]/, "expected a space after the colon", 'write "name: value"'],
];

const likelyMistake = (text: string, at: number): YamlProblem | undefined => {
  const start = firstWord(text, at);
  const found = MISTAKES.find(([looks]) => looks.test(text.slice(start, start + 100)));
  return found && { at: start, message: found[1], help: found[2] };
};

const plain =
  (message: string, help?: string) =>
  (text: string, at: number): YamlProblem => ({
    at: firstWord(text, at),
    message,
    ...(help !== undefined && { help }),
  });

const notClosed = (text: string, at: number): YamlProblem => {
  const open = openBracket(text, at);
  const [opening, closing, noun] = text[open] === "{" ? ["{", "}", "map"] : ["[", "]", "list"];
  return {
    at: open,
    message: `the ${noun} that begins with ${opening} is not closed${beforeEnd(text, at)}`,
    help: `add ${closing} at its end; if it goes on in the next line, indent that line more than the key`,
  };
};

const beforeEnd = (text: string, at: number): string =>
  text.slice(at).trim() === "" ? " before the end of the file, which may be cut off" : "";

const openQuote = (text: string, at: number): YamlProblem => ({
  at: startOf(text, at, (lexeme) => /^["']/.test(lexeme)) ?? at,
  message: `this quoted text has no closing quote${beforeEnd(text, at)}`,
  help: "add the closing quote; in a text with quotes in it, use the other kind of quotes around it",
});

/** `a: b: c`, or a line that is indented more than the key above, which has a value. */
const nested = (text: string, at: number): YamlProblem => {
  const rest = restOfLine(text, at);
  if (/:(?:\s|$)/.test(rest))
    return { at, message: "a second colon with a space behind it in the same line", help: QUOTE };
  const next = firstWord(text, at + rest.length);
  return {
    at: next,
    message: "this line is indented more than the line above, whose key has a value already",
    help: "indent both lines alike, or remove the value above",
    also: { at, message: "the value" },
  };
};

const otherIndent = (text: string, at: number): YamlProblem => {
  const start = firstWord(text, at);
  const isBelowItem = /(?:^|\n) *- [^\n]*\s*$/.test(text.slice(0, start));
  return {
    at: start,
    message: "this line is not indented like the other keys of its section",
    help: isBelowItem ? `${INDENT}, or its - does not belong there` : INDENT,
  };
};

const inBrackets = (text: string, at: number): YamlProblem => {
  const start = firstWord(text, at);
  if (text[start] === "{" && text[start - 1] === "$")
    return {
      at: start - 1,
      message: "inside [ ] or { }, a value with { or } must be quoted",
      help: 'for example "${VAR}"',
    };
  return text.startsWith("- ", start)
    ? { at: start, message: "a list inside [ ] has no -", help: "separate its items with commas: [one, two]" }
    : {
        at: start,
        message: "expected a comma before this entry",
        help: "separate the entries in [ ] or { } with commas",
      };
};

const itemOrKey = (text: string, at: number): YamlProblem => {
  const start = firstWord(text, at);
  return /^-(?:\s|$)/.test(text.slice(start, start + 2))
    ? {
        at: start,
        message: "a list item where a key is expected",
        help: "an item above may lack its -, or is indented differently",
      }
    : { at: start, message: "expected a colon and a value after this name", help: 'write "name: value"' };
};

const atEnd = (text: string, at: number): YamlProblem =>
  startsLine(text, at)
    ? {
        at,
        message: "a key follows a list here, but a section is either a list or a map of keys",
        help: "begin the line with - if it is an item, or indent it more if it belongs to the last item",
      }
    : {
        at,
        message: "unexpected text after the end of the value",
        help: "quote the whole value, or remove what follows the closing quote",
      };

const directive = (text: string): YamlProblem => ({
  at: Math.max(0, text.search(/^%/m)),
  message: "a line that begins with % is a directive of YAML",
  help: "remove the line",
});

/** The first row whose code and message match; `undefined` from a row goes on to the next one. */
const ROWS: readonly Row[] = [
  [
    /^TAB_AS_INDENT$/,
    /./,
    (_, at) => ({ at, message: "a tab is used for indentation", help: "indent with spaces only" }),
  ],
  [/^(?:BAD_INDENT|MISSING_CHAR|MULTILINE_IMPLICIT_KEY)$/, /mapping items|Implicit/, likelyMistake],
  [/^BAD_INDENT$/, /^All mapping/, otherIndent],
  [/^BAD_INDENT$/, /^All sequence/, plain("this list item is not indented like the other items of its list", INDENT)],
  [/^(?:BAD_INDENT|MISSING_CHAR)$/, /^Flow |must end with a/, notClosed],
  [/^MISSING_CHAR$/, /closing .quote/, openQuote],
  [
    /^MISSING_CHAR$/,
    /without - indicator/,
    plain(
      "this line is neither a list item with - nor indented like the keys of the item above",
      "indent it like these keys, or begin it with - if it is a new item",
    ),
  ],
  [
    /^MISSING_CHAR$/,
    /^Comments/,
    plain("expected a space before #", "write a space, or quote the value if # is part of it"),
  ],
  [/^MISSING_CHAR$/, /directives-end/, directive],
  [/^BAD_DIRECTIVE$/, /./, directive],
  [/^(?:MISSING_CHAR|BLOCK_IN_FLOW)$/, /^Missing ,|within flow/, inBrackets],
  [/^BLOCK_AS_IMPLICIT_KEY$/, /^Nested/, nested],
  [/^(?:BLOCK_AS_IMPLICIT_KEY|MULTILINE_IMPLICIT_KEY|MISSING_CHAR)$/, /sequence|^Implicit/, itemOrKey],
  [
    /^UNEXPECTED_TOKEN$/,
    /block-seq-ind on same line/,
    plain(
      "a list item (-) cannot begin in the line of its key",
      "begin it in a line of its own below the key, or write [value]",
    ),
  ],
  [
    /^UNEXPECTED_TOKEN$/,
    /^Unexpected ,/,
    plain("there is no value before this comma", "remove the comma, or add the value"),
  ],
  [
    /^UNEXPECTED_TOKEN$/,
    /flow-(?:seq|map)-end/,
    (text, at) => ({
      at,
      message: `${text[at] ?? "]"} closes nothing: there is no open ${text[at] === "}" ? "{" : "["} before it`,
      help: "remove it, or quote the value that it belongs to",
    }),
  ],
  [/^UNEXPECTED_TOKEN$/, /at node end|^Unexpected scalar token$/, atEnd],
  [
    /^UNEXPECTED_TOKEN$/,
    /^Block scalar header|^Not a YAML token/,
    plain("after | or > the text must begin in the next line", QUOTE),
  ],
  [
    /^BAD_SCALAR_START$/,
    /./,
    (text, at) => ({ at, message: `a value that begins with ${text[at]} must be quoted`, help: QUOTE }),
  ],
  [
    /^BAD_DQ_ESCAPE$/,
    /./,
    (text, at) => ({
      at,
      message: `between double quotes, \\ starts an escape, and ${text.slice(at, at + 2)} is not one`,
      help: "use single quotes, or write \\\\ for \\",
    }),
  ],
  [/^BAD_ALIAS$/, /^Alias/, plain("a value that begins with * must be quoted", QUOTE)],
  [/^KEY_OVER_1024_CHARS$/, /./, plain("this key is longer than 1024 characters", "look for a missing quote or colon")],
];

/** Translates an error; one that the table does not have keeps the parser's words, marked as such. */
export const describeYamlError = (text: string, found: Found): YamlProblem => {
  const [at] = found.pos;
  for (const [code, message, translate] of ROWS) {
    const known = code.test(found.code) && message.test(found.message) ? translate(text, at, found) : undefined;
    if (known) return known;
  }
  const words = found.message.replace(/\s+at line \d+.*$/s, "");
  return {
    at: firstWord(text, at),
    message: `this line or the one above is malformed (parser: ${words})`,
    help: COMPARE,
  };
};

/** Lexemes that stand for no text. */
const MARKS: ReadonlySet<string> = new Set(["\u0002", "\u0018", "\u001F"]);
const SCALAR = "\u001F";

type Lexeme = { readonly source: string; readonly at: number; readonly isPlain: boolean };

function* lexemesBefore(text: string, end: number): Generator<Lexeme> {
  let [at, isPlain] = [0, false];
  for (const source of new Lexer().lex(text)) {
    if (at >= end) return;
    if (!MARKS.has(source)) {
      yield { source, at, isPlain };
      at += source.length;
    }
    isPlain = source === SCALAR;
  }
}

const startOf = (text: string, end: number, fits: (lexeme: string) => boolean): number | undefined => {
  let start: number | undefined;
  for (const { source, at, isPlain } of lexemesBefore(text, end)) if (!isPlain && fits(source)) start = at;
  return start;
};

/** The last [ or { before the offset that is not closed there. */
const openBracket = (text: string, end: number): number => {
  const open: number[] = [];
  for (const { source, at, isPlain } of lexemesBefore(text, end)) {
    if (isPlain) continue;
    if (source === "[" || source === "{") open.push(at);
    else if (source === "]" || source === "}") open.pop();
  }
  return open.at(-1) ?? end;
};
