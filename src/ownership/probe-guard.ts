/** Throttles and reports tenants that request handles of other tenants or unknown handles. Times in milliseconds. */
import type { DeniedHandle } from "./handles/lease-decision.ts";

/** The probes of one tenant since its last report. */
export type ProbeReport = {
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  /** Number of requests for handles of other tenants. */
  readonly foreign: number;
  /** Number of requests for handles without an owner. */
  readonly unknown: number;
};

/** `since`: the start of the current minute. `second`: the current second, with `inSecond` probes. */
type Count = {
  foreign: number;
  unknown: number;
  since: number;
  isReported: boolean;
  second: number;
  inSecond: number;
};

/** Maximum probes in a second; more are throttled for the rest of that second. */
export const PROBES_PER_SECOND = 50;
/** The number of probes that is reported. Well-behaved clients cause some: after a stale timeout or a switchover. */
export const SUSPICIOUS = 20;
const MINUTE_MS = 60_000;

export class ProbeGuard {
  readonly #counts = new Map<string, Map<number, Count>>();

  /** Counts a probe; false if the tenant is throttled. A handle that belonged to the tenant is not a probe. */
  mayAnswer(upstream: string, tenant: number, why: DeniedHandle["why"], now: number): boolean {
    const count = this.#countOf(upstream, tenant, now);
    if (why === "ended" || why === "epoch-ended") return true;
    count[why]++;
    const second = Math.floor(now / 1000);
    count.inSecond = count.second === second ? count.inSecond + 1 : 1;
    count.second = second;
    return count.inSecond <= PROBES_PER_SECOND;
  }

  /** Suspicious tenants, each at most once a minute. */
  *report(now: number): Iterable<ProbeReport> {
    for (const [upstream, tenants] of this.#counts) {
      for (const [tenant, count] of tenants) {
        const { foreign, unknown, isReported, since } = count;
        const isSuspicious = !isReported && (foreign > 0 || unknown >= SUSPICIOUS);
        if (isSuspicious) Object.assign(count, { foreign: 0, unknown: 0, isReported: true });
        if (isSuspicious) yield { upstream, tenant, foreign, unknown };
        else if (now - since >= MINUTE_MS)
          Object.assign(count, isReported ? { since: now, isReported: false } : { foreign: 0, unknown: 0, since: now });
      }
    }
  }

  #countOf(upstream: string, tenant: number, now: number): Count {
    let tenants = this.#counts.get(upstream);
    if (!tenants) this.#counts.set(upstream, (tenants = new Map()));
    let count = tenants.get(tenant);
    if (!count)
      tenants.set(tenant, (count = { foreign: 0, unknown: 0, since: now, isReported: false, second: 0, inSecond: 0 }));
    return count;
  }
}
