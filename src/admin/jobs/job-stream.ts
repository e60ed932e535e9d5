/** The progress of a job as server-sent events: `progress` while it runs, and `end` with the ended job. */
import { bytesOf, type BodyStream, type Reply } from "../../common/message.ts";
import { stringify } from "../../journal/entry-line.ts";
import { json } from "../replies.ts";
import { MOST_STREAMS, type Job, type Jobs } from "./jobs.ts";

const HEARTBEAT_MS = 2000;
/** A client that does not read an event for so long is disconnected. */
const SLOW_MS = 10_000;

const HEADERS = [
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store"],
  // nginx would collect events before it passes them on.
  ["X-Accel-Buffering", "no"],
] as const;

/** `shown`: the part of the job that the viewer may see. */
export const jobStream = <About, Result>(
  jobs: Jobs<About, Result>,
  id: string,
  { gone, shown }: { readonly gone: AbortSignal; readonly shown: (job: Job<About, Result>) => unknown },
): Reply => {
  const leave = jobs.enter();
  if (!leave)
    return json(503, { error: `${MOST_STREAMS} progress streams are open already; close one` }, [
      ["Retry-After", "10"],
    ]);
  return {
    status: 200,
    headers: HEADERS,
    body: new Uint8Array(0),
    stream: (to) => {
      void run(jobs, id, { to, gone, shown }).finally(() => {
        leave();
        to.end();
      });
    },
  };
};

type Streaming<About, Result> = {
  readonly to: BodyStream;
  readonly gone: AbortSignal;
  readonly shown: (job: Job<About, Result>) => unknown;
};

const run = async <About, Result>(
  jobs: Jobs<About, Result>,
  id: string,
  { to, gone, shown }: Streaming<About, Result>,
): Promise<void> => {
  let wake = Promise.withResolvers<void>();
  const unwatch = jobs.watch(id, () => wake.resolve());
  gone.addEventListener("abort", () => wake.resolve());
  try {
    for (let job = jobs.get(id); job && !gone.aborted; job = jobs.get(id)) {
      const name = job.state === "running" ? "progress" : "end";
      const event = `event: ${name}\ndata: ${stringify(shown(job))}\n\n`;
      if (!(await within(SLOW_MS, to.write(bytesOf(event))))) return to.destroy();
      if (name === "end") return;
      if (jobs.get(id) === job) await within(HEARTBEAT_MS, wake.promise);
      wake = Promise.withResolvers<void>();
    }
  } finally {
    unwatch();
  }
};

/** False if it takes longer. */
const within = async (ms: number, event: Promise<void>): Promise<boolean> => {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const isIn = await Promise.race([event.then(() => true), late.promise]);
  clearTimeout(timer);
  return isIn;
};
