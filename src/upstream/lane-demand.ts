/** How many lanes the requests of each tenant could use now: those that run, and those that wait. */
import type { FairQueue, QueueItem } from "./fair-queue.ts";
import type { Lane } from "./lanes/lane.ts";
import type { LaneDemand } from "./switchboard-types.ts";

type Lanes = { readonly all: readonly Lane[]; readonly free: ReadonlySet<Lane> };

export const laneDemand = (
  queue: FairQueue<QueueItem>,
  { all, free }: Lanes,
  shareOf: ((tenant: string) => number) | undefined,
): LaneDemand[] => {
  const counts = new Map(queue.waitingTenants().map(({ tenant, items }) => [tenant, items.length]));
  for (const lane of all) {
    const tenant = free.has(lane) ? undefined : lane.tenant;
    if (tenant !== undefined) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  return [...counts].map(([tenant, lanes]) => ({ tenant, lanes, share: shareOf?.(tenant) ?? 1 }));
};
