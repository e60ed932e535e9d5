/**
 * Gives the text of a config file one form: keys in the order of the schema, two spaces of indentation, one empty line
 * at most, and one between sections. Comments stay with the key below them; values, quotes, lists, and what stands in
 * braces and brackets stay as they are written.
 */
import {
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { branches, root, step, type Node } from "../schema/schema-tree.ts";
import {
  blocksOf,
  columnOf,
  endLineOf,
  endOfPair,
  isBlank,
  isBlock,
  placeOf,
  startOfPair,
  type Entry,
  type Source,
  type Span,
} from "./blocks.ts";

/** The text has no such form: it is not YAML, or it is written in a way that formatting might change. */
export class NotFormattable extends Error {
  override readonly name = "NotFormattable";
}

/** `isTenants`: the text is a file of tenants.d, which may be a list. Throws NotFormattable. */
export const formatConfig = (given: string, { isTenants }: { readonly isTenants: boolean }): string => {
  const text = given.replaceAll("\r\n", "\n");
  const counter = new LineCounter();
  const document = parse(text, counter);
  const { contents } = document;
  const source: Source = { lines: text.split("\n"), counter };
  const nodes = isTenants && isSeq(contents) ? step([root()], "tenants") : [root()];
  if (!isBlock(contents)) throw new NotFormattable("it has no keys on lines of their own");
  const from = firstLineOf(source, document);
  const formatted = tidied([
    ...source.lines.slice(0, from),
    ...block(source, contents, { nodes, within: { from, to: source.lines.length }, isWhole: true }),
  ]);
  const again = parse(formatted, new LineCounter());
  if (meaningOf(again) !== meaningOf(document) || commentsIn(formatted).join("\n") !== commentsIn(text).join("\n"))
    throw new NotFormattable("its form is too unusual to be changed without a risk");
  return given.includes("\r\n") ? formatted.replaceAll("\n", "\r\n") : formatted;
};

const parse = (text: string, counter: LineCounter): Document.Parsed => {
  const document = parseDocument(text, { lineCounter: counter });
  visit(document, {
    Alias: (_, { source }) => {
      throw new NotFormattable(`it has an alias (*${source}), which a config cannot have`);
    },
  });
  const [error] = document.errors;
  if (error) throw new NotFormattable(error.message.split("\n")[0]!.replace(/:$/, ""));
  return document;
};

/** The line after directives and the mark of a document. */
const firstLineOf = ({ lines }: Source, { directives }: Document.Parsed): number =>
  directives?.docStart === true ? lines.findIndex((line) => /^---(\s|$)/.test(line)) + 1 : 0;

/** `isWhole`: the block is the whole text, so that the comment on top is about the file. */
type Context = { readonly nodes: readonly Node[]; readonly within: Span; readonly isWhole?: boolean };

const block = (source: Source, node: YAMLMap | YAMLSeq, context: Context): readonly string[] =>
  isMap(node) ? mapLines(source, node, context) : listLines(source, node as YAMLSeq, context);

const mapLines = (source: Source, map: YAMLMap, { nodes, within, isWhole }: Context): readonly string[] => {
  const column = Math.min(...map.items.map((pair) => columnOfPair(source, pair)));
  const { entries, tail } = blocksOf<Pair>(source, map.items, {
    within,
    column,
    startOf: (pair) => startOfPair(source, pair),
    endOf: (pair) => endOfPair(source, pair),
  });
  const order = keyOrder(nodes);
  const [first] = entries;
  const top = isWhole && first ? headerIn(source, first.head) : { from: within.from, to: within.from };
  const sorted = entries
    .map((entry) =>
      entry === first ? { ...entry, head: { from: Math.max(top.to, entry.head.from), to: entry.head.to } } : entry,
    )
    .toSorted((one, other) => order(one.item) - order(other.item));
  const parts = sorted.map((entry) => ({
    head: outside(source, entry.head),
    body: pairLines(source, entry, { nodes, column }),
  }));
  return [
    ...outside(source, top),
    ...parts.flatMap(({ head, body }, at) => {
      const before = parts[at - 1]?.body ?? [];
      return [...(isWhole && before.length + body.length > 2 && before.length > 0 ? [""] : []), ...head, ...body];
    }),
    ...outside(source, tail),
  ];
};

/** The comment about the file: everything above the last empty line before the first key. */
const headerIn = ({ lines }: Source, { from, to }: Span): Span => {
  const blank = lines.slice(from, to).findLastIndex(isBlank);
  return { from, to: blank < 0 ? to : from + blank };
};

const columnOfPair = (source: Source, { key }: Pair): number =>
  isScalar(key) ? placeOf(source, key.range![0]).column : 0;

/** Keys that the schema does not have, such as names of clients, keep their order behind the others. */
const keyOrder = (nodes: readonly Node[]): ((pair: Pair) => number) => {
  const keys = nodes.flatMap(branches).flatMap(({ properties }) => Object.keys(properties ?? {}));
  const places = new Map(keys.map((key, at) => [key, at]));
  return ({ key }) => places.get(isScalar(key) ? String(key.value) : "") ?? places.size;
};

type At = { readonly nodes: readonly Node[]; readonly column: number };

const pairLines = (source: Source, { item, body }: Entry<Pair>, { nodes, column }: At): readonly string[] => {
  const { key, value } = item;
  const name = isScalar(key) ? String(key.value) : "";
  const [first = "", ...rest] = source.lines.slice(body.from, body.to);
  const line = spaced(source, item, first).slice(column).trimEnd();
  if (!isBlock(value)) return [line, ...rest.map((each) => shifted(each, column))];
  const within = { from: body.from + 1, to: body.to };
  return [line, ...indented(block(source, value, { nodes: step(nodes, name), within }))];
};

/** One space between the colon and a value on the same line. */
const spaced = (source: Source, { key, value }: Pair, line: string): string => {
  if (!isScalar(key) || !isNodeWithRange(value)) return line;
  const [start, from] = [placeOf(source, key.range![0]), placeOf(source, value.range[0])];
  if (from.line !== start.line) return line;
  const before = line.slice(0, from.column);
  return `${before.trimEnd()} ${line.slice(from.column)}`;
};

const isNodeWithRange = (node: unknown): node is { readonly range: readonly [number, number, number] } =>
  typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);

