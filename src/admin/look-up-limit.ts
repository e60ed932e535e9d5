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
};

export class LookUpLimit {
  readonly #rate: () => LookUpRate;
  readonly #now: () => number;
  /** By user: when the counted look-ups were made, and whether the last one was refused. */
  readonly #made = new Map<string, { at: number[]; isRefused: boolean }>();

  /** `now`: milliseconds of a monotonic clock. */
  constructor(rate: () => LookUpRate, now: () => number = () => performance.now()) {
    [this.#rate, this.#now] = [rate, now];
  }

  take(user: string): LookUpTaken {
    const { count, per_ms: period } = this.#rate();
    const now = this.#now();
    for (const [name, { at }] of this.#made) if (now - (at.at(-1) ?? 0) >= period) this.#made.delete(name);
    const made = this.#made.get(user) ?? { at: [], isRefused: false };
    const at = made.at.filter((each) => now - each < period);
    const allowed = at.length < count;
    if (allowed) at.push(now);
    const isNew = !allowed && !made.isRefused;
    this.#made.set(user, { at, isRefused: !allowed });
    const seconds = Math.ceil(((at[0] ?? now) + period - now) / 1000);
    return {
      allowed,
      isNew,
      headers: [
        ["RateLimit-Policy", `"look-ups";q=${count};w=${Math.round(period / 1000)}`],
        ["RateLimit", `"look-ups";r=${Math.max(0, count - at.length)};t=${seconds}`],
        ...(allowed ? [] : [["Retry-After", String(Math.max(1, seconds))] as const]),
      ],
    };
  }
}
