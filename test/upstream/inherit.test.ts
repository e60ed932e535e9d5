import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Switchboard, type ActiveChange, type UpstreamEvent } from "../../src/upstream/switchboard.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Watched = {
  readonly switchboard: Switchboard;
  readonly settled: (ActiveChange | undefined)[];
  readonly news: UpstreamEvent[];
};

const switchboardAt = (origins: readonly string[], predecessor?: Switchboard): Watched => {
  const [settled, news]: [(ActiveChange | undefined)[], UpstreamEvent[]] = [[], []];
  const endpoint = (origin: string) => ({ origin, tls: {}, connectTimeout: 500 });
  const switchboard = new Switchboard(
    {
      name: "ocs",
      primary: endpoint(origins[0]!),
      backup: origins[1] === undefined ? undefined : endpoint(origins[1]),
      connections: 1,
      onePerTenant: true,
      answerTimeout: 1000,
      queue: { max: 10, maxBytes: 1e6, maxWait: 3000 },
      userAgent: "t",
      onActiveChange: (each) => void settled.push(each),
      onEvent: (each) => void (each.kind !== "standby" && news.push(each)),
    },
    predecessor,
  );
  stops.push(() => switchboard.close());
  return { switchboard, settled, news };
};

/** Two OCS, and a switchboard that has found the first. */
const before = async (): Promise<{ one: RawOcs; two: RawOcs; old: Watched }> => {
  const [one, two] = [await rawOcs(), await rawOcs()];
  stops.push(
    () => one.close(),
    () => two.close(),
  );
  const old = switchboardAt([one.url, two.url]);
  await old.switchboard.begin();
  return { one, two, old };
};

describe("a switchboard that replaces another one on the same upstream", () => {
  it("reports nothing when both watch connections were open at one time", async () => {
    const { one, two, old } = await before();
    const { switchboard, settled, news } = switchboardAt([one.url, two.url], old.switchboard);
    await switchboard.begin();
    expect([settled, news]).toEqual([[{ endpoint: one.url, how: "start" }], []]);
  });

  it("reports nothing when its predecessor was closed but still has its watch connection", async () => {
    const { one, two, old } = await before();
    const { switchboard, settled, news } = switchboardAt([one.url, two.url], old.switchboard);
    await old.switchboard.close();
    await switchboard.begin();
    expect([settled, news]).toEqual([[{ endpoint: one.url, how: "start" }], []]);
  });

  it("reports a reconnect when OCS has ended the watch connection of its closed predecessor", async () => {
    const { one, two, old } = await before();
    const { switchboard, settled } = switchboardAt([one.url, two.url], old.switchboard);
    await old.switchboard.close();
    for (const { socket } of one.connections) socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await switchboard.begin();
    expect(settled).toEqual([{ endpoint: one.url, how: "reconnected" }]);
  });

  it("reports a reconnect when OCS has restarted before its own watch connection was open", async () => {
    for (const notice of [0, 5]) {
      const { one, two, old } = await before();
      for (const { socket } of one.connections) socket.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, notice));
      const { switchboard, settled } = switchboardAt([one.url, two.url], old.switchboard);
      await switchboard.begin();
      const first = settled[0];
      expect(first?.endpoint).toBe(one.url);
      // Either the new one reports it, or the old one did before.
      expect(first?.how === "reconnected" || old.settled.some((each) => each?.how === "reconnected")).toBe(true);
    }
  });

  it("reports a reconnect while its predecessor is still searching for OCS", async () => {
    const { one, two, old } = await before();
    for (const { socket } of one.connections) socket.resetAndDestroy();
    await vi.waitFor(() => expect(old.settled).toHaveLength(2), { interval: 1 });
    await old.switchboard.close();
    const { switchboard, settled } = switchboardAt([one.url, two.url], old.switchboard);
    await switchboard.begin();
    expect(settled).toEqual([{ endpoint: one.url, how: "reconnected" }]);
  });

  it("reports a takeover when it finds the peer, and goes on counting epochs", async () => {
    const { one, two, old } = await before();
    one.refuseNew();
    const { switchboard, settled, news } = switchboardAt([one.url, two.url], old.switchboard);
    await switchboard.begin();
    expect(settled).toEqual([{ endpoint: two.url, how: "takeover" }]);
    expect(news).toMatchObject([{ kind: "switchover", from: one.url, to: two.url, epoch: 2 }]);
    // Both accept and keep connections: the one that took over is not left for the configured primary.
    const back = await rawOcs(undefined, { port: one.port });
    stops.push(() => back.close());
    const next = switchboardAt([one.url, two.url], switchboard);
    await next.switchboard.begin();
    expect([next.settled, next.switchboard.status().epoch]).toEqual([[{ endpoint: two.url, how: "start" }], 2]);
  });

  it("reports a start when the config names other addresses", async () => {
    const { two, old } = await before();
    const { switchboard, settled, news } = switchboardAt([two.url], old.switchboard);
    await switchboard.begin();
    expect([settled, news]).toEqual([[{ endpoint: two.url, how: "start" }], []]);
  });

  it("does not keep its predecessors in memory", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const [one, two] = [await rawOcs(), await rawOcs()];
    stops.push(
      () => one.close(),
      () => two.close(),
    );
    const replaced: WeakRef<Switchboard>[] = [];
    const replace = async (predecessor?: Switchboard): Promise<Switchboard> => {
      const endpoint = ({ url }: RawOcs) => ({ origin: url, tls: {}, connectTimeout: 500 });
      const switchboard = new Switchboard(
        {
          name: "ocs",
          primary: endpoint(one),
          backup: endpoint(two),
          connections: 1,
          onePerTenant: true,
          answerTimeout: 1000,
          queue: { max: 10, maxBytes: 1e6, maxWait: 3000 },
          userAgent: "t",
        },
        predecessor,
      );
      await switchboard.begin();
      if (predecessor) replaced.push(new WeakRef(predecessor));
      await predecessor?.close();
      return switchboard;
    };
    let last: Switchboard | undefined;
    for (let count = 0; count < 5; count++) last = await replace(last);
    stops.push(() => last!.close());
    await vi.waitFor(
      () => {
        collect();
        expect(replaced.slice(0, 3).filter((each) => each.deref())).toEqual([]);
      },
      { timeout: 8000, interval: 200 },
    );
  }, 15_000);
});
