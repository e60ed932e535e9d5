/**
 * The open Do-Not-Calls for metrics, status and retention. The journal's own entries are counted as they are written; the index is asked once after
 * the start, and again only when that failed or when there are too many to keep in memory.
 */
import type { Journal } from "../journal/append.ts";
import type { OpenDoNotCalls, TenantCount } from "../journal/open-do-not-calls.ts";
import { SearchDesk } from "../journal/search/desk.ts";
import type { Stops } from "./stops.ts";

export type OpenDoNotCallsGauge = {
  /** By tenant; undefined while it is not known. */
  readonly read: () => readonly TenantCount[] | undefined;
  /** To be called when the listeners listen. */
  readonly start: () => void;
  /** Asks the index when it is not known yet. Resolves with whether it is known, and few enough to be kept. */
  readonly known: () => Promise<boolean>;
};

type Parts = { readonly journal: Journal; readonly counter: OpenDoNotCalls };

/** The clients that come back after a start are served first. */
const FIRST_MS = 1000;
const AGAIN_MS = 60_000;
/** No caller waits for the answer, and the index of several years may have to be built first. */
const MOST_MS = 3_600_000;

export const gaugeOpenDoNotCalls = ({ journal, counter }: Parts, stops: Stops): OpenDoNotCallsGauge => {
  // A thread of its own, which ends with the answer and gives its memory back.
  const desk = new SearchDesk(journal.dir, { quickMs: MOST_MS });
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  /** As the index had it, while there are too many. */
  let counted: readonly TenantCount[] | undefined;
  let loading: Promise<void> | undefined;
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
    counted = started || snapshot!.rows !== undefined ? undefined : snapshot!.tenants;
  };
  const begin = (): Promise<void> => {
    due = Number.POSITIVE_INFINITY;
    loading ??= load()
      .catch(() => undefined)
      .finally(() => {
        due = performance.now() + AGAIN_MS;
        loading = undefined;
      });
    return loading;
  };
  stops.push(async () => {
    clearTimeout(timer);
    await desk.close();
  });
  return {
    read: () => {
      if (counter.count === undefined && performance.now() >= due) void begin();
      return counter.tenants ?? counted;
    },
    start: () => {
      if (counter.count === undefined) timer = setTimeout(() => void begin(), FIRST_MS).unref();
    },
    known: async () => {
      if (counter.count === undefined) await begin();
      return counter.count !== undefined;
    },
  };
};
