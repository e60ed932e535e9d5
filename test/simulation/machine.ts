/** One machine with its own disk, clock and journal, and what runs a gateway on it: starts, stops, kills, restarts. */
import type { Handler, Reply } from "../../src/common/message.ts";
import { arrivalOf, type Call, type How } from "./call.ts";
import type { Variant } from "./config.ts";
import type { Link } from "./database/link.ts";
import { SimDisk } from "./disk.ts";
import { startGateway, type SimGateway } from "./gateway.ts";
import type { Owner } from "./scheduler.ts";
import { simStoreThread, StoreFile } from "./store.ts";
import type { World } from "./world.ts";

type Pending = { readonly answer: (reply: Reply | undefined, how: How) => void };

const DRAIN_MS = 5000;

export class Machine {
  readonly name: string;
  readonly disk: SimDisk;
  readonly storeFile = new StoreFile();
  /** Its way to the shared database; undefined for a gateway alone. */
  readonly link: Link | undefined;
  gateway: SimGateway | undefined;
  life: Owner;
  /** Clients that the running gateway knows to be revoked. */
  readonly revoked = new Set<string>();
  readonly #world: World;
  readonly #clock: { wallOffset: number };
  #pending = new Set<Pending>();
  #isDraining = false;
  #lives = 0;
  #shouldRun = false;

  constructor(world: World, name: string, parts: { readonly disk: SimDisk; readonly link: Link | undefined }) {
    [this.#world, this.name, this.disk, this.link] = [world, name, parts.disk, parts.link];
    this.#clock = { wallOffset: 0 };
    this.life = this.#newLife(false);
  }

  get isUp(): boolean {
    return this.gateway !== undefined && !this.#isDraining;
  }

  /** Somebody sets the machine's wall clock. */
  stepClock(ms: number): void {
    this.#clock.wallOffset += ms;
  }

  /** The service manager starts it, and again whenever it ends. */
  start(): void {
    this.#shouldRun = true;
    this.#lives++;
    const life = this.#newLife(true);
    this.life = life;
    this.#world.checks.epochs.restarts();
    this.#world.trace.note("machine", `starts ${life.name}`);
    this.#world.scheduler.outside(0, () => void this.#run(life), life);
  }

  #newLife(isAlive: boolean): Owner {
    return { name: `${this.name} ${this.#lives}`, isAlive, clock: this.#clock };
  }

  async #run(life: Owner): Promise<void> {
    const world = this.#world;
    const { scheduler, random, trace, checks } = world;
    const storeThread = () =>
      simStoreThread({ file: this.storeFile, scheduler, random: random.fork(`store ${life.name}`), owner: life });
    try {
      const gateway = await startGateway(world.variant, {
        disk: this.disk.for(life),
        storeThread,
        relay: world.validator.relay(life),
        unconfirmed: () => checks.epochs.unconfirmed(),
        mutant: world.mutant,
        shared: this.link && {
          node: this.name,
          database: this.link.for(life),
          onReplaced: (why) => this.#replaced(life, why),
        },
      });
      if (!life.isAlive) return;
      this.gateway = gateway;
      trace.note("machine", `${life.name} serves`);
    } catch (error) {
      if (!life.isAlive) return;
      trace.note("machine", `${life.name} did not start: ${error instanceof Error ? error.message : String(error)}`);
      checks.startFailed(error);
      this.end(life);
      this.#restart(1000);
    }
  }

  #replaced(life: Owner, why: string): void {
    if (!life.isAlive) return;
    this.#world.trace.note("machine", `${life.name} must stop: ${why}`);
    this.end(life);
    this.#restart(1000);
  }

  /** kill -9, or with `power` the whole machine. */
  kill(power: boolean, downMs: number): void {
    if (!this.life.isAlive) return;
    const how = `${power ? "cuts the power of" : "kills"} ${this.life.name}`;
    this.#world.trace.note("NEMESIS", `${how}; down for ${Math.round(downMs)} ms`);
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
    this.#world.trace.note("NEMESIS", `SIGTERM to ${this.life.name}; down for ${Math.round(downMs)} ms`);
    this.#drain(() => this.#restart(downMs));
  }

  /** Stops it for good. Resolves at the end. */
  stopForGood(): Promise<void> {
    this.#shouldRun = false;
    return new Promise((resolve) => this.#drain(resolve));
  }

  #drain(stopped: () => void): void {
    const { gateway, life } = this;
    const { scheduler, trace } = this.#world;
    if (!gateway || this.#isDraining) return stopped();
    this.#isDraining = true;
    const until = scheduler.now + DRAIN_MS;
    const ended = (): void => {
      if (!life.isAlive) return;
      trace.note("machine", `${life.name} has stopped`);
      this.end(life);
      stopped();
    };
    const look = (): void => {
      if (!life.isAlive) return;
      if (this.#pending.size > 0 && scheduler.now < until) scheduler.outside(20, look, life);
      else void gateway.stop().then(ended, ended);
    };
    scheduler.outside(1, look, life);
  }

  reload(variant: Variant): void {
    const { gateway, life } = this;
    if (!gateway) return;
    const { trace, scheduler } = this.#world;
    scheduler.outside(
      1,
      () =>
        void gateway.reload(variant).then(
          () => trace.note("operator", "the reload is in force"),
          (error: unknown) => trace.note("operator", `the reload failed: ${String(error)}`),
        ),
      life,
    );
  }

  /** For so long nothing of this client may leave for OCS. */
  revoke(client: string, ms: number): void {
    const { gateway, life } = this;
    if (!gateway) return;
    const { scheduler } = this.#world;
    scheduler.outside(
      0,
      () => {
        gateway.revocations.add({ kind: "client", id: client });
        this.revoked.add(client);
      },
      life,
    );
    this.#world.after(ms, () => {
      this.revoked.delete(client);
      if (life.isAlive) gateway.revocations.add({ kind: "client", id: client, until: 0 });
    });
  }

  /** The process is gone, and with it every request that it had. */
  end(life: Owner): void {
    const world = this.#world;
    this.revoked.clear();
    life.isAlive = false;
    this.gateway = undefined;
    this.#isDraining = false;
    world.network.kill(life);
    this.disk.forget();
    const pending = this.#pending;
    this.#pending = new Set();
    for (const { answer } of pending) world.after(world.random.latency(0.4, 4), () => answer(undefined, "cut"));
  }

  #restart(downMs: number): void {
    this.#world.after(downMs, () => {
      if (this.#shouldRun && !this.life.isAlive) this.start();
    });
  }

  /** `answer` is called once, when the reply is back. False: the connection is refused. */
  take(call: Call, answer: Pending["answer"]): boolean {
    const { gateway, life } = this;
    const { scheduler, random, trace } = this.#world;
    if (!gateway || this.#isDraining || !life.isAlive) return false;
    const pending: Pending = { answer };
    this.#pending.add(pending);
    scheduler.outside(
      0,
      () => {
        const handler: Handler = call.to === "clients" ? gateway.clients : gateway.callbacks;
        const back = (reply: Reply | undefined): void => {
          if (!life.isAlive || !this.#pending.delete(pending)) return;
          this.#world.after(random.latency(0.4, 4), () => answer(reply, reply ? "replied" : "cut"));
        };
        handler(arrivalOf(call, scheduler.now)).then(back, (error: unknown) => {
          const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
          trace.violate("I0", `a handler failed: ${what}`);
          back(undefined);
        });
      },
      life,
    );
    return true;
  }
}
