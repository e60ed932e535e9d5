/** One of several gateways: a process with a folder of its own, and a relay on each side that may fail. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aConfigured } from "../../kit/gateway.ts";
import { runGateway, type RunningGateway } from "../../kit/running-gateway.ts";
import { Relay } from "../../kit/relay.ts";
import { clientOf, clusterConfig, OCS_HOST, TENANTS } from "./world.ts";
import { LaneCount } from "./lane-count.ts";

type Around = {
  readonly name: string;
  /** An address on loopback, at which this gateway alone finds OCS. */
  readonly host: string;
  /** Those of the first gateway's relays to OCS: all gateways name the same addresses. */
  readonly ports: readonly [primary: number, backup: number];
  readonly postgres: number;
  readonly ocs: readonly [primary: number, backup: number];
  readonly lanes: LaneCount;
};

export type Side = "clients" | "callbacks" | "database" | "ocs";

export class ClusterNode {
  readonly name: string;
  readonly relays: Readonly<Record<"clients" | "callbacks" | "database" | "primary" | "backup", Relay>>;
  #dir = "";
  #process: RunningGateway | undefined;
  #starting: Promise<void> | undefined;
  isStopped = false;
  /** Hours and minutes are wrong by so many milliseconds. */
  clockOff = 0;

  private constructor(name: string, relays: ClusterNode["relays"]) {
    this.name = name;
    this.relays = relays;
  }

  static async start({ name, host, ports, postgres, ocs: [primary, backup], lanes }: Around): Promise<ClusterNode> {
    const node = new ClusterNode(name, {
      clients: await Relay.start(),
      callbacks: await Relay.start(),
      database: await Relay.start(postgres),
      primary: await Relay.start(primary, { host, port: ports[0] }),
      backup: await Relay.start(backup, { host, port: ports[1] }),
    });
    for (const relay of [node.relays.primary, node.relays.backup]) relay.watch = lanes.of(name);
    node.#dir = await aConfigured(clusterConfig(name, node.relays), TENANTS.map(clientOf));
    await writeFile(join(node.#dir, "hosts"), `127.0.0.1 localhost\n${host} ${OCS_HOST}\n`);
    await node.run();
    return node;
  }

  get audit(): string {
    return join(this.#dir, "audit");
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.isStopped;
  }

  /** The relays between the gateway and this side. */
  side(side: Side): readonly Relay[] {
    const { primary, backup, ...others } = this.relays;
    return side === "ocs" ? [primary, backup] : [others[side]];
  }

  /** Starts it, and again until it runs: a gateway whose database is away does not start. */
  run(): Promise<void> {
    this.#starting ??= this.#run().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #run(): Promise<void> {
    const clock = `${this.clockOff < 0 ? "" : "+"}${this.clockOff / 1000}s`;
    const by = [...withHosts(join(this.#dir, "hosts")), ...(this.clockOff === 0 ? [] : ["faketime", "-f", clock])];
    for (const until = performance.now() + 60_000; ;) {
      try {
        const started = await runGateway(this.#dir, ["clients", "callbacks:shared"], by);
        this.#process = started;
        this.relays.clients.target = portOf(started, "clients");
        this.relays.callbacks.target = portOf(started, "callbacks:shared");
        return;
      } catch (error) {
        // Without its database a gateway does not start; a config that is wrong stays so.
        if (performance.now() > until || String(error).includes("error[OCSGW-")) throw error;
      }
    }
  }

  /** SIGTERM lets it end what it has begun. Resolves when it is gone. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#starting;
    const running = this.#process;
    this.resume();
    if (!running) return;
    // A load balancer sends nothing new to a gateway that drains; one that was killed refuses.
    this.#process = undefined;
    await running.kill(signal);
    this.relays.clients.target = this.relays.callbacks.target = undefined;
  }

  pause(): void {
    if (!this.#process || this.isStopped) return;
    process.kill(this.#process.pid, "SIGSTOP");
    this.isStopped = true;
  }

  resume(): void {
    if (!this.#process || !this.isStopped) return;
    process.kill(this.#process.pid, "SIGCONT");
    this.isStopped = false;
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    await Promise.all(Object.values(this.relays).map((relay) => relay.close()));
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Runs what follows with a file of its own as /etc/hosts. */
const withHosts = (file: string): string[] => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount --bind "$0" /etc/hosts && exec "$@"',
  file,
];

const portOf = ({ urls }: RunningGateway, listener: string): number => Number(new URL(urls.get(listener)!).port);
