import { afterEach, describe, expect, it, vi } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { NoAnswer, type Request } from "../../src/upstream/exchange.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { Switchboard, type Settled, type UpstreamNews, type UpstreamOptions } from "../../src/upstream/switchboard.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const pair = async (
  over: Partial<UpstreamOptions> = {},
): Promise<{ ocs: SandboxOcs; board: Switchboard; news: UpstreamNews[] }> => {
  const ocs = await startSandboxOcs();
  const news: UpstreamNews[] = [];
  const board = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.primary.http, tls: {}, connectTimeout: 500 },
    backup: { origin: ocs.backup.http, tls: {}, connectTimeout: 500 },
    connections: 4,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 200, maxBytes: 1e6, maxWait: 4000 },
    userAgent: "t",
    tell: (each) => void (each.kind !== "standby" && news.push(each)),
    ...over,
  });
  let closed: Promise<void> | undefined;
  const once = { ...ocs, close: () => (closed ??= ocs.close()) };
  stops.push(once.close, () => board.close());
  return { ocs: once, board, news };
};

type RawPair = { board: Switchboard; one: RawOcs; two: RawOcs; news: UpstreamNews[] };

/** Both accept, keep what they accept, and answer. */
const rawPair = async (): Promise<RawPair> => {
  const [one, two] = [await rawOcs(), await rawOcs()];
  const news: UpstreamNews[] = [];
  const board = new Switchboard({
    name: "ocs",
    primary: { origin: one.url, tls: {}, connectTimeout: 500 },
    backup: { origin: two.url, tls: {}, connectTimeout: 500 },
    connections: 2,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 200, maxBytes: 1e6, maxWait: 4000 },
    userAgent: "t",
    tell: (each) => void (each.kind !== "standby" && news.push(each)),
  });
  stops.push(
    () => one.close(),
    () => two.close(),
    () => board.close(),
  );
  await board.begin();
  return { board, one, two, news };
};

const request = (phone: number): Request => ({
  tenant: "Alpha",
  method: "POST",
  path: `/phones/415555${phone}?req=DoNotCall`,
  body: '{"GSW_TENANT_DBID":101}',
  urgent: true,
});
const sendAll = (board: Switchboard, from: number, count: number): Promise<(number | string)[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      board.send(request(from + index)).then(
        ({ status }) => status,
        (reason: unknown) => (reason instanceof NoAnswer ? `${reason.why} ${reason.sent}` : "defect"),
      ),
    ),
  );
