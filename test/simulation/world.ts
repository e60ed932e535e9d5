/**
 * Everything that one simulation is made of, and the machine that runs the gateway: it starts, stops, kills and
 * restarts it.
 */
import type { Arrival, Handler, HeaderLine, Reply } from "../../src/common/message.ts";
import { Checks } from "./checks.ts";
import { FIRST_VARIANT, type Variant } from "./config.ts";
import { SimDisk } from "./disk.ts";
import { startGateway, type SimGateway } from "./gateway.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { SimNetwork } from "./network.ts";
import { Random } from "./random.ts";
import { Scheduler, type Owner } from "./scheduler.ts";
import { simStoreThread, StoreFile } from "./store.ts";
import { Trace } from "./trace.ts";
import { Validator } from "./validator.ts";

/** A message to one of the gateway's listeners. */
export type Call = {
  readonly to: "clients" | "callbacks";
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly source: string;
  readonly body: string;
  readonly headers?: readonly HeaderLine[];
  /** The client of the certificate that is shown. */
  readonly as?: string;
  readonly gone?: AbortSignal;
};

/** Undefined: the connection was refused, or ended without a reply. */
export type Replied = (reply: Reply | undefined, how: "replied" | "refused" | "cut") => void;

type Pending = { readonly replied: Replied; isOver: boolean };
const DRAIN_MS = 5000;
const never = new AbortController().signal;

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly disk: SimDisk;
  readonly storeFile = new StoreFile();
  readonly trace: Trace;
  readonly checks: Checks;
  readonly mutant: Mutant;
  variant: Variant = FIRST_VARIANT;
  gateway: SimGateway | undefined;
  life: Owner = { name: "gateway 0", isAlive: false };
  readonly validator: Validator;
  /** When the last fault was over. */
  calmSince: number | undefined;
  /** Called once, when OCS hears 200 for a record. */
  onNext200: (() => void) | undefined;
  readonly #seed: Random;
  #pending = new Set<Pending>();
  #isDraining = false;
  #lives = 0;
  #shouldRun = false;

  constructor(seed: string, mutant: Mutant) {
    this.#seed = new Random(seed);
    this.mutant = mutant;
    this.random = this.#seed.fork("world");
    this.scheduler = new Scheduler(this.#seed.fork("order"));
    this.trace = new Trace(this.scheduler);
    this.network = new SimNetwork(this.scheduler, this.#seed.fork("network"));
    this.disk = new SimDisk(this.scheduler, this.#seed.fork("disk"));
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

  get isUp(): boolean {
    return this.gateway !== undefined && !this.#isDraining;
  }

  /** The service manager starts it, and again whenever it ends. */
  start(): void {
    this.#shouldRun = true;
    const life: Owner = { name: `gateway ${++this.#lives}`, isAlive: true };
    this.life = life;
    this.checks.epochs.restarts();
    this.trace.note("machine", `starts ${life.name}`);
    this.scheduler.outside(0, () => void this.#run(life), life);
  }

  async #run(life: Owner): Promise<void> {
    const { scheduler, random } = this;
    const storeThread = () =>
      simStoreThread({ file: this.storeFile, scheduler, random: random.fork(`store ${life.name}`), owner: life });
    try {
      const gateway = await startGateway(this.variant, {
        disk: this.disk.for(life),
        storeThread,
        relay: this.validator.relay(),
        unconfirmed: () => this.checks.epochs.unconfirmed(),
        mutant: this.mutant,
      });
      if (!life.isAlive) return;
      this.gateway = gateway;
      this.trace.note("machine", `${life.name} serves`);
    } catch (error) {
      if (!life.isAlive) return;
      this.trace.note(
        "machine",
        `${life.name} did not start: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.checks.startFailed(error);
      this.end(life);
      this.#restart(1000);
    }
  }

  /** kill -9, or with `power` the whole machine. */
  kill(power: boolean, downMs: number): void {
    if (!this.life.isAlive) return;
    this.trace.note(
      "NEMESIS",
      `${power ? "cuts the power of" : "kills"} ${this.life.name}; down for ${Math.round(downMs)} ms`,
    );
    this.end(this.life);
    if (power) {
      this.disk.cutPower();
      this.storeFile.boot++;
    }
    this.#restart(downMs);
  }

  /** SIGTERM: requests in flight end, nothing new comes in. */
  terminate(downMs: number): void {
    if (!this.gateway || this.#isDraining) return;
    this.trace.note("NEMESIS", `SIGTERM to ${this.life.name}; down for ${Math.round(downMs)} ms`);
    this.#drain(() => this.#restart(downMs));
  }

  /** Stops it for good. Resolves at the end. */
  stopForGood(): Promise<void> {
    this.#shouldRun = false;
    return new Promise((resolve) => this.#drain(resolve));
  }

  #drain(stopped: () => void): void {
    const { gateway, life } = this;
    if (!gateway || this.#isDraining) return stopped();
    this.#isDraining = true;
    const until = this.scheduler.now + DRAIN_MS;
    const ended = (): void => {
      if (!life.isAlive) return;
      this.trace.note("machine", `${life.name} has stopped`);
      this.end(life);
      stopped();
    };
    const look = (): void => {
      if (!life.isAlive) return;
      if (this.#pending.size > 0 && this.scheduler.now < until) this.scheduler.outside(20, look, life);
      else void gateway.stop().then(ended, ended);
    };
    this.scheduler.outside(1, look, life);
  }

  reload(variant: Variant): void {
    const { gateway, life } = this;
    if (!gateway) return;
    this.variant = variant;
    this.checks.causes.add("reload");
    this.trace.note("operator", `reloads: ${JSON.stringify(variant)}`);
    this.scheduler.outside(
      1,
      () =>
        void gateway.reload(variant).then(
          () => this.trace.note("operator", "the reload is in force"),
          (error: unknown) => this.trace.note("operator", `the reload failed: ${String(error)}`),
        ),
      life,
    );
  }

  heard200(): void {
    const act = this.onNext200;
    this.onNext200 = undefined;
    act?.();
  }

  /** For so long nothing of this client may leave for OCS. */
  revoke(client: string, ms: number): void {
    const { gateway, life } = this;
    if (!gateway) return;
    this.trace.note("operator", `revokes ${client} for ${Math.round(ms)} ms`);
    this.scheduler.outside(
      0,
      () => {
        gateway.revocations.add({ kind: "client", id: client });
        this.checks.revoked.add(client);
      },
      life,
    );
    this.after(ms, () => {
      this.checks.revoked.delete(client);
      if (life.isAlive) gateway.revocations.add({ kind: "client", id: client, until: 0 });
    });
  }

  end(life: Owner): void {
    this.checks.revoked.clear();
    life.isAlive = false;
    this.gateway = undefined;
    this.#isDraining = false;
    this.network.kill(life);
    this.disk.forget();
    const pending = this.#pending;
    this.#pending = new Set();
    for (const call of pending) this.after(this.random.latency(0.4, 4), () => this.#over(call, undefined, "cut"));
  }

  #restart(downMs: number): void {
    this.after(downMs, () => {
      if (this.#shouldRun && !this.life.isAlive) this.start();
    });
  }

  /** `replied` is called once, when the reply is back. */
  call(call: Call, replied: Replied): void {
    const { random } = this;
    this.after(random.latency(0.4, 4), () => {
      const { gateway, life } = this;
      if (!gateway || this.#isDraining || !life.isAlive)
        return this.after(random.latency(0.4, 4), () => replied(undefined, "refused"));
      const pending: Pending = { replied, isOver: false };
      this.#pending.add(pending);
      this.scheduler.outside(
        0,
        () => {
          const handler: Handler = call.to === "clients" ? gateway.clients : gateway.callbacks;
          const back = (reply: Reply | undefined): void => {
            if (!life.isAlive || !this.#pending.delete(pending)) return;
            this.after(random.latency(0.4, 4), () => this.#over(pending, reply, reply ? "replied" : "cut"));
          };
          handler(arrivalOf(call, this.scheduler.now)).then(back, (error: unknown) => {
            this.trace.violate(
              "I0",
              `a handler failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            );
            back(undefined);
          });
        },
        life,
      );
    });
  }

  #over(call: Pending, reply: Reply | undefined, how: "replied" | "refused" | "cut"): void {
    if (call.isOver) return;
    call.isOver = true;
    call.replied(reply, how);
  }
}

const arrivalOf = (
  { to, id, method, target, source, body, headers = [], as, gone = never }: Call,
  at: number,
): Arrival => ({
  id,
  at,
  method,
  target,
  source,
  headers,
  gone,
  listener: to,
  ...(as !== undefined && { peer: { names: [`${as}.sim`], thumbprint: `certificate-of-${as}`, authorities: [] } }),
  body: () => Promise.resolve(Buffer.from(body)),
  surplus: () => Promise.resolve(false),
});
