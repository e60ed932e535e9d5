/** Runs the job of a worker thread: with a low priority, with pauses while the disk is slow, and with its progress. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../common/system-error.ts";
import { lowerPriority } from "../../common/threads/thread-priority.ts";
import type { JobData, JobMessage } from "./messages.ts";

const NICENESS = 10;
const PAUSE_MS = 100;
const PROGRESS_MS = 200;

/** To be awaited often, with the number of entries so far. */
export type Pace = (entries: number) => Promise<void>;

/** To be called once in a thread that `JobThread` started. */
export const runJob = async <Asked, Result>(work: (asked: Asked, pace: Pace) => Promise<Result>): Promise<void> => {
  lowerPriority(NICENESS);
  const { asked, paused } = workerData as JobData<Asked>;
  const flag = new Int32Array(paused);
  const post = (message: JobMessage<Result>): void => parentPort!.postMessage(message);
  let posted = -Infinity;
  const pace: Pace = async (entries) => {
    if (performance.now() - posted >= PROGRESS_MS) {
      posted = performance.now();
      post({ kind: "progress", entries });
    }
    while (Atomics.load(flag, 0) === 1) await sleep(PAUSE_MS);
  };
  try {
    post({ kind: "done", result: await work(asked, pace) });
  } catch (error) {
    post({ kind: "failed", name: error instanceof Error ? error.name : "", reason: faultInWords(error) });
  }
};
