/**
 * Which tenant owns a record handle, where several gateways share the owners: the same decisions as `Ownership`, from
 * one ordered log that all gateways apply (`apply-event.ts`).
 *
 * - A request whose tenant owns the handle in memory is decided without the database, while this gateway's lease lasts.
 *   Anything else is decided after everything in the log was applied; if the database does not answer, the answer is
 *   that the owner is unclear, never that the handle has none.
 * - An announcement is answered when it is in the log, and when every live gateway knows what it takes from a tenant.
 */
import type { Tenant } from "../../tenancy/registry.ts";
import { needsOwner, type Ending, type PersonTokens } from "../handles/lease-decision.ts";
import { announcedFor, ownersAmong } from "../owner-queries.ts";
import { ProbeGuard } from "../probe-guard.ts";
import { createSharedUse } from "../shared-use.ts";
import type { OwnershipService } from "../ownership.ts";
import type { ActiveOcs, Announcement, EpochBegun, LeaseResponse, OwnershipResult } from "../types.ts";
import { commitEvent } from "./commit-event.ts";
import { endAttempt, endHandle } from "./end-handle.ts";
import { PART } from "./gateways.ts";
import type { LogStatus, SharedOwnershipOptions } from "./options.ts";
import type { Replica } from "./replica.ts";
import { requestSharedLease } from "./shared-lease.ts";
import { SharedUpstream } from "./shared-upstream.ts";

const TICK_MS = 250;
/** Maximum milliseconds for which an announcement waits until it is certain which OCS is active. */
const ACTIVE_MS = 1500;

export class SharedOwnership implements OwnershipService {
  readonly #options: SharedOwnershipOptions;
  readonly #now: () => number;
  readonly #upstreams = new Map<string, SharedUpstream>();
  readonly #probeGuard = new ProbeGuard();
  readonly #sharedUse = createSharedUse();
  readonly #knownEpochs = new Map<string, number>();
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #ticking: Promise<void> | undefined;
  #writtenMark = -1;

