/**
 * Every DoNotCall of a tenant has a number, from 1 and without gaps, in the first entry about what happened to it: its
 * intent, or the refusal. So a reader who has only a tenant's DoNotCall entries can see that none is missing. The
 * journal
 * assigns the number when the entry gets its index, and restores the numbers from the lines on disk: the highest number
 * of
 * a sequence counts.
 *
 * A sequence belongs to one tenant, so to a DBID on one OCS: `<upstream>/<DBID>`, for example `ocs-main/101`; the entry
 * has it beside the number. Format 1 numbered by DBID alone; those sequences are named by the DBID and have ended, and
 * every `start` states their last numbers.
 */
import type { Entry, Intent, Refusal } from "../entry.ts";

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

/** Whether it is a sequence of format 1: by DBID alone. */
const isFormer = (sequence: string): boolean => !sequence.includes("/");

export class DncSequences {
  /** By sequence, the last number given. */
  readonly #last = new Map<string, number>();

  /** The entry with its number, which only `accept` marks as used. Other entries are returned unchanged. */
  given(entry: Entry): Entry {
    if (isNumbered(entry)) {
      const sequence = sequenceOf(entry);
      const dnc = this.last(sequence) + 1;
      return entry.upstream === undefined ? { ...entry, dnc } : { ...entry, dnc_sequence: sequence, dnc };
    }
    // A signed entry states the last numbers, so that an export contains them.
    if ((entry.kind === "access" && entry.operation === "export") || entry.kind === "set-aside")
      return { ...entry, dnc: this.all() };
    return entry.kind === "start" ? this.#withFormer(entry) : entry;
  }

  /** An entry from `given` has got its index. */
  accept(entry: Entry): void {
    if (isNumbered(entry)) this.#last.set(sequenceOf(entry), entry.dnc!);
  }

  /** 0 before the first. */
  last(sequence: string): number {
    return this.#last.get(sequence) ?? 0;
  }

  /** A number found on disk. */
  found(sequence: string, number: number): void {
    if (number > this.last(sequence)) this.#last.set(sequence, number);
  }

  /** An entry that had an index is not on disk, so neither is any later one: its number is assigned again. */
  lost(entry: Entry): void {
    if (isNumbered(entry) && entry.dnc! <= this.last(sequenceOf(entry)))
      this.#last.set(sequenceOf(entry), entry.dnc! - 1);
  }

  /** By sequence, the last number. */
  all(): Record<string, number> {
    return Object.fromEntries(this.#last);
  }

  /** The value for the start state, and the way to restore it. */
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
