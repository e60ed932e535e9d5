/**
 * The lines of a YAML text as blocks: each entry of a map or list with the comments above it. Columns are those of the
 * text; the lines that a block returns begin at column 0.
 */
import { isCollection, isMap, isScalar, isSeq, type LineCounter, type Pair, type YAMLMap, type YAMLSeq } from "yaml";

export type Source = { readonly lines: readonly string[]; readonly counter: LineCounter };

/** Lines [from, to) of the text. */
export type Span = { readonly from: number; readonly to: number };

/** An entry of a block: `head` are the empty lines and comments above it. */
export type Entry<Item> = { readonly item: Item; readonly head: Span; readonly body: Span };

/** `tail`: comments after the last entry, at the column of the block or to its left. */
export type Blocks<Item> = { readonly entries: readonly Entry<Item>[]; readonly tail: Span };

export const placeOf = ({ counter }: Source, offset: number): { readonly line: number; readonly column: number } => {
  const { line, col } = counter.linePos(offset);
  return { line: line - 1, column: col - 1 };
};

const BLANK = /^\s*$/;
const COMMENT = /^\s*#/;
export const isBlank = (line: string): boolean => BLANK.test(line);
const isOutside = (line: string): boolean => isBlank(line) || COMMENT.test(line);
export const columnOf = (line: string): number => line.length - line.trimStart().length;

type Split<Item> = {
  readonly within: Span;
  readonly column: number;
  readonly startOf: (item: Item) => number;
  /** The line after the last one that has a part of the item. */
  readonly endOf: (item: Item) => number;
};

/** Splits the lines of a block at its entries. */
export const blocksOf = <Item>(source: Source, items: readonly Item[], split: Split<Item>): Blocks<Item> => {
  const { within, column, startOf, endOf } = split;
  const isHead = (at: number): boolean =>
    isOutside(source.lines[at]!) && (isBlank(source.lines[at]!) || columnOf(source.lines[at]!) <= column);
  // All that stands above the first entry belongs to it.
  const heads = items.map((item, at) => {
    if (at === 0) return within.from;
    const least = endOf(items[at - 1]!);
    let from = startOf(item);
    while (from > least && isHead(from - 1)) from--;
    return from;
  });
  let tail = items.length === 0 ? within.from : endOf(items.at(-1)!);
  while (tail < within.to && !isTail(source.lines[tail]!, column)) tail++;
  const entries = items.map((item, at) => ({
    item,
    head: { from: heads[at]!, to: startOf(item) },
    body: { from: startOf(item), to: withoutBlank(source, endOf(item), heads[at + 1] ?? tail) },
  }));
  return { entries, tail: { from: tail, to: within.to } };
};

/** `to`, or the line before it after which only empty lines follow. */
const withoutBlank = ({ lines }: Source, from: number, to: number): number => {
  let end = to;
  while (end > from && isBlank(lines[end - 1]!)) end--;
  return end;
};

const isTail = (line: string, column: number): boolean => !isBlank(line) && columnOf(line) <= column;

/** The line after the last one of a value, without the comments below it. */
export const endLineOf = (source: Source, node: unknown, start: number): number => {
  if (isBlock(node)) {
    const last: unknown = node.items.at(-1);
    if (last === undefined) return start + 1;
    return isPair(last) ? endOfPair(source, last) : endLineOf(source, last, start);
  }
  if (!isScalar(node) && !isCollection(node)) return start + 1;
  // A block scalar ends before the next line begins.
  const [, end] = node.range!;
  const { line, column } = placeOf(source, end);
  return column === 0 && end > node.range![0] ? line : line + 1;
};

export const startOfPair = (source: Source, { key }: Pair): number =>
  isScalar(key) ? placeOf(source, key.range![0]).line : 0;

export const endOfPair = (source: Source, pair: Pair): number =>
  endLineOf(source, pair.value, startOfPair(source, pair));

const isPair = (value: unknown): value is Pair => typeof value === "object" && value !== null && "key" in value;

/** True for a map or list that is written in lines, not in braces or brackets. */
export const isBlock = (node: unknown): node is YAMLMap | YAMLSeq => (isMap(node) || isSeq(node)) && node.flow !== true;
