/** Many seeds on several threads. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./simulate.ts";
import type { Job } from "./worker.ts";

export type Exploring = { readonly seeds: readonly string[]; readonly steps: number } & Partial<
  Omit<Job, "seeds" | "steps">
> & {
    readonly threads?: number;
    /** Told of each outcome as it comes. */
    readonly tell?: (outcome: Outcome) => void;
  };

/** Seeds that a thread takes at a time. */
const SHARE = 50;

/** Resolves with the outcomes of the seeds that failed, or of all with `tellsAll`. */
export const explore = async ({
  seeds,
  threads = availableParallelism(),
  tell = () => undefined,
  ...rest
}: Exploring): Promise<Outcome[]> => {
  const { mutant = "none", tolerated = [], firstOnly = false, shrinks = false, tellsAll = false, ...run } = rest;
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < seeds.length && !(firstOnly && outcomes.some(({ violations }) => violations.length > 0))) {
      const share = seeds.slice(next, (next += SHARE));
      await onThread({ ...run, seeds: share, mutant, tolerated, firstOnly, shrinks, tellsAll }, (outcome) => {
        outcomes.push(outcome);
        tell(outcome);
      });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, Math.ceil(seeds.length / SHARE))) }, work));
  return outcomes;
};

const onThread = (job: Job, heard: (outcome: Outcome) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: job,
      execArgv: [],
      env: { ...process.env, OCSGW_LOG: "silent" },
      name: "simulation",
    });
    worker
      .on("message", (outcome: Outcome | undefined) => {
        if (outcome) heard(outcome);
        else resolve();
      })
      .once("error", reject)
      .once("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`a thread of the simulation ended with ${code}`)),
      );
  });

/** `count` seeds from a number on. */
export const seedsFrom = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(from + at));
