/**
 * Requests that were sent to OCS and got no whole answer (4101, 4102, 4103): a line in the log for each, of which a flood
 * leaves some out and counts them; and how many there were in the last minute, for `/readyz`.
 */
import { events } from "../events.ts";
import { REFUSALS } from "../gateway/refusals.ts";
import type { Ending, Seen } from "../gateway/words.ts";

export type NoAnswers = {
  /** Told of every request. */
  readonly observe: (seen: Observed, ending: Pick<Ending, "code">) => void;
  /** In words, for each upstream that had one in the last minute. */
  readonly warnings: () => readonly string[];
  /** Says what is counted so far. */
  readonly flush: () => void;
};

export type Observed = {
  readonly arrival: Pick<Seen["arrival"], "id">;
  readonly tenant: { readonly name: string; readonly upstream: string } | undefined;
  readonly operation: { readonly action: { readonly name: string } } | undefined;
  readonly waits: Seen["waits"];
  readonly lane: string | undefined;
};

/** What OCS, or the way to it, did to the request. */
const WHAT: Readonly<Record<string, string>> = {
  [REFUSALS["no-answer"].code]: "timed out",
  [REFUSALS.cut.code]: "lost their connection",
  [REFUSALS.garbled.code]: "got a malformed answer",
};

/** So many lines of one upstream, tenant and code in a window; the rest is said in one line at its end. */
const LINES = 3;
const WINDOW_MS = 10_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

/** `now`: milliseconds on a clock that is never set. */
export const createNoAnswers = (now: () => number = () => performance.now()): NoAnswers => {
  const lines = new DampedLines();
  const recent = new Recent(now);
  return {
    observe: ({ arrival: { id }, tenant, operation, waits, lane }, { code }) => {
      if (code === undefined || tenant === undefined || !Object.hasOwn(WHAT, code)) return;
      const { upstream, name } = tenant;
      recent.add(upstream, code);
      if (!lines.take({ upstream, tenant: name, code })) return;
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

class DampedLines {
  readonly #windows = new Map<
    string,
    { readonly kind: Kind; said: number; leftOut: number; readonly timer: NodeJS.Timeout }
  >();

  /** True when this one may have a line of its own. */
  take(kind: Kind): boolean {
    const key = JSON.stringify([kind.upstream, kind.tenant, kind.code]);
    let window = this.#windows.get(key);
    if (!window) {
      window = { kind, said: 0, leftOut: 0, timer: setTimeout(() => this.#end(key), WINDOW_MS).unref() };
      this.#windows.set(key, window);
    }
    if (window.said < LINES) return ++window.said > 0;
    window.leftOut++;
    return false;
  }

  flush(): void {
    for (const key of this.#windows.keys()) this.#end(key);
  }

  #end(key: string): void {
    const { kind, leftOut, timer } = this.#windows.get(key)!;
    clearTimeout(timer);
    this.#windows.delete(key);
    if (leftOut > 0) events.noAnswersLeftOut({ ...kind, left_out: leftOut });
  }
}

/** Counts by upstream and code, a second's together. */
class Recent {
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
        `${all} ${all === 1 ? "request" : "requests"} without an answer in the last minute at upstream ${upstream}: ${parts.join(", ")}; OCS may have carried them out`,
      ];
    });
  }

  /** Those of the last minute. */
  #of(upstream: string): { readonly second: number; readonly code: string; count: number }[] {
    const since = (this.#now() - MINUTE_MS) / SECOND_MS;
    return (this.#counts.get(upstream) ?? []).filter(({ second }) => second > since);
  }
}
