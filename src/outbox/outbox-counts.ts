/** The outbox in numbers, by tenant of an OCS. */
import type { OutboxItem } from "./item.ts";

export type OutboxCount = {
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  readonly pending: number;
  /** Alarms that nobody has closed. */
  readonly alarms: number;
  /** Milliseconds since the oldest pending one was accepted; 0 without one. */
  readonly oldest: number;
};

/** `items`: pending ones and alarms. */
export const countByTenant = (
  items: readonly OutboxItem[],
  ageOf: (item: OutboxItem) => number,
): readonly OutboxCount[] =>
  [...Map.groupBy(items, ({ upstream, tenant }) => `${upstream}/${tenant}`).values()].map((those) => {
    const pending = those.filter(({ state }) => state === "pending");
    const { upstream, tenant } = those[0]!;
    return {
      upstream,
      tenant,
      pending: pending.length,
      alarms: those.length - pending.length,
      oldest: pending.reduce((oldest, item) => Math.max(oldest, ageOf(item)), 0),
    };
  });
