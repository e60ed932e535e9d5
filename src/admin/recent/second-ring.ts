/** Requests by outcome in each second of the last minute. Seconds are whole ones on the monotonic clock. */

export const OUTCOMES = ["ok", "ocs_no", "refused", "no_answer"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const KEPT = 60;
const KINDS = OUTCOMES.length;

export class SecondRing {
  readonly #counts = new Uint16Array(KEPT * KINDS);
  #newest = -Infinity;

  add(second: number, outcome: number): void {
    if (second > this.#newest) this.#advance(second);
    this.#counts[(second % KEPT) * KINDS + outcome]!++;
  }

  /** Sums over the `count` seconds before this one, which is not over yet. At most 59. */
  sum(second: number, count: number): Record<Outcome, number> {
    const sums = [0, 0, 0, 0];
    const [from, to] = [Math.max(0, second - count, this.#newest - KEPT + 1), Math.min(second - 1, this.#newest)];
    for (let each = from; each <= to; each++)
      for (let kind = 0; kind < KINDS; kind++) sums[kind]! += this.#counts[(each % KEPT) * KINDS + kind]!;
    return { ok: sums[0]!, ocs_no: sums[1]!, refused: sums[2]!, no_answer: sums[3]! };
  }

  #advance(second: number): void {
    const [from, to] = [(this.#newest + 1) % KEPT, second % KEPT];
    if (second - this.#newest >= KEPT) this.#counts.fill(0);
    else if (from <= to) this.#counts.fill(0, from * KINDS, (to + 1) * KINDS);
    else {
      this.#counts.fill(0, from * KINDS);
      this.#counts.fill(0, 0, (to + 1) * KINDS);
    }
    this.#newest = second;
  }
}
