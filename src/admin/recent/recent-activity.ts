/**
 * What happened in the last 60 minutes: all requests together, by upstream and by tenant. Requests are seen where the
 * counters see them. Memory is bounded: a tenant without a request in 60 minutes is forgotten, and the more tenants are
 * active, the wider their slots.
 */
import { bucketOf } from "./log-buckets.ts";
import { ClientCodes, type TenantKey } from "./client-codes.ts";
import { SecondRing } from "./second-ring.ts";
import { CELL, KEPT_SECONDS, SlotRing, type Coded } from "./slot-ring.ts";

/** What is read of a request, with the same shape as in the pipeline's trace. */
export type SeenRequest = {
  readonly caller?: { readonly client: string } | undefined;
  readonly tenant?: TenantKey | undefined;
  readonly operation?: { readonly action: { readonly name: string } } | undefined;
  readonly wouldRefuse?: string | undefined;
  /** Milliseconds; `ocs` is 0 when nothing was sent. */
  readonly waits?: { readonly queue: number; readonly ocs: number } | undefined;
  readonly answer?: { readonly suspected?: true } | undefined;
};

/** As in `counters.ts`. */
export type Ending = {
  readonly status: number;
  readonly code?: string;
  readonly delivery?: "not-sent" | "answered" | "sent-no-answer";
};

/** Of one tenant, one upstream, or the whole gateway. */
export class Activity {
  readonly slots = new SlotRing();
  readonly seconds = new SecondRing();
}

/** Slots of this many seconds while at most so many tenants are active. */
const WIDTHS = [
  { tenants: 150, seconds: 10 },
  { tenants: 900, seconds: 60 },
  { tenants: 4000, seconds: 300 },
] as const;
const WIDEST = 600;
const NARROWEST = 10;
/** Requests of further tenants are counted for their upstream and the gateway only. */
export const MOST_TENANTS = 20_000;
const SWEEP_SECONDS = 60;

const [OK, OCS_NO, REFUSED, NO_ANSWER] = [CELL.ok, CELL.ocsNo, CELL.refused, CELL.noAnswer];

/** Seconds on the monotonic clock, counted from 1970, so that slots begin at whole minutes of the wall clock. */
type Now = () => number;
const monotonic: Now = () => (performance.timeOrigin + performance.now()) / 1000;

export class RecentActivity {
  readonly all = new Activity();
  readonly clientCodes = new ClientCodes();
  /** When counting began, in seconds on the monotonic clock. */
  readonly since: number;
  readonly now: Now;
  readonly #upstreams = new Map<string, Activity>();
  /** By upstream, then DBID. */
  readonly #tenants = new Map<string, Map<number, Activity>>();
  #count = 0;
  #width: number = NARROWEST;
  #sweepAt: number;

  constructor(now: Now = monotonic) {
    this.now = now;
    this.since = now();
    this.#sweepAt = this.since + SWEEP_SECONDS;
  }

