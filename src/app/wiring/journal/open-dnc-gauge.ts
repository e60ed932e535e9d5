/**
 * The open Do-Not-Calls for metrics, status and retention. The journal's own entries are counted as they are written;
 * the index is asked once after the start, and again only when that failed or when there are too many to keep in
 * memory.
 */
import type { Journal } from "../../../journal/journal.ts";
import type { OpenDoNotCalls } from "../../../journal/open-dnc/open-dnc-counter.ts";
import type { OwnerCount, TenantCount } from "../../../journal/open-dnc/open-dnc-rows.ts";
import { SearchWorker } from "../../../journal/search/worker/search-worker.ts";
import type { ShutdownSteps } from "../../shutdown.ts";

export type OpenDoNotCallsGauge = {
  /** Counts by tenant; undefined while they are unknown. */
  readonly read: () => readonly TenantCount[] | undefined;
  /** Counts by tenant of an OCS; undefined while they are unknown, and while there are too many to keep in memory. */
  readonly owners: () => readonly OwnerCount[] | undefined;
  /** To be called when the listeners are open. */
  readonly start: () => void;
  /** Asks the index if the Do-Not-Calls are unknown. Resolves to whether they are known, and few enough to keep. */
  readonly known: () => Promise<boolean>;
};

type Parts = { readonly journal: Journal; readonly counter: OpenDoNotCalls };

/** Clients that reconnect after a start are served first. */
const FIRST_MS = 1000;
const RETRY_MS = 60_000;
/** No caller waits for the answer, and the index of several years may have to be built first. */
const MOST_MS = 3_600_000;

export const gaugeOpenDoNotCalls = ({ journal, counter }: Parts, stops: ShutdownSteps): OpenDoNotCallsGauge => {
  // A thread of its own, which ends with the answer and gives its memory back.
  const worker = new SearchWorker(journal.dir, { quickMs: MOST_MS });
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  /** Counts from the index, while there are too many to keep. */
  let counted: readonly TenantCount[] | undefined;
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    const { failed, failures } = journal.status();
    if (failed !== undefined) return;
    const { openDncSnapshot: snapshot } = await worker
      .ask({ kind: "open-dnc-snapshot", most: counter.most })
      .finally(() => worker.close());
    // The index may have read lines that the journal has not confirmed yet, and a disk error may remove those.
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
        due = performance.now() + RETRY_MS;
        loading = undefined;
      });
    return loading;
  };
  stops.push(async () => {
    clearTimeout(timer);
    await worker.close();
  });
  return {
    read: () => {
      if (counter.count === undefined && performance.now() >= due) void begin();
      return counter.tenants ?? counted;
    },
    owners: () => counter.owners,
    start: () => {
      if (counter.count === undefined) timer = setTimeout(() => void begin(), FIRST_MS).unref();
    },
    known: async () => {
      if (counter.count === undefined) await begin();
      return counter.count !== undefined;
    },
  };
};
