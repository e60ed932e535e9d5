import { afterEach, describe, expect, it } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { NoAnswer, type Request } from "../../src/upstream/exchange.ts";
import { rawOcs } from "../kit/raw-ocs.ts";
import { Switchboard, type UpstreamNews, type UpstreamOptions } from "../../src/upstream/switchboard.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const pair = async (over: Partial<UpstreamOptions> = {}): Promise<{ ocs: SandboxOcs; board: Switchboard; news: UpstreamNews[] }> => {
  const ocs = await startSandboxOcs();
  const news: UpstreamNews[] = [];
  const board = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.primary.http, tls: {}, connectTimeout: 500 },
    backup: { origin: ocs.backup.http, tls: {}, connectTimeout: 500 },
    connections: 4, onePerTenant: true, answerTimeout: 1000, queue: { max: 200, maxBytes: 1e6, maxWait: 4000 }, userAgent: "t",
    tell: (each) => void news.push(each),
    ...over,
  });
  let closed: Promise<void> | undefined;
  const once = { ...ocs, close: () => (closed ??= ocs.close()) };
  stops.push(once.close, () => board.close());
  return { ocs: once, board, news };
};

const request = (phone: number): Request => ({ tenant: "Alpha", method: "POST", path: `/phones/415555${phone}?req=DoNotCall`, body: '{"GSW_TENANT_DBID":101}', urgent: true });
const sendAll = (board: Switchboard, from: number, count: number): Promise<(number | string)[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => board.send(request(from + index)).then(({ status }) => status, (reason: unknown) => (reason instanceof NoAnswer ? `${reason.why} ${reason.sent}` : "defect"))));
/** What OCS does reaches us a moment later; a request that leaves in between is cut, and told as such. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const switchOver = (ocs: SandboxOcs): Promise<void> => (ocs.switchover(), settled());
const active = (board: Switchboard): string | undefined => board.status().endpoints.find((endpoint) => endpoint.active)?.endpoint;

describe("a switchover", () => {
  it("is followed to the peer, and told with a new epoch", async () => {
    const { ocs, board, news } = await pair();
    expect(await sendAll(board, 1000, 8)).toEqual(Array(8).fill(200));
    await switchOver(ocs);
    expect(await sendAll(board, 2000, 8)).toEqual(Array(8).fill(200));
    expect(active(board)).toBe(ocs.backup.http);
    expect(news).toMatchObject([{ kind: "switchover", upstream: "ocs", from: ocs.primary.http, to: ocs.backup.http, epoch: 2 }]);
    expect(ocs.counters().backup).toMatchObject({ requests: 8, violations: 0 });
  });

  it("and back again, as often as roles change", async () => {
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
    const executed = ocs.world.db.all<{ phone: string }>("SELECT phone FROM do_not_call_list").map(({ phone }) => phone);
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
  it("finds the primary without a word when it is the one that was expected", async () => {
    const { board, news, ocs } = await pair();
    await board.begin();
    expect(await sendAll(board, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news, board.status().epoch, active(board)]).toEqual([[], 1, ocs.primary.http]);
  });

  it("finds the other one when that is the primary", async () => {
    const { board, news, ocs } = await pair();
    ocs.switchover();
    await board.begin();
    expect(await sendAll(board, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news.length, active(board)]).toEqual([1, ocs.backup.http]);
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
      const { status } = await board.send({ tenant: "Alpha", method: "POST", path: "/records/999999?req=RecordReject", body: "", urgent: true });
      expect(status).toBe(410);
    }
    expect(news).toEqual([]);
    expect(board.status().epoch).toBe(1);
  });

  it("stays with the primary when it only closed its idle connections", async () => {
    const { ocs, board, news } = await pair();
    await sendAll(board, 1000, 4);
    ocs.switchover();
    await switchOver(ocs);
    expect(await sendAll(board, 2000, 4)).toEqual(Array(4).fill(200));
    expect(active(board)).toBe(ocs.primary.http);
    expect(news).toMatchObject([{ from: ocs.primary.http, to: ocs.primary.http, epoch: 2 }]);
  });
});

describe("roles that flap", () => {
  it("are followed once, and then not for a while where both accept", async () => {
    const [one, two] = [await rawOcs(), await rawOcs()];
    const news: UpstreamNews[] = [];
    const board = new Switchboard({
      name: "ocs", primary: { origin: one.url, tls: {}, connectTimeout: 500 }, backup: { origin: two.url, tls: {}, connectTimeout: 500 }, connections: 2, onePerTenant: true,
      answerTimeout: 1000, queue: { max: 200, maxBytes: 1e6, maxWait: 4000 }, userAgent: "t", tell: (each) => void news.push(each),
    });
    stops.push(() => one.close(), () => two.close(), () => board.close());
    for (const closing of [one, two, two, two]) {
      expect(await sendAll(board, 1000, 2)).toEqual([200, 200]);
      for (const { socket } of closing.connections) socket.end();
      await settled();
    }
    expect(await sendAll(board, 1000, 2)).toEqual([200, 200]);
    expect(news.map((each) => (each.kind === "switchover" ? [each.from === each.to, each.epoch] : each.kind))).toEqual([[false, 2], [true, 3], [true, 4], [true, 5]]);
    expect(active(board)).toBe(two.url);
  });
});
