/**
 * The record handles of one OCS in one epoch: whose each is, and whether it may still be used. Handles that were announced or registered are
 * owned; under `dedicated` and `unscoped` a handle needs no owner, but what is finished is finished there as well. Only memory, nothing waits.
 */
import type { RecordsMode } from "../register.ts";
import { Recent } from "./recent.ts";

/** Who asks, by shape a tenant of the register. */
export type Asker = { readonly dbid: number; readonly records: RecordsMode };

/** Under these modes a handle of nobody's may be used by nobody. */
export const needsOwner = ({ records }: Pick<Asker, "records">): boolean => records === "pre-dial" || records === "registered";

/** Leave to use a handle for one request. */
export type Hold = {
  /** To be asked just before the request is sent: false when ownership has ended since. */
  readonly stands: () => boolean;
  /** To be told once, whatever happened: OCS's status, or undefined when nothing was sent or no answer came. */
  readonly settle: (status: number | undefined) => void;
};

/** Why a tenant may not use a handle. Nobody outside may tell them apart: only counts and alarms do. */
export type Stray =
  | "over" // it was this tenant's
  | "foreign" // it is another tenant's
  | "unknown"; // nobody's

export type Asked = { readonly hold: Hold } | { readonly stray: Stray };

/** `pending`: not yet on disk. `disputed`: announced for two tenants, or for one and nobody here, so nobody's until the epoch ends. */
type State = "pending" | "live" | "finalizing" | "disputed";

export type Held = {
  /** DBID. */
  readonly tenant: number;
  /** Seconds since 1970. */
  since: number;
  state: State;
  /** Known from an earlier run of the gateway, and from nothing else. */
  restored: boolean;
};

/** What becomes of a handle that OCS announces or a registrar names. */
export type Claimed = { readonly as: "new" | "again"; readonly held: Held } | { readonly as: "disputed" | "full" };

export type Ended = (handle: number) => void;

/** Owned handles at once. OCS's own memory ends far below. */
const MAX_OWNED = 1_000_000;
const REMEMBERED = 65_536;

export class Handles {
  /** From the oldest to the youngest. */
  #owned = new Map<number, Held>();
  /** Handles that ended, with the tenant that had used them. */
  readonly #over = new Recent<number>(REMEMBERED);
  /** The epoch before: its handles are void, and whoever asks for one that it had is no intruder. */
  #past: ReadonlyMap<number, Held> = new Map();
  /** Finalizing actions under way on handles that need no owner. */
  #finalizing = new Set<number>();
  readonly #ended: Ended;

  /** `ended` is told of each owned handle that is no longer anybody's. */
  constructor(ended: Ended) {
    this.#ended = ended;
  }

  get size(): number {
    return this.#owned.size;
  }

  /** The DBID of the tenant whose handle it is. */
  ownerOf(handle: number): number | undefined {
    const held = this.#owned.get(handle);
    return held && isOwned(held) ? held.tenant : undefined;
  }

  /** The DBID of the tenant whose handle it was. */
  formerOwnerOf(handle: number): number | undefined {
    return this.#over.get(handle) ?? this.#past.get(handle)?.tenant;
  }

