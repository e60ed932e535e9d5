/** Rate limits of a tenant: where it has none, or where one of its limits refuses what was seen. */
import { REFUSALS } from "../../gateway/refusals.ts";
import type { Path } from "../../settings/problems/problem.ts";
import type { TenantSettings } from "../../settings/schema/schema.ts";
import { toLimit } from "../../settings/to-tenants.ts";
import { chooseLimit, HEADROOM, type ChosenLimit } from "./choose-limit.ts";
import type { Scope } from "./meters.ts";
import { merged, NOTHING, type Change, type Proposal, type Thresholds } from "./proposal.ts";
import type { TenantTraffic } from "./traffic.ts";

const OVER_LIMIT = REFUSALS["over-limit"].code;

export const proposeLimits = (
  path: Path,
  tenant: TenantSettings,
  traffic: TenantTraffic,
  { addOnly, minForLimits }: Thresholds,
): Proposal => {
  const wasExceeded = traffic.wouldRefuse.has(OVER_LIMIT);
  const raised = traffic.meters.scopes
    .filter((scope) => isTooLow(scope, wasExceeded))
    .map((scope) => raise(path, scope));
  const isUnlimited = tenant.limits === null || (tenant.limits.requests === null && tenant.limits.urgent === null);
  return merged(isUnlimited && !addOnly ? [...raised, ...newLimits(path, traffic, minForLimits)] : raised);
};

/** Whatever was seen must pass again, also if the limiter's windows begin at other requests. */
const isTooLow = ({ limit, meter, replay }: Scope, wasExceeded: boolean): boolean => {
  if (!limit || !replay) return false;
  const { points, seconds } = toLimit(limit);
  return meter.most(seconds) > points && (wasExceeded || replay.refused > 0);
};

const raise = (path: Path, { path: key, meter, limit }: Scope): Proposal => {
  const chosen = chooseLimit(meter);
  const was = limit && `${limit.rate.count}/${unitOf(limit.rate.per_ms)}, burst ${limit.burst}`;
  return chosen
    ? limitAt(path, key, meter, chosen, `${was} would have refused requests that were seen`)
    : { ...NOTHING, notes: [`${key.join(".")}: no rate and burst allow what was seen; remove the limit`] };
};

const UNITS: Readonly<Record<number, string>> = { 1000: "s", 60_000: "m", 3_600_000: "h", 86_400_000: "d" };
const unitOf = (ms: number): string => UNITS[ms] ?? `${ms}ms`;

/** Urgent requests have the numbers of `requests`, counted separately, unless they need higher ones. */
const newLimits = (path: Path, { meters }: TenantTraffic, least: number): readonly Proposal[] => {
  const [requests, urgent] = meters.scopes as readonly [Scope, Scope, ...Scope[]];
  const seen = requests.meter.requests + urgent.meter.requests;
  if (seen < least) {
    const note = `no limits are proposed: ${seen} requests are too few to know a rate; ${least} are needed`;
    return seen === 0 ? [] : [{ ...NOTHING, notes: [note] }];
  }
  const all = chooseLimit(requests.meter);
  const stops = chooseLimit(urgent.meter);
  const isEnough = all !== undefined && urgent.meter.most(all.seconds) <= all.burst;
  return [
    ...(all ? [limitAt(path, requests.path, requests.meter, all)] : []),
    ...(stops && !isEnough ? [limitAt(path, urgent.path, urgent.meter, stops)] : []),
  ];
};

const limitAt = (
  path: Path,
  key: readonly string[],
  meter: Scope["meter"],
  { rate, burst, seconds }: ChosenLimit,
  because?: string,
): Proposal => {
  const change: Change = {
    change: "set",
    key: key.join("."),
    value: `{ rate: ${rate}, burst: ${burst} }`,
    evidence: undefined,
    why:
      (because === undefined ? "" : `${because}; `) +
      `${meter.requests} requests: p99.9 ${meter.perSecond}/s and ${meter.perMinute}/m, times ${HEADROOM}; at most ` +
      `${meter.most(seconds)} in any ${seconds} s`,
  };
  return { ...NOTHING, changes: [change], edits: [{ path: [...path, ...key], value: { rate, burst } }] };
};
