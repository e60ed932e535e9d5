/**
 * I8 for gateways that share a database. The simulation applies their log itself, at the moment of each commit, so it
 * knows what every gateway must know at each event: that epochs only increase, change only with proof, change with each
 * proof, and are the same on all gateways.
 */
import type { LogRow } from "../../src/cluster/log/shared-log.ts";
import { verdictOn } from "../../src/ownership/handles/verdict.ts";
import { applyEvent, type Applied } from "../../src/ownership/replicated/state/apply-event.ts";
import { eventIn } from "../../src/ownership/replicated/state/events.ts";
import { emptyState, partsOf } from "../../src/ownership/replicated/state/replica-state.ts";
import { UPSTREAM } from "./config.ts";
import type { SimDatabase } from "./database/database.ts";
import type { EpochChecks } from "./epochs.ts";
import type { Ocs } from "./ocs.ts";
import type { OcsRecord } from "./speaker.ts";
import type { World } from "./world.ts";

/** The proof of a life is in the log some seconds after it was said: a life that is younger is not known for sure. */
const SURE_AFTER_MS = 6000;

export class SharedEpochs implements EpochChecks {
  readonly #world: World;
  readonly #state = emptyState({ upstream: UPSTREAM });
  /** By the number of the event. */
  readonly #epochAt: number[] = [this.#state.handles.epoch];
  #applied = 0;
  #begun: { readonly endpoint: string | undefined; readonly life: number | undefined } | undefined;
  readonly #since = new Map<string, number>();
  /** When a life of each OCS was first seen. */
  readonly #lives = new Map<Ocs, { readonly life: number; readonly since: number }>();
  readonly #said = new Map<string, OcsRecord>();
  #top = 0;
  unconfirmedAt = -1;
  /** When a gateway last found or lost its OCS. */
  changedAt = -Infinity;

  constructor(world: World, { tables }: SimDatabase) {
    this.#world = world;
    tables.onRow = (_upstream, row) => this.#apply(row);
  }