  /** Looks everything up in any case, so that an answer takes as long whosever the handle is. */
  ask(asker: Asker, handle: number, finalizes: boolean): Asked {
    const held = this.#owned.get(handle);
    const over = this.#over.get(handle);
    const past = this.#past.get(handle);
    if (held?.tenant === asker.dbid && (held.state === "live" || (held.state === "finalizing" && !finalizes))) {
      if (finalizes) held.state = "finalizing";
      return { hold: new OwnedHold(this, handle, held, finalizes) };
    }
    const busy = over !== undefined || (finalizes && this.#finalizing.has(handle));
    if (held === undefined && !needsOwner(asker)) return busy ? { stray: "over" } : { hold: new FreeHold(this, handle, asker.dbid, finalizes) };
    if (held?.tenant === asker.dbid || over === asker.dbid || past?.tenant === asker.dbid) return { stray: "over" };
    return { stray: held !== undefined && isOwned(held) ? "foreign" : "unknown" };
  }

  /** OCS's word for whose a handle is. `again`: the same tenant's as before. */
  announce(handle: number, tenant: number, now: number): Claimed {
    const known = this.#owned.get(handle);
    if (known && known.tenant !== tenant && known.restored) this.#forgetRestored();
    const held = this.#owned.get(handle);
    if (held === undefined) return this.#add(handle, tenant, now);
    if (held.tenant !== tenant) held.state = "disputed";
    if (held.state === "disputed") return { as: "disputed" };
    held.since = now;
    held.restored = false;
    this.#owned.delete(handle);
    this.#owned.set(handle, held);
    return { as: "again", held };
  }

  /** OCS's word that a handle is nobody's here. True when it was somebody's. */
  disown(handle: number): boolean {
    const known = this.#owned.get(handle);
    if (known?.restored) this.#forgetRestored();
    const held = this.#owned.get(handle);
    if (held) held.state = "disputed";
    return held !== undefined;
  }

  /** A registrar's word: it never takes a handle from anybody. */
  register(handle: number, tenant: number, now: number): Claimed {
    const held = this.#owned.get(handle);
    if (held === undefined) return this.#add(handle, tenant, now);
    return held.tenant === tenant && held.state !== "disputed" ? { as: "again", held } : { as: "disputed" };
  }

  /** What an earlier run knew. */
  restore(handle: number, tenant: number, since: number): void {
    this.#owned.set(handle, { tenant, since, state: "live", restored: true });
  }

  /** The handle is nobody's from now on. False when it was not this entry's any more. */
  end(handle: number, held: Held): boolean {
    if (this.#owned.get(handle) !== held) return false;
    this.#owned.delete(handle);
    this.#over.set(handle, held.tenant);
    this.#ended(handle);
    return true;
  }

  find(handle: number): Held | undefined {
    return this.#owned.get(handle);
  }

  holds(handle: number, held: Held): boolean {
    return this.#owned.get(handle) === held && held.state !== "disputed";
  }

  /** Ends what has been owned since before. */
  endBefore(since: number): void {
    for (const [handle, held] of this.#owned) {
      if (held.since > since) return;
      this.end(handle, held);
    }
  }

  /** Everything is void. Handles may begin anew. */
  newEpoch(): void {
    this.#past = this.#owned;
    this.#owned = new Map();
    this.#over.clear();
    this.#finalizing = new Set();
  }

  /** How many handles each tenant has, by DBID. */
  counts(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const held of this.#owned.values()) if (isOwned(held)) counts.set(held.tenant, (counts.get(held.tenant) ?? 0) + 1);
    return counts;
  }

  /** Returns what to call when it is over, and whether it was done. */
  beginFinalizing(handle: number, tenant: number): (done: boolean) => void {
    const epoch = this.#finalizing;
    epoch.add(handle);
    return (done) => {
      epoch.delete(handle);
      if (done && epoch === this.#finalizing) this.#over.set(handle, tenant);
    };
  }

  #add(handle: number, tenant: number, now: number): Claimed {
    if (this.#owned.size >= MAX_OWNED) return { as: "full" };
    const held: Held = { tenant, since: now, state: "pending", restored: false };
    this.#owned.set(handle, held);
    return { as: "new", held };
  }

  /** OCS gives a handle of an earlier run to somebody else: it has begun anew while the gateway was away. */
  #forgetRestored(): void {
    for (const [handle, held] of this.#owned) if (held.restored) this.end(handle, held);
    this.#over.clear();
  }
}

const isOwned = ({ state }: Held): boolean => state === "live" || state === "finalizing";

class OwnedHold implements Hold {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #held: Held;
  readonly #finalizes: boolean;

  constructor(handles: Handles, handle: number, held: Held, finalizes: boolean) {
    [this.#handles, this.#handle, this.#held, this.#finalizes] = [handles, handle, held, finalizes];
  }

  readonly stands = (): boolean => this.#handles.holds(this.#handle, this.#held);

  /** Without an answer it is in doubt whether OCS has acted: the owner, and nobody else, may try again. */
  readonly settle = (status: number | undefined): void => {
    if (status === 410 || (status === 200 && this.#finalizes)) this.#handles.end(this.#handle, this.#held);
    else if (this.#finalizes && this.#held.state === "finalizing") this.#held.state = "live";
  };
}

class FreeHold implements Hold {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #tenant: number;
  readonly #over: ((done: boolean) => void) | undefined;

  constructor(handles: Handles, handle: number, tenant: number, finalizes: boolean) {
    [this.#handles, this.#handle, this.#tenant] = [handles, handle, tenant];
    this.#over = finalizes ? handles.beginFinalizing(handle, tenant) : undefined;
  }

  /** A handle that became another's while the request waited is no longer free. */
  readonly stands = (): boolean => {
    const owner = this.#handles.find(this.#handle);
    return owner === undefined || owner.tenant === this.#tenant;
  };

  /** A 410 of OCS may speak of a handle that is still to be given out: only what was finished here is remembered. */
  readonly settle = (status: number | undefined): void => this.#over?.(status === 200);
}
