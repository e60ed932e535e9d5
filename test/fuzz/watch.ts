/** Runs a target in a worker and watches it: an input that takes longer than its patience has hung. */
import { Worker } from "node:worker_threads";
import type { Bounds, Report } from "./fuzz.ts";

/** `clock`: how many inputs were begun, and how long the last one is. `bytes`: the last one. */
export type Shared = { readonly clock: SharedArrayBuffer; readonly bytes: SharedArrayBuffer };

const PATIENCE_MS = 5000;
const LONGEST = 1 << 20;

export const watched = async (
  name: string,
  bounds: Bounds,
  program: URL = new URL("worker.ts", import.meta.url),
): Promise<Report> => {
  const shared: Shared = { clock: new SharedArrayBuffer(8), bytes: new SharedArrayBuffer(LONGEST) };
  const clock = new Int32Array(shared.clock);
  const worker = new Worker(program, { workerData: { name, bounds, shared } });
  const failed = (error: string): Report => ({
    target: name,
    runs: Atomics.load(clock, 0),
    kept: 0,
    places: 0,
    found: { target: name, input: new Uint8Array(shared.bytes).slice(0, clock[1]), error },
  });
  let [begun, since] = [-1, 0];
  return new Promise((resolve) => {
    const settle = (report: Report): void => {
      clearInterval(timer);
      void worker.terminate().then(() => resolve(report));
    };
    const timer = setInterval(() => {
      if (Atomics.load(clock, 0) !== begun) [begun, since] = [Atomics.load(clock, 0), performance.now()];
      else if (begun > 0 && performance.now() - since > PATIENCE_MS)
        settle(failed(`it took longer than ${PATIENCE_MS} ms`));
    }, 250);
    worker.once("message", settle).once("error", (error) => settle(failed(String(error))));
  });
};
