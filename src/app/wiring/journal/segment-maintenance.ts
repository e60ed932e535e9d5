/**
 * What is done to the journal's segments after they were written, at the start and every quarter of an hour: the tree above their hashes is extended
 * up to the last checkpoint, old ones are compressed, and each gets an index of its own on a thread of low priority; for a tenth of the time at most.
 */
import { setTimeout as pass } from "node:timers/promises";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { compressSegments } from "../journal/compress.ts";
import { isTended } from "../journal/index/sealed.ts";
import { SearchDesk } from "../journal/search/desk.ts";
import { extendTiles } from "../journal/tiles.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";
import { faultInWords } from "../system-error.ts";

const EVERY_MS = 15 * 60_000;
/** For each millisecond of work so many of rest. */
const REST = 9;
/** One step: a large segment takes seconds. */
const LONGEST_MS = 3_600_000;

type Parts = {
  readonly journal: Pick<Journal, "dir" | "disk">;
  /** Those in force. */ readonly current: () => Settings;
};

export const startSegmentUpkeep = ({ journal, current }: Parts, stops: Stops): void => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rest = (tookMs: number): Promise<void> =>
    pass(REST * tookMs, undefined, { signal, ref: false }).catch(() => undefined);
  const extend = (): Promise<void> =>
    extendTiles({ disk: journal.disk, dir: journal.dir, isStopped: () => signal.aborted }).catch((error: unknown) =>
      events.tilesFailed(faultInWords(error)),
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
        onFailure: events.compressionFailed,
      });
      if (segments > 0) events.segmentsCompressed(segments, before, compressed);
    } catch (error) {
      events.compressionFailed(faultInWords(error));
    }
  };
  const run = async (): Promise<void> => {
    await extend();
    if (!signal.aborted) await compress();
    if (!signal.aborted)
      await tend(journal.dir, { rest, signal }).catch((error: unknown) => events.indexFailed(faultInWords(error)));
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

/** A journal of an older gateway gets its indexes here, or by the first search, whichever comes before the other. */
const tend = async (dir: string, { rest, signal }: Pace): Promise<void> => {
  // A thread is not started for nothing.
  if (await isTended(dir)) return;
  const desk = new SearchDesk(dir, { quickMs: LONGEST_MS });
  const stop = (): void => void desk.close();
  signal.addEventListener("abort", stop);
  try {
    for (let more = true; more && !signal.aborted;) {
      const start = performance.now();
      ({ more = false } = await desk.ask({ kind: "tend" }));
      if (more) await rest(performance.now() - start);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await desk.close();
  }
};