  /** Number of tenants in memory. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all slots. */
  get bytes(): number {
    let sum = this.all.slots.bytes;
    for (const { slots } of this.#upstreams.values()) sum += slots.bytes;
    for (const tenants of this.#tenants.values()) for (const { slots } of tenants.values()) sum += slots.bytes;
    return sum;
  }

  /** Undefined without a request in the last 60 minutes. */
  ofTenant({ upstream, dbid }: TenantKey): Activity | undefined {
    return this.#tenants.get(upstream)?.get(dbid);
  }

  ofUpstream(upstream: string): Activity | undefined {
    return this.#upstreams.get(upstream);
  }

  /** Called once for each request, when its reply is decided. */
  readonly observe = (seen: SeenRequest, ending: Ending): void => {
    const now = this.now();
    if (now >= this.#sweepAt) this.#sweep(now);
    const { tenant } = seen;
    add(this.all, NARROWEST, now, seen, ending);
    let own: Activity | undefined;
    if (tenant) {
      add(this.#upstreamOf(tenant.upstream), NARROWEST, now, seen, ending);
      own = this.#tenantOf(tenant);
      if (own) add(own, this.#width, now, seen, ending);
    }
    const { code, delivery } = ending;
    if (code === undefined || (tenant && !own)) return;
    const isSent = delivery === "sent-no-answer";
    this.clientCodes.add(own ?? this.all, { tenant, client: seen.caller?.client, code, isSent }, now);
  };

  /** Notes the number of open Do-Not-Calls: of this tenant, or of all together. */
  noteOpenDoNotCalls(tenant: TenantKey | "all", open: number): void {
    const now = this.now();
    const activity = tenant === "all" ? this.all : this.#tenantOf(tenant);
    if (!activity) return;
    const { slots } = activity;
    const at = slots.offset(now, tenant === "all" ? NARROWEST : this.#width) + CELL.dncOpen;
    slots.cells[at] = Math.max(slots.cells[at]!, open + 1);
  }

  #upstreamOf(upstream: string): Activity {
    let activity = this.#upstreams.get(upstream);
    if (!activity) this.#upstreams.set(upstream, (activity = new Activity()));
    return activity;
  }

  #tenantOf({ upstream, dbid }: TenantKey): Activity | undefined {
    let tenants = this.#tenants.get(upstream);
    if (!tenants) this.#tenants.set(upstream, (tenants = new Map()));
    let activity = tenants.get(dbid);
    if (activity || this.#count >= MOST_TENANTS) return activity;
    tenants.set(dbid, (activity = new Activity()));
    this.#count++;
    this.#setWidth();
    return activity;
  }

  #setWidth(): void {
    this.#width = WIDTHS.find(({ tenants }) => this.#count <= tenants)?.seconds ?? WIDEST;
  }

  /** Forgets tenants and upstreams without a request in the last 60 minutes. */
  #sweep(now: number): void {
    this.#sweepAt = now + SWEEP_SECONDS;
    const isIdle = ({ slots }: Activity): boolean => slots.end <= now - KEPT_SECONDS;
    for (const [upstream, tenants] of this.#tenants) {
      for (const [dbid, activity] of tenants) if (isIdle(activity) && tenants.delete(dbid)) this.#count--;
      if (tenants.size === 0) this.#tenants.delete(upstream);
    }
    for (const [name, activity] of this.#upstreams) if (isIdle(activity)) this.#upstreams.delete(name);
    this.#setWidth();
  }
}

const outcomeOf = ({ status, code, delivery }: Ending): number =>
  code === undefined ? (status < 400 ? OK : OCS_NO) : delivery === "sent-no-answer" ? NO_ANSWER : REFUSED;

const add = ({ slots, seconds }: Activity, width: number, now: number, seen: SeenRequest, ending: Ending): void => {
  const at = slots.offset(now, width);
  const { cells } = slots;
  const outcome = outcomeOf(ending);
  cells[at + outcome]!++;
  seconds.add(Math.floor(now), outcome);
  if (ending.status === 410) cells[at + CELL.gone]!++;
  if (seen.operation?.action.name === "DoNotCall") {
    cells[at + CELL.dncAsked]!++;
    if (isConfirmed(seen, ending)) cells[at + CELL.dncConfirmed]!++;
  }
  if (seen.waits) addWaits(cells, at, seen.waits);
  if (ending.code !== undefined) slots.addCode(codedAs(outcome), ending.code);
  if (seen.wouldRefuse !== undefined) {
    cells[at + CELL.wouldRefuse]!++;
    slots.addCode("would_refuse", seen.wouldRefuse);
  }
};

const codedAs = (outcome: number): Coded => (outcome === NO_ANSWER ? "no_answer" : "refused");

/** As `journal/open-dnc/dnc-scope.ts` decides it. */
const isConfirmed = ({ answer }: SeenRequest, { status, code }: Ending): boolean =>
  status === 200 && code === undefined && answer?.suspected !== true;

const addWaits = (cells: Uint32Array, at: number, { queue, ocs }: { queue: number; ocs: number }): void => {
  cells[at + CELL.queue + bucketOf(queue)]!++;
  if (ocs <= 0) return;
  cells[at + CELL.ocs + bucketOf(ocs)]!++;
  cells[at + CELL.ocsTenths] = cells[at + CELL.ocsTenths]! + Math.round(ocs * 10);
};
