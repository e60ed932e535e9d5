/** A thread that simulates the seeds it is given, one after the other: its clocks and timers are the simulation's. */
import { parentPort, workerData } from "node:worker_threads";
import { mutantBy } from "./mutants/all.ts";
import { shrink } from "./shrink.ts";
import { simulate, type Outcome, type RunOptions } from "./simulate.ts";

export type Job = Omit<RunOptions, "seed" | "mutant" | "tolerated"> & {
  readonly seeds: readonly string[];
  readonly mutant: string;
  readonly tolerated: readonly string[];
  /** Ends at the first seed that fails. */
  readonly firstOnly: boolean;
  readonly shrinks: boolean;
  /** Tells of seeds that do not fail, too. */
  readonly tellsAll: boolean;
};

const { seeds, mutant, tolerated, firstOnly, shrinks, tellsAll, ...options } = workerData as Job;

for (const seed of seeds) {
  const run: RunOptions = { ...options, seed, mutant: mutantBy(mutant), tolerated: new Set(tolerated) };
  const outcome = await simulate(run);
  const hasFailed = outcome.violations.length > 0;
  if (hasFailed || tellsAll)
    parentPort!.postMessage(hasFailed && shrinks ? await shrink(run, outcome) : (outcome satisfies Outcome));
  if (hasFailed && firstOnly) break;
}
parentPort!.postMessage(undefined);
