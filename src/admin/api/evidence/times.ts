/** The parameters `from` and `to`, as terms of a filter with absolute times. */
import { spanOf } from "../../../journal/search/filter/times.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import { writeMicros } from "../../../journal/time.ts";
import { text } from "../parameters.ts";

const EXPECTED = "expected a time in UTC or with an offset, for example 2026-11-22, 2026-11-22T14:00+02:00 or 7d";

export const TIME_FROM = text().describe("The first time; 7d: seven days ago");
export const TIME_TO = text().describe("The last time");

type Times = { readonly from?: string | undefined; readonly to?: string | undefined };

/** Empty without times. Throws InvalidQuestion. */
export const timesIn = ({ from, to }: Times, now = Date.now()): string =>
  [
    ...(from === undefined ? [] : [`since:${writeMicros(spanFor("from", from, now)[0])}`]),
    ...(to === undefined ? [] : [`until:${writeMicros(spanFor("to", to, now)[1])}`]),
  ].join(" ");

const spanFor = (name: string, value: string, now: number): readonly [number, number] => {
  const span = spanOf(value, now);
  if (!span) throw new InvalidQuestion(`${name}: ${EXPECTED}`);
  return span;
};
