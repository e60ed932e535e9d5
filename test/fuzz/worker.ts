/**
 * Fuzzes one target in a thread of its own. Each input is left in shared memory before it is tried, so that one which
 * hangs is known.
 */
import { parentPort, workerData } from "node:worker_threads";
import { fuzz, type Bounds } from "./fuzz.ts";
import type { Shared } from "./watch.ts";
import { TARGETS } from "./targets.ts";

const { name, bounds, shared } = workerData as {
  readonly name: string;
  readonly bounds: Bounds;
  readonly shared: Shared;
};
const [clock, bytes] = [new Int32Array(shared.clock), new Uint8Array(shared.bytes)];

parentPort!.postMessage(
  fuzz(
    TARGETS.find((target) => target.name === name)!,
    bounds,
    (input) => {
      bytes.set(input.subarray(0, bytes.length));
      clock[1] = input.length;
      Atomics.add(clock, 0, 1);
    },
  ),
);
