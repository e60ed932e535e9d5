/** Connects the pages about the present to the parts of the running gateway. */
import type { Certificate } from "../../../admin/certificate-expiry.ts";
import type { NowSources, TenantFacts, UsedLimit } from "../../../admin/now/sources.ts";
import { REFUSALS } from "../../../gateway/refusals.ts";
import type { Checkpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import { SUSPICIOUS } from "../../../ownership/probe-guard.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Limiters } from "../../../tenancy/quota.ts";
import { keyOf } from "../../../tenancy/registry.ts";

export type NowParts = Pick<NowSources, "recent" | "markers" | "upstreams" | "openDoNotCalls" | "hadRequests"> & {
  readonly current: () => Settings;
  readonly limiters: () => Limiters | undefined;
  readonly checkpoints: Pick<Checkpoints, "last">;
};

/** What the admin API itself knows. */
export type AdminFacts = {
  readonly certificates: () => readonly Certificate[];
  readonly otherWarnings: () => readonly string[];
};

export const nowSources =
  ({ current, limiters, checkpoints, ...parts }: NowParts) =>
  (facts: AdminFacts): NowSources => ({
    ...parts,
    ...facts,
    tenants: () => current().tenants,
    upstreamFacts: (upstream) => current().upstreams[upstream],
    limitsOf: (tenant) => limitsOf(tenant, limiters()),
    checkpoint: () => ({ age: checkpoints.last().age, every: current().audit.checkpoint.every }),
    titleOf: (code) => TITLES.get(code),
    probingPerMinute: SUSPICIOUS,
  });

/** Of refusals with the same code the title of the first one, which is the most frequent. */
const TITLES = new Map(
  Object.values(REFUSALS)
    .toReversed()
    .map(({ code, title }) => [code as string, title as string]),
);

const limitsOf = (tenant: Pick<TenantFacts, "upstream" | "dbid">, limiters: Limiters = new Map()): UsedLimit[] => {
  const key = keyOf(tenant);
  return [...limiters.values()]
    .filter((meter) => meter.tenant === key)
    .map(({ name, limit: { points, seconds }, window }) => ({ name, points, seconds, used: window.used }));
};
