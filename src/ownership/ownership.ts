/**
 * Which tenant owns a record handle? An owner is stored per (upstream, epoch, handle). With `pre-dial` OCS announces
 * each record before it dials it, with `registered` a trusted component names the tenant; only that tenant may use the
 * handle, and using a handle never grants ownership. `dedicated`: the OCS serves one tenant, which owns all handles.
 * `unscoped`: nothing separates tenants; two tenants that use the same handle cause an alarm.
 *
 * Requests are decided from memory, synchronously (`lease-decision.ts`). An announcement, registration or end is
 * answered when it is on disk and no request of the earlier owner is in flight.
 *
 * An epoch is one life of one OCS (`epochs.ts`). Losing every connection, or a restart of the gateway, makes handles
 * unconfirmed until OCS names them again (`confirmation.ts`).
 */
import type { Tenant } from "../tenancy/registry.ts";
import { commitClaim, commitDispute, withDoubt, type CommitDeps } from "./commit-claim.ts";
import { Epochs } from "./epochs.ts";
import { announce, markUnowned, register } from "./handles/handle-claims.ts";
import type { HandlesListener } from "./handles/handle-state.ts";
import { requestLease } from "./handles/lease.ts";
import { personOf, type Ending, type PersonTokens } from "./handles/lease-decision.ts";
import { announcedFor, ownersAmong } from "./owner-queries.ts";
import { bareAnnouncement, OwnershipWriter } from "./ownership-writer.ts";
import { ProbeGuard } from "./probe-guard.ts";
import { createSharedUse } from "./shared-use.ts";
import type { ActiveOcs, Announcement, EpochBegun, LeaseResponse, OwnershipOptions, OwnershipResult } from "./types.ts";
import { UpstreamHandles } from "./upstream-handles.ts";

export { openOwnershipStore, type OwnershipStore, type StoreThread } from "./store/store.ts";
export * from "./types.ts";
export {
  needsOwner,
  reasonOfDenied,
  reasonOfUnclear,
  type HandleLease,
  type ReasonWord,
} from "./handles/lease-decision.ts";
export {
  createAnnouncedTenantFinder,
  announcedTenantSteps,
  type AnnouncedTenantFinder,
  type DecidingProperties,
  type AnnouncedTenant,
} from "./announced-tenant.ts";

const TICK_MS = 1000;

