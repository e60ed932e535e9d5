/** Does a gateway with these settings stop in the time that the files of deploy/ give it? */
import type { Finding, Path } from "./problem.ts";
import type { Settings } from "./schema.ts";
import { GIVEN_MS, stopTimeOf } from "./stop-time.ts";

/** A warning: who runs the gateway may give it longer. */
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
  const seconds = `${Math.ceil(all / 1000)}s`;
  return [
    {
      code: "OCSGW-6330",
      severity: "warning",
      path,
      message: `the gateway may take ${seconds} to stop, and the files of deploy/ give it ${GIVEN_MS / 1000}s`,
      help:
        "set TimeoutStopSec (systemd), stop_grace_period (compose) or terminationGracePeriodSeconds (Kubernetes) to " +
        `${seconds} or more`,
    },
  ];
};
