/** What entries say of segments that were set aside: a damaged one is moved away, and its leaf hashes stay. */
import type { Line } from "./walk.ts";

/** Entries from `from` to before `to`. `by`: the index of the entry that says so. */
export type Aside = { readonly from: number; readonly to: number; readonly by: number };

export class Asides {
  readonly #said = new Map<number, Aside>();

  constructor(before: readonly Aside[] = []) {
    for (const each of before) this.#said.set(each.from, each);
  }

  take({ bytes, head }: Line): void {
    if (head?.kind !== "set-aside") return;
    const { from, to, before } = parse(bytes);
    for (const each of [...before, { from, to, by: head.index }])
      if (!this.#said.has(each.from)) this.#said.set(each.from, each);
  }

  /**
   * Ascending; what entries below `covered` say: whoever takes a segment away can write one that no checkpoint covers.
   */
  all(covered: number): readonly Aside[] {
    return [...this.#said.values()].filter(({ by }) => by < covered).toSorted((one, other) => one.from - other.from);
  }
}

/** How many of the entries from `from` to before `to` are in them. */
export const countIn = (asides: readonly Aside[], from: number, to: number): number =>
  asides.reduce((sum, aside) => sum + Math.max(0, Math.min(aside.to, to) - Math.max(aside.from, from)), 0);

type Said = { readonly from: number; readonly to: number; readonly before: readonly Aside[] };

const NOTHING: Said = { from: 0, to: 0, before: [] };

/** A line that was changed may be anything: what is no such entry says nothing, and the roots tell that it was changed. */
const parse = (bytes: Buffer): Said => {
  try {
    const said = JSON.parse(bytes.toString()) as Said;
    return isSpan(said) && Array.isArray(said.before) && said.before.every((each) => isSpan(each) && isIndex(each.by))
      ? said
      : NOTHING;
  } catch {
    return NOTHING;
  }
};

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSpan = (value: { readonly from?: unknown; readonly to?: unknown } | null): boolean =>
  isIndex(value?.from) && isIndex(value?.to);
