/**
 * Which tenant owns a record handle? Ownership belongs to (upstream, epoch, handle). Under `pre-dial` OCS announces each record before it is dialed,
 * under `registered` a trusted component names its tenant; only that tenant may use the handle, and first use never grants anything. `dedicated`: the
 * OCS serves one tenant, so every handle is that tenant's. `unscoped`: nothing separates tenants, and two that use one handle raise an alarm.
 *
 * Questions are answered from memory, at once, by one of three verdicts (`ownership/verdict.ts`). Whatever gives or takes an owner is on disk, and no
 * request of an owner before is in flight, before the party that caused it hears that it is done.
 *
 * An epoch is one life of one OCS. Only two things end it: the peer took over, or a handle was announced for the first time far below the highest one.
 * Losing every connection, or a restart of the gateway, makes handles unconfirmed until OCS speaks of them again.
 */
import type { Tenant } from "./register.ts";
import { Handles } from "./ownership/handles.ts";
import type { Claimed, Held } from "./ownership/held.ts";
import { StoreFailed, type Row } from "./ownership/store.ts";
import { Strays } from "./ownership/strays.ts";
import type { Announcement, Answer, EpochBegun, Found, Owning, OwnershipOptions } from "./ownership/types.ts";
import type { NewLife } from "./ownership/announced.ts";
import type { Ending, PersonTokens } from "./ownership/verdict.ts";
import { createHandleWatch } from "./ownership/watch.ts";

export { needsOwner } from "./ownership/held.ts";
export { openOwnershipStore, type OwnershipStore, type StoreThread } from "./ownership/store.ts";
export {
  mayDial,
  type Announcement,
  type Answer,
  type Found,
  type Owning,
  type OwnershipNews,
  type OwnershipOptions,
} from "./ownership/types.ts";
export {
  reasonOfDenied,
  reasonOfUnclear,
  type Denied,
  type HandleLease,
  type OwnedRecord,
  type PersonTokens,
  type ReasonWord,
  type Unclear,
} from "./ownership/verdict.ts";
export { createFinder, finderSteps, type Finder, type Particulars, type Whose } from "./ownership/whose.ts";

const TICK_MS = 1000;
const WINDOW = 64;
/** So long OCS waits for requests of an owner before to be answered. */
const DRAIN_MS = 2000;

