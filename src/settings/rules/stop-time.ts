/** A rule about stopping: does the gateway stop within the time that the files of deploy/ allow? */
import type { Finding, Path } from "../problems/problem.ts";
import type { Settings } from "../schema/schema.ts";
import { GIVEN_MS, stopTimeOf } from "../stop-time.ts";

const PROBLEMS = {
  slowStop: (seconds: string) => ({
    code: "OCSGW-6330",
    severity: "warning" as const,
    message: `the gateway may need ${seconds} to stop, but the files of deploy/ allow ${GIVEN_MS / 1000}s`,
    help:
      "set TimeoutStopSec (systemd), stop_grace_period (compose) or terminationGracePeriodSeconds (Kubernetes) to " +
      `${seconds} or more`,
  }),
} as const;

/** Only a warning, because the operator may allow more time. */
export const findLongStop = (settings: Settings): readonly Finding[] => {
  const upstreams = Object.entries(settings.upstreams);
  const { all } = stopTimeOf({ ...settings, upstreams: upstreams.map(([, upstream]) => upstream) });
  if (all <= GIVEN_MS) return [];
  const parts: readonly { readonly path: Path; readonly ms: number }[] = [
    { path: ["drain", "delay"], ms: settings.drain.delay },
    ...upstreams.flatMap(([name, { queue, timeouts }]) => [
      { path: ["upstreams", name, "timeouts", "answer"], ms: timeouts.answer },
      { path: ["upstreams", name, "queue", "max_wait"], ms: queue.max_wait },
    ]),
  ];
  const { path } = parts.reduce((longest, each) => (each.ms > longest.ms ? each : longest));
  return [{ ...PROBLEMS.slowStop(`${Math.ceil(all / 1000)}s`), path }];
};
