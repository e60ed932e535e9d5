/**
 * Three gateways, one log and a pair of OCS in random schedules: announcements, requests, ends of calls, restarts and
 * takeovers of OCS, lost connections, gateways that are stopped, killed or cut off from the database, lost replies.
 * OCS is the judge: it knows which tenant each of its records belongs to.
 */
import { afterEach, expect, it, vi } from "vitest";
import { mayDial, type HandleLease } from "../../../src/ownership/ownership.ts";
import { MemoryDatabase } from "../../kit/memory-log.ts";
import { aTenant } from "../../kit/line.ts";
import { anAttempt } from "../kit.ts";
import { openNode, pass, type Node } from "./kit.ts";

const SEEDS = Number(process.env["OCSGW_SCHEDULES"] ?? 60);
const FIRST = Number(process.env["OCSGW_SCHEDULE"] ?? 1);
const STEPS = 120;
const OTHER: Readonly<Record<string, string>> = { "http://one": "http://two", "http://two": "http://one" };
const TENANTS = [101, 102, 103].map((dbid) => aTenant({ dbid, records: "pre-dial" }));

/** mulberry32 */
const randomOf = (seed: number) => {
  let state = seed * 0x9e3779b9;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    below: (most: number): number => Math.floor(next() * most),
    chance: (share: number): boolean => next() < share,
    one: <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(next() * values.length)],
  };
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One run of one OCS. */
class Life {
  readonly endpoint: string;
  readonly records = new Map<number, number>();
  /** The last tenant of each handle. */
  readonly former = new Map<number, number>();
  /** The last attempt of each handle. */
  readonly attempts = new Map<number, string>();
  readonly used: number[] = [];
  readonly announced = new Set<number>();
  readonly announcing = new Set<number>();
  readonly finalizing = new Set<number>();
  isOver = false;
  leavesOut = false;
  readonly first: number;
  readonly #end: number;
  #next: number;
  constructor(endpoint: string, first: number, end = Infinity) {
    [this.endpoint, this.first, this.#next, this.#end] = [endpoint, first, first, end];
  }
  /** After the last number that the gateways certainly know. */
  get knownEnd(): number {
    return Math.max(this.first, ...this.attempts.keys()) + 1;
  }
  end(handle: number): void {
    this.former.set(handle, this.records.get(handle)!);
    this.records.delete(handle);
  }
  /** Undefined when it has used its last number. */
  newHandle(): number | undefined {
    if (this.#next >= this.#end) return undefined;
    this.used.push(this.#next);
    return this.#next++;
  }
}

class World {
  readonly database = new MemoryDatabase();
  readonly random: ReturnType<typeof randomOf>;
  readonly violations: string[] = [];
  /** For a person who looks for the reason. */
  readonly trace: string[] = [];
  readonly counts = { sent: 0, denied: 0, unclear: 0, dialed: 0 };
  #first = 500_000;
  life = new Life("http://one", this.#first);
  readonly nodes: Node[] = [];
  readonly connected = new Map<Node, Life | undefined>();
  #requests = 0;
  #names = 0;

  constructor(seed: number) {
    this.random = randomOf(seed);
    this.database.delay = () => this.random.below(6);
    this.database.onRow = (_log, row) => this.trace.push(JSON.stringify(row));
    this.database.isNotified = () => !this.random.chance(0.1);
  }

  async add(name = `n${++this.#names}`): Promise<Node> {
    const node = openNode(this.database, name);
    this.nodes.push(node);
    await node.ownership.start(["ocs"]);
    await this.#connect(node, "start");
    return node;
  }

  async remove(node: Node, isOrderly: boolean): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.connected.delete(node);
    if (isOrderly) await node.stop();
    else node.kill();
  }

  async announce(): Promise<void> {
    const [node, life] = [this.random.one(this.nodes), this.life];
    if (!node || this.connected.get(node) !== life) return;
    const isRepeated = life.records.size > 0 && this.random.chance(0.2);
    const isReused = !isRepeated && life.used.length > 0 && this.random.chance(0.5);
    const known = isRepeated ? this.random.one([...life.records.keys()]) : undefined;
    const free = life.used.filter((each) => !life.records.has(each) && !life.announcing.has(each));
    const handle = known ?? (isReused ? this.random.one(free) : undefined) ?? life.newHandle();
    if (handle === undefined) return;
    const tenant = known === undefined ? this.random.one(TENANTS)!.dbid : life.records.get(known)!;
    const isFirst = !life.announced.has(handle);
    life.announced.add(handle);
    const attempt = `${life.endpoint} ${handle} ${this.#requests++}`;
    life.announcing.add(handle);
    const result = await node.ownership.announce(anAttempt(handle, tenant, attempt));
    life.announcing.delete(handle);
    // A number that is used again may come before the end of the record that had it; and where a number was left out,
    // a higher one is taken for a proof of the same life (decision 3).
    if (!mayDial(result)) life.leavesOut = true;
    if (result === "disputed" && !life.isOver && isFirst && !life.leavesOut)
      this.violations.push(`OCS has announced ${handle} for ${tenant} alone in this life, and it is disputed`);
    // OCS does not dial a record whose 200 comes from a connection that has ended.
    if (life.isOver || !this.nodes.includes(node) || !mayDial(result)) return;
    if (result !== "owned" && result !== "again") return;
    if (known === undefined ? life.records.has(handle) : !life.records.has(handle)) return;
    life.attempts.set(handle, attempt);
    life.records.set(handle, tenant);
    this.trace.push(`dialed ${handle} ${tenant} ${attempt} ${result} ${performance.now()}`);
    this.counts.dialed++;
  }

  async request(): Promise<void> {
    const node = this.random.one(this.nodes);
    const handle = this.random.one([...this.life.records.keys(), ...this.life.used.slice(-10)]) ?? 1;
    const owner = this.life.records.get(handle);
    const wanted = this.random.chance(0.6) ? owner : this.life.former.get(handle);
    const tenant = TENANTS.find(({ dbid }) => dbid === wanted) ?? this.random.one(TENANTS)!;
    if (!node) return;
    const finalizes = this.random.chance(0.4);
    const { life } = this;
    // A client that asks before OCS has its 200 cannot know the handle.
    const isKnown = owner === tenant.dbid;
    const caughtUp = node.ownership.catchUp([tenant], String(handle));
    const isCurrent = caughtUp === undefined ? false : await caughtUp;
    const response = node.ownership.requestLease(tenant, String(handle), finalizes, isCurrent);
    if ("lease" in response) return this.#send(node, response.lease, { handle, dbid: tenant.dbid, finalizes });
    if (!("denied" in response)) return void this.counts.unclear++;
    this.counts.denied++;
    if (isKnown && !life.isOver && life.records.get(handle) === tenant.dbid && this.connected.get(node) === life)
      this.violations.push(`2106 (${response.denied.why}) for handle ${handle} that OCS has open for ${tenant.dbid}`);
  }

  async #send(
    node: Node,
    lease: HandleLease,
    { handle, dbid, finalizes }: { readonly handle: number; readonly dbid: number; readonly finalizes: boolean },
  ): Promise<void> {
    const id = `R${this.#requests++}`;
    const expires = performance.now() + 3000;
    for (let before = lease.after(); before && performance.now() < expires; before = lease.after())
      await Promise.race([before, sleep(3000)]);
    await sleep(this.random.below(5));
    const life = this.connected.get(node);
    const isSent = life !== undefined && this.nodes.includes(node) && lease.withdrawn(true) === undefined;
    if (!isSent) return lease.release(undefined, id);
    this.counts.sent++;
    if (finalizes && life.finalizing.has(handle)) this.violations.push(`two finalizing requests for ${handle}`);
    if (finalizes) life.finalizing.add(handle);
    await sleep(this.random.below(30));
    if (finalizes) life.finalizing.delete(handle);
    if (life.isOver || this.random.chance(0.05)) return lease.release(undefined, id);
    const owner = life.records.get(handle);
    if (owner !== undefined && owner !== dbid)
      this.violations.push(`${dbid} has changed the record ${handle} of ${owner}`);
    if (owner === dbid && finalizes) life.end(handle);
    await sleep(this.random.below(5));
    const status = owner === undefined ? 410 : 200;
    this.trace.push(`${node.name}: ${id} ${handle} by ${dbid}: ${status} finalizes=${finalizes} ${performance.now()}`);
    lease.release(status, id);
  }

  async endCall(): Promise<void> {
    const [node, life] = [this.random.one(this.nodes), this.life];
    const handle = this.random.one([...life.records.keys()]);
    if (!node || handle === undefined || this.connected.get(node) !== life) return;
    life.end(handle);
    await node.ownership.end("ocs", handle, "call-ended", life.attempts.get(handle));
  }

  /** A new life, at the same address or at the other one. */
  async restartOcs(): Promise<void> {
    const [before, isTakeover] = [this.life, this.random.chance(0.5)];
    // The one before is still restarting.
    if (before.isOver) return;
    before.isOver = true;
    const endpoint = isTakeover ? OTHER[before.endpoint]! : before.endpoint;
    // The same numbers again, or far below those of the former life. It passes no number of a former one: then a late
    // announcement would be one of the former life (decision 3).
    const isAgain = before.knownEnd - before.first >= 3 && this.random.chance(0.5);
    const next = isAgain
      ? new Life(endpoint, before.first, before.knownEnd)
      : new Life(endpoint, (this.#first -= 1000));
    await Promise.all(
      this.nodes.map(async (node) => {
        await sleep(this.random.below(30));
        if (this.connected.get(node) !== before) return;
        node.ownership.onLost("ocs");
        this.connected.set(node, undefined);
        await sleep(this.random.below(60));
        if (this.life === before) this.life = next;
        if (this.life === next) await this.#connect(node, isTakeover ? "takeover" : "reconnected");
      }),
    );
    if (this.life === before) this.life = next;
  }

  async loseConnection(): Promise<void> {
    const node = this.random.one(this.nodes);
    if (!node || this.connected.get(node) !== this.life) return;
    node.ownership.onLost("ocs");
    this.connected.set(node, undefined);
    await sleep(this.random.below(100));
    if (this.connected.get(node) === undefined) await this.#connect(node, "reconnected");
  }

  async cutOff(): Promise<void> {
    const node = this.random.one(this.nodes);
    if (!node) return;
    node.gateway.isCut = true;
    await sleep(this.random.below(this.random.chance(0.3) ? 3000 : 600));
    if (this.nodes.includes(node)) node.gateway.isCut = false;
  }

  async outage(): Promise<void> {
    this.database.isDown = true;
    await sleep(this.random.below(this.random.chance(0.3) ? 2500 : 500));
    this.database.isDown = false;
  }

  loseReply(): void {
    const node = this.random.one(this.nodes);
    if (node) node.gateway.losesReply = true;
  }

  async replace(): Promise<void> {
    if (this.nodes.length < 3) return;
    const node = this.random.one(this.nodes)!;
    await this.remove(node, this.random.chance(0.5));
    await sleep(this.random.below(2500));
    await this.add(node.name);
  }

  async snapshot(): Promise<void> {
    await this.random
      .one(this.nodes)
      ?.ownership.writeSnapshot("ocs")
      .catch(() => false);
  }

  async #connect(node: Node, how: "start" | "reconnected" | "takeover"): Promise<void> {
    if (!this.nodes.includes(node) || this.life.isOver) return;
    this.connected.set(node, this.life);
    node.ownership.onActive("ocs", { endpoint: this.life.endpoint, how });
    await sleep(0);
  }
}

const STEP: readonly (readonly [weight: number, run: (world: World) => unknown])[] = [
  [30, (world) => world.announce()],
  [50, (world) => world.request()],
  [8, (world) => world.endCall()],
  [2, (world) => world.restartOcs()],
  [3, (world) => world.loseConnection()],
  [2, (world) => world.cutOff()],
  [1, (world) => world.outage()],
  [3, (world) => world.loseReply()],
  [1, (world) => world.replace()],
  [2, (world) => world.snapshot()],
];
const WEIGHTED = STEP.flatMap(([weight, run]) => Array.from({ length: weight }, () => run));

afterEach(() => void vi.useRealTimers());

const play = async (seed: number): Promise<World> => {
  const toFake = [
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "clearInterval",
    "setImmediate",
    "clearImmediate",
  ] as const;
  vi.useFakeTimers({ toFake: [...toFake, "performance", "Date"] });
  const world = new World(seed);
  const running: Promise<unknown>[] = [];
  for (let at = 0; at < 3; at++) running.push(world.add());
  await pass(300);
  for (let at = 0; at < STEPS; at++) {
    running.push(Promise.resolve(world.random.one(WEIGHTED)!(world)));
    await pass(world.random.below(world.random.chance(0.1) ? 400 : 20));
  }
  // Everything works again.
  await pass(8000);
  await Promise.all(running);
  // A connection may be vouched for at just this time.
  const positions = (): number => new Set(world.nodes.map(({ ownership }) => ownership.replicaOf("ocs").applied)).size;
  for (let at = 0; at === 0 || (at < 20 && positions() > 1); at++) {
    const refreshed = Promise.all(world.nodes.map(({ ownership }) => ownership.refresh("ocs")));
    await pass(50);
    expect(await refreshed).toEqual(world.nodes.map(() => true));
  }
  const states = world.nodes.map((node) => node.state());
  for (const state of states) expect(JSON.parse(state)).toEqual(JSON.parse(states[0]!));
  expect(new Set(states).size).toBe(1);
  expect(world.nodes.flatMap(({ events }) => events).filter(({ kind }) => kind === "log-stalled")).toEqual([]);
  if (process.env["OCSGW_LOG"]) for (const line of world.trace) console.log(line);
  expect(world.nodes.flatMap(({ events }) => events).filter(({ kind }) => kind === "log-lost")).toEqual([]);
  expect(world.violations).toEqual([]);
  for (const node of world.nodes) node.kill();
  vi.useRealTimers();
  return world;
};

it(
  `hold what they promise in ${SEEDS} random schedules`,
  async () => {
    const sum = { sent: 0, denied: 0, unclear: 0, dialed: 0 };
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { counts } = await play(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
    }
    if (process.env["OCSGW_SCHEDULES"]) console.log(sum);
    // The schedules must reach what they test.
    for (const count of Object.values(sum)) expect(count).toBeGreaterThan(SEEDS);
  },
  30_000 + 1000 * SEEDS,
);
