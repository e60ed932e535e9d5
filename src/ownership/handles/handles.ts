/**
 * The record handles of one OCS in one epoch, their ends, and the change to the next epoch. An announced or registered
 * handle has an owner; with `dedicated` and `unscoped` handles need no owner, but finished ones are remembered too.
 * Works in memory and synchronously; `OwnershipWriter` writes the changes to disk.
 */
import { AnnouncedHandles, type NewLife } from "./announced-handles.ts";
import { Confirmation } from "./confirmation.ts";
import { epochChange } from "./epoch-change.ts";
import { FreeFinalizations } from "./finalization.ts";
import { HandleTable } from "./handle-table.ts";
import {
  OWNED,
  type HandleEntry,
  type HandlesListener,
  type HowEnded,
  type RestoredEntry,
  type RestoredHandles,
} from "./handle-state.ts";
import { mapEntries, plainEntry, restoredEntry, type HandlesSnapshot } from "./handles-snapshot.ts";
import { InFlight } from "./in-flight.ts";
import { OpenLeases } from "./open-leases.ts";
import type { EndedHandle } from "./lease-decision.ts";

/** What the outcomes of requests change. */
export type Outcomes = {
  /** A request has ended this generation of the handle. */
  readonly onEnded: (handle: number, entry: HandleEntry, how: HowEnded) => void;
  /** As `Handles.finishFree`. */
  readonly onFreeEnded: (handle: number, period: number, ended: EndedHandle) => void;
};

type NewEntry = Omit<HandleEntry, "generation" | "firstGeneration" | "connectionPeriod"> &
  Partial<Pick<HandleEntry, "firstGeneration">>;

export class Handles {
  readonly upstream: string;
  readonly table: HandleTable;
  readonly confirmation: Confirmation;
  readonly inFlight = new InFlight();
  readonly freeFinalizations = new FreeFinalizations();
  readonly openLeases: OpenLeases;
  /** The OCS that issued the handles. */
  endpoint: string | undefined;
  /** Only increases. */
  epoch: number;
  /** Entries from this generation on stayed valid from the previous epoch. */
  keepFrom: number | undefined;
  /** False while it is unknown which OCS is active. */
  isActiveOcsKnown = true;
  /** Gateways that share a log write the ends of handles there first. */
  outcomes: Outcomes = {
    onEnded: (handle, entry, how) => void this.end(handle, entry, how),
    onFreeEnded: (handle, period, ended) => this.finishFree(handle, period, ended),
  };
  readonly #listener: HandlesListener;
  #announced: AnnouncedHandles;
  #announcedBefore: AnnouncedHandles | undefined;
  #generation: number;
  #isStoreLost: boolean;

