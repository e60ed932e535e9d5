/**
 * When an epoch of record handles ends. An epoch is one life of one OCS. Only two things end it: the peer took over, or
 * OCS announced a handle for the first time more than `handle_window` below the highest one. A failed connection ends
 * none.
 */
import type { NewLife } from "./handles/announced-handles.ts";
import type { Handles } from "./handles/handles.ts";
import type { OwnershipWriter } from "./ownership-writer.ts";
import type { createSharedUse } from "./shared-use.ts";
import type { ActiveOcs, EpochBegun, OwnershipOptions } from "./types.ts";
import type { UpstreamHandles } from "./upstream-handles.ts";

const HANDLE_WINDOW = 64;

type Options = Pick<OwnershipOptions, "onEvent"> & {
  readonly window: OwnershipOptions["window"] | undefined;
  readonly upstreams: Pick<UpstreamHandles, "of">;
  readonly writer: Pick<OwnershipWriter, "announced" | "beginEpoch" | "putEndpoint">;
  readonly sharedUse: Pick<ReturnType<typeof createSharedUse>, "newLife">;
  /** The ownership database was corrupt, so the owners of earlier runs are unknown. */
  readonly isStoreLost: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export class Epochs {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Call this when this OCS has become the active one. */
  onActive(upstream: string, { endpoint, how }: ActiveOcs): void {
    const { upstreams, writer } = this.#options;
    const handles = upstreams.of(upstream);
    const known = handles.endpoint;
    handles.isActiveOcsKnown = true;
    // During a reload both generations of the config may report the same takeover.
    if (known === undefined ? how === "takeover" : known !== endpoint) return this.begin(upstream, endpoint);
    handles.endpoint = endpoint;
    if (how !== "start") this.unconfirm(upstream);
    if (known === undefined) void writer.putEndpoint(handles);
  }

  /** Makes all handles unconfirmed, because OCS may have been restarted. */
  unconfirm(upstream: string): void {
    const { upstreams, sharedUse } = this.#options;
    upstreams.of(upstream).unconfirm();
    sharedUse.newLife(upstream);
  }

  /** The handles for an announcement, which may prove that OCS was restarted and so begin a new epoch. */
  handlesForAnnouncement(upstream: string, handle: number): Handles {
    const { upstreams, writer, window } = this.#options;
    const handles = upstreams.of(upstream);
    const below = window?.(upstream) ?? HANDLE_WINDOW;
    if (handles.provesNewLife(handle, below)) this.#beginLife(handles, handle, below);
    writer.announced(handles, handle);
    return handles;
  }

  /** Voids all handles of this upstream, except those that stay valid in a `newLife` of the same OCS. */
  begin(upstream: string, endpoint: string, newLife?: NewLife): void {
    const { upstreams, writer, sharedUse, now } = this.#options;
    const handles = upstreams.of(upstream);
    const announced = handles.newEpoch(now(), newLife);
    sharedUse.newLife(upstream);
    handles.endpoint = endpoint;
    void writer.beginEpoch(handles);
    for (const handle of announced) writer.announced(handles, handle);
  }

  /**
   * Applies an epoch in the journal that is later than the store's; its number is not used again. After a takeover all
   * earlier handles are void; after proof of a new life at the same address, those before the proof's generation. An
   * entry of format 1 has no proof: restored handles are unconfirmed until OCS proves its new life again.
   */
  replay(upstream: string, { from, to, epoch, proof }: EpochBegun): void {
    const { upstreams, writer, isStoreLost } = this.#options;
    const handles = upstreams.of(upstream);
    if (epoch <= handles.epoch) return;
    if (from === to && proof === undefined) {
      handles.epoch = epoch;
      handles.keepFrom = 0;
      void writer.beginEpoch(handles);
      return;
    }
    const newLife = from === to ? { upTo: proof!.up_to, keepFrom: proof!.generation, proof: proof!.handle } : undefined;
    handles.epoch = epoch - 1;
    this.begin(upstream, to, newLife);
    // The corrupt store also had the owners of that epoch.
    if (isStoreLost) handles.markStoreLost();
  }

  #beginLife(handles: Handles, handle: number, window: number): void {
    const { upstream, highest, endpoint = "" } = handles;
    const reason = `OCS was restarted: handle ${handle} is new, and far below the highest one so far, ${highest}`;
    const upTo = handle + window;
    this.begin(upstream, endpoint, { upTo, proof: handle });
    const { epoch, keepFrom = 0 } = handles;
    const proof = { handle, up_to: upTo, generation: keepFrom };
    this.#options.onEvent({ kind: "epoch", upstream, endpoint, epoch, reason, proof });
  }
}
