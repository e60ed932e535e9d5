/**
 * The number of open Do-Not-Calls for the metrics. The journal's own entries are counted as they are written; the index is asked once after the
 * start, and again only when that failed or when there are too many to keep in memory.
 */
import type { Journal } from "../journal/append.ts";
import type { OpenDoNotCalls } from "../journal/open-do-not-calls.ts";
import { SearchDesk } from "../journal/search/desk.ts";
import type { Stops } from "./stops.ts";

export type OpenDoNotCallsGauge = {
  /** Undefined while the number is not known. */
  readonly read: () => number | undefined;
  /** To be called when the listeners listen. */
  readonly start: () => void;
};

type Parts = { readonly journal: Journal; readonly counter: OpenDoNotCalls };

/** The clients that come back after a start are served first. */
const FIRST_MS = 1000;
const AGAIN_MS = 60_000;

export const gaugeOpenDoNotCalls = ({ journal, counter }: Parts, stops: Stops): OpenDoNotCallsGauge => {
  // A thread of its own, which ends with the answer and gives its memory back.
  const desk = new SearchDesk(journal.dir);
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  /** As the index had it, while there are too many. */
  let counted: number | undefined;
  const load = async (): Promise<void> => {
    const { failed, failures } = journal.status();
    if (failed !== undefined) return;
    const { openDoNotCalls: snapshot } = await desk
      .ask({ kind: "open-do-not-calls", most: counter.most })
      .finally(() => desk.close());
    // The index may have read lines of which the journal does not know yet that they are on disk, and a disk error may remove those.
    await journal.head();
    if (journal.status().failures !== failures) return;
    const started = await counter.start(snapshot!);
    counted = started || snapshot!.rows !== undefined ? undefined : snapshot!.count;
  };
  const begin = (): void => {
    due = Number.POSITIVE_INFINITY;
    void load()
      .catch(() => undefined)
      .finally(() => {
        due = performance.now() + AGAIN_MS;
      });
  };
  stops.push(async () => {
    clearTimeout(timer);
    await desk.close();
  });
  return {
    read: () => {
      if (counter.count === undefined && performance.now() >= due) begin();
      return counter.count ?? counted;
    },
    start: () => {
      timer = setTimeout(begin, FIRST_MS).unref();
    },
  };
};
