import { afterEach, describe, expect, it, vi } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { UpstreamError, type Request } from "../../../src/upstream/types.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";
import {
  Switchboard,
  type ActiveChange,
  type UpstreamEvent,
  type UpstreamOptions,
} from "../../../src/upstream/switchboard.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const pair = async (
  over: Partial<UpstreamOptions> = {},
): Promise<{ ocs: SandboxOcs; switchboard: Switchboard; news: UpstreamEvent[] }> => {
  const ocs = await startSandboxOcs();
  const news: UpstreamEvent[] = [];
  const switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.primary.http, tls: {}, connectTimeout: 500 },
    backup: { origin: ocs.backup.http, tls: {}, connectTimeout: 500 },
    connections: 4,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 200, maxBytes: 1e6, maxWait: 4000 },
    userAgent: "t",
    onEvent: (each) => void (each.kind !== "standby" && news.push(each)),
    ...over,
  });
  let closed: Promise<void> | undefined;
  const once = { ...ocs, close: () => (closed ??= ocs.close()) };
  stops.push(once.close, () => switchboard.close());
  return { ocs: once, switchboard, news };
};

type RawPair = { switchboard: Switchboard; one: RawOcs; two: RawOcs; news: UpstreamEvent[] };

/** Both accept, keep what they accept, and answer. */
const rawPair = async (): Promise<RawPair> => {
  const [one, two] = [await rawOcs(), await rawOcs()];
  const news: UpstreamEvent[] = [];
  const switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: one.url, tls: {}, connectTimeout: 500 },
    backup: { origin: two.url, tls: {}, connectTimeout: 500 },
    connections: 2,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 200, maxBytes: 1e6, maxWait: 4000 },
    userAgent: "t",
    onEvent: (each) => void (each.kind !== "standby" && news.push(each)),
  });
  stops.push(
    () => one.close(),
    () => two.close(),
    () => switchboard.close(),
  );
  await switchboard.begin();
  return { switchboard, one, two, news };
};

const request = (phone: number): Request => ({
  tenant: "Alpha",
  method: "POST",
  path: `/phones/415555${phone}?req=DoNotCall`,
  body: '{"GSW_TENANT_DBID":101}',
  urgent: true,
});
const sendAll = (switchboard: Switchboard, from: number, count: number): Promise<(number | string)[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      switchboard.send(request(from + index)).then(
        ({ status }) => status,
        (reason: unknown) => (reason instanceof UpstreamError ? `${reason.reason} ${reason.sent}` : "defect"),
      ),
    ),
  );
