/** The verification thread. It uses at most a twentieth of one processor, and none while it is paused. */
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { nodeDisk } from "../../disk.ts";
import type { WorkerOptions, WorkerMessage } from "./messages.ts";
import { verifyInBackground } from "./background-verify.ts";
import { faultInWords } from "../../../common/system-error.ts";

/** Share of the time that the thread works. */
const SHARE = 0.05;
const PAUSE_MS = 200;

const port = parentPort!;
const { flag, ...asked } = workerData as WorkerOptions;
const isPaused = new Int32Array(flag);
const post = (message: WorkerMessage): void => port.postMessage(message);

let since = performance.now();
const pace = async (): Promise<void> => {
  const worked = performance.now() - since;
  await setTimeout(worked * (1 / SHARE - 1));
  while (Atomics.load(isPaused, 0) === 1) await setTimeout(PAUSE_MS);
  since = performance.now();
};

try {
  await verifyInBackground({
    disk: nodeDisk,
    ...asked,
    pace,
    verified: (verified) => post({ kind: "verified", verified }),
    damaged: (damage) => post({ kind: "damaged", damage }),
  });
  post({ kind: "done" });
} catch (error) {
  post({ kind: "failed", reason: faultInWords(error) });
}
