/** Segments whose lines were set aside because they were damaged: what the entries say of them. */
import type { Deleted, SetAside } from "./entry.ts";

/** Entries from `from` to before `to`. `by`: the index of the entry that says so. */
export type Aside = { readonly from: number; readonly to: number; readonly by: number };

export class Asides {
  #all: readonly Aside[] = [];

  /** An entry that is on disk at this index. Each tells of all before it, so the newest one is enough. */
  take(entry: SetAside, by: number): void {
    const all = new Map(
      [...this.#all, ...entry.before, { from: entry.from, to: entry.to, by }].map((each) => [each.from, each]),
    );
    this.#all = [...all.values()].toSorted((one, other) => one.from - other.from);
  }

  /** Of entries that are deleted nothing is missing any more. */
  forget({ to }: Pick<Deleted, "to">): void {
    this.#all = this.#all.filter((each) => each.to > to);
  }

  all(): readonly Aside[] {
    return this.#all;
  }

  save(): readonly Aside[] {
    return this.#all;
  }

  restore(saved: readonly Aside[]): void {
    this.#all = saved;
  }
}

/** Whether all entries from `from` to before `to` are in what was set aside. */
export const coversAll = (asides: readonly Pick<Aside, "from" | "to">[], from: number, to: number): boolean => {
  let reached = from;
  for (const aside of asides) if (aside.from <= reached && aside.to > reached) reached = aside.to;
  return reached >= to;
};
