/** The states of the journal's writer and their transitions. */
import type { JournalUnavailable } from "../errors.ts";

export type WriterState =
  /** Takes entries; nothing is being written. */
  | { readonly name: "open" }
  /** Takes entries while a batch is being written. */
  | { readonly name: "writing"; readonly done: Promise<void> }
  /**
   * Takes nothing until it has recovered. `late`: a batch that the writer no longer waits for and that may still reach
   * the disk.
   */
  | Outage<"failed", { readonly late: Promise<void> | undefined }>
  /** Takes nothing, and tries to write what the outage left. */
  | Outage<"recovering", { readonly done: Promise<void> }>
  /** Takes nothing any more. `done`: a batch may still be being written. */
  | { readonly name: "closed"; readonly why: JournalUnavailable; readonly done: Promise<void> | undefined };

/** `since`: of `performance.now()`. */
type Outage<Name, More> = { readonly name: Name; readonly why: JournalUnavailable; readonly since: number } & More;

type Name = WriterState["name"];

const FOLLOWING: Readonly<Record<Name, readonly Name[]>> = {
  open: ["writing", "failed", "closed"],
  writing: ["open", "failed", "closed"],
  failed: ["failed", "recovering", "closed"],
  recovering: ["open", "failed", "closed"],
  closed: [],
};

export class WriterStates {
  #current: WriterState = { name: "open" };

  get current(): WriterState {
    return this.#current;
  }

  /** Throws on a transition that is not allowed. */
  become(next: WriterState): void {
    if (!FOLLOWING[this.#current.name].includes(next.name))
      throw new Error(`the journal's writer cannot become ${next.name}: it is ${this.#current.name}`);
    this.#current = next;
  }

  /** Why no entries are taken; undefined while they are. */
  get why(): JournalUnavailable | undefined {
    return "why" in this.#current ? this.#current.why : undefined;
  }

  requireTaking(): void {
    if (this.why) throw this.why;
  }

  /** Resolves when nothing is being written any more; undefined while nothing is. Never rejects. */
  get underWay(): Promise<void> | undefined {
    const state = this.#current;
    switch (state.name) {
      case "open":
        return undefined;
      case "writing":
      case "recovering":
      case "closed":
        return state.done;
      case "failed":
        return state.late;
    }
  }
}
