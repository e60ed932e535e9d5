/**
 * The last switchover of each OCS, kept from the entries as they are written, so that a start finds it without reading
 * old lines.
 */
import type { Entry, Switchover } from "./entry.ts";

/** To an endpoint that is known. */
export type Begun = Switchover & { readonly to: string };

export class LastSwitchovers {
  readonly #last = new Map<string, Begun>();
  #isComplete = false;

  /** To be called with every entry that is on disk, in the order of the journal. */
  readonly take = (entry: Entry): void => {
    if (entry.kind === "switchover" && entry.to !== null) this.#last.set(entry.upstream, { ...entry, to: entry.to });
  };

  /** Undefined while those of earlier runs are not known. */
  all(): readonly Begun[] | undefined {
    return this.#isComplete ? [...this.#last.values()] : undefined;
  }

  /** For the start state; null while they are not known. */
  save(): readonly Begun[] | null {
    return this.all() ?? null;
  }

  /** To be called before any entry is taken; then those behind what was saved. */
  restore(saved: readonly Begun[]): void {
    for (const entry of saved) this.take(entry);
    this.#isComplete = true;
  }
}
