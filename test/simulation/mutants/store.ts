/** Faults of the ownership store: what OCS hears before it is on disk. */
import { EventEmitter } from "node:events";
import type { StoreChange, ThreadReply, ThreadRequest, StoreThread } from "../../../src/ownership/store/store.ts";
import { often, type Mutant } from "./mutant.ts";

/** A thread in front of the thread: it acknowledges before anything is written, and forwards what `passes`. */
class HastyThread extends EventEmitter {
  readonly #thread: StoreThread;
  readonly #passes: (change: StoreChange) => boolean;
  readonly #acknowledges: (order: Extract<ThreadRequest, { kind: "commit" }>) => boolean;
  /** Commits under way whose news is not wanted any more. */
  #acknowledged = 0;

  constructor(
    thread: StoreThread,
    passes: (change: StoreChange) => boolean,
    acknowledges: (order: Extract<ThreadRequest, { kind: "commit" }>) => boolean,
  ) {
    super();
    [this.#thread, this.#passes, this.#acknowledges] = [thread, passes, acknowledges];
    thread
      .on("message", (news: ThreadReply) => {
        if (news.kind === "committed" && this.#acknowledged > 0) this.#acknowledged--;
        else this.emit("message", news);
      })
      .on("error", (error) => this.emit("error", error));
  }

  postMessage(order: ThreadRequest): void {
    if (order.kind !== "commit") return this.#thread.postMessage(order);
    this.#thread.postMessage({ ...order, changes: order.changes.filter(this.#passes) });
    if (!this.#acknowledges(order)) return;
    this.#acknowledged++;
    setImmediate(() => this.emit("message", { kind: "committed", failed: undefined } satisfies ThreadReply));
  }

  terminate(): Promise<unknown> {
    return this.#thread.terminate();
  }
}

const hasty =
  (
    passes: (change: StoreChange) => boolean,
    acknowledges: (order: Extract<ThreadRequest, { kind: "commit" }>) => boolean,
  ) =>
  (thread: StoreThread): StoreThread =>
    new HastyThread(thread, passes, acknowledges) as unknown as StoreThread;

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    // Each of the two alone is caught by the other rule: what is restored is unconfirmed.
    name: "c-removals-are-not-written-and-restored-handles-are-live",
    shows: "c",
    breaks: ["I1"],
    besides: "b-restored-handles-are-live",
    variant: { grace: "1h" },
    plan: { reuses: true, faults: often("restart", "kill") },
    storeThread: hasty(
      (change) => change.do !== "remove",
      () => false,
    ),
  },
  {
    name: "d-ocs-hears-200-although-the-store-failed",
    shows: "d",
    breaks: ["I2"],
    plan: { faults: often("store", "killAtNext200") },
    storeThread: hasty(
      () => true,
      () => true,
    ),
  },
];