  constructor(options: SharedOwnershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.#stopListening = options.log.listen({
      onAppended: (upstream) => this.#onAppended(upstream),
      onAcknowledged: ({ log, instance, seq }) =>
        this.#upstreams.get(log)?.acknowledgements.noteNotified(instance, seq),
    });
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Applies the logs of these upstreams. Resolves to false if the database does not answer. */
  async start(upstreams: readonly string[]): Promise<boolean> {
    const begun = await Promise.all(upstreams.map((upstream) => this.#of(upstream).catchUp()));
    return begun.every(Boolean);
  }

  /**
   * Applies what other gateways have written, unless this gateway can say from memory that one of the tenants may use
   * the handle: then undefined. Resolves to false if the database does not answer.
   */
  readonly catchUp = (tenants: readonly Tenant[], identifier: string): Promise<boolean> | undefined => {
    const asked = tenants.filter((tenant) => this.#isDecidedHere(tenant));
    if (asked.length === 0) return undefined;
    if (asked.some((tenant) => this.#of(tenant.upstream).canSay(tenant, Number(identifier)))) return undefined;
    const upstreams = [...new Set(asked.map(({ upstream }) => upstream))];
    return this.start(upstreams);
  };

  /** `isCurrent`: `catchUp` has resolved to true for this request. */
  readonly requestLease = (
    tenant: Tenant,
    identifier: string,
    finalizes: boolean,
    isCurrent = false,
  ): LeaseResponse => {
    const { upstream, dbid } = tenant;
    const shared = this.#of(upstream);
    const isDecidedHere = this.#isDecidedHere(tenant);
    if (isDecidedHere && !shared.mayAnswer()) return { unclear: "database" };
    const deps = { replica: shared.replica, mayAnswer: shared.mayAnswer, needsOwners: isDecidedHere };
    const decision = requestSharedLease(deps, tenant, Number(identifier), finalizes);
    if ("denied" in decision) {
      if (isDecidedHere && !isCurrent) return { unclear: "database" };
      return {
        ...decision,
        isThrottled: !this.#probeGuard.mayAnswer(upstream, dbid, decision.denied.why, this.#now()),
      };
    }
    if ("lease" in decision && tenant.records === "unscoped") this.#noteSharedUse(tenant, identifier);
    return decision;
  };

  readonly ownersAmong = (tenants: readonly Tenant[], identifier: string): readonly Tenant[] =>
    ownersAmong((upstream) => this.#of(upstream).handles.table, tenants, identifier);

  readonly announcedFor = (tenants: readonly Tenant[], identifier: string): PersonTokens | undefined =>
    announcedFor((upstream) => this.#of(upstream).handles.table, tenants, identifier);

  readonly announce = async (announcement: Announcement): Promise<OwnershipResult> => {
    const { upstream, handle, tenant, attempt, phone, customer } = announcement;
    const shared = this.#of(upstream);
    const heard = { window: this.#options.window(upstream), ...shared.seen };
    const endpoint = await shared.connection.whenActive(ACTIVE_MS);
    if (endpoint === undefined) return "void";
    const about = { handle, tenant, ...heard, endpoint, ...(phone && { phone }), ...(customer && { customer }) };
    return commitEvent(shared.commit, { kind: "announce", ...about, ...(attempt !== null && { attempt }) });
  };

  readonly markUnowned = async (
    upstream: string,
    handle: number,
    among: readonly number[] = [],
    malformed?: readonly string[],
  ): Promise<OwnershipResult> => {
    const shared = this.#of(upstream);
    const heard = { window: this.#options.window(upstream), ...shared.seen };
    const endpoint = await shared.connection.whenActive(ACTIVE_MS);
    if (endpoint === undefined) return "void";
    return commitEvent(shared.commit, { kind: "unowned", handle, among, ...heard, endpoint }, malformed);
  };

  readonly register = async (
    upstream: string,
    handle: number,
    tenant: number,
    speaksFor: readonly number[],
  ): Promise<OwnershipResult> => {
    const shared = this.#of(upstream);
    const endpoint = await shared.connection.whenActive(ACTIVE_MS);
    if (endpoint === undefined) return "void";
    return commitEvent(shared.commit, { kind: "register", handle, tenant, speaksFor, endpoint });
  };

  ownerOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.get(upstream)?.handles.table.ownerOf(handle);
  }

  claimantOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.get(upstream)?.handles.table.claimantOf(handle);
  }

  /** Resolves to false if this gateway does not know what others have written, because the database does not answer. */
  readonly refresh = (upstream: string): Promise<boolean> => this.#of(upstream).catchUp();

  end(upstream: string, handle: number, ending: Ending, attempt?: string): Promise<boolean> {
    return endHandle(this.#of(upstream), handle, ending, attempt);
  }

  /** Resolves to false if the handle may have an owner. */
  async isUnownedOnDisk(upstream: string, handle: number): Promise<boolean> {
    const shared = this.#of(upstream);
    return (await shared.catchUp()) && shared.handles.table.find(handle) === undefined;
  }

  endAttempt(upstream: string, attempt: string): Promise<boolean> {
    return endAttempt(this.#of(upstream), attempt);
  }

  onLost(upstream: string): void {
    this.#of(upstream).connection.lose();
  }

  onActive(upstream: string, active: ActiveOcs): void {
    this.#of(upstream).connection.connect(active);
  }

  /** Resolves when the log agrees that this gateway's OCS is the active one, or after `AGREED_MS`. */
  readonly whenAgreed = (upstream: string): Promise<void> | undefined => this.#of(upstream).connection.whenAgreed();

  /** All connections of this gateway were lost; it may be connected again. */
  unconfirm(upstream: string): void {
    const { connection } = this.#of(upstream);
    const { endpoint } = connection;
    connection.lose();
    if (endpoint !== undefined) connection.connect({ endpoint, how: "reconnected" });
  }

  newEpoch = (upstream: string, endpoint: string): void => this.onActive(upstream, { endpoint, how: "takeover" });

  epochOf(upstream: string): number {
    return this.#of(upstream).handles.epoch;
  }

  readonly replay = (upstream: string, handle: number, generation: number, by: string): void => {
    const { replica } = this.#of(upstream);
    const entry = replica.state.handles.table.find(handle);
    if (entry && entry.generation <= generation)
      void replica.appendSurely({ kind: "end", handle, ending: "finished", upTo: generation, by });
  };

  /** See `replayed`. */
  readonly replayEpoch = (upstream: string, { epoch }: EpochBegun): void =>
    void this.#knownEpochs.set(upstream, Math.max(epoch, this.#knownEpochs.get(upstream) ?? 0));

  /** Call this after the journal was replayed: numbers of epochs that it knows are not used again. */
  replayed(): void {
    for (const [upstream, epoch] of this.#knownEpochs)
      if (epoch > this.epochOf(upstream)) void this.#of(upstream).replica.appendSurely({ kind: "epoch-known", epoch });
  }

  /** Writes the state now, so that a gateway that joins need not apply all events. */
  readonly writeSnapshot = (upstream: string): Promise<boolean> => this.#of(upstream).housekeeping.writeSnapshot();

  /** The upstream's owners as the log says. */
  replicaOf(upstream: string): Replica {
    return this.#of(upstream).replica;
  }

  /** The journal's index below which all outcomes are in the log. */
  get mark(): number {
    const marks = [...this.#upstreams.values()].map(({ handles }) => handles.openLeases.journalMark);
    return Math.min(this.#options.journalSize?.() ?? 0, ...marks);
  }

  *counts(): ReturnType<OwnershipService["counts"]> {
    for (const [upstream, { handles }] of this.#upstreams)
      for (const [tenant, count] of handles.counts()) yield { upstream, tenant, ...count };
  }

  *status(): Iterable<LogStatus> {
    for (const [upstream, { counts, replica, mayAnswer }] of this.#upstreams) {
      const position = replica.applied;
      const lag = Math.max(0, (this.#options.headOf(upstream) ?? 0) - position);
      yield { ...counts, upstream, position, lag, mayAnswer: mayAnswer(), pending: replica.pending };
    }
  }

  /** Runs four times a second. */
  tick(): void {
    for (const report of this.#probeGuard.report(this.#now())) this.#options.onEvent({ kind: "probes", ...report });
    this.#tell();
    this.#ticking ??= this.#tickAll().finally(() => (this.#ticking = undefined));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await Promise.all([...this.#upstreams.values()].map((shared) => shared.stop()));
    await this.#putMark();
    this.#stopListening();
  }

  async #tickAll(): Promise<void> {
    const all = [...this.#upstreams].map(([upstream, shared]) => shared.tick(this.#options.headOf(upstream)));
    await Promise.all([...all, this.#putMark()]);
  }

  async #putMark(): Promise<void> {
    const { mark } = this;
    if (mark === this.#writtenMark || !this.#options.putMark) return;
    try {
      await this.#options.putMark(mark);
      this.#writtenMark = mark;
    } catch {
      // The next tick tries again; until then a start would only read more of the journal.
    }
  }

  #tell(): void {
    const acknowledged = [...this.#upstreams].map(([upstream, shared]) => [upstream, shared.acknowledgements.own]);
    this.#options.gateways.tell(PART, Object.fromEntries(acknowledged));
  }

  #onAppended(upstream: string | undefined): void {
    for (const [name, shared] of this.#upstreams)
      if (upstream === undefined || upstream === name) void shared.catchUp();
  }

  /** Where no tenant's handles need an owner, OCS alone decides while the database does not answer. */
  #isDecidedHere(tenant: Tenant): boolean {
    return needsOwner(tenant) || this.#options.needsOwners(tenant.upstream);
  }

  #of(upstream: string): SharedUpstream {
    let shared = this.#upstreams.get(upstream);
    if (shared) return shared;
    const options = this.#options;
    shared = new SharedUpstream({
      upstream,
      log: options.log,
      gateways: options.gateways,
      journalSize: options.journalSize,
      staleAfter: () => options.staleAfter(upstream),
      hasFreeHandles: () => options.hasFreeHandles(upstream),
      onEvent: options.onEvent,
      onNewLife: () => this.#sharedUse.newLife(upstream),
      onOtherOcs: (endpoint) => options.onOtherOcs?.(upstream, endpoint),
      tell: () => this.#tell(),
    });
    this.#upstreams.set(upstream, shared);
    return shared;
  }

  #noteSharedUse({ upstream, name, dbid }: Tenant, handle: string): void {
    const other = this.#sharedUse.use(upstream, handle, name, dbid);
    if (other !== undefined) this.#options.onEvent({ kind: "shared-use", upstream, handle, tenants: [other, name] });
  }
}
