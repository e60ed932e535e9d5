/** Reads what entries record about segments that were set aside. The leaf hashes of such a segment stay. */
import type { Line } from "./walk.ts";

/** Entries from `from` to before `to`. `by`: the index of the entry that records it. */
export type SetAsideSpan = { readonly from: number; readonly to: number; readonly by: number };

export class SetAsideSpans {
  readonly #spans = new Map<number, SetAsideSpan>();

  constructor(before: readonly SetAsideSpan[] = []) {
    for (const each of before) this.#spans.set(each.from, each);
  }

  take({ bytes, head }: Line): void {
    if (head?.kind !== "set-aside") return;
    const { from, to, before } = parse(bytes);
    for (const each of [...before, { from, to, by: head.index }])
      if (!this.#spans.has(each.from)) this.#spans.set(each.from, each);
  }

  /**
   * Ascending; only entries below `covered` count: an attacker who removes a segment can write an entry, but not a
   * checkpoint that covers it.
   */
  all(covered: number): readonly SetAsideSpan[] {
    return [...this.#spans.values()].filter(({ by }) => by < covered).toSorted((one, other) => one.from - other.from);
  }
}

/** How many of the entries from `from` to before `to` the spans contain. */
export const countIn = (asides: readonly SetAsideSpan[], from: number, to: number): number =>
  asides.reduce((sum, aside) => sum + Math.max(0, Math.min(aside.to, to) - Math.max(aside.from, from)), 0);

type SetAsideStatement = { readonly from: number; readonly to: number; readonly before: readonly SetAsideSpan[] };

const NOTHING: SetAsideStatement = { from: 0, to: 0, before: [] };

/** A changed line can contain anything. An invalid entry is ignored here; the roots show the change. */
const parse = (bytes: Buffer): SetAsideStatement => {
  try {
    const statement = JSON.parse(bytes.toString()) as SetAsideStatement;
    return isSpan(statement) &&
      Array.isArray(statement.before) &&
      statement.before.every((each) => isSpan(each) && isIndex(each.by))
      ? statement
      : NOTHING;
  } catch {
    return NOTHING;
  }
};

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSpan = (value: { readonly from?: unknown; readonly to?: unknown } | null): boolean =>
  isIndex(value?.from) && isIndex(value?.to);
