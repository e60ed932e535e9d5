/**
 * The last switchover of each OCS, collected as entries are written, so that a start finds it without reading old
 * lines.
 */
import type { Entry, Switchover } from "../entry.ts";

/** A switchover to a known endpoint. */
export type KnownSwitchover = Switchover & { readonly to: string };

export class LastSwitchovers {
  readonly #last = new Map<string, KnownSwitchover>();
  #isComplete = false;

  /** Call it with every entry on disk, in the order of the journal. */
  readonly take = (entry: Entry): void => {
    if (entry.kind === "switchover" && entry.to !== null) this.#last.set(entry.upstream, { ...entry, to: entry.to });
  };

  /** Undefined while those of earlier runs are unknown. */
  all(): readonly KnownSwitchover[] | undefined {
    return this.#isComplete ? [...this.#last.values()] : undefined;
  }

  /** The value for the start state; null while those of earlier runs are unknown. */
  save(): readonly KnownSwitchover[] | null {
    return this.all() ?? null;
  }

  /** Call it before `take`; then take the entries after the saved ones. */
  restore(saved: readonly KnownSwitchover[]): void {
    for (const entry of saved) this.take(entry);
    this.#isComplete = true;
  }
}
