/** The outbox as the admin API, the metrics, the status and the warnings show it: with the names of the config. */
import type { OutboxItem as ShownItem } from "../../../admin/api/dnc/outbox.ts";
import type { OutboxSamples } from "../../../admin/metrics/sources.ts";
import { requestOf, type OutboxItem } from "../../../outbox/item.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { StartedOutbox } from "./outbox.ts";

export type OutboxView = {
  readonly items: () => readonly ShownItem[];
  readonly samples: () => OutboxSamples;
  readonly warnings: () => readonly string[];
};

export const viewOfOutbox = (
  { outbox, attempts }: Pick<StartedOutbox, "outbox" | "attempts">,
  settings: () => Pick<Settings, "tenants">,
): OutboxView => {
  const nameOf = (upstream: string, dbid: number): string =>
    settings().tenants.find((each) => each.upstream === upstream && each.dbid === dbid)?.name ?? String(dbid);
  const samples = (): OutboxSamples => ({
    counts: outbox.counts().map(({ upstream, tenant, pending, alarms, oldest }) => ({
      tenant: nameOf(upstream, tenant),
      pending,
      alarms,
      oldest: Math.round(oldest),
    })),
    attempts: attempts.all.map(({ upstream, tenant, ...count }) => ({ tenant: nameOf(upstream, tenant), ...count })),
  });
  return {
    items: () => outbox.open.map((item) => shown(item, nameOf(item.upstream, item.tenant), outbox.ageOf(item))),
    samples,
    warnings: () => [
      ...samples().counts.flatMap(({ tenant, alarms }) =>
        alarms === 0
          ? []
          : [
              `${alarms} accepted Do-Not-Call${alarms === 1 ? "" : "s"} of tenant ${tenant} ` +
                `${alarms === 1 ? "was" : "were"} not carried out: ocsgw outbox lists them`,
            ],
      ),
      ...[outbox.trouble()].flatMap((why) => (why === undefined ? [] : [`the outbox cannot be written: ${why}`])),
    ],
  };
};

const shown = (item: OutboxItem, tenant: string, age: number): ShownItem => ({
  id: item.id,
  upstream: item.upstream,
  tenant,
  tenant_dbid: item.tenant,
  client: item.client,
  resource: resourceOf(item),
  state: item.state === "alarm" ? "alarm" : "pending",
  accepted: new Date(item.acceptedAt / 1000).toISOString(),
  age: Math.round(age),
  attempts: item.attempts,
  last_attempt: item.lastAttempt ?? null,
  last_result: item.lastResult ?? null,
  cause: item.cause ?? null,
});

const resourceOf = (item: OutboxItem): string => {
  try {
    return requestOf(item).operation.action.resource;
  } catch {
    return "unknown";
  }
};
