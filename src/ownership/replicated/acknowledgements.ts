/**
 * Which events all live gateways have acknowledged. A gateway acknowledges an event when it has applied it and the
 * requests that contradict it have ended. OCS may dial a record only when all gateways know who owns it.
 */
import { acknowledgedBy, type Gateways } from "./gateways.ts";

/** The time for which the start of events is remembered exactly. */
const REMEMBERED_MS = 5000;
const POLL_MS = 50;

type Options = {
  readonly upstream: string;
  readonly gateways: Gateways;
};

export class Acknowledgements {
  readonly #options: Options;
  /** When events were applied here, oldest first. */
  readonly #applied: { readonly seq: number; readonly at: number }[] = [];
  /** Events with requests that have not ended here. */
  readonly #held = new Map<number, number>();
  /** From notifications, by run. */
  readonly #notified = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #last = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The last event that this gateway has acknowledged. */
  get own(): number {
    return this.#held.size === 0 ? this.#last : Math.min(this.#last, Math.min(...this.#held.keys()) - 1);
  }

  noteApplied(seq: number): void {
    const now = performance.now();
    this.#last = seq;
    this.#applied.push({ seq, at: now });
    while (this.#applied.length > 1 && this.#applied[1]!.at < now - REMEMBERED_MS) this.#applied.shift();
  }

  /** Acknowledges nothing from this event on until `ended` resolves. */
  hold(seq: number, ended: Promise<unknown>): void {
    this.#held.set(seq, (this.#held.get(seq) ?? 0) + 1);
    void ended.then(() => {
      const left = this.#held.get(seq)! - 1;
      if (left > 0) this.#held.set(seq, left);
      else this.#held.delete(seq);
      this.wake();
    });
  }

  noteNotified(instance: string, seq: number): void {
    this.#notified.set(instance, Math.max(seq, this.#notified.get(instance) ?? 0));
    this.wake();
  }

  /** True if every gateway that may answer requests has acknowledged the event. */
  isKnown(seq: number): boolean {
    const { upstream, gateways } = this.#options;
    if (this.own < seq) return false;
    // A gateway that joined, or came back, after this reading has applied the event before it answers.
    if (gateways.readAt < this.#appliedAt(seq)) return false;
    return gateways.nodes.every((node) => {
      if (node.state !== "live" || node.instance === gateways.instance) return true;
      const told = acknowledgedBy(node, upstream);
      return told === undefined || Math.max(told, this.#notified.get(node.instance) ?? 0) >= seq;
    });
  }

  /** Resolves to true as soon as the event is known, to false after `ms`. */
  async whenKnown(seq: number, ms: number): Promise<boolean> {
    if (this.isKnown(seq)) return true;
    for (const deadline = performance.now() + ms; performance.now() < deadline;) {
      if (this.own >= seq) await Promise.race([this.#options.gateways.beat(), this.#changeWithin(ms)]);
      if (this.isKnown(seq)) return true;
      await this.#changeWithin(Math.min(POLL_MS, deadline - performance.now()));
      if (this.isKnown(seq)) return true;
    }
    return false;
  }

  /** Call this when something has changed that `isKnown` depends on. */
  wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** An event that is not remembered exactly was applied before the oldest one that is. */
  #appliedAt(seq: number): number {
    return (this.#applied.find((each) => each.seq >= seq) ?? this.#applied.at(-1))?.at ?? -Infinity;
  }

  #changeWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const waiting = this.#waiting;
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
  }
}
