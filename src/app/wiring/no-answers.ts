/**
 * Requests that were sent to OCS and got no complete answer (4101, 4102, 4103). Each one gets a log line; when there
 * are many, the rest are only counted. `/readyz` says how many there were in the last minute.
 */
import { events } from "../../common/log/events.ts";
import { REFUSALS } from "../../gateway/refusals.ts";
import type { Ending } from "../../gateway/respond.ts";
import type { Trace } from "../../gateway/types.ts";

export type NoAnswers = {
  /** Called for every request. */
  readonly observe: (seen: Observed, ending: Pick<Ending, "code">) => void;
  /** One sentence for each upstream with such requests in the last minute. */
  readonly warnings: () => readonly string[];
  /** Logs the counts of suppressed lines now. */
  readonly flush: () => void;
};

export type Observed = {
  readonly arrival: Pick<Trace["arrival"], "id">;
  readonly tenant: { readonly name: string; readonly upstream: string } | undefined;
  readonly operation: { readonly action: { readonly name: string } } | undefined;
  readonly waits: Trace["waits"];
  readonly lane: string | undefined;
};

/** What happened to the requests, by code. */
const WHAT: Readonly<Record<string, string>> = {
  [REFUSALS["no-answer"].code]: "timed out",
  [REFUSALS["connection-lost"].code]: "lost their connection",
  [REFUSALS["malformed-response"].code]: "got a malformed answer",
};

/** Log lines for each upstream, tenant and code in a window; at its end one line counts the others. */
const LINES = 3;
const WINDOW_MS = 10_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

/** `now`: milliseconds, monotonic. */
export const createNoAnswers = (now: () => number = () => performance.now()): NoAnswers => {
  const lines = new LineLimiter();
  const recent = new RecentCounts(now);
  return {
    observe: ({ arrival: { id }, tenant, operation, waits, lane }, { code }) => {
      if (code === undefined || tenant === undefined || !Object.hasOwn(WHAT, code)) return;
      const { upstream, name } = tenant;
      recent.add(upstream, code);
      if (!lines.mayLog({ upstream, tenant: name, code })) return;
      events.noAnswer({
        id,
        upstream,
        tenant: name,
        action: operation?.action.name,
        code,
        lane,
        ms: Math.round(waits?.ocs ?? 0),
      });
    },
    warnings: () => recent.inWords(),
    flush: () => lines.flush(),
  };
};

type Kind = { readonly upstream: string; readonly tenant: string; readonly code: string };

class LineLimiter {
  readonly #windows = new Map<
    string,
    { readonly kind: Kind; logged: number; suppressed: number; readonly timer: NodeJS.Timeout }
  >();

  /** Whether this request gets a log line of its own. */
  mayLog(kind: Kind): boolean {
    const key = JSON.stringify([kind.upstream, kind.tenant, kind.code]);
    let window = this.#windows.get(key);
    if (!window) {
      window = { kind, logged: 0, suppressed: 0, timer: setTimeout(() => this.#end(key), WINDOW_MS).unref() };
      this.#windows.set(key, window);
    }
    if (window.logged < LINES) return ++window.logged > 0;
    window.suppressed++;
    return false;
  }

  flush(): void {
    for (const key of this.#windows.keys()) this.#end(key);
  }

  #end(key: string): void {
    const { kind, suppressed, timer } = this.#windows.get(key)!;
    clearTimeout(timer);
    this.#windows.delete(key);
    if (suppressed > 0) events.noAnswersSuppressed({ ...kind, left_out: suppressed });
  }
}

/** Counts by upstream and code, in steps of one second. */
class RecentCounts {
  readonly #now: () => number;
  readonly #counts = new Map<string, { readonly second: number; readonly code: string; count: number }[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add(upstream: string, code: string): void {
    const second = Math.floor(this.#now() / SECOND_MS);
    const counts = this.#of(upstream);
    const same = counts.findLast((each) => each.code === code && each.second === second);
    if (same) same.count++;
    else counts.push({ second, code, count: 1 });
    this.#counts.set(upstream, counts);
  }

  inWords(): readonly string[] {
    return [...this.#counts.keys()].flatMap((upstream) => {
      const counts = this.#of(upstream);
      this.#counts.set(upstream, counts);
      const all = counts.reduce((sum, { count }) => sum + count, 0);
      if (all === 0) return [];
      const parts = Object.entries(WHAT).flatMap(([code, what]) => {
        const count = counts.reduce((sum, each) => sum + (each.code === code ? each.count : 0), 0);
        return count === 0 ? [] : [`${count} ${what} (${code})`];
      });
      return [
        `${all} ${all === 1 ? "request" : "requests"} without an answer in the last minute at upstream ${upstream}: ` +
          `${parts.join(", ")}; OCS may have carried them out`,
      ];
    });
  }

  /** Counts of the last minute. */
  #of(upstream: string): { readonly second: number; readonly code: string; count: number }[] {
    const since = (this.#now() - MINUTE_MS) / SECOND_MS;
    return (this.#counts.get(upstream) ?? []).filter(({ second }) => second > since);
  }
}
