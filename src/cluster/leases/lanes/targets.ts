/**
 * How many lanes each gateway should have: at least one, the others by demand. Lanes are divided among tenants by
 * share, as if one gateway served them all, and a tenant's lanes among gateways by its requests there: a flood at one
 * gateway takes no lane from a tenant that asks another. Lanes that no tenant needs are divided evenly. Every gateway
 * computes the same from the same rows.
 */
import type { Demand, Holder } from "./holder.ts";

export type Claim = Pick<Holder, "instance" | "node" | "held" | "demands">;

/** A gateway keeps a lane that it has unless another deserves it by more than this part of a lane. */
const KEEP = 0.5;

/** By instance; they add up to `total`. With fewer lanes than gateways, those that have one keep it. */
export const targetsOf = (claims: readonly Claim[], total: number): ReadonlyMap<string, number> => {
  if (total <= claims.length) {
    const first = claims.toSorted((a, b) => Number(b.held > 0) - Number(a.held > 0) || byName(a, b)).slice(0, total);
    return new Map(claims.map((claim) => [claim.instance, first.includes(claim) ? 1 : 0]));
  }
  return rounded(claims, atLeastOne(wished(claims, total), total), total);
};

const byName = (a: Claim, b: Claim): number => (a.instance < b.instance ? -1 : 1);

/** What each deserves by demand, in parts of lanes. */
const wished = (claims: readonly Claim[], total: number): number[] => {
  const tenants = tenantsOf(claims);
  const given = divide([...tenants.values()], total);
  const part = new Map([...tenants.keys()].map((tenant, at) => [tenant, given[at]! / tenants.get(tenant)!.lanes]));
  const used = claims.map(({ demands }) =>
    demands.reduce((sum, { tenant, lanes }) => sum + lanes * part.get(tenant)!, 0),
  );
  const unused = total - used.reduce((sum, each) => sum + each, 0);
  return used.map((each) => each + unused / claims.length);
};

type Need = { share: number; lanes: number };

const tenantsOf = (claims: readonly Claim[]): Map<string, Need> => {
  const tenants = new Map<string, Need>();
  for (const { tenant, share, lanes } of claims.flatMap(({ demands }): readonly Demand[] => demands)) {
    const need = tenants.get(tenant) ?? { share: 0, lanes: 0 };
    tenants.set(tenant, { share: Math.max(need.share, share), lanes: need.lanes + lanes });
  }
  return tenants;
};

/** Max-min fairness: by share, to nobody more than it needs. */
const divide = (needs: readonly Need[], total: number): number[] => {
  const given = needs.map(() => 0);
  let open = needs.map((_, at) => at);
  let left = total;
  while (open.length > 0) {
    const shares = open.reduce((sum, at) => sum + needs[at]!.share, 0);
    const content = open.filter((at) => needs[at]!.lanes <= (left * needs[at]!.share) / shares);
    for (const at of content.length > 0 ? content : open)
      given[at] = content.length > 0 ? needs[at]!.lanes : (left * needs[at]!.share) / shares;
    if (content.length === 0) break;
    left -= content.reduce((sum, at) => sum + needs[at]!.lanes, 0);
    open = open.filter((at) => !content.includes(at));
  }
  return given;
};

const atLeastOne = (parts: readonly number[], total: number): number[] => {
  let few = new Set<number>();
  for (;;) {
    const rest = parts.reduce((sum, part, at) => sum + (few.has(at) ? 0 : part), 0);
    const scale = (total - few.size) / rest;
    const scaled = parts.map((part, at) => (few.has(at) ? 1 : part * scale));
    const more = scaled.flatMap((part, at) => (part < 1 ? [at] : []));
    if (more.length === 0) return scaled;
    few = new Set([...few, ...more]);
  }
};

/** Whole lanes: the largest remainders are rounded up, with a preference for lanes that a gateway has. */
const rounded = (claims: readonly Claim[], parts: readonly number[], total: number): ReadonlyMap<string, number> => {
  const whole = parts.map((part) => Math.floor(part + 1e-9));
  const left = total - whole.reduce((sum, each) => sum + each, 0);
  const rank = (at: number): number => parts[at]! - whole[at]! + (claims[at]!.held > whole[at]! ? KEEP : 0);
  const up = claims
    .map((_, at) => at)
    .sort((a, b) => rank(b) - rank(a) || byName(claims[a]!, claims[b]!))
    .slice(0, left);
  return new Map(claims.map(({ instance }, at) => [instance, whole[at]! + (up.includes(at) ? 1 : 0)]));
};
