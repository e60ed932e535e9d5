/** Rules about a tenant's share of an OCS and its rate limits. */
import { counted } from "./compare.ts";
import type { TenantAt } from "./parsed-parts.ts";
import type { Finding } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import type { LimitSettings } from "../schema/schema.ts";

const PROBLEMS = {
  smallShare: (tenant: string, share: number, largest: string, largestShare: number) => ({
    code: "OCSGW-6314",
    severity: "warning" as const,
    message:
      `${JSON.stringify(tenant)} has a share of ${share} and ${JSON.stringify(largest)} one of ${largestShare}: ` +
      `while ${JSON.stringify(largest)} is busy, ${JSON.stringify(tenant)} gets fewer than one turn in a hundred`,
    help: "use shares that are closer to each other",
  }),
  smallBurst: (burst: number, perSecond: number) => ({
    code: "OCSGW-6226",
    message: `a burst of ${burst} is less than the rate allows in one second (${counted(perSecond, "request")})`,
    help: `set burst to ${perSecond} or more, or remove it`,
  }),
  longWindow: (burst: number, most: number) => ({
    code: "OCSGW-6229",
    message: `a burst of ${burst} is too large for this rate: it would be counted over more than 24 days`,
    help: `set burst to ${most} or less`,
  }),
} as const;

/** The smallest fraction of the largest share: with less, a tenant would wait for over a hundred turns of another. */
const SMALLEST_OF_LARGEST = 1 / 100;

const sharesAreClose: Rule = ({ tenants }) =>
  [...Map.groupBy(tenants, ({ value }) => value.upstream).values()].flatMap((sharing) => {
    const largest = sharing.reduce((one, other) => (other.value.share > one.value.share ? other : one));
    return sharing
      .filter(({ value }) => value.share < largest.value.share * SMALLEST_OF_LARGEST)
      .map(({ path, value }): Finding => ({
        ...PROBLEMS.smallShare(value.name, value.share, largest.value.name, largest.value.share),
        path: [...path, "share"],
        also: { path: [...largest.path, "share"], message: "the largest share of this upstream" },
      }));
  });

type PlacedLimit = { readonly at: Finding["path"]; readonly limit: LimitSettings };

const limitsOf = ({ path: tenant, value }: TenantAt): PlacedLimit[] =>
  [
    { path: tenant, limits: value.limits },
    ...Object.entries(value.clients).map(([client, { limits }]) => ({ path: [...tenant, "clients", client], limits })),
  ].flatMap(({ path, limits }) => [
    ...(["requests", "urgent"] as const).flatMap((key) =>
      limits?.[key] ? [{ at: [...path, "limits", key], limit: limits[key] }] : [],
    ),
    ...Object.entries(limits?.actions ?? {}).map(([action, limit]) => ({
      at: [...path, "limits", "actions", action],
      limit,
    })),
  ]);

const burstCoversRate: Rule = ({ tenants }) =>
  tenants.flatMap(limitsOf).flatMap(({ at, limit: { rate, burst } }): Finding | [] => {
    const perSecond = Math.ceil((rate.count * 1000) / rate.per_ms);
    return burst >= perSecond
      ? []
      : {
          ...PROBLEMS.smallBurst(burst, perSecond),
          path: [...at, "burst"],
          also: { path: [...at, "rate"], message: "the rate" },
        };
  });

/** Node fires longer timers at once, so that the limit would not be enforced. */
const LONGEST_WINDOW_MS = 24 * 86_400_000;

const windowIsLimited: Rule = ({ tenants }) =>
  tenants.flatMap(limitsOf).flatMap(({ at, limit: { rate, burst } }): Finding | [] => {
    const most = Math.floor((LONGEST_WINDOW_MS / rate.per_ms) * rate.count);
    return burst <= most
      ? []
      : {
          ...PROBLEMS.longWindow(burst, most),
          path: [...at, "burst"],
          also: { path: [...at, "rate"], message: "the rate" },
        };
  });

export const limitRules: readonly Rule[] = [sharesAreClose, burstCoversRate, windowIsLimited];
