/**
 * `.http` files of editors, and requests as the manual prints them: a request line, headers, a blank line, the body.
 * `###` separates requests, `@name = value` defines a variable, `{{name}}` uses it.
 */
import {
  absent,
  call,
  NOTHING,
  type Call,
  type Header,
  type Part,
  type Reading,
  type Undecided,
  type Value,
} from "../calls.ts";
import { fromMarks, MARK, URI_MARK } from "../holes.ts";
import { parsed } from "../script/evaluate-call.ts";
import { destinationOf, readUrl } from "../url.ts";
import type { Reader, Source } from "./reader.ts";

const REQUEST = /^(?:(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) +)(\S+(?: (?!HTTP\/)\S+)*?)(?: +HTTP\/[\d.]+)?\s*$/i;
const URL_ALONE = /^https?:\/\/\S+\s*$/i;
const HEADER = /^([A-Za-z0-9-]+) *:(.*)$/;
const VARIABLE = /^@([\w.-]+)\s*=\s*(.*?)\s*$/;
const COMMENT = /^\s*(?:#|\/\/)/;

type Line = { readonly text: string; readonly at: number };

export const readHttpFile: Reader = (source) => {
  const lines = linesOf(source.text);
  const variables = new Map<string, string>();
  for (const { text } of lines) {
    const [, name, value] = VARIABLE.exec(text) ?? [];
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  const calls: Call[] = [];
  const undecided: Undecided[] = [];
  for (const block of blocksOf(lines)) {
    const found = readBlock(source, block, variables);
    if (found && "url" in found) calls.push(found);
    else if (found) undecided.push(found);
  }
  const faults =
    lines.length > 0 && !lines.some(({ text }) => isRequestLine(text) || URL_ALONE.test(text))
      ? [{ at: 0, message: "no request line, for example: POST https://host/records/15?req=RecordReject" }]
      : [];
  return { ...NOTHING, calls, undecided, faults } satisfies Reading;
};

/** Longer than any request line. */
const LONGEST = 65_536;
const isRequestLine = (text: string): boolean => text.length < LONGEST && REQUEST.test(text);

const linesOf = (text: string): readonly Line[] => {
  const lines: Line[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    lines.push({ text: line.endsWith("\r") ? line.slice(0, -1) : line, at });
    at += line.length + 1;
  }
  return lines;
};

/** A request begins with its line and ends before the next one, or at ###. */
const blocksOf = (lines: readonly Line[]): readonly (readonly Line[])[] => {
  const blocks: Line[][] = [];
  let open: Line[] | undefined;
  for (const line of lines) {
    if (line.text.startsWith("###") || line.text.startsWith("```")) open = undefined;
    else if (isRequestLine(line.text) || (URL_ALONE.test(line.text) && !open)) blocks.push((open = [line]));
    else open?.push(line);
  }
  return blocks;
};

const readBlock = (source: Source, block: readonly Line[], variables: ReadonlyMap<string, string>) => {
  const [first] = block as readonly [Line];
  const [, method = "GET", target = first.text.trim()] = REQUEST.exec(first.text) ?? [];
  // Editors let the query go on in lines of its own.
  const end = block.findIndex(({ text }, at) => at > 0 && !/^\s+[?&]\S/.test(text));
  const query = block.slice(1, end < 0 ? undefined : end).map(({ text }) => text.trim());
  const url = partsIn(`${target}${query.join("")}`, variables);
  const destination = destinationOf(readUrl(url), source.isKnownAddress);
  const urlAt = first.at + first.text.indexOf(target);
  if (destination === "elsewhere") return undefined;
  if (destination === "maybe") return { at: urlAt, what: "the URL of a request is a variable" } satisfies Undecided;
  const blank = block.findIndex(({ text }, at) => at > 0 && text.trim() === "");
  const head = block.slice(1 + query.length, blank < 0 ? undefined : blank);
  const body = bodyIn(blank < 0 ? headless(head) : block.slice(blank + 1), variables, first.at);
  return call(first.at, {
    urlAt,
    url,
    method: { kind: "text", parts: [method.toUpperCase()], at: first.at },
    headers: headersIn(head, variables),
    body,
    form: head.some(({ text }) => /^content-type *:.*x-www-form-urlencoded/i.test(text)),
  });
};

/** The manual prints no blank line between headers and body. */
const headless = (head: readonly Line[]): readonly Line[] => {
  const start = head.findIndex(({ text }) => text.trimStart().startsWith("{"));
  return start < 0 ? [] : head.slice(start);
};

const headersIn = (head: readonly Line[], variables: ReadonlyMap<string, string>): readonly Header[] =>
  head.flatMap(({ text, at }): readonly Header[] => {
    if (COMMENT.test(text)) return [];
    const [, name, value] = HEADER.exec(text) ?? [];
    if (name === undefined || value === undefined) return [];
    return [
      { name, value: { kind: "text", parts: partsIn(value.trim(), variables), at: at + text.indexOf(":") + 1 }, at },
    ];
  });

/** Lines with comments, `> {% … %}` and `< file` are no part of the body. */
const bodyIn = (lines: readonly Line[], variables: ReadonlyMap<string, string>, at: number): Value => {
  const end = lines.findIndex(({ text }) => /^(?:>|<>|HTTP\/)/.test(text) || /^\d+\. /.test(text));
  const all = end < 0 ? lines : lines.slice(0, end);
  const own = all.filter(({ text }) => !/^\s*\/\/|^# /.test(text));
  const first = own.find(({ text }) => text.trim() !== "");
  if (!first) return absent(at);
  if (/^<(?:@\S*)? /.test(first.text)) return { kind: "unknown", hole: { recordUri: false }, at: first.at };
  const written = own
    .slice(own.indexOf(first))
    .map(({ text }) => text)
    .join("\n")
    .trimEnd();
  const value: Value = { kind: "text", parts: partsIn(written, variables), at: first.at };
  const isExact = !written.includes("{{") && own.length === all.length;
  const placed: Value = isExact ? { ...value, exact: true } : value;
  return parsed(placed) ?? placed;
};

/** The text with its variables filled in; an unknown one is a hole. */
const partsIn = (text: string, variables: ReadonlyMap<string, string>): readonly Part[] =>
  fromMarks(filledIn(text, variables, 0));

const filledIn = (text: string, variables: ReadonlyMap<string, string>, depth: number): string =>
  text.replaceAll(/\{\{([^{}]{0,200})\}\}/g, (_, name: string) => {
    const value = depth < 4 ? variables.get(name.trim()) : undefined;
    if (value !== undefined) return filledIn(value, variables, depth + 1);
    return name.includes("GSW_RECORD_URI") ? URI_MARK : MARK;
  });
