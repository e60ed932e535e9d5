/**
 * The record handles of one OCS in one epoch: which tenant owns each, and whether it may be used now. Handles that were announced or registered
 * are owned; under `dedicated` and `unscoped` a handle needs no owner, but what is finished is finished there as well. Memory only, nothing waits;
 * `ownership.ts` keeps the disk in step.
 */
import { Announced, type NewLife } from "./announced.ts";
import { FreeLease, OwnedLease } from "./lease.ts";
import { Recent } from "./recent.ts";
import {
  needsOwner,
  type Asked,
  type Asker,
  type Claim,
  type Claimed,
  type HandlesOptions,
  type Held,
  type Known,
  type Restoring,
} from "./held.ts";
import { InFlight } from "./in-flight.ts";
import {
  reasonOfDenied,
  reasonOfUnclear,
  type Ending,
  type Former,
  type PersonTokens,
  type Reason,
} from "./verdict.ts";

/** Owned handles at once. OCS's own memory ends far below. */
const MAX_OWNED = 1_000_000;
const REMEMBERED = 65_536;
/** What is older counts as of the oldest of them. */
const MAX_ENDS = 10_000;
/** After these an announcement of the same attempt is a late copy. */
const OVER: ReadonlySet<Ending> = new Set<Ending>(["finished", "call-ended"]);

export class Handles {
  /** From the one heard of the longest ago to the last. */
  #owned = new Map<number, Held>();
  /** Not heard of for `stale_after`. Its last owner may still ask OCS, which knows. */
  readonly #stale = new Recent<Held>(REMEMBERED);
  readonly #former = new Recent<Former>(REMEMBERED);
  /** The epoch before: its handles are void, and a tenant that asks for one that it had is no intruder. */
  #past: ReadonlyMap<number, Held> = new Map();
  #pastAt = 0;
  #announced: Announced;
  #announcedBefore: Announced | undefined;
  #generation: number;
  /** Each loss of all connections begins another stretch; what was last heard of before `#confirmedFrom` is unconfirmed. */
  #stretch = 1;
  #confirmedFrom = 0;
  /** The highest one that OCS has announced, or a registrar has named, in this epoch. */
  #top: number;
  /** The same as the present stretch began, while handles are unconfirmed; else 0. */
  #topBefore = 0;
  /** Claims up to this generation may be of a life before, although no other has been proven; -1 for none. */
  #doubtUpTo: number;
  /** Generations after which OCS may have begun another life: it has, or all connections were lost. They rise. */
  #ends: number[];
  /** The store was damaged: what was owned before this run is not known. */
  #isStoreLost = false;
  readonly #freeFinalizing = new Map<number, Promise<void>>();
  readonly inFlight = new InFlight();
  /** Requests that are not over, the oldest first: with the journal's size when each began. */
  readonly #open = new Map<object, number>();
  readonly #on: HandlesOptions;
  readonly #journalSize: () => number;
  /** Which OCS is the primary is known. */
  rolesKnown = true;

  readonly upstream: string;
  /** Only increases. */
  epoch: number;
  /** Handles from this generation on came over from the epoch before. */
  keepFrom: number | undefined;

  constructor(upstream: string, on: HandlesOptions, known: Known = {}) {
    this.upstream = upstream;
    this.#on = on;
    this.epoch = known.epoch ?? 1;
    this.#announced = new Announced(known);
    this.#top = this.#announced.highest;
    this.#doubtUpTo = known.doubtUpTo ?? -1;
    // Claims that could not be stored have counted as well: what is claimed from now on is younger.
    this.#generation = Math.max(known.generation ?? 0, this.#announced.highestAt, this.#doubtUpTo);
    this.#ends = [this.#generation];
    this.#isStoreLost = known.storeLost ?? false;
    this.#journalSize = known.journalSize ?? (() => 0);
  }

  /** A request for an owned handle begins. */
  begin(lease: object): void {
    this.#open.set(lease, this.#journalSize());
  }

  /** It is over, and what it ended is on its way to the store. */
  over(lease: object): void {
    this.#open.delete(lease);
  }

