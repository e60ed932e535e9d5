/** Requests for handles that are not the asker's: counted by tenant, slowed over a rate, and told as an alarm. Times in milliseconds. */
import type { Denied } from "./verdict.ts";

/** What one tenant asked for since the last report. */
export type StrayReport = {
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  /** Handles of other tenants. */
  readonly foreign: number;
  /** Handles of nobody. */
  readonly unknown: number;
};

/** `since`: when the present minute began; `told`: it has had its alarm. */
type Count = { foreign: number; unknown: number; since: number; told: boolean; second: number; inSecond: number };

/** So many in one second are answered as what they are; the rest of that second is told to wait. */
export const STRAYS_PER_SECOND = 50;
/** Handles of nobody's are asked for by honest clients as well: after a stale timeout, after a switchover. */
const SUSPICIOUS = 20;
const MINUTE_MS = 60_000;

export class Strays {
  readonly #counts = new Map<string, Map<number, Count>>();

  /** False when it is one too many in this second. What was once the tenant's own is no stray. */
  note(upstream: string, tenant: number, why: Denied["why"], now: number): boolean {
    const count = this.#countOf(upstream, tenant, now);
    if (why === "ended" || why === "epoch-ended") return true;
    count[why]++;
    const second = Math.floor(now / 1000);
    count.inSecond = count.second === second ? count.inSecond + 1 : 1;
    count.second = second;
    return count.inSecond <= STRAYS_PER_SECOND;
  }

  /** What is worth an alarm now, once in a minute for each tenant. */
  *report(now: number): Iterable<StrayReport> {
    for (const [upstream, tenants] of this.#counts) {
      for (const [tenant, count] of tenants) {
        const { foreign, unknown, told, since } = count;
        const tells = !told && (foreign > 0 || unknown >= SUSPICIOUS);
        if (tells) Object.assign(count, { foreign: 0, unknown: 0, told: true });
        if (tells) yield { upstream, tenant, foreign, unknown };
        else if (now - since >= MINUTE_MS)
          Object.assign(count, told ? { since: now, told: false } : { foreign: 0, unknown: 0, since: now });
      }
    }
  }

  #countOf(upstream: string, tenant: number, now: number): Count {
    let tenants = this.#counts.get(upstream);
    if (!tenants) this.#counts.set(upstream, (tenants = new Map()));
    let count = tenants.get(tenant);
    if (!count)
      tenants.set(tenant, (count = { foreign: 0, unknown: 0, since: now, told: false, second: 0, inSecond: 0 }));
    return count;
  }
}