  /** `journalSize`: returns the number of entries in the journal. */
  constructor(
    upstream: string,
    listener: HandlesListener,
    restored: RestoredHandles & { readonly snapshot?: HandlesSnapshot | undefined } = {},
    journalSize: () => number = () => 0,
  ) {
    const { epoch = 1, generation = 0, doubtUpTo = -1, isStoreLost = false, snapshot } = restored;
    this.upstream = upstream;
    this.epoch = epoch;
    this.openLeases = new OpenLeases(journalSize);
    this.#listener = listener;
    if (snapshot) {
      [this.endpoint, this.epoch, this.keepFrom] = [snapshot.endpoint, snapshot.epoch, snapshot.keepFrom];
      [this.#generation, this.#isStoreLost] = [snapshot.generation, snapshot.isStoreLost];
      this.#announced = AnnouncedHandles.from(snapshot.announced);
      if (snapshot.announcedBefore) this.#announcedBefore = AnnouncedHandles.from(snapshot.announcedBefore);
      this.confirmation = Confirmation.from(snapshot.confirmation);
      const now = performance.now();
      this.table = new HandleTable(mapEntries(snapshot.table, (entry) => restoredEntry(entry, now)));
      return;
    }
    this.table = new HandleTable();
    this.#announced = new AnnouncedHandles(restored);
    // Claims that could not be stored had generations too: new claims must have higher ones.
    this.#generation = Math.max(generation, this.#announced.highestAt, doubtUpTo);
    this.#isStoreLost = isStoreLost;
    this.confirmation = new Confirmation(this.#announced.highest, this.#generation, doubtUpTo);
  }

  /** A copy of the state, without what only this gateway knows. */
  get snapshot(): HandlesSnapshot {
    return {
      endpoint: this.endpoint,
      epoch: this.epoch,
      keepFrom: this.keepFrom,
      generation: this.#generation,
      isStoreLost: this.#isStoreLost,
      announced: this.#announced.snapshot,
      announcedBefore: this.#announcedBefore?.snapshot,
      confirmation: this.confirmation.snapshot,
      table: mapEntries(this.table.snapshot, plainEntry),
    };
  }

  get highest(): number {
    return this.#announced.highest;
  }

  get highestAt(): number {
    return this.#announced.highestAt;
  }

  get generation(): number {
    return this.#generation;
  }

  /** True if OCS has announced the handle in this epoch. */
  wasAnnounced(handle: number): boolean {
    return this.#announced.has(handle);
  }

  /** True if the ownership database was corrupt: the owners before this run are unknown. */
  get isStoreLost(): boolean {
    return this.#isStoreLost;
  }

  markStoreLost(): void {
    this.#isStoreLost = true;
  }

  /**
   * True if announcing this handle proves that OCS has begun another life: the handle is new, and more than `window`
   * below the highest one.
   */
  provesNewLife(handle: number, window: number): boolean {
    return (
      handle < this.#announced.highest - window && !this.#announced.has(handle) && this.table.find(handle) === undefined
    );
  }

  /** Restores a handle from an earlier run. It is unconfirmed unless `isTrusted`. */
  restore(handle: number, { attempt, among, ...restored }: RestoredEntry, isTrusted: boolean): void {
    this.table.add(handle, {
      ...restored,
      attempt,
      firstGeneration: restored.generation,
      // Announcements of OCS have an attempt, registrations do not.
      registered: attempt === undefined,
      state: among ? { name: "disputed", among } : OWNED,
      connectionPeriod: isTrusted ? this.confirmation.connectionPeriod : 0,
      acknowledgedAt: -Infinity,
    });
    // A late copy of its announcement must not prove a restart after the handle has ended.
    this.#announced.add(handle, restored.generation);
    this.confirmation.noteKnown(handle);
    if (!isTrusted) this.confirmation.noteRestored();
  }

  /** Makes all handles unconfirmed, because all connections to OCS were lost. */
  unconfirm(): void {
    this.confirmation.noteConnectionsLost(this.#generation);
  }

  /** Ends the handle. Returns false if this entry is no longer the handle's current one. */
  end(handle: number, entry: HandleEntry, how: HowEnded): boolean {
    if (this.table.find(handle) !== entry) return false;
    this.rememberEnded(handle, entry, how);
    this.table.remove(handle);
    this.#listener.onEnded(handle, entry);
    return true;
  }

  /** Finishes a handle that needs no owner. `period`: the connection period in which the request began. */
  finishFree(handle: number, period: number, ended: EndedHandle): void {
    if (period === this.confirmation.connectionPeriod && !this.table.isCurrent(handle))
      this.table.rememberEnded(handle, ended);
  }

  /**
   * True if a handle that needs no owner was finished in this connection period. After a loss of all connections OCS
   * decides again.
   */
  hasEnded(handle: number): boolean {
    return this.table.ended(handle)?.connectionPeriod === this.confirmation.connectionPeriod;
  }

  /** Takes back a claim that could not be stored. */
  withdraw(handle: number, entry: HandleEntry): void {
    if (this.table.find(handle) === entry) this.table.remove(handle);
  }

  /** Makes handles stale that OCS and registrars have not named since `before` (seconds since 1970). */
  makeStale(before: number): void {
    for (const [handle, entry] of this.table.entries()) {
      if (entry.since > before) return;
      this.table.makeStale(handle, entry);
      this.#listener.onEnded(handle, entry);
    }
  }

  /**
   * Begins a new epoch, in which OCS numbers its handles from the beginning: another OCS took over, or with `newLife`
   * the same one was restarted (see `epochChange`). `at`: milliseconds since 1970. Returns the handles that the new
   * life has announced.
   */
  newEpoch(at: number, newLife?: NewLife): readonly number[] {
    const { keepFrom, kept, voided, announced } = epochChange(this.table.entries(), this.#announced, newLife);
    // An earlier run may have used higher generations than the store has.
    if (newLife) this.#generation = Math.max(this.#generation, keepFrom - 1);
    this.table.newEpoch(at, kept, voided);
    this.epoch++;
    this.keepFrom = newLife && keepFrom;
    for (const [handle, entry] of voided) if (entry.generation >= keepFrom) this.#listener.onEnded(handle, entry);
    this.#announcedBefore = this.#announced;
    this.#announced = new AnnouncedHandles();
    for (const [handle, entry] of kept) {
      entry.firstGeneration = Math.max(entry.firstGeneration, keepFrom);
      this.#announced.add(handle, entry.generation);
    }
    for (const handle of announced) this.#announced.announce(handle, this.#generation);
    for (const [handle, entry] of kept) {
      // The contradicted owner belonged to the earlier life, so the announced tenant owns the handle.
      if (entry.state.name === "disputed" && (entry.state.contradicts ?? Infinity) < keepFrom)
        this.#adoptOwner(handle, entry);
    }
    if (newLife) this.confirmation.noteNewLife(this.#generation, this.#announced.highest);
    else this.confirmation.noteTakeover();
    this.#isStoreLost = false;
    this.freeFinalizations.clear();
    return announced;
  }

  /** By DBID: the number of handles that a tenant owns, and how many of them are unconfirmed. */
  counts(): Map<number, { owned: number; unconfirmed: number }> {
    const counts = new Map<number, { owned: number; unconfirmed: number }>();
    for (const [, entry] of this.table.entries()) {
      if (entry.state.name !== "owned") continue;
      let count = counts.get(entry.tenant);
      if (!count) counts.set(entry.tenant, (count = { owned: 0, unconfirmed: 0 }));
      count.owned++;
      if (!this.confirmation.isConfirmed(entry)) count.unconfirmed++;
    }
    return counts;
  }

  /** Records that OCS announces the handle. `isReused`: true if it had announced the number before. */
  noteAnnounced(handle: number): { readonly isReused: boolean } {
    const isKnown = this.#announced.has(handle);
    this.confirmation.noteAnnounced(handle, !isKnown);
    this.#announced.announce(handle, this.#generation);
    return { isReused: isKnown || this.#announcedBefore?.has(handle) === true };
  }

  /** Adds a new generation of the handle; it is a new record unless `firstGeneration` is given. */
  enter(handle: number, about: NewEntry): HandleEntry {
    const generation = ++this.#generation;
    const { connectionPeriod } = this.confirmation;
    const entry = { firstGeneration: generation, ...about, generation, connectionPeriod };
    this.table.add(handle, entry);
    this.confirmation.noteKnown(handle);
    return entry;
  }

  rememberEnded(handle: number, { tenant, attempt, announced, since }: HandleEntry, how: HowEnded): void {
    this.table.rememberEnded(handle, {
      tenant,
      attempt,
      announced,
      connectionPeriod: this.confirmation.connectionPeriod,
      ...how,
      ...(this.table.isStale(handle) && { staleSince: since * 1000 }),
    });
  }

  #adoptOwner(handle: number, { tenant, attempt, announced, since, connectionPeriod }: HandleEntry): void {
    const generation = ++this.#generation;
    const entry: HandleEntry = {
      tenant,
      attempt,
      announced,
      since,
      connectionPeriod,
      generation,
      firstGeneration: generation,
      registered: false,
      state: OWNED,
      acknowledgedAt: -Infinity,
    };
    this.table.replace(handle, entry);
    this.#listener.onOwnerAdopted(handle, entry);
  }
}
