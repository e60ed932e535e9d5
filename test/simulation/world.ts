/** Everything that one simulation is made of: machines with a gateway each, the network, and one way in. */
import { Checks } from "./checks.ts";
import type { Call, How, Replied } from "./call.ts";
import { FIRST_VARIANT, type Variant } from "./config.ts";
import { SimDatabase } from "./database/database.ts";
import { SimDisk } from "./disk.ts";
import type { SimGateway } from "./gateway.ts";
import { Machine } from "./machine.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { SimNetwork } from "./network.ts";
import { Random } from "./random.ts";
import { Scheduler, type Owner } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import { Validator } from "./validator.ts";

const NAMES = ["gw-a", "gw-b", "gw-c"];

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly trace: Trace;
  readonly checks: Checks;
  readonly mutant: Mutant;
  /** One machine has a gateway alone; several share a database. */
  readonly machines: readonly Machine[];
  readonly database: SimDatabase | undefined;
  variant: Variant = FIRST_VARIANT;
  readonly validator: Validator;
  /** When the last fault was over. */
  calmSince: number | undefined;
  /** Called once, when OCS hears 200 for a record. */
  onNext200: (() => void) | undefined;
  readonly #seed: Random;

  constructor(seed: string, mutant: Mutant, gateways = 1) {
    this.#seed = new Random(seed);
    this.mutant = mutant;
    this.random = this.#seed.fork("world");
    this.scheduler = new Scheduler(this.#seed.fork("order"));
    this.trace = new Trace(this.scheduler);
    this.network = new SimNetwork(this.scheduler, this.#seed.fork("network"));
    const names = gateways === 1 ? ["gateway"] : NAMES.slice(0, gateways);
    if (names.length > 1) this.database = new SimDatabase(this.scheduler, this.#seed.fork("database"));
    this.machines = names.map((name) => {
      const disk = new SimDisk(this.scheduler, this.#seed.fork(gateways === 1 ? "disk" : `disk ${name}`));
      return new Machine(this, name, { disk, link: this.database?.link(name) });
    });
    this.validator = new Validator(this);
    this.checks = new Checks(this);
    this.network.wrote = (bytes, connection) => this.checks.left(bytes, connection);
    this.network.lostAll = (host) => this.checks.epochs.lost(host);
  }

  fork(name: string): Random {
    return this.#seed.fork(name);
  }

  after(ms: number, run: () => void): void {
    this.scheduler.outside(ms, run);
  }

  /** Every gateway serves. */
  get isUp(): boolean {
    return this.machines.every(({ isUp }) => isUp);
  }

  /** Of the first machine. */
  get gateway(): SimGateway | undefined {
    return this.machines[0]!.gateway;
  }

  get life(): Owner {
    return this.machines[0]!.life;
  }

  start(): void {
    for (const machine of this.machines) machine.start();
  }

  /** One of the machines. */
  any(random: Random): Machine {
    return this.machines.length === 1 ? this.machines[0]! : random.pick(this.machines);
  }

  /** The machine on which this process runs. */
  machineOf(life: Owner | undefined): Machine | undefined {
    return this.machines.find((machine) => machine.life === life);
  }

  async stopForGood(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.stopForGood()));
  }

  /** The operator changes the config of every gateway. */
  reload(variant: Variant): void {
    if (this.machines.every(({ gateway }) => gateway === undefined)) return;
    this.variant = variant;
    this.checks.causes.add("reload");
    this.trace.note("operator", `reloads: ${JSON.stringify(variant)}`);
    for (const machine of this.machines) machine.reload(variant);
  }

  revoke(client: string, ms: number): void {
    this.trace.note("operator", `revokes ${client} for ${Math.round(ms)} ms`);
    for (const machine of this.machines) machine.revoke(client, ms);
  }

  heard200(): void {
    const act = this.onNext200;
    this.onNext200 = undefined;
    act?.();
  }

  end(): void {
    for (const machine of this.machines) machine.end(machine.life);
  }

  /**
   * `replied` is called once, when the reply is back. With several gateways a load balancer picks one that serves.
   * Returns who has the call: the process that runs on the machine that it went to.
   */
  call(call: Call, replied: Replied): () => Owner {
    const { random } = this;
    let machine = this.machines[0]!;
    let isOver = false;
    const answer: Replied = (reply, how: How) => {
      if (isOver) return;
      isOver = true;
      replied(reply, how);
    };
    this.after(random.latency(0.4, 4), () => {
      machine = this.#balanced();
      if (!machine.take(call, answer)) this.after(random.latency(0.4, 4), () => answer(undefined, "refused"));
    });
    return () => machine.life;
  }

  #balanced(): Machine {
    const serving = this.machines.filter(({ isUp }) => isUp);
    return serving.length > 1 ? this.random.pick(serving) : (serving[0] ?? this.machines[0]!);
  }
}
