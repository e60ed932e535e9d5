/** Problems as a person reads them: the line, a caret under what is meant, the other place, and what to do. */
import { secretKeys } from "./outline.ts";
import type { Place, Problem } from "./problem.ts";

/** `colour` paints with ANSI sequences. */
export type Look = { readonly colour: boolean };

const PAINT = { error: 31, warning: 33, strong: 1, faint: 2 } as const;
const paint = (text: string, tone: keyof typeof PAINT, { colour }: Look): string =>
  colour ? `\u001B[${PAINT[tone]}m${text}\u001B[0m` : text;

/** `text`: the file's text, undefined when it could not be read. */
export const renderProblem = (problem: Problem, text: string | undefined, look: Look): string => {
  const { severity, code, message, file, line, column, path, help, also: other } = problem;
  const isElsewhere = other?.file !== undefined && other.file !== file;
  const also = isElsewhere ? undefined : other;
  const lines = text?.split(/\r?\n/) ?? [];
  const marks = [
    { line, column, says: "", tone: severity, secret: isSecretPath(path) },
    ...(also ? [{ ...also, says: also.message, tone: "faint" as const }] : []),
  ]
    .filter((mark) => lines[mark.line - 1] !== undefined)
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
  const width = Math.max(0, ...marks.map((mark) => String(mark.line).length));
  const frame = marks.flatMap((mark, at) => [
    ...(at > 0 && mark.line > (marks[at - 1]?.line ?? 0) + 1 ? ["..."] : []),
    ...renderMark(mark, lines[mark.line - 1] as string, width, look).slice(
      marks[at - 1]?.line === mark.line && sameCut(marks[at - 1], mark) ? 1 : 0,
    ),
  ]);
  return [
    `${paint(`${severity}[${code}]`, severity, look)}: ${paint(message, "strong", look)}`,
    `${" ".repeat(width)}--> ${file}:${line}:${column}`,
    ...frame,
    ...(path === "" ? [] : [`${" ".repeat(width)} = note: ${path}`]),
    ...(isElsewhere
      ? [`${" ".repeat(width)} = also: ${other.file}:${other.line}:${other.column}: ${other.message}`]
      : []),
    ...(help === undefined ? [] : [`help: ${help}`]),
  ].join("\n");
};

type Mark = Place & { readonly says: string; readonly tone: "error" | "warning" | "faint"; readonly secret?: boolean };

const isSecretPath = (path: string): boolean => path.split(/[.[\]]/).some((part) => secretKeys().includes(part));

/** A text in quotes, a list or map as far as it stands in this line, or words up to where a plain text ends. */
const WORD = String.raw`(?:\$\{[^}]*\}|:(?!\s|$)|[^\s,\]}#:])+`;
const TOKEN = new RegExp(String.raw`^("[^"]*"?|'[^']*'?|\[[^\]]*\]?|\{[^}]*\}?|${WORD}(?: +(?!#)${WORD}(?!:))*)`);

const renderMark = (
  { line, column: at, says, tone, secret }: Mark,
  whole: string,
  width: number,
  look: Look,
): readonly string[] => {
  const { text, column } = cut(secret ? maskedFrom(at, masked(whole)) : masked(whole), at);
  const before = text.slice(0, column - 1);
  const token = (TOKEN.exec(text.slice(column - 1))?.[0] ?? " ").replace(/:$/, "");
  const sign = tone === "faint" ? "-" : "^";
  const pointer = sign.repeat(Math.max(1, token.length));
  // Tabs and wide text before the mark keep their width, so that the caret stands under what it means.
  return [
    `${String(line).padStart(width)} | ${visible(text)}`,
    `${" ".repeat(width)} | ${before.replaceAll(/[^\t]/g, " ")}${paint(pointer, tone, look)}${says === "" ? "" : ` ${says}`}`,
  ];
};

const WIDEST = 160;

/** Both marks see the same part of their line, which need not be shown twice. */
const sameCut = (one: Place | undefined, other: Place): boolean =>
  Math.max(one?.column ?? 0, other.column) <= WIDEST - 40;

/** The part of a long line that holds the mark. */
const cut = (text: string, column: number): { readonly text: string; readonly column: number } => {
  const start = column > WIDEST - 40 ? column - 41 : 0;
  const end = Math.min(text.length, start + WIDEST);
  const head = start > 0 ? "…" : "";
  return {
    text: `${head}${text.slice(start, end)}${end < text.length ? "…" : ""}`,
    column: column - start + head.length,
  };
};

/** A secret that stands in the file as it is belongs in no log: dots take its place, one for each character. */
const masked = (text: string): string =>
  secretsIn().reduce(
    (line, pattern) => line.replaceAll(pattern, (_, before: string, secret: string) => `${before}${dots(secret)}`),
    withoutPasswords(text),
  );

const dots = (secret: string): string => "\u2022".repeat(secret.length);

/** Of keys that earlier versions knew: a file may still have them. */
const FORMER_SECRETS = ["postgres", "redis"];

/** In quotes, or plain: to the end of its line, or of its place in a list or map. A file's name, or a variable's, is no secret. */
const secretsIn = (): readonly RegExp[] => {
  const key = String.raw`["']?(?:${[...secretKeys(), ...FORMER_SECRETS].join("|")})["']?\s*:\s+`;
  const quoted = String.raw`"(?:\\.|[^"\\])*"?|'(?:''|[^'])*'?`;
  const plain = String.raw`(?!\$\{(?!\S*:-)\S*\})[^\s,#~]`;
  return [
    new RegExp(String.raw`^(\s*(?:- +)*${key})(${quoted}|${plain}.*?(?=\s+#|\s*$))`, "g"),
    new RegExp(String.raw`([{[,]\s*${key})(${quoted}|${plain}[^,}\]]*?(?=\s*(?:[,}\]]|$)))`, "g"),
  ];
};

/** The same for one that stands in a line without its key. */
const maskedFrom = (column: number, text: string): string => {
  const value = text.slice(column - 1);
  return /^\S+:(\s|$)|\u2022|^\$\{(?!\S*:-)/.test(value) ? text : `${text.slice(0, column - 1)}${dots(value)}`;
};

/** What an address holds of a user and a password, which it should not. */
export const withoutPasswords = (text: string): string =>
  text.replaceAll(/:\/\/[^\s/@"']+@/g, (found) => `://${"\u2022".repeat(found.length - 4)}@`);

/** A file's line can hold anything: what could steer a terminal is shown as �. */
const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (found) => (found === "\t" ? found : "\uFFFD"));
