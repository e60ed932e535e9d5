/** What grows old in the journal's directory is looked at, at the start and four times a day: segments, and checkpoints that are no longer needed one by one. */
import { events } from "../events.ts";
import { finishRetiring, retire, type RetentionOptions } from "../journal/retention.ts";
import { thinCheckpoints } from "../journal/thinning.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";

const EVERY_MS = 6 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

type Parts = Pick<RetentionOptions, "journal" | "checkpoints" | "openDoNotCalls"> & {
  /** Resolves with whether it is known which Do-Not-Calls are open. */
  readonly known: () => Promise<boolean>;
  /** Those in force. */ readonly current: () => Settings };

export const startRetention = async ({ journal, checkpoints, openDoNotCalls, known, current }: Parts, stops: Stops): Promise<void> => {
  const ahead = (): number => Date.now() - performance.now();
  const began = ahead();
  await finishRetiring(journal);
  const run = async (): Promise<void> => {
    const { retention, legal_hold } = current().audit;
    // All would seem old: that waits for the next start.
    const isSetForward = ahead() - began >= DAY_MS;
    if (isSetForward) events.retentionFailed("since the start the clock was set forward by a day or more, or the machine slept: nothing is deleted until the gateway is started anew");
    try {
      const retired = isSetForward ? undefined : await known() && await retire({ journal, checkpoints, openDoNotCalls, keep: retention, holds: legal_hold });
      if (retired) events.entriesRetired(retired.from, retired.to, retired.segments.length);
      await thinCheckpoints(journal);
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
};
