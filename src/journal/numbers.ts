/**
 * Every DoNotCall of a tenant has a number, from 1 and without gaps, in the entry that says what became of it first: its intent, or the refusal.
 * So who holds a tenant's DoNotCall entries alone can see that none is missing. The number is given when the entry takes its place, and the
 * lines on disk are what it is restored from: the highest of a tenant counts.
 */
import type { Entry, Intent, Refusal } from "./entry.ts";

type Numbered = (Intent | Refusal) & { readonly tenant: NonNullable<Intent["tenant"]> };

const isNumbered = (entry: Entry): entry is Numbered =>
  (entry.kind === "intent" || entry.kind === "refusal") && entry.action === "DoNotCall" && entry.tenant !== null && entry.tenant !== undefined;

export class Numbers {
  /** By DBID, the last number given. */
  readonly #last = new Map<number, number>();

  /** The entry with its number, which is taken only by `took`. Any other entry as it is. */
  given(entry: Entry): Entry {
    if (isNumbered(entry)) return { ...entry, dnc: this.last(entry.tenant.dbid) + 1 };
    // Who exports takes along, in a signed entry, which numbers were the last.
    return entry.kind === "access" && entry.operation === "export" ? { ...entry, dnc: this.all() } : entry;
  }

  /** An entry as `given` made it has its place. */
  took(entry: Entry): void {
    if (isNumbered(entry)) this.#last.set(entry.tenant.dbid, entry.dnc!);
  }

  /** 0 before the first. */
  last(dbid: number): number {
    return this.#last.get(dbid) ?? 0;
  }

  /** A number that stands on disk. */
  found(dbid: number, number: number): void {
    if (number > this.last(dbid)) this.#last.set(dbid, number);
  }

  /** An entry that had its place is not on disk after all, and so none behind it is: its number is given again. */
  lost(entry: Entry): void {
    if (isNumbered(entry) && entry.dnc! <= this.last(entry.tenant.dbid)) this.#last.set(entry.tenant.dbid, entry.dnc! - 1);
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#last);
  }
}