/** What OCS does reaches us a moment later; a request that leaves in between is cut, and told as such. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const switchOver = (ocs: SandboxOcs): Promise<void> => (ocs.switchover(), settled());
const active = (switchboard: Switchboard): string | undefined =>
  switchboard.status().endpoints.find((endpoint) => endpoint.active)?.endpoint;

describe("a switchover", () => {
  it("is followed to the peer, and reported with a new epoch", async () => {
    const settled: (ActiveChange | undefined)[] = [];
    const { ocs, switchboard, news } = await pair({ onActiveChange: (each) => settled.push(each) });
    await switchboard.begin();
    expect(await sendAll(switchboard, 1000, 8)).toEqual(Array(8).fill(200));
    await switchOver(ocs);
    expect(await sendAll(switchboard, 2000, 8)).toEqual(Array(8).fill(200));
    expect(active(switchboard)).toBe(ocs.backup.http);
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

  it("is followed back again as often as roles change", async () => {
    const { ocs, switchboard, news } = await pair();
    for (let round = 0; round < 6; round++) {
      expect(await sendAll(switchboard, 1000 + round * 10, 4)).toEqual(Array(4).fill(200));
      await switchOver(ocs);
    }
    expect(await sendAll(switchboard, 5000, 4)).toEqual(Array(4).fill(200));
    expect(news).toHaveLength(6);
    expect(switchboard.status().epoch).toBe(7);
  });

  it("under load reports every lost request, and runs no request twice", async () => {
    const { ocs, switchboard } = await pair();
    const seen: (number | string)[] = [];
    for (let wave = 0; wave < 10; wave++) {
      const sending = sendAll(switchboard, 1000 + wave * 40, 40);
      if (wave % 3 === 1) ocs.switchover();
      seen.push(...(await sending));
    }
    const executed = ocs.world.db
      .all<{ phone: string }>("SELECT phone FROM do_not_call_list")
      .map(({ phone }) => phone);
    expect(new Set(executed).size).toBe(executed.length);
    expect(seen.filter((each) => each !== 200 && each !== "connection-lost true")).toEqual([]);
    const confirmed = seen.filter((each) => each === 200).length;
    expect(confirmed).toBeGreaterThan(350);
  });

  it("keeps queued requests until the new primary is found", async () => {
    const { ocs, switchboard } = await pair();
    await sendAll(switchboard, 1000, 2);
    await switchOver(ocs);
    const sending = sendAll(switchboard, 3000, 20);
    expect(switchboard.status().queue).toMatchObject([{ tenant: "Alpha", waiting: 20 }]);
    expect(await sending).toEqual(Array(20).fill(200));
  });
});

describe("the first search", () => {
  it("finds the configured primary and reports nothing", async () => {
    const { switchboard, news, ocs } = await pair();
    await switchboard.begin();
    expect(await sendAll(switchboard, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news, switchboard.status().epoch, active(switchboard)]).toEqual([[], 1, ocs.primary.http]);
  });

  it("finds the other one when that is the primary, which is a start and no switchover", async () => {
    const settled: (ActiveChange | undefined)[] = [];
    const { switchboard, news, ocs } = await pair({ onActiveChange: (each) => settled.push(each) });
    ocs.switchover();
    await switchboard.begin();
    expect(await sendAll(switchboard, 1000, 4)).toEqual(Array(4).fill(200));
    expect([news, settled, switchboard.status().epoch]).toEqual([[], [{ endpoint: ocs.backup.http, how: "start" }], 1]);
  });

  it("chooses the configured primary if both accept and stay silent", async () => {
    const { switchboard, one, two } = await rawPair();
    expect(await sendAll(switchboard, 1000, 4)).toEqual(Array(4).fill(200));
    expect([active(switchboard), two.requests()]).toEqual([one.url, 0]);
  });
});

describe("failover while no OCS answers", () => {
  it("refuses queued requests, then new ones at once, and finds OCS again by itself", async () => {
    const { ocs, switchboard, news } = await pair();
    await sendAll(switchboard, 1000, 2);
    const ports = { primary: Number(new URL(ocs.primary.http).port), backup: Number(new URL(ocs.backup.http).port) };
    await ocs.close();
    await settled();
    expect(await sendAll(switchboard, 2000, 5)).toEqual(Array(5).fill("unreachable false"));
    expect(news).toContainEqual({ kind: "down", upstream: "ocs" });
    expect(switchboard.status().endpoints.every(({ up }) => !up)).toBe(true);
    expect(await sendAll(switchboard, 3000, 5)).toEqual(Array(5).fill("unreachable false"));
    const again = await startSandboxOcs({ ports });
    stops.push(() => again.close());
    while (!switchboard.status().endpoints.some(({ up }) => up))
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sendAll(switchboard, 4000, 5)).toEqual(Array(5).fill(200));
  });

  it("does not treat OCS's negative answers as an outage", async () => {
    const { switchboard, news } = await pair();
    for (let round = 0; round < 4; round++) {
      const { status } = await switchboard.send({
        tenant: "Alpha",
        method: "POST",
        path: "/records/999999?req=RecordReject",
        body: "",
        urgent: true,
      });
      expect(status).toBe(410);
    }
    expect(news).toEqual([]);
    expect(switchboard.status().epoch).toBe(1);
  });

  it("reconnects to a primary that only closed its idle connections, without a switchover", async () => {
    const { ocs, switchboard, news } = await pair();
    await switchboard.begin();
    await sendAll(switchboard, 1000, 4);
    ocs.switchover();
    await switchOver(ocs);
    expect(await sendAll(switchboard, 2000, 4)).toEqual(Array(4).fill(200));
    expect(news).toEqual([
      { kind: "reconnected", upstream: "ocs", endpoint: ocs.primary.http, reason: "all connections to OCS have ended" },
    ]);
    expect([active(switchboard), switchboard.status().epoch]).toEqual([ocs.primary.http, 1]);
  });
});

describe("flapping roles", () => {
  it("are followed once, and then ignored for a while if both accept", async () => {
    const { switchboard, one, two, news } = await rawPair();
    for (const closing of [one, two, two, two]) {
      expect(await sendAll(switchboard, 1000, 2)).toEqual([200, 200]);
      for (const { socket } of closing.connections) socket.end();
      await settled();
    }
    expect(await sendAll(switchboard, 1000, 2)).toEqual([200, 200]);
    expect(news.map(({ kind }) => kind)).toEqual(["switchover", "reconnected", "reconnected", "reconnected"]);
    expect([active(switchboard), switchboard.status().epoch]).toEqual([two.url, 2]);
  });
});

describe("failover in a pair whose standby keeps connections", () => {
  it("follows the peer if the primary closes all connections in order, but not if they are reset", async () => {
    for (const [end, expected] of [
      ["resetAndDestroy", "reconnected"],
      ["end", "switchover"],
    ] as const) {
      const { switchboard, one, news } = await rawPair();
      expect(await sendAll(switchboard, 1000, 2)).toEqual([200, 200]);
      for (const { socket } of one.connections) socket[end]();
      await vi.waitFor(() => expect(news.map(({ kind }) => kind)).toEqual([expected]));
    }
  });
});

describe("an announcement", () => {
  const upSince = (switchboard: Switchboard): Promise<void> =>
    vi.waitFor(() => expect(switchboard.status().endpoints.some(({ up }) => up)).toBe(true), {
      timeout: 400,
      interval: 5,
    });

  it("ends the pause between probes of an unreachable OCS", async () => {
    const { ocs, switchboard, news } = await pair({ backup: undefined });
    await switchboard.begin();
    const ports = { primary: Number(new URL(ocs.primary.http).port), backup: Number(new URL(ocs.backup.http).port) };
    await ocs.close();
    await vi.waitFor(() => expect(news).toContainEqual({ kind: "down", upstream: "ocs" }), { timeout: 5000 });
    // By now probes are up to two seconds apart.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const again = await startSandboxOcs({ ports });
    stops.push(() => again.close());
    switchboard.noteAnnouncement(ocs.primary.http);
    await upSince(switchboard);
  });

  it("of the peer causes a takeover while the watch connection is open to an OCS that no longer accepts", async () => {
    const { switchboard, one, two, news } = await rawPair();
    one.refuseNew();
    switchboard.noteAnnouncement(two.url);
    await vi.waitFor(() => expect(active(switchboard)).toBe(two.url), { timeout: 2000 });
    expect(news).toMatchObject([{ kind: "switchover", from: one.url, to: two.url, epoch: 2 }]);
  });

  it("of the peer changes nothing while the active OCS accepts", async () => {
    const { switchboard, one, two, news } = await rawPair();
    switchboard.noteAnnouncement(two.url);
    await new Promise((resolve) => setTimeout(resolve, 700));
    switchboard.noteAnnouncement(one.url);
    expect([active(switchboard), news]).toEqual([one.url, []]);
  });

  it("of only the peer for two seconds causes a takeover if both accept", async () => {
    const { switchboard, two, news } = await rawPair();
    await vi.waitFor(
      () => {
        switchboard.noteAnnouncement(two.url);
        expect(active(switchboard)).toBe(two.url);
      },
      { timeout: 5000, interval: 100 },
    );
    expect(news).toMatchObject([{ kind: "switchover", epoch: 2 }]);
  });
});