  get #endpoint(): string | undefined {
    return this.#state.votes.endpoint;
  }

  #apply(row: LogRow): void {
    const { trace, scheduler } = this.#world;
    const [endpoint, epoch] = [this.#endpoint, this.#state.handles.epoch];
    const event = eventIn(row.event);
    trace.note("log", `${row.seq} ${row.node}: ${JSON.stringify(event)}`);
    const applied = applyEvent(this.#state, row, event);
    this.#applied = row.seq;
    this.#state.handles.isActiveOcsKnown = true;
    this.#epochAt[row.seq] = this.#state.handles.epoch;
    if (event.kind === "connected" || event.kind === "lost" || event.kind === "gone") this.changedAt = scheduler.now;
    if (this.#endpoint !== endpoint && this.#endpoint !== undefined) this.#since.set(this.#endpoint, scheduler.now);
    if (applied.isUnconfirmed) this.unconfirmed();
    if (endpoint === undefined && this.#endpoint !== undefined) this.#begin();
    else if (this.#state.handles.epoch !== epoch) this.#judge(applied, epoch);
  }

  #begin(): void {
    this.watch();
    const ocs = this.#ocsAt(this.#endpoint);
    this.#begun = { endpoint: this.#endpoint, life: ocs && this.#lifeOf(ocs) };
    this.#top = 0;
  }

  #judge({ epoch: begun }: Applied, before: number): void {
    const { trace } = this.#world;
    const { epoch } = this.#state.handles;
    if (epoch <= before) trace.violate("I8", `the epoch of ${UPSTREAM} went from ${before} to ${epoch}`);
    if (!begun) trace.violate("I8", `the epoch of ${UPSTREAM} went from ${before} to ${epoch} without a reason`);
    const last = this.#begun;
    this.#begin();
    const { life, endpoint } = this.#begun!;
    trace.note("log", `epoch ${epoch} begins: ${begun?.reason}`);
    if (last?.life !== undefined && last.life === life && last.endpoint === endpoint)
      trace.violate(
        "I8",
        `the epoch of ${UPSTREAM} went from ${before} to ${epoch}, and it is the same OCS in the same life`,
      );
  }

  #ocsAt(endpoint: string | undefined): Ocs | undefined {
    return this.#world.checks.pair.find(({ parts }) => `http://${parts.host.address}` === endpoint);
  }

  /** Undefined for one that has just begun. */
  #lifeOf(ocs: Ocs): number | undefined {
    const { now } = this.#world.scheduler;
    const known = this.#lives.get(ocs);
    return known?.life === ocs.life && now - known.since >= SURE_AFTER_MS ? ocs.life : undefined;
  }

  said(record: OcsRecord): void {
    const key = `${record.handle} of ${record.ocs.parts.name}`;
    if (!this.#said.has(key)) this.#said.set(key, record);
  }

  watch(): void {
    const { machines, trace, checks, scheduler } = this.#world;
    for (const ocs of checks.pair)
      if (this.#lives.get(ocs)?.life !== ocs.life)
        this.#lives.set(ocs, { life: ocs.life, since: ocs.life === 1 ? -Infinity : scheduler.now });
    for (const { gateway, name } of machines) {
      if (!gateway?.shared) continue;
      const { applied, state } = gateway.shared.replicaOf(UPSTREAM);
      if (state.handles.epoch !== this.#epochAt[applied])
        trace.violate(
          "I8",
          `${name} has epoch ${state.handles.epoch} after event ${applied}, and the log ${this.#epochAt[applied]}`,
        );
    }
  }

  /** Every gateway that has applied the whole log has the same owners. */
  judgeAgreement(): void {
    const expected = JSON.stringify(partsOf(this.#state));
    for (const { gateway, name } of this.#world.machines) {
      const replica = gateway?.shared?.replicaOf(UPSTREAM);
      if (replica?.applied === this.#applied && JSON.stringify(partsOf(replica.state)) !== expected)
        this.#world.trace.violate("I8", `${name} has other owners than the log after event ${this.#applied}`);
    }
  }

  elsewhereAt({ parts }: Ocs): number {
    const endpoint = `http://${parts.host.address}`;
    return this.#endpoint === endpoint ? (this.#since.get(endpoint) ?? -1) : this.#world.scheduler.now;
  }

  unconfirmed(): void {
    this.unconfirmedAt = this.#world.scheduler.now;
    const { checks, trace } = this.#world;
    if (checks.causes.size === 0) trace.violate("I8", "handles are unconfirmed without a cause");
  }

  isUnconfirmed({ ownedAt }: OcsRecord): boolean {
    return ownedAt !== undefined && ownedAt <= this.unconfirmedAt;
  }

  lost(): void {}

  restarts(): void {}

  isTakenFor({ parts }: Ocs, epoch: number): boolean {
    return this.#endpoint === `http://${parts.host.address}` && epoch === this.#state.handles.epoch;
  }

  /**
   * What was owned when no connection proved the life of OCS any more, until OCS speaks of it again. The manual states
   * that.
   */
  mayStayUnclear(record: OcsRecord): boolean {
    const { handle, tenant } = record;
    if (this.#world.checks.misplaced.has(handle)) return true;
    const { dbid, records } = tenant;
    if (records === "elsewhere") return false;
    return this.isUnconfirmed(record) && "unclear" in verdictOn(this.#state.handles, { dbid, records }, handle);
  }

  heard200(record: OcsRecord): void {
    const { handle, ocs, life, tenant } = record;
    const { name, window, host } = ocs.parts;
    this.watch();
    const begun = this.#begun;
    if (this.#endpoint !== `http://${host.address}` || !begun) return;
    const isFirst = record.ownedAt === undefined && this.#said.get(`${handle} of ${name}`) === record;
    if (isFirst && handle < this.#top - window && begun.life !== undefined && begun.life !== life)
      this.#world.trace.violate("I8", `record ${handle} proves life ${life} of ${name}, and the epoch goes on`);
    if (tenant.records === "pre-dial") this.#top = Math.max(this.#top, handle);
  }
}
