/**
 * Limits how many people a person may look up: each within the last hour counts, by the monotonic clock. Whoever wants
 * to read the whole list of numbers one by one is stopped, and the journal has an alarm.
 */
import type { HeaderLine } from "../common/message.ts";

export type LookUpRate = { readonly count: number; readonly per_ms: number };

export type LookUpTaken = {
  readonly allowed: boolean;
  /** The first refusal since the last one that was allowed. */
  readonly isNew: boolean;
  /** `RateLimit`, `RateLimit-Policy`, and `Retry-After` after a refusal. */
  readonly headers: readonly HeaderLine[];
  /** To be called with the tokens of the person that was looked up by number or id. */
  readonly remember: (tokens: readonly string[]) => void;
};

type LookUp = { readonly at: number; tokens: readonly string[] };

export class LookUpLimit {
  readonly #rate: () => LookUpRate;
  readonly #now: () => number;
  /** By user: the counted look-ups, and whether the last one was refused. */
  readonly #made = new Map<string, { all: LookUp[]; isRefused: boolean }>();

  /** `now`: milliseconds of a monotonic clock. */
  constructor(rate: () => LookUpRate, now: () => number = () => performance.now()) {
    [this.#rate, this.#now] = [rate, now];
  }

  /** `tokens`: of a look-up by tokens. If all are of people that were looked up within the hour, it does not count. */
  take(user: string, tokens: readonly string[] = []): LookUpTaken {
    const { count, per_ms: period } = this.#rate();
    const now = this.#now();
    for (const [name, { all }] of this.#made) if (now - (all.at(-1)?.at ?? 0) >= period) this.#made.delete(name);
    const made = this.#made.get(user) ?? { all: [], isRefused: false };
    const all = made.all.filter(({ at }) => now - at < period);
    const known = new Set(all.flatMap((each) => each.tokens));
    const isKnown = tokens.length > 0 && tokens.every((each) => known.has(each));
    const allowed = isKnown || all.length < count;
    const lookUp: LookUp = { at: now, tokens };
    if (allowed && !isKnown) all.push(lookUp);
    const isNew = !allowed && !made.isRefused;
    this.#made.set(user, { all, isRefused: isKnown ? made.isRefused : !allowed });
    const seconds = Math.ceil(((all[0]?.at ?? now) + period - now) / 1000);
    return {
      allowed,
      isNew,
      headers: [
        ["RateLimit-Policy", `"look-ups";q=${count};w=${Math.round(period / 1000)}`],
        ["RateLimit", `"look-ups";r=${Math.max(0, count - all.length)};t=${seconds}`],
        ...(allowed ? [] : [["Retry-After", String(Math.max(1, seconds))] as const]),
      ],
      remember: (found) => {
        lookUp.tokens = found;
      },
    };
  }
}
