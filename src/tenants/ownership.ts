/**
 * Whose is a record handle? Ownership belongs to (upstream, epoch, handle). Under `pre-dial` OCS announces each record before it is dialed, under
 * `registered` a trusted component does; only the tenant that was named may use the handle, and first use never grants anything. `dedicated`:
 * the OCS serves one tenant, so every handle is that tenant's. `unscoped`: nothing separates tenants, and two that use one handle raise an alarm.
 *
 * Questions are answered from memory, at once. What is to outlive the process is on disk before whoever told it is answered.
 */
import type { Tenant } from "./register.ts";
import { Handles, type Claimed, type Hold, type Stray } from "./ownership/handles.ts";
import { StoreFailed, type OwnershipStore, type Row } from "./ownership/store.ts";
import { Strays, type StrayReport } from "./ownership/strays.ts";
import { createHandleWatch } from "./ownership/watch.ts";

export { needsOwner, type Hold, type Stray } from "./ownership/handles.ts";
export { openOwnershipStore, type OwnershipStore } from "./ownership/store.ts";
export { createFinder, type Finder, type Particulars, type Whose } from "./ownership/whose.ts";

export type OwnershipNews =
  | ({ readonly kind: "strays" } & StrayReport)
  | { readonly kind: "shared"; readonly upstream: string; readonly handle: string; readonly tenants: readonly [first: string, other: string] }
  | { readonly kind: "disputed"; readonly upstream: string; readonly handle: number }
  | { readonly kind: "unstored"; readonly upstream: string; readonly reason: string };

/** `again`: it was the tenant's already. All else: the handle is not the tenant's, and why. */
export type Owning = "owned" | "again" | "disputed" | "full" | "void" | "unstored";

export type Answer =
  | { readonly hold: Hold }
  /** `slow`: the tenant asks for too many handles that are not its own. */
  | { readonly stray: Stray; readonly slow: boolean };

export type OwnershipOptions = {
  /** Left out where nothing is to outlive the process. */
  readonly store?: OwnershipStore | undefined;
  /** Milliseconds after which a handle is stale, by upstream. */
  readonly staleAfter: (upstream: string) => number;
  readonly tell: (news: OwnershipNews) => void;
  /** Milliseconds since 1970, by a clock that nobody sets while the process lives. */
  readonly now?: () => number;
};

