/** What one gateway may do about its lanes, from what the database says of all. Pure, so that tests try all orders. */
import { RESERVED, type Holder } from "./holder.ts";
import { targetsOf } from "./targets.ts";

export type Self = Pick<Holder, "node" | "instance" | "lock" | "total" | "grace" | "demands">;

/** What this gateway has found out about another holder. */
export type Verdicts = {
  /** Its lease has surely ended and its surplus lanes are closed. */
  readonly isExpired: (holder: Holder) => boolean;
  /** Its gateway stopped in order, was forgotten, or runs again as another instance. */
  readonly isOver: (holder: Holder) => boolean;
};

export type Plan = {
  /** All but this gateway, after what this gateway takes over. */
  readonly others: readonly Holder[];
  /** What the database lets this gateway have without a raise. */
  readonly held: number;
  readonly beat: number;
  readonly target: number;
  /** The number up to which it may raise now. */
  readonly most: number;
  /** The smallest `connections` of the gateways that live: the number that all together keep to. */
  readonly total: number;
  /** Lanes kept for gateways that do not renew their leases. */
  readonly reserved: number;
};

export const planFor = (holders: readonly Holder[], self: Self, { isExpired, isOver }: Verdicts): Plan => {
  const own = holders.find(({ instance }) => instance === self.instance);
  const expired = new Set<string>();
  let held = own?.held ?? 0;
  const others: Holder[] = [];
  for (const each of holders) {
    if (each === own) continue;
    const isBefore = !own && each.node === self.node;
    const freed = isBefore ? inherited(each, self) : 0;
    held += freed;
    const isLate = isExpired(each);
    if (isLate) expired.add(each.instance);
    if (isLate && isOver(each)) continue;
    const left = Math.min(each.held - freed, isLate ? RESERVED : Infinity);
    if (!isBefore || left > 0) others.push({ ...each, held: left });
  }
  const live = others.filter(({ instance }) => !expired.has(instance));
  const total = Math.min(self.total, ...live.map((each) => each.total));
  const reserved = others.reduce((sum, each) => sum + (expired.has(each.instance) ? each.held : 0), 0);
  const targets = targetsOf([...live, { ...self, held }], Math.max(0, total - reserved));
  const taken = others.reduce((sum, each) => sum + each.held, 0);
  return {
    others,
    held,
    beat: (own?.beat ?? 0) + 1,
    target: targets.get(self.instance)!,
    most: Math.max(held, total - taken),
    total,
    reserved,
  };
};

/**
 * Lanes that the former run of this gateway's name leaves to this run: all if that process is over for certain, else
 * the reserved one, which belongs to the name.
 */
const inherited = (former: Holder, { lock }: Self): number =>
  lock !== null && former.lock === lock ? former.held : Math.min(RESERVED, former.held);
