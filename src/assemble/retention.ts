/** What grows old in the journal's directory is looked at, at the start and four times a day: segments, and checkpoints that are no longer needed one by one. */
import { events } from "../events.ts";
import { finishRetiring, retire, type RetentionOptions } from "../journal/retention.ts";
import { thinCheckpoints } from "../journal/thinning.ts";
import type { Stops } from "./stops.ts";

const EVERY_MS = 6 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

export type Retention = {
  /** To be told of every step of the clock: after one forward by a day or more nothing is deleted until the next start, because all would seem old. */
  readonly stepped: (ms: number) => void;
};

export const startRetention = async (options: RetentionOptions, stops: Stops): Promise<Retention> => {
  let trusts = true;
  await finishRetiring(options.journal);
  const run = async (): Promise<void> => {
    try {
      const retired = trusts ? await retire(options) : undefined;
      if (retired) events.entriesRetired(retired.from, retired.to, retired.segments.length);
      await thinCheckpoints(options.journal);
    } catch (error) {
      events.retentionFailed(error instanceof Error ? error.message : String(error));
    }
  };
  let turn = run();
  const timer = setInterval(() => void (turn = turn.then(run)), EVERY_MS).unref();
  stops.push(() => {
    clearInterval(timer);
    return turn;
  });
  return { stepped: (ms) => { if (ms >= DAY_MS) trusts = false; } };
};
