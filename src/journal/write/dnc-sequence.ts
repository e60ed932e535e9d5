/**
 * Every DoNotCall of a tenant has a number, from 1 and without gaps, in the entry that says what became of it first: its intent, or the refusal.
 * So who holds a tenant's DoNotCall entries alone can see that none is missing. The number is given when the entry takes its place, and the
 * lines on disk are what it is restored from: the highest of a sequence counts.
 *
 * A sequence is that of one tenant, so of a DBID on one OCS: `<upstream>/<DBID>`, as in `ocs-main/101`, which stands in the entry beside the
 * number. Format 1 numbered by DBID alone; those sequences are named by the DBID, have ended, and every `start` says with which number.
 */
import type { Entry, Intent, Refusal } from "./entry.ts";

type Numbered = (Intent | Refusal) & { readonly tenant: NonNullable<Intent["tenant"]> };

const isNumbered = (entry: Entry): entry is Numbered =>
  (entry.kind === "intent" || entry.kind === "refusal") &&
  entry.action === "DoNotCall" &&
  entry.tenant !== null &&
  entry.tenant !== undefined;

/** Names of upstreams have no slash in them. */
export const sequenceName = (upstream: string | undefined, dbid: number): string =>
  upstream === undefined ? String(dbid) : `${upstream}/${dbid}`;

const sequenceOf = ({ upstream, tenant }: Numbered): string => sequenceName(upstream, tenant.dbid);

/** One of format 1: by DBID alone. */
const isFormer = (sequence: string): boolean => !sequence.includes("/");

export class Numbers {
  /** By sequence, the last number given. */
  readonly #last = new Map<string, number>();

  /** The entry with its number, which is taken only by `took`. Any other entry as it is. */
  given(entry: Entry): Entry {
    if (isNumbered(entry)) {
      const sequence = sequenceOf(entry);
      const dnc = this.last(sequence) + 1;
      return entry.upstream === undefined ? { ...entry, dnc } : { ...entry, dnc_sequence: sequence, dnc };
    }
    // Who exports takes along, in a signed entry, which numbers were the last.
    if ((entry.kind === "access" && entry.operation === "export") || entry.kind === "set-aside")
      return { ...entry, dnc: this.all() };
    return entry.kind === "start" ? this.#withFormer(entry) : entry;
  }

  /** An entry as `given` made it has its place. */
  took(entry: Entry): void {
    if (isNumbered(entry)) this.#last.set(sequenceOf(entry), entry.dnc!);
  }

  /** 0 before the first. */
  last(sequence: string): number {
    return this.#last.get(sequence) ?? 0;
  }

  /** A number that stands on disk. */
  found(sequence: string, number: number): void {
    if (number > this.last(sequence)) this.#last.set(sequence, number);
  }

  /** An entry that had its place is not on disk after all, and so none behind it is: its number is given again. */
  lost(entry: Entry): void {
    if (isNumbered(entry) && entry.dnc! <= this.last(sequenceOf(entry)))
      this.#last.set(sequenceOf(entry), entry.dnc! - 1);
  }

  /** By sequence, the last number. */
  all(): Record<string, number> {
    return Object.fromEntries(this.#last);
  }

  /** For the start state, and back from it. */
  save(): Record<string, number> {
    return this.all();
  }

  restore(saved: Readonly<Record<string, number>>): void {
    for (const [sequence, number] of Object.entries(saved)) this.found(sequence, number);
  }

  #withFormer<Start extends Entry>(entry: Start): Start {
    const former = [...this.#last].filter(([sequence]) => isFormer(sequence));
    return former.length === 0 ? entry : { ...entry, dnc: Object.fromEntries(former) };
  }
}
