/** The row of lanes in memory, and gateways on clocks of their own, for tests without a database and without waits. */
import { DatabaseUnavailable } from "../../../src/cluster/database-unavailable.ts";
import type { Demand, Holder } from "../../../src/cluster/leases/lanes/holder.ts";
import { LaneLeases, type LaneEvent } from "../../../src/cluster/leases/lanes/lane-leases.ts";
import type { LaneRows, LaneStore } from "../../../src/cluster/leases/lanes/lane-store.ts";

export class FakeRows {
  version = 0n;
  holders: readonly Holder[] = [];
  readonly nodes = new Map<string, { instance: string; isStopped: boolean }>();

  /** The access of one gateway. `fault`: what happens to its next statements. */
  store(link: { fault: "none" | "cut" | "late" }): LaneStore {
    const reach = (): void => {
      if (link.fault === "cut") throw new DatabaseUnavailable("cut", false);
    };
    return {
      read: async (): Promise<LaneRows> => {
        reach();
        const leases = new Map([["ocs", { version: String(this.version), holders: this.holders }]]);
        return { leases: this.version === 0n ? new Map() : leases, nodes: new Map(this.nodes) };
      },
      replace: async (_upstream, version, holders) => {
        reach();
        const isSame = BigInt(version) === this.version;
        if (isSame) [this.version, this.holders] = [this.version + 1n, structuredClone(holders)];
        if (link.fault === "late") throw new DatabaseUnavailable("no answer", true);
        return isSame;
      },
    };
  }

  get sum(): number {
    return this.holders.reduce((sum, { held }) => sum + held, 0);
  }

  held(node: string): number {
    return this.holders.filter((holder) => holder.node === node).reduce((sum, { held }) => sum + held, 0);
  }
}

/** A gateway with a switchboard that has `limit` lanes, and `busy` surplus lanes until these have ended. */
export class FakeGateway {
  readonly name: string;
  readonly instance: string;
  readonly link: { fault: "none" | "cut" | "late" } = { fault: "none" };
  readonly leases: LaneLeases;
  readonly events: string[] = [];
  clock = 0;
  limit = 0;
  surplus = 0;
  /** Whether a lane that becomes surplus is busy. */
  isBusy = false;
  demands: readonly Demand[] = [];
  readonly board;

  constructor(rows: FakeRows, name: string, settings: { total?: number; lock?: string; instance?: string } = {}) {
    this.name = name;
    this.instance = settings.instance ?? `${name}-1`;
    rows.nodes.set(name, { instance: this.instance, isStopped: false });
    this.leases = new LaneLeases({
      store: rows.store(this.link),
      node: name,
      instance: this.instance,
      lock: settings.lock,
      onEvent: (event: LaneEvent) => this.events.push(event.kind),
      now: () => this.clock,
      wallClock: () => 0,
    });
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const gateway = this;
    this.board = {
      setLanes: (count: number): void => {
        const adopted = Math.max(0, Math.min(this.surplus, count - this.limit));
        if (count < this.limit && this.isBusy) this.surplus += this.limit - count;
        else this.surplus -= adopted;
        this.limit = count;
      },
      get openLanes(): number {
        return gateway.open;
      },
      closeSurplus: (): void => {
        this.surplus = 0;
      },
      laneDemand: (): readonly Demand[] => this.demands,
    };
    this.leases.add("ocs", { total: settings.total ?? 8, grace: 17_000 }, this.board);
  }

  get open(): number {
    return this.limit + this.surplus;
  }

  /** A second of samples, then a renewal. */
  async second(): Promise<void> {
    this.clock += 1000;
    this.leases.sample();
    await this.leases.renew();
  }
}
