/** What gateways do for all: end what dead gateways have left, make handles stale, write the state. */
import type { SharedLog } from "../../cluster/log/shared-log.ts";
import { acknowledgedBy, type Gateways } from "./gateways.ts";
import type { AppliedRow, Replica } from "./replica.ts";
import { partsOf } from "./state/replica-state.ts";

type Options = {
  readonly upstream: string;
  readonly log: SharedLog;
  readonly gateways: Gateways;
  readonly replica: Replica;
  /** Milliseconds. */
  readonly staleAfter: () => number;
};

/** Number of events after which the state is written. */
const SNAPSHOT_EVERY = 5000;
/** Events before the last acknowledged one that are kept. */
const KEPT = 500;

export class Housekeeping {
  readonly #options: Options;
  /** Runs of dead gateways about which an event was written. */
  readonly #gone = new Set<string>();
  /** When the last connection or claim of a run was applied. */
  readonly #seenAt = new Map<string, number>();
  #snapshotAt = 0;
  #isWriting = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Call this after each event. */
  noteApplied({ event: { kind }, row: { instance } }: AppliedRow): void {
    if (kind !== "claim" && kind !== "connected") return;
    this.#seenAt.set(instance, performance.now());
    this.#gone.delete(instance);
  }

  /** Call this several times a second, while this gateway knows everything in the log. */
  async tick(): Promise<void> {
    this.#removeDead();
    if (!this.#isFirst()) return;
    this.#makeStale();
    if (this.#isWriting || this.#options.replica.applied - this.#snapshotAt < SNAPSHOT_EVERY) return;
    this.#isWriting = true;
    await this.writeSnapshot().catch(() => undefined);
    this.#isWriting = false;
  }

  /** Writes the state, and deletes events that no gateway needs. Resolves to false if another gateway does that. */
  writeSnapshot(): Promise<boolean> {
    const { upstream, log, gateways, replica } = this.#options;
    const seq = replica.applied;
    const parts = partsOf(replica.state);
    const live = gateways.nodes.filter(({ state }) => state === "live");
    const needed = Math.min(seq, ...live.map((node) => acknowledgedBy(node, upstream) ?? seq));
    this.#snapshotAt = seq;
    return log.putSnapshot(upstream, { seq, parts }, needed - KEPT);
  }

  /** A dead gateway's connection proves nothing any more, and its finalizing requests have ended. */
  #removeDead(): void {
    const { gateways, replica } = this.#options;
    const { votes, claims } = replica.state;
    const known = new Set([...votes.all, ...claims.all].map(({ instance }) => instance));
    known.delete(gateways.instance);
    for (const instance of known) {
      const isLive = gateways.nodes.some((node) => node.instance === instance && node.state === "live");
      // It may have started after the last reading.
      const isRead = gateways.readAt > (this.#seenAt.get(instance) ?? -Infinity);
      if (isLive || !isRead || this.#gone.has(instance)) continue;
      this.#gone.add(instance);
      void replica.appendSurely({ kind: "gone", instance });
    }
  }

  /** One gateway does what one is enough for. Two that both believe they are it do no harm. */
  #isFirst(): boolean {
    const { gateways, upstream } = this.#options;
    const first = gateways.nodes.find((node) => node.state === "live" && acknowledgedBy(node, upstream) !== undefined);
    return first?.instance === gateways.instance;
  }

  #makeStale(): void {
    const { replica, staleAfter } = this.#options;
    const [oldest] = replica.state.handles.table.entries();
    const after = Math.ceil(staleAfter() / 1000);
    if (oldest && oldest[1].since <= replica.now - after)
      replica.append({ kind: "stale", after }).catch(() => undefined);
  }
}