const NOTHING_SAID = { campaign: null, group: null, list: null, phone: null } as const;

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #now: () => number;
  readonly #upstreams = new Map<string, Handles>();
  readonly #strays = new Strays();
  readonly #watch = createHandleWatch();
  readonly #timer: NodeJS.Timeout;
  /** The OCS that handles are of, by upstream. */
  readonly #endpoints = new Map<string, string>();
  /** The last epoch's way to the disk, by upstream. */
  readonly #epochsStored = new Map<string, Promise<boolean>>();
  /** Disputes that could not be written, with what tries it again. */
  readonly #unnoted = new Map<Held, () => unknown>();
  #isBehind = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    for (const upstream of options.store?.restored.keys() ?? []) this.#restore(upstream);
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** May the tenant use the handle? A finalizing action waits for those before it. */
  readonly ask = (tenant: Tenant, identifier: string, finalizes: boolean): Answer => {
    const asked = this.#of(tenant.upstream).ask(tenant, Number(identifier), finalizes);
    if ("denied" in asked)
      return { ...asked, slow: !this.#strays.note(tenant.upstream, tenant.dbid, asked.denied.why, this.#now()) };
    if ("lease" in asked && tenant.records === "unscoped") this.#share(tenant, identifier);
    return asked;
  };

  /** Those of the tenants whose handle it is, or else was: on two upstreams it may be two tenants'. */
  readonly ownersAmong = (tenants: readonly Tenant[], identifier: string): readonly Tenant[] => {
    const handle = Number(identifier);
    const owners = tenants.filter(({ upstream, dbid }) => this.#of(upstream).mayBeOf(handle, dbid));
    return owners.length > 0
      ? owners
      : tenants.filter(({ upstream, dbid }) => this.#of(upstream).formerOwnerOf(handle) === dbid);
  };

  /** Tokens of the person with whom OCS announced the handle, where it is, or was, one of these tenants'. */
  readonly announcedFor = (tenants: readonly Tenant[], identifier: string): PersonTokens | undefined => {
    const [owner, another] = this.ownersAmong(tenants, identifier);
    return another ? undefined : owner && this.#of(owner.upstream).announcedFor(owner.dbid, Number(identifier));
  };

  /** OCS has announced the record for this tenant. Resolves when what became of it is on disk. */
  readonly announce = async (said: Announcement): Promise<Owning> => {
    const { upstream, handle, tenant, attempt, phone, customer } = said;
    const handles = this.#ofLife(upstream, handle);
    return this.#withDoubt(handles, () =>
      this.#keep(
        handles,
        said,
        handles.announce({
          handle,
          tenant,
          attempt: attempt ?? undefined,
          announced: tokensOf({ phone, customer }),
          now: this.#seconds(),
        }),
      ),
    );
  };

  /** OCS has announced the record, and it is no tenant's here. `among`: DBIDs of the tenants that it could mean all the same. */
  readonly disown = async (
    upstream: string,
    handle: number,
    among: readonly number[] = [],
    malformed?: readonly string[],
  ): Promise<Owning> => {
    const handles = this.#ofLife(upstream, handle);
    return this.#withDoubt(handles, async () => {
      const claimed = handles.disown(handle, among, this.#seconds());
      if (!(await this.#isEpochStored(handles))) return "unstored";
      if (claimed?.as === "disputed") return this.#takeAway(handles, handle, claimed, malformed);
      return claimed === undefined || "held" in claimed ? "nobody" : claimed.as;
    });
  };

  /** A registrar names the tenant. `speaksFor`: DBIDs of the tenants that it may name. */
  readonly register = async (
    upstream: string,
    handle: number,
    tenant: number,
    speaksFor: readonly number[],
  ): Promise<Owning> => {
    const handles = this.#of(upstream);
    const said = { ...NOTHING_SAID, upstream, handle, tenant, attempt: null };
    const claim = { handle, tenant, now: this.#seconds() };
    return this.#withDoubt(handles, () =>
      this.#keep(
        handles,
        said,
        handles.register(claim, (owner) => speaksFor.includes(owner)),
      ),
    );
  };

  /** The DBID of the tenant that owns the handle, confirmed or not. */
  ownerOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.get(upstream)?.ownerOf(handle);
  }

  /** The same, also while that is being written. */
  claimantOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.get(upstream)?.claimantOf(handle);
  }

  /** The handle has ended: its call is over, or is not to be made. Resolves with whether that is on disk. */
  async end(upstream: string, handle: number, ending: Ending, attempt?: string): Promise<boolean> {
    const handles = this.#of(upstream);
    const held = handles.find(handle);
    if (!held) return this.hasNoOwner(upstream, handle);
    // The end of an older attempt does nothing to a newer one.
    if (attempt !== undefined && held.attempt !== undefined && held.attempt !== attempt) return true;
    if (!handles.end(handle, held, { ending, at: this.#now() })) return true;
    return this.#isDone(this.#options.store?.remove(upstream, handle, held.generation));
  }

  /** Resolves with false while what a handle without an owner here had before may still be on disk. */
  async hasNoOwner(upstream: string, handle: number): Promise<boolean> {
    const { store } = this.#options;
    const handles = this.#of(upstream);
    if (!store || store.pending() === 0 || handles.find(handle) !== undefined) return true;
    return this.#isDone(store.remove(upstream, handle, handles.generation));
  }

  /** As `end`, by the call attempt's GUID. */
  async endAttempt(upstream: string, attempt: string): Promise<boolean> {
    const handle = await this.#options.store?.byAttempt(upstream, attempt);
    return handle === undefined || this.end(upstream, handle, "call-ended", attempt);
  }

  /** Every connection was lost: which OCS is the primary is undecided. */
  unsettle(upstream: string): void {
    this.#of(upstream).rolesKnown = false;
  }

  /** Requests go to this OCS from now on. */
  settle(upstream: string, { endpoint, how }: Found): void {
    const handles = this.#of(upstream);
    const known = this.#endpoints.get(upstream);
    handles.rolesKnown = true;
    // On a reload the board before and the next one may both report one takeover: it ends one life.
    if (known === undefined ? how === "takeover" : known !== endpoint) return this.newEpoch(upstream, endpoint);
    this.#endpoints.set(upstream, endpoint);
    if (how !== "start") this.unconfirm(upstream);
    if (known === undefined) void this.#isDone(this.#options.store?.beginEpoch(upstream, handles.epoch, endpoint));
  }

  /** Nothing tells whether the OCS is the same as before. */
  unconfirm(upstream: string): void {
    this.#of(upstream).unconfirm();
    this.#watch.newLife(upstream);
  }

  /** Everything of this upstream is void, but for what may be of the new life: see `Handles` on `sameOcs`. */
  newEpoch(upstream: string, endpoint: string, sameOcs?: NewLife): void {
    const handles = this.#of(upstream);
    const announced = handles.newEpoch(this.#now(), sameOcs);
    this.#watch.newLife(upstream);
    this.#endpoints.set(upstream, endpoint);
    void this.#storeEpoch(handles);
    const { epoch, generation } = handles;
    for (const handle of announced) this.#options.store?.announced(upstream, epoch, handle, generation);
  }

  /** Only increases, over restarts too where there is a store. */
  epochOf(upstream: string): number {
    return this.#of(upstream).epoch;
  }

  /** An earlier run had an outcome on disk that ended the handle, and could not remove it any more. */
  readonly replay = (upstream: string, handle: number, generation: number, by: string): void => {
    const handles = this.#of(upstream);
    const held = handles.find(handle);
    if (held && held.generation <= generation) handles.end(handle, held, { ending: "finished", by, at: this.#now() });
  };

  /**
   * An earlier run had begun a later epoch than the store knows, and its number is not used again. After a takeover
   * everything of before is void; after proof of another life at the same address, what the proof does not keep. An entry
   * of format 1 has no proof: that life proves itself once more, and what is restored is unconfirmed until then.
   */
  readonly replayEpoch = (upstream: string, { from, to, epoch, proof }: EpochBegun): void => {
    const handles = this.#of(upstream);
    if (epoch <= handles.epoch) return;
    const isVoid = from !== to || proof !== undefined;
    handles.epoch = isVoid ? epoch - 1 : epoch;
    if (isVoid) {
      const sameOcs =
        from === to ? { upTo: proof!.up_to, keepFrom: proof!.generation, proof: proof!.handle } : undefined;
      this.newEpoch(upstream, to, sameOcs);
      // What the earlier run owned in that epoch was in the damaged store as well.
      if (this.#options.store?.movedAside !== undefined) handles.loseStore();
      return;
    }
    handles.keepFrom = 0;
    void this.#storeEpoch(handles);
  };

  /** The journal's index below which every outcome has reached the store, or is in what it is given next. */
  get mark(): number {
    const marks = [...this.#upstreams.values()].map(({ mark }) => mark);
    return Math.min(this.#options.journalSize?.() ?? 0, ...marks);
  }

  /** Handles that are owned now, by upstream and DBID. */
  *counts(): Iterable<{
    readonly upstream: string;
    readonly tenant: number;
    readonly owned: number;
    readonly unconfirmed: number;
  }> {
    for (const [upstream, handles] of this.#upstreams)
      for (const [tenant, count] of handles.counts()) yield { upstream, tenant, ...count };
  }

  /** Ends what is stale and tells what is to be told; by itself once a second. */
  tick(): void {
    const { store } = this.#options;
    for (const [upstream, handles] of this.#upstreams)
      handles.makeStale(this.#seconds() - this.#options.staleAfter(upstream) / 1000);
    for (const report of this.#strays.report(this.#now())) this.#options.tell({ kind: "strays", ...report });
    for (const [held, again] of this.#unnoted) {
      this.#unnoted.delete(held);
      again();
    }
    const pending = store?.pending() ?? 0;
    if (pending > 0 && !this.#isBehind) this.#options.tell({ kind: "unremoved", count: pending });
    this.#isBehind = pending > 0;
    if ([...this.#upstreams.keys()].some((upstream) => this.#graceOf(upstream) > 0)) store?.touch();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.store?.close();
  }

  /** What became of a claim, once the doubt that it casts on older ones is on disk too. */
  async #withDoubt(handles: Handles, claim: () => Promise<Owning>): Promise<Owning> {
    const { upstream, doubtUpTo } = handles;
    const became = claim();
    if (handles.doubtUpTo === doubtUpTo) return became;
    const stored = this.#isDone(this.#options.store?.doubt(upstream, handles.doubtUpTo), upstream);
    const [owning, isStored] = await Promise.all([became, stored]);
    return isStored ? owning : "unstored";
  }

  /** What became of a claim, once that is on disk and no request of an owner before is in flight. */
  async #keep(handles: Handles, said: Announcement, claimed: Claimed): Promise<Owning> {
    if (claimed.as === "disputed") return this.#takeAway(handles, said.handle, claimed);
    if (!("held" in claimed)) return claimed.as;
    const { as, held } = claimed;
    const { handle, upstream } = said;
    const drained = this.#drained(handles, handle, held.tenant);
    if (!(await this.#isStored(handles, said, held))) return this.#unstored(handles, handle, held, as);
    if (handles.find(handle) !== held) return this.#void(handles, handle, held);
    if (held.state === "disputed") return "disputed";
    if (!(await drained)) {
      handles.withdraw(handle, held);
      void this.#isDone(this.#options.store?.remove(upstream, handle, held.generation));
      return "in-flight";
    }
    if (handles.find(handle) !== held) return this.#void(handles, handle, held);
    if (held.state === "storing") held.state = "owned";
    // A registrar names what OCS has opened already, and a number that is new is known to no client before OCS has opened its record.
    held.heardAt ??= held.isReused === true && !held.registered ? performance.now() : -Infinity;
    return as === "new" ? "owned" : "again";
  }

  /** It ended, or a newer one replaced it, while it was written: its row goes. */
  #void({ upstream }: Handles, handle: number, { generation }: Held): Owning {
    void this.#isDone(this.#options.store?.remove(upstream, handle, generation));
    return "void";
  }

  /** On disk it is the same tenant's already, or it has no owner there, and then none in memory. */
  #unstored(handles: Handles, handle: number, held: Held, as: "new" | "renewed" | "again"): Owning {
    if (as !== "new" && held.state === "owned") return as === "again" ? "again" : "unstored";
    handles.withdraw(handle, held);
    // What a commit that hangs may still write, and the owner of before.
    void this.#isDone(this.#options.store?.remove(handles.upstream, handle, held.generation));
    return "unstored";
  }

  async #takeAway(
    handles: Handles,
    handle: number,
    { held, isNews }: Extract<Claimed, { as: "disputed" }>,
    malformed?: readonly string[],
  ): Promise<Owning> {
    if (isNews)
      this.#options.tell({ kind: "disputed", upstream: handles.upstream, handle, ...(malformed && { malformed }) });
    const drained = this.#drained(handles, handle, undefined);
    if (!(await this.#isDisputeStored(handles, handle, held))) return "unstored";
    return (await drained) ? "disputed" : "in-flight";
  }

  /**
   * The owner before is removed, whatever else can be written. Whom the handle could mean, nobody here too, outlives the
   * process: a registrar that did not hear of it would name its old tenant again.
   */
  async #isDisputeStored(handles: Handles, handle: number, held: Held): Promise<boolean> {
    const { store } = this.#options;
    const { upstream } = handles;
    const { tenant, generation, attempt = null } = held;
    const said = { ...NOTHING_SAID, upstream, handle, tenant, attempt };
    const [removed, noted] = await Promise.all([
      this.#isDone(store?.remove(upstream, handle, generation - 1)),
      this.#isDone(store?.put(this.#rowOf(handles, said, held))),
    ]);
    const again = (): unknown => handles.find(handle) === held && this.#isDisputeStored(handles, handle, held);
    if (!noted) this.#unnoted.set(held, again);
    return removed && noted;
  }

  #isStored(handles: Handles, said: Announcement, held: Held): Promise<boolean> {
    return this.#isDone(this.#options.store?.put(this.#rowOf(handles, said, held)), said.upstream);
  }

  #rowOf({ epoch, keepFrom, highest, highestAt }: Handles, said: Announcement, held: Held): Row {
    const { since, generation, among, announced } = held;
    const { upstream, handle, tenant, campaign, group, list, attempt } = said;
    const endpoint = this.#endpoints.get(upstream) ?? "";
    const person = { phone: announced?.phone ?? null, customer: announced?.customer_id ?? null };
    const about = { campaign, group, list, ...person, attempt, among };
    return { upstream, epoch, keepFrom, endpoint, handle, tenant, generation, highest, highestAt, since, ...about };
  }

  #storeEpoch({ upstream, epoch, keepFrom }: Handles): Promise<boolean> {
    const endpoint = this.#endpoints.get(upstream) ?? "";
    const stored = this.#isDone(this.#options.store?.beginEpoch(upstream, epoch, endpoint, keepFrom));
    this.#epochsStored.set(upstream, stored);
    return stored;
  }

  async #isEpochStored(handles: Handles): Promise<boolean> {
    return (await (this.#epochsStored.get(handles.upstream) ?? true)) || this.#storeEpoch(handles);
  }

  /** Resolves with false when it cannot be written now; with an `upstream` that is told. */
  async #isDone(change: Promise<void> | undefined, upstream?: string): Promise<boolean> {
    try {
      await change;
      return true;
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      if (upstream !== undefined) this.#options.tell({ kind: "unstored", upstream, reason: error.message });
      return false;
    }
  }

  /** Resolves with whether no request of another tenant is in flight for the handle any more. */
  #drained(handles: Handles, handle: number, tenant: number | undefined): Promise<boolean> {
    const drained = handles.inFlight.drained(handle, tenant);
    if (!drained) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS, false);
      void drained.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #share({ upstream, name, dbid }: Tenant, handle: string): void {
    const other = this.#watch.use(upstream, handle, name, dbid);
    if (other !== undefined) this.#options.tell({ kind: "shared", upstream, handle, tenants: [other, name] });
  }

  /** For an announcement of this handle, which may prove that OCS has begun another life. */
  #ofLife(upstream: string, handle: number): Handles {
    const handles = this.#of(upstream);
    const window = this.#options.window?.(upstream) ?? WINDOW;
    if (handles.provesNewLife(handle, window)) this.#beginLife(handles, handle, window);
    this.#options.store?.announced(upstream, handles.epoch, handle, handles.generation);
    return handles;
  }

  #beginLife(handles: Handles, handle: number, window: number): void {
    const { upstream } = handles;
    const reason = `OCS began another life: handle ${handle} was announced for the first time, and ${handles.highest} was the highest`;
    const endpoint = this.#endpoints.get(upstream) ?? "";
    const upTo = handle + window;
    this.newEpoch(upstream, endpoint, { upTo, proof: handle });
    const proof = { handle, up_to: upTo, generation: handles.keepFrom ?? 0 };
    this.#options.tell({ kind: "epoch", upstream, endpoint, epoch: handles.epoch, reason, proof });
  }

  #restore(upstream: string): void {
    const { store } = this.#options;
    const { endpoint, owned } = store!.restored.get(upstream)!;
    this.#endpoints.set(upstream, endpoint);
    const handles = this.#of(upstream);
    const isTrusted = store!.downtime !== undefined && store!.downtime < this.#graceOf(upstream);
    for (const { handle, since, attempt, phone, customer, ...row } of owned) {
      const announced = tokensOf({ phone, customer });
      const known = { ...row, announced, since: Math.min(since, this.#seconds()), attempt: attempt ?? undefined };
      handles.restore(handle, known, isTrusted);
    }
  }

  #graceOf(upstream: string): number {
    return this.#options.restartGrace?.(upstream) ?? 0;
  }

  #of(upstream: string): Handles {
    let handles = this.#upstreams.get(upstream);
    if (!handles) {
      const { store } = this.#options;
      const known = store?.restored.get(upstream);
      const highest = known && Math.max(known.highest, ...highestOf(known.owned));
      const ended = (handle: number, { generation }: Held): void =>
        void this.#isDone(store?.remove(upstream, handle, generation));
      const adopted = (handle: number, held: Held): void => {
        const { tenant, attempt = null } = held;
        void this.#isStored(this.#of(upstream), { ...NOTHING_SAID, upstream, handle, tenant, attempt }, held);
      };
      handles = new Handles(
        upstream,
        { ended, adopted },
        {
          epoch: known?.epoch,
          highest,
          highestAt: known?.highestAt,
          announced: known?.announced,
          generation: known?.generation,
          doubtUpTo: known?.doubtUpTo,
          storeLost: store?.movedAside !== undefined,
          journalSize: this.#options.journalSize,
        },
      );
      this.#upstreams.set(upstream, handles);
    }
    return handles;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

type Said = { readonly phone?: string | null | undefined; readonly customer?: string | null | undefined };

const tokensOf = ({ phone, customer }: Said): PersonTokens | undefined =>
  phone || customer ? { ...(phone && { phone }), ...(customer && { customer_id: customer }) } : undefined;

const highestOf = (owned: readonly { readonly handle: number }[]): readonly number[] => [
  owned.reduce((highest, { handle }) => Math.max(highest, handle), 0),
];
