import { events } from "../common/log/events.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { QUIET_MS } from "./drain.ts";
import type { Gateway } from "./gateway.ts";
import { runShutdown, type ShutdownSteps } from "./shutdown.ts";
import type { AdminApi } from "./wiring/admin-api.ts";

/** What `createStop` runs and changes. `quiet`: milliseconds without a request after which idle connections close. */
export type Stoppable = {
  readonly current: () => Settings;
  readonly adminApi: Pick<AdminApi, "stage">;
  readonly steps: ShutdownSteps;
  readonly callbackSteps: ShutdownSteps;
  readonly drain: { quiet: number };
};

/** Only the first caller of the returned function gets the error of a failed stop. */
export const createStop = ({ current, adminApi, steps, callbackSteps, drain }: Stoppable): Gateway["stop"] => {
  let stopped: Promise<void> | undefined;
  const stop: Gateway["stop"] = async (reason, how = {}) => {
    adminApi.stage = "draining";
    drain.quiet = how.now ? 0 : (how.quiet ?? QUIET_MS);
    events.stopping({ reason });
    const { delay } = current().drain;
    if (!how.now && delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    // Another gateway may already have the ownership database, so announcements are for that one.
    const callbacksClosed = how.now ? runShutdown(callbackSteps) : undefined;
    await runShutdown(steps);
    await callbacksClosed;
    events.stopped();
  };
  return (reason, how) => (stopped ? stopped.catch(() => undefined) : (stopped = stop(reason, how)));
};
