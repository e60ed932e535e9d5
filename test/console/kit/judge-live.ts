/** What is wrong with what somebody saw who watched live flows. */
import { MOST_SHOWN, type LiveFigures } from "./live-run.ts";

/**
 * What a page or a gateway may hold more after the run than before: compiled code and the browser's own records grow
 * for minutes, by an eighth of a page. A list of 800 rows that is kept is a third.
 */
const MOST_GROWTH = 1.25;

export const judgeLive = (figures: LiveFigures, reconnects: number): string[] => {
  const { sent, shown, faults, streams, before, after } = figures;
  const [wanted, seen] = [new Set(sent), new Set<string>()];
  const doubled = shown.filter((id) => seen.size === seen.add(id).size);
  // The oldest rows go when there are too many.
  const cut = sent.length > MOST_SHOWN ? new Set(sent.slice(0, sent.length - MOST_SHOWN + MARGIN)) : new Set<string>();
  const grown = (["page", "server"] as const).filter((heap) => after[heap] > before[heap] * MOST_GROWTH);
  return [
    ...faults,
    ...doubled.map((id) => `shown twice: ${id}`),
    ...sent.filter((id) => !seen.has(id) && !cut.has(id)).map((id) => `not shown: ${id}`),
    ...shown.filter((id) => !wanted.has(id)).map((id) => `shown, but not sent: ${id}`),
    ...(streams > reconnects ? [] : [`${streams} streams over ${reconnects} broken connections`]),
    ...grown.map((heap) => `memory of ${heap} grew from ${before[heap]} to ${after[heap]} bytes`),
  ];
};

/** Requests end in another order than they were sent. */
const MARGIN = 100;
