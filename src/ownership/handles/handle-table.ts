/**
 * The record handles of one OCS by number: those with an owner, disputed ones, and recently ended ones. This class only
 * stores and finds them; `Handles` decides.
 */
import { RecentValues, type RecentSnapshot } from "./recent-values.ts";
import { disputedAmong, type HandleEntry } from "./handle-state.ts";
import type { EndedHandle, PersonTokens } from "./lease-decision.ts";

/** Minimum number of stale and of ended handles remembered. */
const REMEMBERED = 65_536;

type Entries = readonly (readonly [handle: number, entry: HandleEntry])[];

/** Everything in the table. */
export type TableSnapshot = {
  readonly current: Entries;
  readonly stale: RecentSnapshot<HandleEntry>;
  readonly ended: RecentSnapshot<EndedHandle>;
  readonly previousEpoch: Entries;
  readonly previousEpochEndedAt: number;
};

export class HandleTable {
  /** In the order of the last announcement or registration, oldest first. */
  #current: Map<number, HandleEntry>;
  /** Handles that OCS has not named for `stale_after`. The last owner may still use them; OCS decides. */
  readonly #stale: RecentValues<HandleEntry>;
  readonly #ended: RecentValues<EndedHandle>;
  /** Void handles of the previous epoch, to recognize requests of their former owners as harmless. */
  #previousEpoch: ReadonlyMap<number, HandleEntry>;
  #previousEpochEndedAt: number;

  constructor(snapshot?: TableSnapshot) {
    this.#current = new Map(snapshot?.current);
    this.#stale = new RecentValues(REMEMBERED, snapshot?.stale);
    this.#ended = new RecentValues(REMEMBERED, snapshot?.ended);
    this.#previousEpoch = new Map(snapshot?.previousEpoch);
    this.#previousEpochEndedAt = snapshot?.previousEpochEndedAt ?? 0;
  }

  /** With the entries themselves, which change. */
  get snapshot(): TableSnapshot {
    return {
      current: [...this.#current],
      stale: this.#stale.snapshot,
      ended: this.#ended.snapshot,
      previousEpoch: [...this.#previousEpoch],
      previousEpochEndedAt: this.#previousEpochEndedAt,
    };
  }

  /** Number of handles that are not stale. */
  get size(): number {
    return this.#current.size;
  }

  /** When the previous epoch ended, in milliseconds since 1970. */
  get previousEpochEndedAt(): number {
    return this.#previousEpochEndedAt;
  }

  find(handle: number): HandleEntry | undefined {
    return this.#current.get(handle) ?? this.#stale.get(handle);
  }

  /** Everything known about a handle. Always looks up everything, so that the time does not depend on the handle. */
  lookUp(handle: number): {
    readonly entry: HandleEntry | undefined;
    readonly ended: EndedHandle | undefined;
    readonly previous: HandleEntry | undefined;
  } {
    const stale = this.#stale.get(handle);
    const entry = this.#current.get(handle) ?? stale;
    return { entry, ended: this.#ended.get(handle), previous: this.#previousEpoch.get(handle) };
  }

  isCurrent(handle: number): boolean {
    return this.#current.has(handle);
  }

  isStale(handle: number): boolean {
    return this.#stale.get(handle) !== undefined;
  }

  ended(handle: number): EndedHandle | undefined {
    return this.#ended.get(handle);
  }

  isOwned(handle: number, entry: HandleEntry): boolean {
    return entry.state.name === "owned" && this.find(handle) === entry;
  }

  /** The DBID of the tenant that owns the handle, confirmed or not. */
  ownerOf(handle: number): number | undefined {
    const entry = this.find(handle);
    return entry?.state.name === "owned" ? entry.tenant : undefined;
  }

  /** As `ownerOf`, also while the owner is being written. */
  claimantOf(handle: number): number | undefined {
    const entry = this.find(handle);
    return entry?.state.name === "disputed" ? undefined : entry?.tenant;
  }

  /** The DBID of the tenant that owned the handle. */
  formerOwnerOf(handle: number): number | undefined {
    return this.#ended.get(handle)?.tenant ?? this.#previousEpoch.get(handle)?.tenant;
  }

  /** True when the tenant owns the handle, or may own it. */
  mayBelongTo(handle: number, tenant: number): boolean {
    const entry = this.find(handle);
    return entry !== undefined && (disputedAmong(entry)?.includes(tenant) ?? entry.tenant === tenant);
  }

  /** Tokens of the person that OCS announced, if the handle belongs, or belonged, to this tenant. */
  announcedFor(tenant: number, handle: number): PersonTokens | undefined {
    const entry = this.find(handle);
    if (entry?.tenant === tenant) return entry.state.name === "disputed" ? undefined : entry.announced;
    const former = [this.#ended.get(handle), this.#previousEpoch.get(handle)];
    return former.find((each) => each?.tenant === tenant)?.announced;
  }

  entries(): IterableIterator<[number, HandleEntry]> {
    return this.#current.entries();
  }

  /** Adds the entry as the newest one. */
  add(handle: number, entry: HandleEntry): void {
    this.remove(handle);
    this.#current.set(handle, entry);
  }

  /** Replaces the entry, keeping its place in the order. */
  replace(handle: number, entry: HandleEntry): void {
    this.#current.set(handle, entry);
  }

  remove(handle: number): void {
    this.#current.delete(handle);
    this.#stale.delete(handle);
  }

  rememberEnded(handle: number, ended: EndedHandle): void {
    this.#ended.set(handle, ended);
  }

  makeStale(handle: number, entry: HandleEntry): void {
    this.#current.delete(handle);
    if (entry.state.name === "owned") this.#stale.set(handle, entry);
  }

  /** `at`: milliseconds since 1970. */
  newEpoch(at: number, kept: Map<number, HandleEntry>, voided: ReadonlyMap<number, HandleEntry>): void {
    this.#current = kept;
    this.#previousEpoch = voided;
    this.#previousEpochEndedAt = at;
    this.#stale.clear();
    this.#ended.clear();
  }
}
