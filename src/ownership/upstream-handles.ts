/** The record handles of all OCS, by upstream. */
import type { HandlesListener } from "./handles/handle-state.ts";
import type { Handles } from "./handles/handles.ts";
import { restoreHandles } from "./restore-handles.ts";
import type { OwnershipOptions } from "./types.ts";

type Options = Pick<OwnershipOptions, "store" | "journalSize" | "staleAfter" | "restartGrace"> & {
  readonly listenerFor: (upstream: string) => HandlesListener;
  /** Seconds since 1970. */
  readonly now: () => number;
};

export class UpstreamHandles {
  readonly #options: Options;
  readonly #upstreams = new Map<string, Handles>();

  constructor(options: Options) {
    this.#options = options;
    for (const upstream of options.store?.restored.keys() ?? []) this.of(upstream);
  }

  of(upstream: string): Handles {
    let handles = this.#upstreams.get(upstream);
    if (!handles) this.#upstreams.set(upstream, (handles = this.#restore(upstream)));
    return handles;
  }

  /** The upstream's handles; undefined if it has none yet. */
  find(upstream: string): Handles | undefined {
    return this.#upstreams.get(upstream);
  }

  /** The journal's index below which all outcomes are in the store or in its next commit. */
  get journalMark(): number {
    const marks = [...this.#upstreams.values()].map(({ openLeases }) => openLeases.journalMark);
    return Math.min(this.#options.journalSize?.() ?? 0, ...marks);
  }

  /** The number of owned handles, by upstream and DBID. */
  *counts(): Iterable<{
    readonly upstream: string;
    readonly tenant: number;
    readonly owned: number;
    readonly unconfirmed: number;
  }> {
    for (const [upstream, handles] of this.#upstreams)
      for (const [tenant, count] of handles.counts()) yield { upstream, tenant, ...count };
  }

  makeStale(): void {
    for (const [upstream, handles] of this.#upstreams)
      handles.makeStale(this.#options.now() - this.#options.staleAfter(upstream) / 1000);
  }

  /** Writes that the gateway is alive, if `restartGrace` trusts a short downtime. */
  touchStore(): void {
    if ([...this.#upstreams.keys()].some((upstream) => this.#graceOf(upstream) > 0)) this.#options.store?.touch();
  }

  #restore(upstream: string): Handles {
    const { store, journalSize, listenerFor, now } = this.#options;
    const graceMs = this.#graceOf(upstream);
    return restoreHandles(upstream, { store, journalSize, listener: listenerFor(upstream), now, graceMs });
  }

  /** The restart grace in milliseconds. */
  #graceOf(upstream: string): number {
    return this.#options.restartGrace?.(upstream) ?? 0;
  }
}
