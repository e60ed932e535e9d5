/**
 * What goes wrong, and when: a plan that the seed makes, as data, so that a failing seed can be shrunk by leaving
 * faults out.
 */
import type { AgentOptions } from "./agents.ts";
import type { Ocs, Standby } from "./ocs.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";
import { FAULTS, LONE_FAULTS, type FaultKind } from "./faults.ts";
import { DATABASE_FAULTS } from "./database/faults.ts";

export type Fault = {
  readonly kind: FaultKind;
  /** Step at which it begins. */ readonly at: number;
  readonly lasts: number;
  /** For what the fault itself has to choose. */ readonly dice: string;
};

export type Plan = {
  /** More than one share a database. */
  readonly gateways: number;
  readonly standby: Standby;
  readonly reuses: boolean;
  /** A handle whose record has ended may be given to another tenant's record in the same life. */
  readonly recycles: boolean;
  /** How far handles may be out of order; also what the config says. */
  readonly window: number;
  /** Handles are counted up without gaps. */
  readonly contiguous: boolean;
  /** Of all records, so many are a tenant's that uses a registrar. */
  readonly registered: number;
  /** Milliseconds between two records. */
  readonly pace: number;
  readonly validator: boolean;
  readonly agents: AgentOptions;
  readonly faults: readonly Fault[];
};

/** After any other kind an answer may be cut, and an OCS that is not the active one may announce. */
const HARMLESS: ReadonlySet<FaultKind> = new Set([
  "contradict",
  "repeat",
  "burst",
  "reload",
  "swap",
  "clock",
  "revoke",
  "store",
  "validator",
]);
const CALM_SETTLE_MS = 12_000;
const CALM_PACE_MS = 700;
const STORM = 0.7;

/** Faults that meet often in one seed, because what they have in common breaks together. */
const THEMES: readonly (readonly FaultKind[])[] = [
  ["restart", "restartWhileDown", "reloadAndRestart", "restart", "resetAll"],
  ["store", "killAtNext200", "powerCut", "contradict", "restart", "kill"],
  ["reload", "swap", "revoke", "slowOcs", "oneWay"],
  ["switchover", "bothUp", "bothDown", "partition", "closeAll", "refuse"],
  ["disk", "kill", "powerCut", "terminate", "clock"],
];

/** The same for gateways that share a database, besides those. */
const SHARED_THEMES: readonly (readonly FaultKind[])[] = [
  ["cutFromDatabase", "contradict", "restart", "databaseClock", "clock"],
  ["cutFromDatabase", "resetAll", "switchover", "kill"],
  ["databaseRestart", "databaseBreaks", "databaseSlow", "killAtNext200"],
  ["kill", "powerCut", "terminate", "cutFromDatabase"],
];

export const makePlan = (random: Random, steps: number, gateways = 1): Plan => {
  const isShared = gateways > 1;
  const kinds = [...Object.keys(LONE_FAULTS), ...(isShared ? Object.keys(DATABASE_FAULTS) : [])] as FaultKind[];
  // A few kinds for each seed: then some of them meet often.
  const chosen = random.chance(0.5)
    ? random.pick(isShared ? [...THEMES, ...SHARED_THEMES, ...SHARED_THEMES] : THEMES)
    : Array.from({ length: 1 + random.below(6) }, () => random.pick(kinds));
  const count = random.chance(0.1) ? 0 : 1 + random.below(random.chance(0.5) ? 4 : 16);
  const faults = Array.from({ length: count }, (): Fault => ({
    kind: random.pick(chosen),
    at: Math.floor(random.between(0.04, STORM) * steps),
    lasts: random.latency(900, 13_000),
    dice: String(random.below(1e9)),
  })).toSorted((one, other) => one.at - other.at);
  return {
    gateways,
    recycles: isShared && random.chance(0.5),
    standby: random.pick(["closes", "keeps", "silent", "refuses"]),
    reuses: random.chance(0.7),
    window: random.pick([4, 64]),
    contiguous: random.chance(0.5),
    registered: random.pick([0.1, 0.25, 0.6]),
    pace: 60 * 20 ** random.next(),
    validator: random.chance(0.2),
    agents: { clients: 4, strays: random.chance(0.7), abandons: random.chance(0.6), slow: random.pick([0.1, 0.5]) },
    faults,
  };
};

export class Nemesis {
  readonly #world: World;
  readonly #pair: readonly [Ocs, Ocs];
  readonly #faults: Fault[];
  #isCalm = false;

  constructor(world: World, pair: readonly [Ocs, Ocs], plan: Plan) {
    [this.#world, this.#pair] = [world, pair];
    this.#faults = [...plan.faults];
  }

  begin(): void {
    this.look(Infinity);
  }

  /** Begins the faults whose step has come, and the calm at its step. */
  look(stormEnd: number): void {
    const { scheduler } = this.#world;
    while (this.#faults[0] && this.#faults[0].at <= scheduler.steps) {
      const fault = this.#faults.shift()!;
      if (!HARMLESS.has(fault.kind)) this.#world.checks.causes.add("cut").add("roles");
      FAULTS[fault.kind]({
        world: this.#world,
        pair: this.#pair,
        lasts: fault.lasts,
        random: this.#world.fork(fault.dice),
        isCalm: () => this.#isCalm,
      });
    }
    if (scheduler.steps >= stormEnd) this.calm();
  }

  /** Every fault is over. Records are dialed for some time still, and then what is open must be finished. */
  calm(): void {
    if (this.#isCalm) return;
    this.#isCalm = true;
    const world = this.#world;
    world.calmSince = world.scheduler.now;
    world.trace.note("NEMESIS", "is calm");
    world.database?.mend();
    for (const { disk, storeFile } of world.machines) {
      disk.mend();
      storeFile.fault = undefined;
    }
    world.onNext200 = world.validator.fault = undefined;
    for (const ocs of this.#pair) {
      const { host } = ocs.parts;
      Object.assign(host, { refuses: undefined, trap: undefined, latency: { typical: 0.4, longest: 4 } });
      ocs.service = { typical: 2, longest: 20 };
      ocs.pace = Math.max(ocs.pace, CALM_PACE_MS);
      if (host.isDark && ocs.role === "active") world.network.lighten(host, false);
      for (const { toServer, toClient } of world.network.connectionsTo(host)) {
        toServer.release();
        toClient.release();
      }
    }
    this.#settlePair();
    world.after(CALM_SETTLE_MS, () => {
      for (const ocs of this.#pair) ocs.isDialing = false;
    });
  }

  /** One of them is active. */
  #settlePair(): void {
    const [primary, backup] = this.#pair;
    const active = [primary, backup].filter(({ role }) => role === "active");
    if (active.length === 2) backup.become("standby");
    if (primary.role === "down") primary.start(backup.role === "active" ? "standby" : "active");
    if (backup.role === "down") backup.start("standby");
    if (primary.role === "standby" && backup.role === "standby") primary.become("active");
  }

  get isSettled(): boolean {
    const { calmSince, scheduler } = this.#world;
    return calmSince !== undefined && scheduler.now > calmSince + CALM_SETTLE_MS + 3000 && this.#world.isUp;
  }
}
