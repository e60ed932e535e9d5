/** The reading on a thread of its own. It takes at most a twentieth of one processor, and none while it is told to pause. */
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { nodeDisk } from "../disk.ts";
import type { Asked, Told } from "./questions.ts";
import { reread } from "./reread.ts";
import { faultInWords } from "../../system-error.ts";

/** Of the time. */
const SHARE = 0.05;
const PAUSE_MS = 200;

const port = parentPort!;
const { flag, ...asked } = workerData as Asked;
const isPaused = new Int32Array(flag);
const tell = (told: Told): void => port.postMessage(told);

let since = performance.now();
const pace = async (): Promise<void> => {
  const worked = performance.now() - since;
  await setTimeout(worked * (1 / SHARE - 1));
  while (Atomics.load(isPaused, 0) === 1) await setTimeout(PAUSE_MS);
  since = performance.now();
};

try {
  await reread({
    disk: nodeDisk,
    ...asked,
    pace,
    verified: (verified) => tell({ kind: "verified", verified }),
    damaged: (damage) => tell({ kind: "damaged", damage }),
  });
  tell({ kind: "done" });
} catch (error) {
  tell({ kind: "failed", reason: faultInWords(error) });
}
