/** Renders problems as text: the line with a caret under the value, the other place of a conflict, and the help. */
import { visible } from "./visible.ts";
import { secretKeys } from "../schema/schema-tree.ts";
import type { Place, Problem } from "./problem.ts";

/** `colour`: with ANSI escape sequences. */
export type RenderOptions = { readonly colour: boolean };

const PAINT = { error: 31, warning: 33, strong: 1, faint: 2 } as const;
const paint = (text: string, tone: keyof typeof PAINT, { colour }: RenderOptions): string =>
  colour ? `\u001B[${PAINT[tone]}m${text}\u001B[0m` : text;

/** `text`: the file's text; undefined if it is unreadable. */
export const renderProblem = (problem: Problem, text: string | undefined, options: RenderOptions): string => {
  const { severity, code, line, column, also: other } = problem;
  const [message, file, path] = [problem.message, problem.file, problem.path].map(visible) as [string, string, string];
  const help = problem.help === undefined ? undefined : visible(problem.help);
  const isElsewhere = other?.file !== undefined && other.file !== problem.file;
  const also = isElsewhere ? undefined : other;
  const lines = text?.split(/\r?\n/) ?? [];
  const marks = [
    { line, column, note: "", tone: severity, secret: isSecretPath(problem.path) },
    ...(also ? [{ ...also, note: visible(also.message), tone: "faint" as const }] : []),
  ]
    .filter((mark) => lines[mark.line - 1] !== undefined)
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
  const width = Math.max(0, ...marks.map((mark) => String(mark.line).length));
  const frame = marks.flatMap((mark, at) => [
    ...(at > 0 && mark.line > (marks[at - 1]?.line ?? 0) + 1 ? ["..."] : []),
    ...renderMark(mark, lines[mark.line - 1] as string, width, options).slice(
      marks[at - 1]?.line === mark.line && sameCut(marks[at - 1], mark) ? 1 : 0,
    ),
  ]);
  return [
    `${paint(`${severity}[${code}]`, severity, options)}: ${paint(message, "strong", options)}`,
    `${" ".repeat(width)}--> ${file}:${line}:${column}`,
    ...frame,
    ...(path === "" ? [] : [`${" ".repeat(width)} = note: ${path}`]),
    ...(isElsewhere
      ? [visible(`${" ".repeat(width)} = also: ${other.file}:${other.line}:${other.column}: ${other.message}`)]
      : []),
    ...(help === undefined ? [] : [`help: ${help}`]),
  ].join("\n");
};

type Mark = Place & { readonly note: string; readonly tone: "error" | "warning" | "faint"; readonly secret?: boolean };

const isSecretPath = (path: string): boolean => path.split(/[.[\]]/).some((part) => secretKeys().includes(part));

/** What the caret underlines: a quoted text, a list or map within this line, or the words of a plain text. */
const WORD = String.raw`(?:\$\{[^}]*\}|:(?!\s|$)|[^\s,\]}#:])+`;
const TOKEN = new RegExp(String.raw`^("[^"]*"?|'[^']*'?|\[[^\]]*\]?|\{[^}]*\}?|${WORD}(?: +(?!#)${WORD}(?!:))*)`);

const renderMark = (
  { line, column: at, note, tone, secret }: Mark,
  whole: string,
  width: number,
  options: RenderOptions,
): readonly string[] => {
  const { text, column } = cut(secret ? maskedFrom(at, masked(whole)) : masked(whole), at);
  const before = text.slice(0, column - 1);
  const token = (TOKEN.exec(text.slice(column - 1))?.[0] ?? " ").replace(/:$/, "");
  const sign = tone === "faint" ? "-" : "^";
  const pointer = sign.repeat(Math.max(1, token.length));
  // Keeps tabs before the mark, so that the caret is under the value.
  return [
    `${String(line).padStart(width)} | ${visible(text)}`,
    `${" ".repeat(width)} | ` +
      `${before.replaceAll(/[^\t]/g, " ")}${paint(pointer, tone, options)}${note === "" ? "" : ` ${note}`}`,
  ];
};

const WIDEST = 160;

/** True if both marks are in the same part of their line, so that it is printed once. */
const sameCut = (one: Place | undefined, other: Place): boolean =>
  Math.max(one?.column ?? 0, other.column) <= WIDEST - 40;

/** The part of a long line around the mark. */
const cut = (text: string, column: number): { readonly text: string; readonly column: number } => {
  const start = column > WIDEST - 40 ? column - 41 : 0;
  const end = Math.min(text.length, start + WIDEST);
  const head = start > 0 ? "…" : "";
  return {
    text: `${head}${text.slice(start, end)}${end < text.length ? "…" : ""}`,
    column: column - start + head.length,
  };
};

/** Replaces each character of a secret by a dot, so that no secret gets into a log. */
const masked = (text: string): string =>
  secretsIn().reduce(
    (line, pattern) => line.replaceAll(pattern, (_, before: string, secret: string) => `${before}${dots(secret)}`),
    withoutPasswords(text),
  );

const dots = (secret: string): string => "\u2022".repeat(secret.length);

/** Keys of earlier versions with secrets; a file may still have them. */
const FORMER_SECRETS = ["postgres", "redis"];

/** Patterns of secrets, quoted or plain, on a separate line or in a list or map. `${…}` is not a secret. */
const secretsIn = (): readonly RegExp[] => {
  const key = String.raw`["']?(?:${[...secretKeys(), ...FORMER_SECRETS].join("|")})["']?\s*:\s+`;
  const quoted = String.raw`"(?:\\.|[^"\\])*"?|'(?:''|[^'])*'?`;
  const plain = String.raw`(?!\$\{(?!\S*:-)\S*\})[^\s,#~]`;
  return [
    new RegExp(String.raw`^(\s*(?:- +)*${key})(${quoted}|${plain}.*?(?=\s+#|\s*$))`, "g"),
    new RegExp(String.raw`([{[,]\s*${key})(${quoted}|${plain}[^,}\]]*?(?=\s*(?:[,}\]]|$)))`, "g"),
  ];
};

/** Masks a secret on a line that does not have its key. */
const maskedFrom = (column: number, text: string): string => {
  const value = text.slice(column - 1);
  return /^\S+:(\s|$)|\u2022|^\$\{(?!\S*:-)/.test(value) ? text : `${text.slice(0, column - 1)}${dots(value)}`;
};

/** Masks user and password in addresses. */
export const withoutPasswords = (text: string): string =>
  text.replaceAll(/:\/\/[^\s/@"']+@/g, (found) => `://${"\u2022".repeat(found.length - 4)}@`);
