/** Rate limits that this gateway counts together with those that share its database. */
import { DatabaseUnavailable } from "../../../cluster/database.ts";
import { LimitLeases } from "../../../cluster/leases/limits/limit-leases.ts";
import { deleteOldLimits, limitStore } from "../../../cluster/leases/limits/limit-store.ts";
import { events } from "../../../common/log/events.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { Cluster } from "./cluster.ts";

/** Undefined without `shared`: this gateway counts alone. */
export const startLimits = async (
  cluster: Cluster | undefined,
  stops: ShutdownSteps,
): Promise<LimitLeases | undefined> => {
  if (!cluster) return undefined;
  const { database, membership } = cluster;
  const gateways = (): number => membership.live.length;
  const leases = new LimitLeases({
    store: limitStore(database),
    gateways,
    onChange: (isShared) => (isShared ? events.limitsShared() : events.limitsNotShared({ gateways: gateways() })),
  });
  stops.push(() => leases.close());
  await deleteOldLimits(database).catch((error: unknown) => {
    if (!(error instanceof DatabaseUnavailable)) throw error;
  });
  return leases;
};
