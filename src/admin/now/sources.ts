/** What the pages about the present read. Each function gives the state now. */
import type { OwnerCount } from "../../journal/open-dnc/open-dnc-rows.ts";
import type { Certificate } from "../certificate-expiry.ts";
import type { Markers } from "../recent/markers.ts";
import type { RecentActivity } from "../recent/recent-activity.ts";
import type { UpstreamState } from "../status.ts";

/** A tenant of the config in force. */
export type TenantFacts = {
  readonly name: string;
  readonly dbid: number;
  readonly upstream: string;
  readonly mode: "enforce" | "observe";
  readonly records: string;
  readonly share: number;
  readonly clients: Readonly<Record<string, { readonly actions: readonly string[] }>>;
  readonly campaigns: readonly unknown[];
  readonly campaign_groups: readonly unknown[];
  readonly lists: readonly unknown[];
};

/** An upstream of the config in force. `max_wait`: milliseconds. */
export type UpstreamFacts = {
  readonly connections: number;
  readonly lane_isolation: "tenant" | "none";
  readonly queue: { readonly max: number; readonly max_wait: number };
};

/** A rate limit that was charged: `points` requests in a window of `seconds`. `used`: the used part, from 0 to 1. */
export type UsedLimit = {
  readonly name: string;
  readonly points: number;
  readonly seconds: number;
  readonly used: number;
};

export type NowSources = {
  readonly recent: RecentActivity;
  readonly markers: Pick<Markers, "from" | "switchovers">;
  readonly tenants: () => readonly TenantFacts[];
  /** Whether the tenant had a request since the start. */
  readonly hadRequests: (tenant: string) => boolean;
  readonly upstreamFacts: (upstream: string) => UpstreamFacts | undefined;
  readonly upstreams: () => readonly UpstreamState[];
  readonly limitsOf: (tenant: Pick<TenantFacts, "upstream" | "dbid">) => readonly UsedLimit[];
  /** Undefined while unknown. */
  readonly openDoNotCalls: () => readonly OwnerCount[] | undefined;
  readonly certificates: () => readonly Certificate[];
  /** Milliseconds: the age of the last checkpoint, and the configured interval. */
  readonly checkpoint: () => { readonly age: number; readonly every: number };
  /** Warnings of /readyz that are about nothing else here. */
  readonly otherWarnings: () => readonly string[];
  /** What a code means; undefined for an unknown one. */
  readonly titleOf: (code: string) => string | undefined;
  /** How many 410 of one tenant in a minute raise an alarm. */
  readonly probingPerMinute: number;
};
