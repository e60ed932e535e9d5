/** The lanes of this gateway where several share a database. */
import { stat } from "node:fs/promises";
import { laneStore } from "../../../cluster/leases/lanes/lane-store.ts";
import { LaneLeases, type LaneEvent } from "../../../cluster/leases/lanes/lane-leases.ts";
import { events } from "../../../common/log/events.ts";
import type { Settings, UpstreamSettings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { Cluster } from "./cluster.ts";

/** Undefined without `shared`: the upstreams' lanes are this gateway's alone. */
export const startLanes = async (
  cluster: Cluster | undefined,
  { audit }: Settings,
  stops: ShutdownSteps,
): Promise<LaneLeases | undefined> => {
  if (!cluster) return undefined;
  const { database, membership, node } = cluster;
  const leases = new LaneLeases({
    store: laneStore(database),
    node,
    instance: membership.instance,
    lock: await identityOf(audit.dir),
    onEvent: logLanes,
    onRenewed: (states) =>
      membership.tell("lanes", Object.fromEntries(states.map(({ upstream, held }) => [upstream, held]))),
  });
  leases.start();
  // After the switchboards are closed, and before this gateway leaves.
  stops.push(() => leases.close());
  return leases;
};

/** Milliseconds until a lane that is connecting has its answer, with some for the rest. */
export const laneSettings = ({ connections, timeouts }: UpstreamSettings): { total: number; grace: number } => ({
  total: connections,
  grace: timeouts.connect + timeouts.answer + 1000,
});

/**
 * The directory of the journal, whose lock only one process has. The time of its creation tells it from others with the
 * same number; a file system that does not keep it gives no identity.
 */
const identityOf = async (dir: string): Promise<string | undefined> => {
  const { ino, birthtimeNs } = await stat(dir, { bigint: true });
  return birthtimeNs > 0n ? `${ino}-${birthtimeNs}` : undefined;
};

const logLanes = (event: LaneEvent): void => {
  const { upstream } = event;
  if (event.kind === "no-lane-left") events.noLaneLeft({ upstream, total: event.total, gateways: event.gateways });
  else if (event.kind === "lane-lease-lost") events.laneLeaseLost({ upstream, lanes: event.lanes });
  else events.laneLeaseRegained({ upstream, lanes: event.lanes });
};
