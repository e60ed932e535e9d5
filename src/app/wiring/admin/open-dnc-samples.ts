/** Notes the numbers of open Do-Not-Calls every ten seconds, for the charts of the last 60 minutes. */
import type { RecentActivity } from "../../../admin/recent/recent-activity.ts";
import type { OwnerCount } from "../../../journal/open-dnc/open-dnc-rows.ts";
import type { ShutdownSteps } from "../../shutdown.ts";

type Deps = {
  readonly recent: Pick<RecentActivity, "noteOpenDoNotCalls">;
  /** Undefined while unknown. */
  readonly read: () => readonly OwnerCount[] | undefined;
};

const EVERY_MS = 10_000;

export const sampleOpenDoNotCalls = (deps: Deps, stops: ShutdownSteps): void => {
  noteSample(deps);
  const timer = setInterval(() => noteSample(deps), EVERY_MS).unref();
  stops.push(() => clearInterval(timer));
};

/** Entries that do not name the OCS, as in format 1, count for the whole gateway only. */
export const noteSample = ({ recent, read }: Deps): void => {
  const counts = read();
  if (!counts) return;
  recent.noteOpenDoNotCalls(
    "all",
    counts.reduce((sum, { open }) => sum + open, 0),
  );
  for (const { upstream, dbid, open } of counts)
    if (upstream !== null && upstream !== "" && dbid !== null) recent.noteOpenDoNotCalls({ upstream, dbid }, open);
};
