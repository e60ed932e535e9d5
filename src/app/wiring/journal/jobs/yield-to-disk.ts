/** Pauses background jobs while the journal's disk is slow or fails, so that requests do not wait for them. */
import type { JobThread } from "../../../../journal/jobs/job-thread.ts";
import type { Journal } from "../../../../journal/journal.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";

const POLL_MS = 250;
/** Jobs pause while entries wait longer than this for the disk. */
const LATE_MS = 50;

type Pausable = Pick<JobThread<unknown, unknown>, "result"> & { isPaused: boolean };

/** To be called with each job. */
export type YieldToDisk = (job: Pausable) => void;

export const createYieldToDisk = ({ status }: Pick<Journal, "status">, stops: ShutdownSteps): YieldToDisk => {
  const jobs = new Set<Pausable>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const { failed, lag } = status();
    for (const job of jobs) job.isPaused = failed !== undefined || lag > LATE_MS;
  };
  const left = (job: Pausable): void => {
    jobs.delete(job);
    if (jobs.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  stops.push(() => clearInterval(timer));
  return (job) => {
    jobs.add(job);
    timer ??= setInterval(look, POLL_MS).unref();
    const end = (): void => left(job);
    job.result.then(end, end);
  };
};
