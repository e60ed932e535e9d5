/** Segments whose lines were set aside because of damage, as the entries state. */
import type { Deleted, SetAside } from "../entry.ts";

/** Entries from `from` to before `to`. `by`: the index of the entry that states it. */
export type SetAsideRange = { readonly from: number; readonly to: number; readonly by: number };

export class SetAsideRanges {
  #all: readonly SetAsideRange[] = [];

  /** Takes an entry that is on disk at this index. Each lists all earlier ones, so the newest is enough. */
  add(entry: SetAside, by: number): void {
    const all = new Map(
      [...this.#all, ...entry.before, { from: entry.from, to: entry.to, by }].map((each) => [each.from, each]),
    );
    this.#all = [...all.values()].toSorted((one, other) => one.from - other.from);
  }

  /** Deleted segments no longer count as set aside. */
  forget({ to }: Pick<Deleted, "to">): void {
    this.#all = this.#all.filter((each) => each.to > to);
  }

  all(): readonly SetAsideRange[] {
    return this.#all;
  }

  save(): readonly SetAsideRange[] {
    return this.#all;
  }

  restore(saved: readonly SetAsideRange[]): void {
    this.#all = saved;
  }
}

/** Whether the ranges cover all entries from `from` to before `to`. */
export const coversAll = (ranges: readonly Pick<SetAsideRange, "from" | "to">[], from: number, to: number): boolean => {
  let reached = from;
  for (const range of ranges) if (range.from <= reached && range.to > reached) reached = range.to;
  return reached >= to;
};