/** Ownership of one gateway, or of several that share it (`replicated/shared-ownership.ts`). */
export type OwnershipService = Pick<Ownership, keyof Ownership>;

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #now: () => number;
  readonly #writer: OwnershipWriter;
  readonly #commit: CommitDeps;
  readonly #upstreams: UpstreamHandles;
  readonly #epochs: Epochs;
  readonly #probeGuard = new ProbeGuard();
  readonly #sharedUse = createSharedUse();
  readonly #timer: NodeJS.Timeout;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.#writer = new OwnershipWriter(options.store, options.onEvent);
    this.#commit = { writer: this.#writer, onEvent: options.onEvent };
    const listenerFor = (upstream: string): HandlesListener => ({
      onEnded: (handle, { generation }) => void this.#writer.remove(upstream, handle, generation),
      onOwnerAdopted: (handle, entry) => void this.#writer.putBareOwner(this.#upstreams.of(upstream), handle, entry),
    });
    this.#upstreams = new UpstreamHandles({ ...options, listenerFor, now: () => this.#seconds() });
    this.#epochs = new Epochs({
      upstreams: this.#upstreams,
      writer: this.#writer,
      sharedUse: this.#sharedUse,
      isStoreLost: options.store?.movedAside !== undefined,
      window: options.window,
      onEvent: options.onEvent,
      now: this.#now,
    });
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Everything is in memory. */
  readonly catchUp = (_tenants: readonly Tenant[], _identifier: string): Promise<boolean> | undefined => undefined;

  readonly refresh = (_upstream: string): Promise<boolean> => Promise.resolve(true);

  readonly whenAgreed = (_upstream: string): Promise<void> | undefined => undefined;

  /**
   * Decides whether the tenant may use the handle. A finalizing request waits for earlier ones. `isCurrent`: `catchUp`
   * has resolved to true.
   */
  readonly requestLease = (
    tenant: Tenant,
    identifier: string,
    finalizes: boolean,
    _isCurrent?: boolean,
  ): LeaseResponse => {
    const { upstream, dbid } = tenant;
    const decision = requestLease(this.#upstreams.of(upstream), tenant, Number(identifier), finalizes);
    if ("denied" in decision)
      return {
        ...decision,
        isThrottled: !this.#probeGuard.mayAnswer(upstream, dbid, decision.denied.why, this.#now()),
      };
    if ("lease" in decision && tenant.records === "unscoped") this.#noteSharedUse(tenant, identifier);
    return decision;
  };

  /** See `owner-queries.ts`. */
  readonly ownersAmong = (tenants: readonly Tenant[], identifier: string): readonly Tenant[] =>
    ownersAmong((upstream) => this.#upstreams.of(upstream).table, tenants, identifier);

  /** See `owner-queries.ts`. */
  readonly announcedFor = (tenants: readonly Tenant[], identifier: string): PersonTokens | undefined =>
    announcedFor((upstream) => this.#upstreams.of(upstream).table, tenants, identifier);

  /** Applies OCS's announcement of the record for this tenant. Resolves when the result is on disk. */
  readonly announce = async (announcement: Announcement): Promise<OwnershipResult> => {
    const { upstream, handle, tenant, attempt, phone, customer } = announcement;
    const handles = this.#epochs.handlesForAnnouncement(upstream, handle);
    const announced = personOf({ phone, customer });
    const claim = { handle, tenant, attempt: attempt ?? undefined, announced, now: this.#seconds() };
    return withDoubt(this.#commit, handles, () =>
      commitClaim(this.#commit, handles, announcement, announce(handles, claim)),
    );
  };

  /**
   * Applies OCS's announcement of a record that no tenant here owns. `among`: DBIDs of the tenants that it could belong
   * to. `malformed`: OCS's names of malformed properties.
   */
  readonly markUnowned = async (
    upstream: string,
    handle: number,
    among: readonly number[] = [],
    malformed?: readonly string[],
  ): Promise<OwnershipResult> => {
    const handles = this.#epochs.handlesForAnnouncement(upstream, handle);
    return withDoubt(this.#commit, handles, async () => {
      const claimed = markUnowned(handles, handle, among, this.#seconds());
      if (!(await this.#writer.isEpochWritten(handles))) return "unstored";
      if (claimed?.as === "disputed") return commitDispute(this.#commit, handles, handle, claimed, malformed);
      return claimed === undefined || "entry" in claimed ? "nobody" : claimed.as;
    });
  };

  /** Applies a registrar's registration. `speaksFor`: DBIDs of the tenants that the registrar may name. */
  readonly register = async (
    upstream: string,
    handle: number,
    tenant: number,
    speaksFor: readonly number[],
  ): Promise<OwnershipResult> => {
    const handles = this.#upstreams.of(upstream);
    const claim = { handle, tenant, now: this.#seconds() };
    return withDoubt(this.#commit, handles, () => {
      const claimed = register(handles, claim, (owner) => speaksFor.includes(owner));
      return commitClaim(this.#commit, handles, bareAnnouncement(handles, handle, { tenant }), claimed);
    });
  };

  /** The DBID of the tenant that owns the handle, confirmed or not. */
  ownerOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.find(upstream)?.table.ownerOf(handle);
  }

  /** As `ownerOf`, also while the owner is being written. */
  claimantOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.find(upstream)?.table.claimantOf(handle);
  }

  /** Ends the handle: its call is over, or OCS will not make it. Resolves to true when that is on disk. */
  async end(upstream: string, handle: number, ending: Ending, attempt?: string): Promise<boolean> {
    const handles = this.#upstreams.of(upstream);
    const entry = handles.table.find(handle);
    if (!entry) return this.isUnownedOnDisk(upstream, handle);
    // Ending an older attempt does not end a newer one.
    if (attempt !== undefined && entry.attempt !== undefined && entry.attempt !== attempt) return true;
    if (!handles.end(handle, entry, { ending, at: this.#now() })) return true;
    return this.#writer.remove(upstream, handle, entry.generation);
  }

  /** Resolves to false if the former owner of a handle without an owner may still be on disk. */
  async isUnownedOnDisk(upstream: string, handle: number): Promise<boolean> {
    const handles = this.#upstreams.of(upstream);
    if (!this.#writer.hasPending || handles.table.find(handle) !== undefined) return true;
    return this.#writer.remove(upstream, handle, handles.generation);
  }

  /** As `end`, by the call attempt's GUID. */
  async endAttempt(upstream: string, attempt: string): Promise<boolean> {
    const handle = await this.#options.store?.byAttempt(upstream, attempt);
    return handle === undefined || this.end(upstream, handle, "call-ended", attempt);
  }

  /** Call this when all connections were lost: the active OCS is unknown. */
  onLost(upstream: string): void {
    this.#upstreams.of(upstream).isActiveOcsKnown = false;
  }

  /** Call this when this OCS has become the active one. */
  onActive(upstream: string, active: ActiveOcs): void {
    this.#epochs.onActive(upstream, active);
  }

  /** See `Epochs.unconfirm`. */
  unconfirm(upstream: string): void {
    this.#epochs.unconfirm(upstream);
  }

  /** See `Epochs.begin`. */
  newEpoch(upstream: string, endpoint: string): void {
    this.#epochs.begin(upstream, endpoint);
  }

  /** The current epoch. It only increases; with a store, also over restarts. */
  epochOf(upstream: string): number {
    return this.#upstreams.of(upstream).epoch;
  }

  /** Applies an outcome in the journal that ended the handle, if an earlier run could not remove it from the store. */
  readonly replay = (upstream: string, handle: number, generation: number, by: string): void => {
    const handles = this.#upstreams.of(upstream);
    const entry = handles.table.find(handle);
    if (entry && entry.generation <= generation)
      handles.end(handle, entry, { ending: "finished", by, at: this.#now() });
  };

  /** See `Epochs.replay`. */
  readonly replayEpoch = (upstream: string, begun: EpochBegun): void => this.#epochs.replay(upstream, begun);

  /** See `UpstreamHandles.journalMark`. */
  get mark(): number {
    return this.#upstreams.journalMark;
  }

  /** See `UpstreamHandles.counts`. */
  counts(): ReturnType<UpstreamHandles["counts"]> {
    return this.#upstreams.counts();
  }

  /** Makes handles stale, retries writes and reports probes. Runs once a second. */
  tick(): void {
    this.#upstreams.makeStale();
    for (const report of this.#probeGuard.report(this.#now())) this.#options.onEvent({ kind: "probes", ...report });
    this.#writer.tick();
    this.#upstreams.touchStore();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.store?.close();
  }

  #noteSharedUse({ upstream, name, dbid }: Tenant, handle: string): void {
    const other = this.#sharedUse.use(upstream, handle, name, dbid);
    if (other !== undefined) this.#options.onEvent({ kind: "shared-use", upstream, handle, tenants: [other, name] });
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}