  /** No outcome below this index of the journal is still to reach the store. */
  get mark(): number {
    const [oldest] = this.#open.values();
    return oldest ?? this.#journalSize();
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

  /**
   * Claims up to this generation are confirmed one by one only; -1 for none. It has to outlive the process, and the
   * epoch: what stays over from the one before stays in doubt.
   */
  get doubtUpTo(): number {
    return this.#doubtUpTo;
  }

  /** The DBID of the tenant that owns the handle, unconfirmed ones too. */
  ownerOf(handle: number): number | undefined {
    const held = this.find(handle);
    return held?.state === "owned" ? held.tenant : undefined;
  }

  claimantOf(handle: number): number | undefined {
    const held = this.find(handle);
    return held?.state === "disputed" ? undefined : held?.tenant;
  }

  /** The DBID of the tenant that owned the handle. */
  formerOwnerOf(handle: number): number | undefined {
    return this.#former.get(handle)?.tenant ?? this.#past.get(handle)?.tenant;
  }

  /** With which OCS announced the handle, where it is this tenant's, or else was. */
  announcedFor(tenant: number, handle: number): PersonTokens | undefined {
    const held = this.find(handle);
    if (held?.tenant === tenant) return held.state === "disputed" ? undefined : held.announced;
    return [this.#former.get(handle), this.#past.get(handle)].find((each) => each?.tenant === tenant)?.announced;
  }

  find(handle: number): Held | undefined {
    return this.#owned.get(handle) ?? this.#stale.get(handle);
  }

  isOwned(handle: number, held: Held): boolean {
    return held.state === "owned" && this.find(handle) === held;
  }

  isConfirmed(held: Held): boolean {
    return held.stretch >= this.#confirmedFrom && held.generation > this.#doubtUpTo;
  }

  /** Looks everything up in any case, so that an answer takes as long whoever owns the handle. */
  ask(asker: Asker, handle: number, finalizes: boolean): Asked {
    const stale = this.#stale.get(handle);
    const held = this.#owned.get(handle) ?? stale;
    const former = this.#former.get(handle);
    const past = this.#past.get(handle);
    const own = held?.tenant === asker.dbid ? held : undefined;
    if (own?.state === "owned" && (!this.rolesKnown || this.isConfirmed(own)))
      return { lease: new OwnedLease(this, handle, own, finalizes) };
    if (own?.state === "owned") return { unclear: "unconfirmed" };
    if (own?.state === "storing") return { unclear: "storing" };
    if (held?.among?.includes(asker.dbid)) return { unclear: "disputed" };
    const isFree = held === undefined && !needsOwner(asker);
    if (isFree && !this.hasEnded(handle)) return { lease: new FreeLease(this, handle, asker.dbid, finalizes) };
    if (!this.rolesKnown) return { unclear: "roles" };
    if (former !== undefined && (isFree || former.tenant === asker.dbid)) return { denied: { why: "ended", former } };
    if (past?.tenant === asker.dbid) return { denied: { why: "epoch-ended", at: this.#pastAt } };
    if (this.#isStoreLost && held === undefined && !this.#announced.has(handle)) return { unclear: "store-lost" };
    return { denied: { why: held !== undefined && held.state !== "disputed" ? "foreign" : "unknown" } };
  }

  /** A sentence for the journal: why this tenant may not use the handle now. */
  reasonFor(tenant: number, handle: number): Reason {
    const asked = this.ask({ dbid: tenant, records: "pre-dial" }, handle, false);
    if ("denied" in asked) return reasonOfDenied(asked.denied);
    return "unclear" in asked
      ? reasonOfUnclear(asked.unclear)
      : "in-flight: an earlier finalizing request for the handle was still in flight";
  }

  /** Likewise, where the number is another record's by now. */
  reasonForEnded(handle: number): Reason {
    const former = this.#former.get(handle);
    return reasonOfDenied(former ? { why: "ended", former } : { why: "epoch-ended", at: this.#pastAt });
  }

  /** True when the announcement of this handle proves that OCS has begun another life: it is new, and lies far below the highest one. */
  provesNewLife(handle: number, window: number): boolean {
    return handle < this.#announced.highest - window && !this.#announced.has(handle) && this.find(handle) === undefined;
  }

  /** OCS announces the handle for this tenant. */
  announce({ handle, tenant, attempt, announced, now }: Claim): Claimed {
    const isReused = this.#announced.has(handle) || this.#announcedBefore?.has(handle) === true;
    this.#note(handle);
    const held = this.find(handle);
    if (attempt !== undefined && held?.attempt !== attempt && this.#isOver(handle, attempt)) return { as: "finished" };
    if (held === undefined) return this.#add({ handle, tenant, attempt, announced, now, isReused }, false);
    const claim = { handle, tenant, attempt, announced, now, isReused: true };
    const isDisputed = held.state === "disputed";
    const isConfirmed = this.isConfirmed(held);
    if (isConfirmed) {
      if (isDisputed) return this.#dispute(handle, held, [tenant]);
      if (held.tenant !== tenant) return this.#dispute(handle, held, [held.tenant, tenant], claim);
    } else if (isDisputed || held.tenant !== tenant) {
      if (!held.among?.includes(tenant)) this.#doubt(held);
      return this.#replace(held, claim, "storing");
    }
    // What is in doubt is confirmed by a claim of its own, whose generation is beyond the doubt.
    const isSame = attempt !== undefined && attempt === held.attempt && held.stretch === this.#stretch;
    if (isConfirmed && isSame) return this.#renew(handle, held, { announced, now });
    return this.#replace(held, claim, held.state);
  }

  /** OCS announces the handle for no tenant here, or contradicts itself. `among`: DBIDs that it could mean. */
  disown(handle: number, among: readonly number[], now: number): Claimed | undefined {
    this.#note(handle);
    const held = this.find(handle);
    if (held) {
      const isConfirmed = this.isConfirmed(held);
      if (!isConfirmed) this.#doubt(held);
      if (among.length === 0 && held.state === "owned")
        this.#remember(handle, held, { ending: "reassigned", at: now * 1000 });
      const disputed = this.#dispute(handle, held, among);
      // What is unconfirmed may be of a life before, and then nothing is contradicted.
      return among.length > 0 || isConfirmed ? disputed : { ...disputed, isNews: false };
    }
    if (among.length === 0) return undefined;
    const claimed = this.#add({ handle, tenant: among[0]!, now }, false);
    return "held" in claimed ? this.#dispute(handle, claimed.held, among) : claimed;
  }

  /** A registrar names the tenant. It takes nothing from a tenant, except what is unconfirmed and `mayReplace` says it speaks for. */
  register(claim: Claim, mayReplace: (owner: number) => boolean): Claimed {
    const held = this.find(claim.handle);
    if (held === undefined) return this.#add(claim, true);
    if (held.state === "disputed") return { as: "taken" };
    if (held.tenant === claim.tenant) {
      const { attempt, announced } = held;
      return this.#replace(held, { ...claim, attempt, announced }, held.state, held.registered);
    }
    if (this.isConfirmed(held)) return { as: "taken" };
    this.#doubt(held);
    return held.registered && mayReplace(held.tenant) ? this.#replace(held, claim, "storing", true) : { as: "unclear" };
  }

  /** What was owned before is not known. */
  loseStore(): void {
    this.#isStoreLost = true;
  }

  /** What an earlier run knew; unconfirmed unless it is `trusted`. */
  restore(handle: number, { tenant, since, generation, attempt, among, announced }: Restoring, trusted: boolean): void {
    const stretch = trusted ? this.#stretch : 0;
    // OCS names an attempt, a registrar does not.
    const registered = attempt === undefined;
    const state = among ? "disputed" : "owned";
    this.#owned.set(handle, {
      tenant,
      generation,
      began: generation,
      attempt,
      registered,
      since,
      state,
      among,
      stretch,
      announced,
      heardAt: -Infinity,
    });
    // It was announced in this epoch, so that a late copy of its announcement proves nothing when it has ended.
    this.#announced.add(handle, generation);
    this.#top = Math.max(this.#top, handle);
    if (trusted) return;
    this.#confirmedFrom = this.#stretch;
    this.#topBefore = this.#top;
  }

  /** Every connection to OCS was lost: nothing that was heard of before is certain. */
  unconfirm(): void {
    this.#addEnd(this.#generation);
    this.#confirmedFrom = ++this.#stretch;
    this.#topBefore = this.#top;
  }

  /** The handle has ended. False when this entry is not its owner any more. */
  end(handle: number, held: Held, how: Pick<Former, "ending" | "by" | "at">): boolean {
    if (this.find(handle) !== held) return false;
    this.#remember(handle, held, how);
    this.#forget(handle);
    this.#on.ended(handle, held);
    return true;
  }

  /** Takes back a claim that could not be stored. */
  withdraw(handle: number, held: Held): void {
    if (this.find(handle) === held) this.#forget(handle);
  }

  /** What has not been heard of since then is stale: it leaves the store, and only its last owner may still ask OCS. */
  makeStale(before: number): void {
    for (const [handle, held] of this.#owned) {
      if (held.since > before) return;
      this.#owned.delete(handle);
      if (held.state === "owned") this.#stale.set(handle, held);
      this.#on.ended(handle, held);
    }
  }

  /**
   * Handles begin again. With `sameOcs` another life answers at the same address and has not come further than the handle `upTo`: what was heard of since the
   * last announcement above it is of the new life, and stays as confirmed as it was. All else is void.
   * Returns the handles that the new life has announced.
   */
  newEpoch(at: number, sameOcs?: NewLife): readonly number[] {
    const upTo = sameOcs?.upTo;
    const heard = sameOcs === undefined ? [] : this.#announced.heardIn(sameOcs);
    // The proof of an earlier run has been announced; that of this run is about to be.
    if (sameOcs?.keepFrom !== undefined) heard.push(sameOcs.proof);
    const keepFrom = sameOcs?.keepFrom ?? (upTo === undefined ? Infinity : this.#announced.lastAbove(upTo) + 1);
    // An earlier run may have come further than the store knows.
    if (upTo !== undefined) this.#generation = Math.max(this.#generation, keepFrom - 1);
    const stays = ([handle, held]: readonly [number, Held]): boolean =>
      upTo !== undefined && handle <= upTo && held.generation >= keepFrom && held.state !== "storing";
    const all = [...this.#owned];
    this.#past = new Map(all.filter((each) => !stays(each)));
    this.#owned = new Map(all.filter(stays));
    this.#pastAt = at;
    this.epoch++;
    this.keepFrom = upTo === undefined ? undefined : keepFrom;
    for (const [handle, held] of this.#past) if (held.generation >= keepFrom) this.#on.ended(handle, held);
    this.#stale.clear();
    this.#former.clear();
    this.#announcedBefore = this.#announced;
    this.#announced = new Announced();
    for (const [handle, held] of this.#owned) {
      held.began = Math.max(held.began, keepFrom);
      this.#announced.add(handle, held.generation);
    }
    for (const handle of heard) this.#announced.hear(handle, this.#generation);
    for (const [handle, held] of this.#owned) if ((held.contradicts ?? Infinity) < keepFrom) this.#adopt(handle, held);
    if (upTo === undefined) {
      this.#stretch++;
      this.#confirmedFrom = 0;
      this.#ends = [];
    }
    // What was heard of before the proof, back to `keepFrom`, may be of either life.
    else this.#addEnd(this.#generation);
    this.#top = this.#announced.highest;
    this.#topBefore = this.#confirmedFrom > 0 ? this.#top : 0;
    this.#isStoreLost = false;
    this.#freeFinalizing.clear();
    return heard;
  }

  /** How many handles each tenant owns, by DBID, and how many of them are unconfirmed. */
  counts(): Map<number, { owned: number; unconfirmed: number }> {
    const counts = new Map<number, { owned: number; unconfirmed: number }>();
    for (const held of this.#owned.values()) {
      if (held.state !== "owned") continue;
      let count = counts.get(held.tenant);
      if (!count) counts.set(held.tenant, (count = { owned: 0, unconfirmed: 0 }));
      count.owned++;
      if (!this.isConfirmed(held)) count.unconfirmed++;
    }
    return counts;
  }

  /** The finalizing request under way on a handle that needs no owner. */
  freeFinalizing(handle: number): Promise<void> | undefined {
    return this.#freeFinalizing.get(handle);
  }

  setFreeFinalizing(handle: number, over: Promise<void>): void {
    this.#freeFinalizing.set(handle, over);
    void over.then(() => this.#freeFinalizing.get(handle) === over && this.#freeFinalizing.delete(handle));
  }

  /** A request has finished a handle that needs no owner. `stretch`: when the request began. */
  finishFree(handle: number, stretch: number, former: Former): void {
    if (stretch === this.#stretch && !this.#owned.has(handle)) this.#former.set(handle, former);
  }

  get stretch(): number {
    return this.#stretch;
  }

  /** Finished here in this stretch. After a loss of all connections OCS itself is asked again where a handle needs no owner. */
  hasEnded(handle: number): boolean {
    return this.#former.get(handle)?.stretch === this.#stretch;
  }

  /** True when the tenant owns the handle, or may: then it is to be asked as that tenant. */
  mayBeOf(handle: number, tenant: number): boolean {
    const held = this.find(handle);
    return held !== undefined && (held.among?.includes(tenant) ?? held.tenant === tenant);
  }

  /** It was announced before, and has ended since. */
  #isOver(handle: number, attempt: string): boolean {
    const former = this.#former.get(handle);
    return former?.attempt === attempt && OVER.has(former.ending);
  }

  #note(handle: number): void {
    // One above all that was known goes on where the life of before was: what was unconfirmed is confirmed.
    if (this.#topBefore > 0 && handle > this.#topBefore && !this.#announced.has(handle)) {
      this.#confirmedFrom = 0;
      this.#topBefore = 0;
    }
    this.#top = Math.max(this.#top, handle);
    this.#announced.hear(handle, this.#generation);
  }

  /** What contradicted was the owner of the life before: the handle is the announced tenant's. */
  #adopt(handle: number, { tenant, attempt, announced, since, stretch }: Held): void {
    const generation = ++this.#generation;
    const held: Held = {
      tenant,
      attempt,
      announced,
      since,
      stretch,
      generation,
      began: generation,
      registered: false,
      state: "owned",
      heardAt: -Infinity,
    };
    this.#owned.set(handle, held);
    this.#on.adopted(handle, held);
  }

  /**
   * OCS gives an unconfirmed handle to another record, or a registrar says so: it began another life after it was heard
   * of, at the first occasion at the earliest. What is as old is not confirmed together with younger handles, only one
   * by one.
   */
  #doubt({ generation }: Held): void {
    const end = this.#ends.find((each) => each >= generation) ?? -1;
    this.#doubtUpTo = Math.max(this.#doubtUpTo, end);
  }

  #addEnd(generation: number): void {
    const at = this.#ends.findLastIndex((each) => each <= generation);
    if (this.#ends[at] !== generation) this.#ends.splice(at + 1, 0, generation);
    if (this.#ends.length > MAX_ENDS) this.#ends.shift();
  }

  #add({ handle, tenant, attempt, announced, now, isReused }: Claim, registered: boolean): Claimed {
    if (this.#owned.size >= MAX_OWNED) return { as: "full" };
    const generation = ++this.#generation;
    const held: Held = {
      tenant,
      generation,
      began: generation,
      attempt,
      announced,
      registered,
      isReused,
      since: now,
      state: "storing",
      stretch: this.#stretch,
    };
    this.#owned.set(handle, held);
    this.#top = Math.max(this.#top, handle);
    return { as: "new", held };
  }

  #replace(before: Held, claim: Claim, state: Held["state"], registered = false): Claimed {
    const { handle, tenant, attempt, announced, now, isReused } = claim;
    const generation = ++this.#generation;
    const began = before.tenant === tenant || before.state === "disputed" ? before.began : generation;
    const held: Held = {
      tenant,
      generation,
      began,
      attempt,
      announced,
      registered,
      isReused,
      since: now,
      state,
      stretch: this.#stretch,
    };
    this.#forget(handle);
    this.#owned.set(handle, held);
    if (before.state === "disputed" || before.tenant !== tenant) return { as: "new", held };
    held.finalizing = before.finalizing;
    return { as: "renewed", held };
  }

  #renew(handle: number, held: Held, { announced, now }: Pick<Claim, "announced" | "now">): Claimed {
    if (announced) held.announced = { ...held.announced, ...announced };
    held.since = now;
    held.stretch = this.#stretch;
    this.#forget(handle);
    this.#owned.set(handle, held);
    return { as: "again", held };
  }

  /** `claim`: the announcement that contradicts what was known, where it is for one tenant. */
  #dispute(
    handle: number,
    before: Held,
    among: readonly number[],
    claim?: Claim,
  ): Extract<Claimed, { as: "disputed" }> {
    const isFirst = before.state !== "disputed";
    const known = isFirst ? [] : (before.among ?? []);
    const isNews = isFirst || among.some((dbid) => !known.includes(dbid));
    const generation = ++this.#generation;
    const held: Held = {
      tenant: claim?.tenant ?? before.tenant,
      attempt: claim?.attempt,
      announced: claim?.announced,
      generation,
      began: before.began,
      registered: false,
      stretch: this.#stretch,
      since: claim?.now ?? before.since,
      state: "disputed",
      among: [...new Set([...known, ...among])],
      contradicts: isFirst && claim ? before.generation : undefined,
    };
    this.#forget(handle);
    this.#owned.set(handle, held);
    return { as: "disputed", held, isNews };
  }

  #remember(
    handle: number,
    { tenant, attempt, announced, since }: Held,
    how: Pick<Former, "ending" | "by" | "at">,
  ): void {
    const isStale = this.#stale.get(handle) !== undefined;
    this.#former.set(handle, {
      tenant,
      attempt,
      announced,
      stretch: this.#stretch,
      ...how,
      ...(isStale && { staleSince: since * 1000 }),
    });
  }

  #forget(handle: number): void {
    this.#owned.delete(handle);
    this.#stale.delete(handle);
  }
}
