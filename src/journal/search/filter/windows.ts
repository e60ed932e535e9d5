/** The times that a filter can match. A filter that excludes all times (since: after until:) is an error. */
import { writeMicros } from "../../time.ts";
import type { Expression } from "./keys.ts";
import type { TermValue, Term } from "./keys.ts";

/** Microseconds since 1970, both ends included, in order, not adjacent. */
type Window = readonly (readonly [from: number, to: number])[];

const ALWAYS: Window = [[-Infinity, Infinity]];

type Fault = (place: TermValue, message: string) => Error;

/** Throws the error of `fault` for the first time that excludes the earlier ones. */
export const timeWindow = (expression: Expression, fault: Fault, turned = false): Window => {
  if (expression.kind === "term") return termWindow(expression.term, turned);
  if (expression.kind === "not") return timeWindow(expression.of, fault, !turned);
  const parts = expression.of.map((each) => ({ each, window: timeWindow(each, fault, turned) }));
  if ((expression.kind === "any") !== turned)
    return parts.length === 0 ? ALWAYS : ordered(parts.flatMap(({ window }) => window));
  return parts.reduce((open, { each, window }) => {
    const both = intersection(open, window);
    if (both.length === 0) throw fault(timeIn(each)!.values[0]!, exclusion(open, window));
    return both;
  }, ALWAYS);
};

const termWindow = ({ field, within }: Term, turned: boolean): Window => {
  if (field !== "time" || !within) return ALWAYS;
  return turned ? complement(ordered(within)) : ordered(within);
};

/** Merges spans that overlap or touch. */
const ordered = (spans: Window): Window =>
  spans
    .toSorted(([one], [other]) => one - other)
    .reduce<[number, number][]>((done, [from, to]) => {
      const last = done.at(-1);
      if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
      else done.push([from, to]);
      return done;
    }, []);

const complement = (window: Window): Window => {
  const begins = [-Infinity, ...window.map(([, to]) => to + 1)];
  const ends = [...window.map(([from]) => from - 1), Infinity];
  return begins
    .map((from, at) => [from, ends[at]!] as const)
    .filter(([from, to]) => from <= to && from !== Infinity && to !== -Infinity);
};

const intersection = (one: Window, other: Window): Window =>
  one.flatMap(([from, to]) =>
    other.flatMap(([start, end]): Window => {
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      return first <= last ? [[first, last]] : [];
    }),
  );

const timeIn = (expression: Expression): Term | undefined => {
  if (expression.kind === "term") return expression.term.field === "time" ? expression.term : undefined;
  if (expression.kind === "not") return timeIn(expression.of);
  return expression.of.map(timeIn).find((term) => term !== undefined);
};

const exclusion = (open: Window, window: Window): string => {
  const [begins, ends] = [open[0]![0], open.at(-1)![1]];
  const [from, to] = [window[0]![0], window.at(-1)![1]];
  if (to < begins)
    return `no entry can fit: this time ends ${writeMicros(to)}, before the other begins, ${writeMicros(begins)}`;
  if (from > ends)
    return `no entry can fit: this time begins ${writeMicros(from)}, after the other ends, ${writeMicros(ends)}`;
  return "no entry can fit: these times exclude each other";
};
