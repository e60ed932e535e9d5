/**
 * Maintains written segments, at the start and every quarter of an hour: extends the tree above their hashes to the
 * last checkpoint, compresses old segments, and indexes each one on a thread of low priority. Works for at most a tenth
 * of the time.
 */
import { setTimeout as pass } from "node:timers/promises";
import { events } from "../../../common/log/events.ts";
import type { Journal } from "../../../journal/journal.ts";
import { compressSegments } from "../../../journal/segments/compress.ts";
import { isMaintained } from "../../../journal/search/index/sealed/sealed-indexes.ts";
import { SearchWorker } from "../../../journal/search/worker/search-worker.ts";
import { extendTiles } from "../../../journal/integrity/tiles.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { faultInWords } from "../../../common/system-error.ts";

const EVERY_MS = 15 * 60_000;
/** Milliseconds of rest for each millisecond of work. */
const REST = 9;
/** Time limit of one step; a large segment takes seconds. */
const LONGEST_MS = 3_600_000;

type Parts = {
  readonly journal: Pick<Journal, "dir" | "disk">;
  /** The settings in force. */
  readonly current: () => Settings;
};

export const startSegmentMaintenance = ({ journal, current }: Parts, stops: ShutdownSteps): void => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rest = (tookMs: number): Promise<void> =>
    pass(REST * tookMs, undefined, { signal, ref: false }).catch(() => undefined);
  const extend = (): Promise<void> =>
    extendTiles({ disk: journal.disk, dir: journal.dir, isStopped: () => signal.aborted }).catch((error: unknown) =>
      events.hashTilesNotWritten({ reason: faultInWords(error) }),
    );
  const compress = async (): Promise<void> => {
    const after = current().audit.compress_after;
    if (after === "never") return;
    try {
      const {
        segments,
        before,
        after: compressed,
      } = await compressSegments({
        journal,
        after,
        isStopped: () => signal.aborted,
        pause: rest,
        onFailure: (reason) => events.compressionFailed({ reason }),
      });
      if (segments > 0) events.segmentsCompressed({ segments, before, after: compressed });
    } catch (error) {
      events.compressionFailed({ reason: faultInWords(error) });
    }
  };
  const run = async (): Promise<void> => {
    await extend();
    if (!signal.aborted) await compress();
    if (!signal.aborted)
      await maintainSegments(journal.dir, { rest, signal }).catch((error: unknown) =>
        events.searchIndexNotBuilt({ reason: faultInWords(error) }),
      );
  };
  let turn = run();
  const timer = setInterval(() => void (turn = turn.then(run)), EVERY_MS).unref();
  stops.push(() => {
    clearInterval(timer);
    stopping.abort();
    return turn;
  });
};

type Pace = { readonly rest: (tookMs: number) => Promise<void>; readonly signal: AbortSignal };

/** Segments of an older gateway are indexed here or by the first search, whichever comes first. */
const maintainSegments = async (dir: string, { rest, signal }: Pace): Promise<void> => {
  // No thread is started when there is nothing to do.
  if (await isMaintained(dir)) return;
  const worker = new SearchWorker(dir, { quickMs: LONGEST_MS });
  const stop = (): void => void worker.close();
  signal.addEventListener("abort", stop);
  try {
    for (let more = true; more && !signal.aborted;) {
      const start = performance.now();
      ({ more = false } = await worker.ask({ kind: "maintain" }));
      if (more) await rest(performance.now() - start);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await worker.close();
  }
};
