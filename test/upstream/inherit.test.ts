import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Switchboard, type Settled, type UpstreamNews } from "../../src/upstream/switchboard.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Told = { readonly board: Switchboard; readonly settled: (Settled | undefined)[]; readonly news: UpstreamNews[] };

const boardAt = (origins: readonly string[], inherits?: Switchboard): Told => {
  const [settled, news]: [(Settled | undefined)[], UpstreamNews[]] = [[], []];
  const endpoint = (origin: string) => ({ origin, tls: {}, connectTimeout: 500 });
  const board = new Switchboard({
    name: "ocs",
    primary: endpoint(origins[0]!),
    backup: origins[1] === undefined ? undefined : endpoint(origins[1]),
    connections: 1,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 10, maxBytes: 1e6, maxWait: 3000 },
    userAgent: "t",
    settled: (each) => void settled.push(each),
    tell: (each) => void (each.kind !== "standby" && news.push(each)),
    inherits,
  });
  stops.push(() => board.close());
  return { board, settled, news };
};

/** Two OCS, and a board that has found the first. */
const before = async (): Promise<{ one: RawOcs; two: RawOcs; old: Told }> => {
  const [one, two] = [await rawOcs(), await rawOcs()];
  stops.push(
    () => one.close(),
    () => two.close(),
  );
  const old = boardAt([one.url, two.url]);
  await old.board.begin();
  return { one, two, old };
};

describe("a board that replaces another one on the same upstream", () => {
  it("goes on where that one was when both watch connections were open at one time", async () => {
    const { one, two, old } = await before();
    const { board, settled, news } = boardAt([one.url, two.url], old.board);
    await board.begin();
    expect([settled, news]).toEqual([[{ endpoint: one.url, how: "start" }], []]);
  });

  it("goes on likewise when that one was closed before, while its watch connection is still open", async () => {
    const { one, two, old } = await before();
    const { board, settled, news } = boardAt([one.url, two.url], old.board);
    await old.board.close();
    await board.begin();
    expect([settled, news]).toEqual([[{ endpoint: one.url, how: "start" }], []]);
  });

  it("reports a reconnect when that one was closed, and OCS has ended its watch connection since", async () => {
    const { one, two, old } = await before();
    const { board, settled } = boardAt([one.url, two.url], old.board);
    await old.board.close();
    for (const { socket } of one.connections) socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await board.begin();
    expect(settled).toEqual([{ endpoint: one.url, how: "reconnected" }]);
  });

  it("reports a reconnect when OCS has restarted before its own watch connection was open", async () => {
    for (const notice of [0, 5]) {
      const { one, two, old } = await before();
      for (const { socket } of one.connections) socket.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, notice));
      const { board, settled } = boardAt([one.url, two.url], old.board);
      await board.begin();
      const first = settled[0];
      expect(first?.endpoint).toBe(one.url);
      // Either the new one reports it, or the old one did before.
      expect(first?.how === "reconnected" || old.settled.some((each) => each?.how === "reconnected")).toBe(true);
    }
  });

  it("reports a reconnect while the other one is still looking for OCS", async () => {
    const { one, two, old } = await before();
    for (const { socket } of one.connections) socket.resetAndDestroy();
    await vi.waitFor(() => expect(old.settled).toHaveLength(2), { interval: 1 });
    await old.board.close();
    const { board, settled } = boardAt([one.url, two.url], old.board);
    await board.begin();
    expect(settled).toEqual([{ endpoint: one.url, how: "reconnected" }]);
  });

  it("reports a takeover when it finds the peer, and counts epochs on", async () => {
    const { one, two, old } = await before();
    one.refuseNew();
    const { board, settled, news } = boardAt([one.url, two.url], old.board);
    await board.begin();
    expect(settled).toEqual([{ endpoint: two.url, how: "takeover" }]);
    expect(news).toMatchObject([{ kind: "switchover", from: one.url, to: two.url, epoch: 2 }]);
    // Both accept and keep connections: the one that took over is not left for the configured primary.
    const back = await rawOcs(undefined, { port: one.port });
    stops.push(() => back.close());
    const next = boardAt([one.url, two.url], board);
    await next.board.begin();
    expect([next.settled, next.board.status().epoch]).toEqual([[{ endpoint: two.url, how: "start" }], 2]);
  });

  it("starts at another OCS when the config names other addresses", async () => {
    const { two, old } = await before();
    const { board, settled, news } = boardAt([two.url], old.board);
    await board.begin();
    expect([settled, news]).toEqual([[{ endpoint: two.url, how: "start" }], []]);
  });

  it("does not keep that one in memory, however many replace each other", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const [one, two] = [await rawOcs(), await rawOcs()];
    stops.push(
      () => one.close(),
      () => two.close(),
    );
    const replaced: WeakRef<Switchboard>[] = [];
    const replace = async (inherits?: Switchboard): Promise<Switchboard> => {
      const endpoint = ({ url }: RawOcs) => ({ origin: url, tls: {}, connectTimeout: 500 });
      const board = new Switchboard({
        name: "ocs",
        primary: endpoint(one),
        backup: endpoint(two),
        connections: 1,
        onePerTenant: true,
        answerTimeout: 1000,
        queue: { max: 10, maxBytes: 1e6, maxWait: 3000 },
        userAgent: "t",
        inherits,
      });
      await board.begin();
      if (inherits) replaced.push(new WeakRef(inherits));
      await inherits?.close();
      return board;
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