/** What OCS does reaches us a moment later; a request that leaves in between is cut, and told as such. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const switchOver = (ocs: SandboxOcs): Promise<void> => (ocs.switchover(), settled());
const active = (board: Switchboard): string | undefined =>
  board.status().endpoints.find((endpoint) => endpoint.active)?.endpoint;

describe("a switchover", () => {
  it("is followed to the peer, and reported with a new epoch", async () => {
    const settled: (Settled | undefined)[] = [];
    const { ocs, board, news } = await pair({ settled: (each) => settled.push(each) });
    await board.begin();
    expect(await sendAll(board, 1000, 8)).toEqual(Array(8).fill(200));
    await switchOver(ocs);
    expect(await sendAll(board, 2000, 8)).toEqual(Array(8).fill(200));
    expect(active(board)).toBe(ocs.backup.http);
    expect(news).toMatchObject([
      { kind: "switchover", upstream: "ocs", from: ocs.primary.http, to: ocs.backup.http, epoch: 2 },
    ]);
    expect(settled).toEqual([
      { endpoint: ocs.primary.http, how: "start" },
      undefined,
      { endpoint: ocs.backup.http, how: "takeover" },
    ]);
    expect(ocs.counters().backup).toMatchObject({ requests: 8, violations: 0 });
  });

  it("is followed back again, as often as roles change", async () => {
    const { ocs, board, news } = await pair();
    for (let round = 0; round < 6; round++) {
      expect(await sendAll(board, 1000 + round * 10, 4)).toEqual(Array(4).fill(200));
      await switchOver(ocs);
    }
    expect(await sendAll(board, 5000, 4)).toEqual(Array(4).fill(200));
    expect(news).toHaveLength(6);
    expect(board.status().epoch).toBe(7);
  });

  it("in the middle of a load loses nothing without an honest word, and runs nothing twice", async () => {
    const { ocs, board } = await pair();
    const seen: (number | string)[] = [];
    for (let wave = 0; wave < 10; wave++) {
      const sending = sendAll(board, 1000 + wave * 40, 40);
      if (wave % 3 === 1) ocs.switchover();
      seen.push(...(await sending));
    }
    const executed = ocs.world.db
      .all<{ phone: string }>("SELECT phone FROM do_not_call_list")
      .map(({ phone }) => phone);
    expect(new Set(executed).size).toBe(executed.length);
    expect(seen.filter((each) => each !== 200 && each !== "cut true")).toEqual([]);
    const confirmed = seen.filter((each) => each === 200).length;
    expect(confirmed).toBeGreaterThan(350);
  });

  it("holds what waits meanwhile", async () => {
    const { ocs, board } = await pair();
    await sendAll(board, 1000, 2);
    await switchOver(ocs);
    const sending = sendAll(board, 3000, 20);
    expect(board.status().queue).toMatchObject([{ tenant: "Alpha", waiting: 20 }]);
    expect(await sending).toEqual(Array(20).fill(200));
  });
});

describe("at the beginning", () => {
  it("finds the configured primary and reports nothing", async () => {
    const { board, news, ocs } = await pair();
    await board.begin();
    expect(await sendAll(board, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news, board.status().epoch, active(board)]).toEqual([[], 1, ocs.primary.http]);
  });

  it("finds the other one when that is the primary, which is a start and no switchover", async () => {
    const settled: (Settled | undefined)[] = [];
    const { board, news, ocs } = await pair({ settled: (each) => settled.push(each) });
    ocs.switchover();
    await board.begin();
    expect(await sendAll(board, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news, settled, board.status().epoch]).toEqual([[], [{ endpoint: ocs.backup.http, how: "start" }], 1]);
  });

  it("takes the configured primary when both accept and stay silent", async () => {
    const { board, one, two } = await rawPair();
    expect(await sendAll(board, 1000, 4)).toEqual(Array(4).fill(200));
    expect([active(board), two.requests()]).toEqual([one.url, 0]);
  });
});

describe("when nobody answers", () => {
  it("says so to all who wait, then at once, and finds OCS again by itself", async () => {
    const { ocs, board, news } = await pair();
    await sendAll(board, 1000, 2);
    const ports = { primary: Number(new URL(ocs.primary.http).port), backup: Number(new URL(ocs.backup.http).port) };
    await ocs.close();
    await settled();
    expect(await sendAll(board, 2000, 5)).toEqual(Array(5).fill("unreachable false"));
    expect(news).toContainEqual({ kind: "down", upstream: "ocs" });
    expect(board.status().endpoints.every(({ up }) => !up)).toBe(true);
    expect(await sendAll(board, 3000, 5)).toEqual(Array(5).fill("unreachable false"));
    const again = await startSandboxOcs({ ports });
    stops.push(() => again.close());
    while (!board.status().endpoints.some(({ up }) => up)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sendAll(board, 4000, 5)).toEqual(Array(5).fill(200));
  });

  it("does not take OCS's own negative answers for that", async () => {
    const { board, news } = await pair();
    for (let round = 0; round < 4; round++) {
      const { status } = await board.send({
        tenant: "Alpha",
        method: "POST",
        path: "/records/999999?req=RecordReject",
        body: "",
        urgent: true,
      });
      expect(status).toBe(410);
    }
    expect(news).toEqual([]);
    expect(board.status().epoch).toBe(1);
  });

  it("goes back to the primary that only closed its idle connections, which is no switchover", async () => {
    const { ocs, board, news } = await pair();
    await board.begin();
    await sendAll(board, 1000, 4);
    ocs.switchover();
    await switchOver(ocs);
    expect(await sendAll(board, 2000, 4)).toEqual(Array(4).fill(200));
    expect(news).toEqual([
      { kind: "reconnected", upstream: "ocs", endpoint: ocs.primary.http, reason: "all connections to OCS have ended" },
    ]);
    expect([active(board), board.status().epoch]).toEqual([ocs.primary.http, 1]);
  });
});

describe("roles that flap", () => {
  it("are followed once, and then not for a while where both accept", async () => {
    const { board, one, two, news } = await rawPair();
    for (const closing of [one, two, two, two]) {
      expect(await sendAll(board, 1000, 2)).toEqual([200, 200]);
      for (const { socket } of closing.connections) socket.end();
      await settled();
    }
    expect(await sendAll(board, 1000, 2)).toEqual([200, 200]);
    expect(news.map(({ kind }) => kind)).toEqual(["switchover", "reconnected", "reconnected", "reconnected"]);
    expect([active(board), board.status().epoch]).toEqual([two.url, 2]);
  });
});

describe("a pair whose standby keeps connections", () => {
  it("is left for the standby when the primary closes all in order, and not when its connections are reset", async () => {
    for (const [end, expected] of [
      ["resetAndDestroy", "reconnected"],
      ["end", "switchover"],
    ] as const) {
      const { board, one, news } = await rawPair();
      expect(await sendAll(board, 1000, 2)).toEqual([200, 200]);
      for (const { socket } of one.connections) socket[end]();
      await vi.waitFor(() => expect(news.map(({ kind }) => kind)).toEqual([expected]));
    }
  });
});

describe("an announcement", () => {
  const upSince = (board: Switchboard): Promise<void> =>
    vi.waitFor(() => expect(board.status().endpoints.some(({ up }) => up)).toBe(true), { timeout: 400, interval: 5 });

  it("ends the pause between probes of an OCS that was thought down", async () => {
    const { ocs, board, news } = await pair({ backup: undefined });
    await board.begin();
    const ports = { primary: Number(new URL(ocs.primary.http).port), backup: Number(new URL(ocs.backup.http).port) };
    await ocs.close();
    await vi.waitFor(() => expect(news).toContainEqual({ kind: "down", upstream: "ocs" }), { timeout: 5000 });
    // By now probes are up to two seconds apart.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const again = await startSandboxOcs({ ports });
    stops.push(() => again.close());
    board.heardFrom(ocs.primary.http);
    await upSince(board);
  });

  it("of the peer leads to it while the watch connection is open to an OCS that no longer accepts", async () => {
    const { board, one, two, news } = await rawPair();
    one.refuseNew();
    board.heardFrom(two.url);
    await vi.waitFor(() => expect(active(board)).toBe(two.url), { timeout: 2000 });
    expect(news).toMatchObject([{ kind: "switchover", from: one.url, to: two.url, epoch: 2 }]);
  });

  it("of the peer alone changes nothing while the active OCS accepts", async () => {
    const { board, one, two, news } = await rawPair();
    board.heardFrom(two.url);
    await new Promise((resolve) => setTimeout(resolve, 700));
    board.heardFrom(one.url);
    expect([active(board), news]).toEqual([one.url, []]);
  });

  it("of the peer alone for two seconds leads to it, where both accept", async () => {
    const { board, two, news } = await rawPair();
    await vi.waitFor(
      () => {
        board.heardFrom(two.url);
        expect(active(board)).toBe(two.url);
      },
      { timeout: 5000, interval: 100 },
    );
    expect(news).toMatchObject([{ kind: "switchover", epoch: 2 }]);
  });
});
