import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Endpoint } from "../../../src/upstream/lanes/endpoint.ts";
import { Standby, type StandbyBehaviour, type StandbyStatus } from "../../../src/upstream/failover/standby.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Does = "closes" | "refuses" | "accepts";

/** A standby whose ways can be changed. */
class Other {
  readonly endpoint: Endpoint;
  readonly #port: number;
  connections = 0;
  #server: Server | undefined;

  static async open(): Promise<Other> {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return new Other(port);
  }

  constructor(port: number) {
    this.#port = port;
    this.endpoint = { origin: `http://127.0.0.1:${port}`, tls: {}, connectTimeout: 200 };
    stops.push(() => this.does("refuses"));
  }

  async does(does: Does): Promise<void> {
    const [server, open] = [this.#server, this.#open];
    this.#open = [];
    for (const socket of open) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
    this.#server =
      does === "refuses"
        ? undefined
        : createServer((socket) => this.#take(does, socket)).listen(this.#port, "127.0.0.1");
    if (this.#server) await new Promise((resolve) => this.#server!.once("listening", resolve));
  }

  #take(does: Does, socket: Socket): void {
    this.connections++;
    if (does === "closes") socket.end();
    else this.#open.push(socket.on("error", () => undefined));
  }

  #open: Socket[] = [];
}

type Watched = {
  readonly standby: Standby;
  readonly other: Other;
  readonly changes: [string, boolean][];
  well: boolean;
  /** Watches this OCS (default: `other`) from now on, and waits for a probe. */
  readonly look: (which?: Other) => Promise<StandbyStatus>;
};

const watched = async (configured?: StandbyBehaviour, inherits?: Standby): Promise<Watched> => {
  const other = await Other.open();
  const changes: [string, boolean][] = [];
  const self: Watched = {
    other,
    changes,
    well: true,
    standby: new Standby({
      configured: () => configured,
      isActiveConnected: () => self.well,
      onChange: (_endpoint, { seen, healthy }) => void changes.push([seen, healthy]),
      inherits,
    }),
    look: async (which = other) => {
      const look = performance.now();
      self.standby.watch(which.endpoint);
      await vi.waitFor(() => expect(self.standby.probedAt).toBeGreaterThan(look), { interval: 5 });
      return self.standby.status(which.endpoint)!;
    },
  };
  stops.push(() => self.standby.close());
  return self;
};

describe("the standby OCS", () => {
  it("that refuses from the start is unhealthy unless the config says otherwise", async () => {
    const { other, look, changes } = await watched();
    await other.does("refuses");
    expect(await look()).toMatchObject({ seen: "refuses", expected: undefined, healthy: false });
    expect(changes).toEqual([["refuses", false]]);
    const configured = await watched("refuses");
    await configured.other.does("refuses");
    expect(await configured.look()).toMatchObject({ seen: "refuses", expected: "refuses", healthy: true });
  });

  it.each([
    ["closes", "accepts and closes"],
    ["accepts", "accepts"],
  ] as const)("that %s is reported so, which is learned as healthy", async (does, seen) => {
    const { other, standby, look, changes } = await watched();
    await other.does(does);
    expect(await look()).toMatchObject({ seen, expected: does, healthy: true });
    expect([standby.behaviour, changes]).toEqual([does, []]);
  });

  it("that crashed is reported as unhealthy, and as healthy when it is back", async () => {
    const { other, look, changes } = await watched();
    await other.does("closes");
    await look();
    await other.does("refuses");
    expect(await look()).toMatchObject({
      seen: "refuses",
      detail: "connection refused",
      expected: "closes",
      healthy: false,
    });
    await other.does("closes");
    expect(await look()).toMatchObject({ seen: "accepts and closes", detail: undefined, healthy: true });
    expect(changes).toEqual([
      ["refuses", false],
      ["accepts and closes", true],
    ]);
  });

  it.each([
    {
      before: "refuses",
      now: "refuses",
      reports: [
        ["refuses", false],
        ["refuses", false],
      ],
    },
    { before: "refuses", now: "closes", reports: [["refuses", false]] },
    { before: "closes", now: "refuses", reports: [["refuses", false]] },
    { before: "closes", now: "closes", reports: [] },
  ] as const)(
    "that $now is reported by its own health after another that $before",
    async ({ before, now, reports }) => {
      const { other, standby, look, changes } = await watched("closes");
      const next = await Other.open();
      await other.does(before);
      await next.does(now);
      await look();
      standby.watch(undefined);
      await look(next);
      await look(next);
      expect(changes).toEqual(reports);
    },
  );

  it("that crashed is not reported again after a while without a standby", async () => {
    const { other, standby, look, changes } = await watched("closes");
    await other.does("refuses");
    await look();
    standby.watch(undefined);
    await look();
    expect(changes).toEqual([["refuses", false]]);
  });

  it("that was down at the start is learned when it comes up", async () => {
    const { other, look } = await watched();
    await other.does("refuses");
    await look();
    await other.does("closes");
    expect(await look()).toMatchObject({ expected: "closes", healthy: true });
    await other.does("refuses");
    expect(await look()).toMatchObject({ expected: "closes", healthy: false });
  });

  it("is not learned from while the active OCS is not connected", async () => {
    const all = await watched();
    all.well = false;
    await all.other.does("accepts");
    expect(await all.look()).toMatchObject({ seen: "accepts", expected: undefined, healthy: true });
  });

  it("is judged by the configured behaviour before the learned one", async () => {
    const { other, look } = await watched("refuses");
    await other.does("closes");
    expect(await look()).toMatchObject({ seen: "accepts and closes", expected: "refuses", healthy: false });
  });

  it("hands the learned behaviour on to its successor", async () => {
    const before = await watched();
    await before.other.does("closes");
    await before.look();
    const { other, look } = await watched(undefined, before.standby);
    await other.does("refuses");
    expect(await look()).toMatchObject({ expected: "closes", healthy: false });
  });

  it("keeps the time since its behaviour last changed", async () => {
    const { other, look } = await watched();
    await other.does("closes");
    await look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await look()).since).toBeGreaterThan(90);
  });

  it("is probed again a minute later", async () => {
    const { other, standby, look } = await watched();
    await other.does("closes");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
    await look();
    const first = standby.probedAt;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(standby.probedAt).toBe(first);
    await vi.advanceTimersByTimeAsync(1500);
    await vi.waitFor(() => expect(standby.probedAt).toBeGreaterThan(first), { interval: 5 });
  });

  it("is probed once a minute, also when the primary was found several times during one probe", async () => {
    const { other, standby } = await watched();
    await other.does("accepts");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
    for (let count = 0; count < 5; count++) standby.watch(other.endpoint);
    await vi.advanceTimersByTimeAsync(500);
    await vi.waitFor(() => expect([standby.status(other.endpoint)?.seen, other.connections]).toEqual(["accepts", 5]), {
      interval: 5,
    });
    const first = other.connections;
    await vi.advanceTimersByTimeAsync(60_500);
    await vi.waitFor(() => expect(other.connections).toBeGreaterThan(first), { interval: 5 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(other.connections - first).toBe(1);
  });
});
