/** Which Do-Not-Calls OCS has confirmed, from the entries in order: what a gateway tells the others. */
import type { Entry } from "../../../journal/entry.ts";
import { doNotCallOf, isConfirmed, type Closing } from "../../../journal/open-dnc/dnc-scope.ts";
import { mayHaveOutcome } from "../../../journal/open-dnc/open-dnc-counter.ts";

/** `seen`: the last number of the shared database that was known when the request was journaled, before it was sent. */
export type Confirmed = {
  readonly id: string;
  readonly at: number;
  readonly closes: Closing;
  readonly seen: number;
};

type Pending = Omit<Confirmed, "id"> & { readonly subjects: readonly string[] };

/** Subjects whose open Do-Not-Calls the entry may have changed, and what it confirms. */
export type Effect = { readonly subjects: readonly string[]; readonly confirmed?: Confirmed };

const NONE: Effect = { subjects: [] };
/** As many as the counter follows: the oldest are those whose outcome an outage of the journal lost. */
const MOST = 100_000;

export class Confirmations {
  /** Requests without an outcome, oldest first. */
  readonly #pending = new Map<string, Pending>();

  /** The first index and the lowest `seen` of requests without an outcome. */
  get oldest(): { readonly at: number; readonly seen: number } | undefined {
    const [first] = this.#pending.values();
    return (
      first && { at: first.at, seen: this.#pending.values().reduce((low, { seen }) => Math.min(low, seen), first.seen) }
    );
  }

  /** To be called with each entry on disk, in order. */
  take(entry: Entry, at: number, seen: number): Effect {
    const asked = doNotCallOf(entry);
    if (asked) {
      const { opens, closes } = asked;
      const subjects = opens ? [opens.subject] : [];
      if (mayHaveOutcome(asked.entry)) this.#follow(asked.entry.id, { at, closes, seen, subjects });
      return { subjects };
    }
    if (entry.kind !== "outcome" && entry.kind !== "abandoned" && entry.kind !== "in-doubt") return NONE;
    const pending = this.#pending.get(entry.id);
    if (!pending) return NONE;
    this.#pending.delete(entry.id);
    if (entry.kind !== "outcome" || !isConfirmed({ ...entry, suspected: entry.suspected === true }))
      return { subjects: pending.subjects };
    const { subjects, closes } = pending;
    return {
      subjects: [...new Set([...subjects, ...closes.subjects])],
      confirmed: { id: entry.id, at, closes, seen: pending.seen },
    };
  }

  #follow(id: string, pending: Pending): void {
    if (this.#pending.size >= MOST) this.#pending.delete(this.#pending.keys().next().value!);
    this.#pending.set(id, pending);
  }
}
