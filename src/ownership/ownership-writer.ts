/**
 * Writes ownership to disk, and retries changes that must not get lost. Each method resolves to true if the change is
 * on disk; without a store every change counts as written.
 */
import { disputedAmong, type HandleEntry } from "./handles/handle-state.ts";
import type { Handles } from "./handles/handles.ts";
import { StoreFailed, type OwnershipRow, type OwnershipStore } from "./store/store.ts";
import type { Announcement, OwnershipEvent } from "./types.ts";

const NOTHING_ANNOUNCED = { campaign: null, group: null, list: null, phone: null } as const;

export class OwnershipWriter {
  readonly #store: OwnershipStore | undefined;
  readonly #onEvent: (event: OwnershipEvent) => void;
  /** The last epoch of each upstream. */
  readonly #epochs = new Map<string, Promise<boolean>>();
  /** Retries of disputes that could not be written. */
  readonly #disputes = new Map<HandleEntry, () => unknown>();
  #isPendingReported = false;

  constructor(store: OwnershipStore | undefined, onEvent: (event: OwnershipEvent) => void) {
    this.#store = store;
    this.#onEvent = onEvent;
  }

  /** True if removals or epochs have failed and are to be written again. */
  get hasPending(): boolean {
    return this.#store !== undefined && this.#store.pending() > 0;
  }

  putOwner(handles: Handles, announcement: Announcement, entry: HandleEntry): Promise<boolean> {
    return this.#isWritten(this.#store?.put(rowOf(handles, announcement, entry)), handles.upstream);
  }

  /** As `putOwner`, if nothing but the owner is known. */
  putBareOwner(handles: Handles, handle: number, entry: HandleEntry): Promise<boolean> {
    return this.putOwner(handles, bareAnnouncement(handles, handle, entry), entry);
  }

  /** Removes the owner up to this generation. */
  remove(upstream: string, handle: number, generation: number): Promise<boolean> {
    return this.#isWritten(this.#store?.remove(upstream, handle, generation));
  }

  /**
   * Removes the former owner, even if nothing else can be written. The dispute must outlive the process, even if the
   * handle belongs to no tenant here: a registrar that does not know it would name the former tenant again.
   */
  async putDispute(handles: Handles, handle: number, entry: HandleEntry): Promise<boolean> {
    const row = rowOf(handles, bareAnnouncement(handles, handle, entry), entry);
    const [isRemoved, isPut] = await Promise.all([
      this.remove(handles.upstream, handle, entry.generation - 1),
      this.#isWritten(this.#store?.put(row)),
    ]);
    const retry = (): unknown => handles.table.find(handle) === entry && this.putDispute(handles, handle, entry);
    if (!isPut) this.#disputes.set(entry, retry);
    return isRemoved && isPut;
  }

  /** Writes that the epoch has begun, which voids all earlier entries except those from `keepFrom` on. */
  beginEpoch(handles: Handles): Promise<boolean> {
    const { upstream, epoch, endpoint = "", keepFrom } = handles;
    const written = this.#isWritten(this.#store?.beginEpoch(upstream, epoch, endpoint, keepFrom));
    this.#epochs.set(upstream, written);
    return written;
  }

  /** Writes the OCS of the epoch. */
  putEndpoint({ upstream, epoch, endpoint = "" }: Handles): Promise<boolean> {
    return this.#isWritten(this.#store?.beginEpoch(upstream, epoch, endpoint));
  }

  /** Writes the epoch again if that has failed. */
  async isEpochWritten(handles: Handles): Promise<boolean> {
    return (await (this.#epochs.get(handles.upstream) ?? true)) || this.beginEpoch(handles);
  }

  putDoubt({ upstream, confirmation }: Handles): Promise<boolean> {
    return this.#isWritten(this.#store?.doubt(upstream, confirmation.doubtUpTo), upstream);
  }

  /** Writes that OCS has announced the handle. */
  announced({ upstream, epoch, generation }: Handles, handle: number): void {
    this.#store?.announced(upstream, epoch, handle, generation);
  }

  /** Retries failed changes. Call this about once a second. */
  tick(): void {
    for (const [entry, retry] of this.#disputes) {
      this.#disputes.delete(entry);
      retry();
    }
    const count = this.#store?.pending() ?? 0;
    if (count > 0 && !this.#isPendingReported) this.#onEvent({ kind: "removals-pending", count });
    this.#isPendingReported = count > 0;
  }

  /** Reports a failure if `upstream` is given. */
  async #isWritten(change: Promise<void> | undefined, upstream?: string): Promise<boolean> {
    try {
      await change;
      return true;
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      if (upstream !== undefined) this.#onEvent({ kind: "store-failed", upstream, reason: error.message });
      return false;
    }
  }
}

/** The announcement for a registration, of which only the tenant is known. */
export const bareAnnouncement = (
  { upstream }: Handles,
  handle: number,
  { tenant, attempt = null }: { readonly tenant: number; readonly attempt?: string | null | undefined },
): Announcement => ({ ...NOTHING_ANNOUNCED, upstream, handle, tenant, attempt });

const rowOf = (handles: Handles, announcement: Announcement, entry: HandleEntry): OwnershipRow => {
  const { epoch, keepFrom, endpoint = "", highest, highestAt } = handles;
  const { since, generation, announced } = entry;
  const { upstream, handle, tenant, campaign, group, list, attempt } = announcement;
  const person = { phone: announced?.phone ?? null, customer: announced?.customer_id ?? null };
  const about = { campaign, group, list, ...person, attempt, among: disputedAmong(entry) };
  return { upstream, epoch, keepFrom, endpoint, handle, tenant, generation, highest, highestAt, since, ...about };
};