const listLines = (source: Source, list: YAMLSeq, { nodes, within }: Context): readonly string[] => {
  const starts = new Map(list.items.map((item) => [item, dashOf(source, item, within)]));
  const column = Math.min(...[...starts.values()].map((place) => place.column));
  const { entries, tail } = blocksOf<unknown>(source, list.items, {
    within,
    column,
    startOf: (item) => starts.get(item)!.line,
    endOf: (item) => endLineOf(source, item, starts.get(item)!.line),
  });
  return [
    ...entries.flatMap((entry) => [
      ...outside(source, entry.head),
      ...itemLines(source, entry, { nodes: step(nodes, 0), column }),
    ]),
    ...outside(source, tail),
  ];
};

/** The dash of an item stands before it, on its line or on one above. */
const dashOf = (source: Source, item: unknown, { from }: Span): { readonly line: number; readonly column: number } => {
  if (!isNodeWithRange(item)) throw new NotFormattable("an item of a list is empty");
  const start = placeOf(source, item.range[0]);
  for (let line = start.line; line >= from; line--) {
    const text = source.lines[line]!.slice(0, line === start.line ? start.column : undefined);
    if (/^\s*-\s*$/.test(text)) return { line, column: text.indexOf("-") };
    if (line < start.line && !/^\s*(#|$)/.test(text)) break;
  }
  throw new NotFormattable("a list begins on the line of another one");
};

const itemLines = (source: Source, { item, body }: Entry<unknown>, { nodes, column }: At): readonly string[] => {
  const lines = isBlock(item)
    ? block(undashed(source, body.from, column), item, { nodes, within: body })
    : opaque(source, body, column);
  // A comment that comes to stand above the first key goes above the dash.
  const start = lines.findIndex((line) => line !== "" && !line.startsWith("#"));
  const above = lines.slice(0, start).filter((line) => line !== "");
  return [...above, ...lines.slice(start).map((line, at) => (at === 0 ? `- ${line}` : indent(line)))];
};

/** The text of an item that is not a block: a value, perhaps of several lines. */
const opaque = ({ lines }: Source, { from, to }: Span, column: number): readonly string[] => {
  const first = lines[from]!.slice(column + 1).trimStart();
  return [first, ...lines.slice(from + 1, to).map((line) => shifted(line, column + 2))];
};

const undashed = (source: Source, at: number, column: number): Source => ({
  ...source,
  lines: source.lines.map((line, index) =>
    index === at ? `${line.slice(0, column)} ${line.slice(column + 1)}` : line,
  ),
});

const outside = ({ lines }: Source, { from, to }: Span): readonly string[] =>
  lines.slice(from, Math.max(from, to)).map((line) => line.trim());

const shifted = (line: string, by: number): string => line.slice(Math.min(by, columnOf(line)));
const indent = (line: string): string => (line === "" ? "" : `  ${line}`);
const indented = (lines: readonly string[]): readonly string[] => lines.map(indent);

/** Without spaces at the ends of lines, several empty lines together, and empty lines at both ends. */
const tidied = (lines: readonly string[]): string => {
  const kept = lines.filter((line, at) => line !== "" || (at > 0 && lines[at - 1] !== ""));
  return `${kept.join("\n").replace(/^\n+|\n+$/g, "")}\n`;
};

const meaningOf = (document: Document.Parsed): string => JSON.stringify(sorted(document.toJS({ maxAliasCount: 0 })));

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, each]): [string, unknown] => [key, sorted(each)]);
  return Object.fromEntries(members.toSorted(([one], [other]) => (one < other ? -1 : 1)));
};

/** Sorted, without the spaces at their ends. */
const commentsIn = (text: string): readonly string[] =>
  [...new Lexer().lex(text)]
    .filter((token) => token.startsWith("#"))
    .map((comment) => comment.trimEnd())
    .toSorted();