const TICK_MS = 1000;

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #now: () => number;
  readonly #upstreams = new Map<string, Handles>();
  readonly #strays = new Strays();
  readonly #watch = createHandleWatch();
  readonly #timer: NodeJS.Timeout;
  /** The OCS that handles are of, by upstream. */
  readonly #endpoints = new Map<string, string>();
  /** Epochs whose beginning is not on disk. */
  readonly #unwritten = new Map<string, string>();

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    for (const { upstream, endpoint, owned } of options.store?.restored.values() ?? []) {
      this.#endpoints.set(upstream, endpoint);
      const handles = this.#of(upstream);
      for (const [handle, tenant, since] of owned) handles.restore(handle, tenant, Math.min(since, this.#seconds()));
    }
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** May the tenant use the handle? A finalizing action has it for itself until it is settled. */
  readonly ask = (tenant: Tenant, identifier: string, finalizes: boolean): Answer => {
    const asked = this.#of(tenant.upstream).ask(tenant, Number(identifier), finalizes);
    if ("stray" in asked) return { stray: asked.stray, slow: !this.#strays.note(tenant.upstream, tenant.dbid, asked.stray, this.#now()) };
    if (tenant.records === "unscoped") this.#share(tenant, identifier);
    return asked;
  };

  /** Those of the tenants whose handle it is, or else was: on two upstreams it may be two tenants'. */
  readonly ownersAmong = (tenants: readonly Tenant[], identifier: string): readonly Tenant[] => {
    const handle = Number(identifier);
    const owners = tenants.filter(({ upstream, dbid }) => this.#of(upstream).ownerOf(handle) === dbid);
    return owners.length > 0 ? owners : tenants.filter(({ upstream, dbid }) => this.#of(upstream).formerOwnerOf(handle) === dbid);
  };

  /** OCS has named the tenant. Resolves when it is on disk, or is not to be owned. */
  readonly announce = (row: Omit<Row, "since">): Promise<Owning> => {
    const since = this.#seconds();
    return this.#keep({ ...row, since }, this.#of(row.upstream).announce(row.handle, row.tenant, since));
  };

  /** OCS has announced the record, and it is no tenant's here. */
  disown(upstream: string, handle: number): void {
    if (this.#of(upstream).disown(handle)) this.#dispute(upstream, handle);
  }

  /** A registrar has named the tenant. */
  readonly register = async (upstream: string, handle: number, tenant: number): Promise<Owning> => {
    const since = this.#seconds();
    const claimed = this.#of(upstream).register(handle, tenant, since);
    // Whoever tries to take what is another's is told so; the owner keeps it.
    if (claimed.as === "disputed") return "disputed";
    if ("held" in claimed && claimed.held.state !== "pending") return "again";
    return this.#keep({ upstream, handle, tenant, since, campaign: null, group: null, list: null, phone: null, attempt: null }, claimed);
  };

  /** The DBID of the tenant whose handle it is. */
  ownerOf(upstream: string, handle: number): number | undefined {
    return this.#upstreams.get(upstream)?.ownerOf(handle);
  }

  /** The handle is nobody's any more: its call has ended, or is not to be made. */
  end(upstream: string, handle: number): void {
    const handles = this.#of(upstream);
    const held = handles.find(handle);
    if (held) handles.end(handle, held);
  }

  /** The same, by the call attempt's GUID. */
  async endAttempt(upstream: string, attempt: string): Promise<void> {
    const handle = await this.#options.store?.byAttempt(upstream, attempt);
    if (handle !== undefined) this.end(upstream, handle);
  }

  /** The OCS that is there at the beginning: where it is the one of before, what was owned still is. */
  resume(upstream: string, endpoint: string): void {
    if (this.#endpoints.get(upstream) !== endpoint) this.newEpoch(upstream, endpoint);
  }

  /** Everything of this upstream is void. */
  newEpoch(upstream: string, endpoint: string): void {
    this.#of(upstream).newEpoch();
    this.#endpoints.set(upstream, endpoint);
    this.#unwritten.set(upstream, endpoint);
    this.#writeEpochs();
  }

  /** Handles that are owned now, by upstream and DBID. */
  *counts(): Iterable<readonly [upstream: string, tenant: number, handles: number]> {
    for (const [upstream, handles] of this.#upstreams) for (const [tenant, count] of handles.counts()) yield [upstream, tenant, count];
  }

  /** Ends what is stale and tells what is to be told; by itself once a second. */
  tick(): void {
    for (const [upstream, handles] of this.#upstreams) handles.endBefore(this.#seconds() - this.#options.staleAfter(upstream) / 1000);
    for (const report of this.#strays.report(this.#now())) this.#options.tell({ kind: "strays", ...report });
    this.#writeEpochs();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.store?.close();
  }

  async #keep(row: Row, claimed: Claimed): Promise<Owning> {
    const { upstream, handle } = row;
    if (claimed.as === "disputed") this.#dispute(upstream, handle);
    if (!("held" in claimed)) return claimed.as;
    const { as, held } = claimed;
    const handles = this.#of(upstream);
    try {
      await this.#options.store?.put(row);
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      this.#options.tell({ kind: "unstored", upstream, reason: error.message });
      if (held.state === "pending") handles.end(handle, held);
      return held.state === "pending" ? "unstored" : "again";
    }
    if (!handles.holds(handle, held)) return "void";
    if (held.state === "pending") held.state = "live";
    return as === "new" ? "owned" : "again";
  }

  #dispute(upstream: string, handle: number): void {
    this.#options.store?.forget(upstream, handle);
    this.#options.tell({ kind: "disputed", upstream, handle });
  }

  #share({ upstream, name }: Tenant, handle: string): void {
    const other = this.#watch.use(upstream, handle, name);
    if (other !== undefined) this.#options.tell({ kind: "shared", upstream, handle, tenants: [other, name] });
  }

  /** An epoch whose beginning is not on disk would let an earlier one rise again at the next start: it is written until it is. */
  #writeEpochs(): void {
    for (const [upstream, endpoint] of this.#unwritten) {
      this.#unwritten.delete(upstream);
      this.#options.store?.beginEpoch(upstream, endpoint).catch(() => {
        if (!this.#unwritten.has(upstream)) this.#unwritten.set(upstream, endpoint);
      });
    }
  }

  #of(upstream: string): Handles {
    let handles = this.#upstreams.get(upstream);
    if (!handles) this.#upstreams.set(upstream, (handles = new Handles((handle) => this.#options.store?.forget(upstream, handle))));
    return handles;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}
