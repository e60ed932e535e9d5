import type net from "node:net";
import { createServer, Socket, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ActiveSource } from "../../../src/callbacks/active-source.ts";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { UpstreamError, type Request } from "../../../src/upstream/types.ts";
import { Switchboard, type ActiveChange, type UpstreamEvent } from "../../../src/upstream/switchboard.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

/** What the next connections to a port come to: an error code, or "silent" for no answer at all. */
const failing = new Map<number, string[]>();
vi.mock(import("node:net"), async (original) => {
  const real = await original();
  const connect = ((options: net.TcpNetConnectOpts, ...rest: []) => {
    const code = failing.get(options.port)?.shift();
    if (code === undefined) return real.connect(options, ...rest);
    const socket = new real.Socket();
    if (code !== "silent")
      setImmediate(() => socket.destroy(Object.assign(new Error(`connect ${code}`), { code, syscall: "connect" })));
    return socket;
  }) as typeof net.connect;
  return { ...real, connect };
});

const stops: (() => unknown)[] = [];
afterEach(async () => {
  failing.clear();
  settle = () => undefined;
  for (const stop of stops.splice(0).reverse()) await stop();
});

const authority = createAuthority("test");
const certificate = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });

type Standby = "keeps" | "closes" | "none";
type Watched = {
  readonly switchboard: Switchboard;
  readonly one: RawOcs;
  readonly two: RawOcs;
  readonly news: UpstreamEvent[];
  readonly settled: (ActiveChange | undefined)[];
};

/** Who else hears of it. */
let settle: (settled: ActiveChange | undefined) => void = () => undefined;

const watched = async (
  standby: Standby,
  {
    maxWait = 3000,
    connectTimeout = 150,
    through,
  }: { maxWait?: number; connectTimeout?: number; through?: (port: number) => Promise<number> } = {},
): Promise<Watched> => {
  const one = await rawOcs(undefined, through && { tls: certificate });
  const two = await rawOcs(undefined, { arrived: ({ socket }) => void (standby === "closes" && socket.end()) });
  const news: UpstreamEvent[] = [];
  const settled: (ActiveChange | undefined)[] = [];
  const endpoint = (port: number) => ({ origin: `http://127.0.0.1:${port}`, tls: {}, connectTimeout });
  const primary = through
    ? { origin: `https://127.0.0.1:${await through(one.port)}`, tls: { ca: authority.certPem }, connectTimeout: 150 }
    : endpoint(one.port);
  const switchboard = new Switchboard({
    name: "ocs",
    primary,
    backup: standby === "none" ? undefined : endpoint(two.port),
    connections: 2,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 50, maxBytes: 1e6, maxWait },
    userAgent: "t",
    onEvent: (each) => void (each.kind !== "standby" && news.push(each)),
    onActiveChange: (each) => {
      settled.push(each);
      settle(each);
    },
  });
  stops.push(
    () => one.close(),
    () => two.close(),
    () => switchboard.close(),
  );
  await switchboard.begin();
  // What the standby does while all is well is known by then.
  if (standby !== "none") await vi.waitFor(() => expect(switchboard.status().endpoints[1]?.standby).toBeDefined());
  return { switchboard, one, two, news, settled };
};

/** Before an OCS: what it does with a connection, or passes it on. */
const gate = async (port: number, takes: (client: Socket) => boolean): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    stops.push(() => client.destroy());
    client.on("error", () => undefined);
    if (takes(client)) return;
    const ocs = new Socket().connect(port, "127.0.0.1");
    client.pipe(ocs.on("error", () => undefined)).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return (server.address() as AddressInfo).port;
};

const request = (tenant: string): Request => ({
  tenant,
  method: "POST",
  path: "/phones/4155550100?req=DoNotCall",
  body: "{}",
  urgent: true,
});
const sendAll = (switchboard: Switchboard): Promise<(number | string)[]> =>
  Promise.all(
    ["A", "B", "A", "B", "A", "B"].map((tenant) =>
      switchboard.send(request(tenant)).then(
        ({ status }) => status,
        (reason: unknown) => (reason instanceof UpstreamError ? `${reason.reason} ${reason.sent}` : "defect"),
      ),
    ),
  );

const staysWhereItIs = ({ two, news, settled, switchboard }: Watched): void => {
  expect([news, settled.map((each) => each?.how), switchboard.status().epoch]).toEqual([[], ["start"], 1]);
  expect(switchboard.status().endpoints[0]).toMatchObject({ active: true, up: true });
  expect(two.requests()).toBe(0);
};

const CODES = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "EADDRNOTAVAIL",
  "EHOSTUNREACH",
  "ETIMEDOUT",
  "silent",
];

describe("a lane that cannot connect while the watch connection is open", () => {
  const rows = CODES.flatMap((code) =>
    (["none", "closes", "keeps"] as const).map((standby) => [code, standby] as const),
  );
  it.each(rows)("is retried after %s, and changes no role and no epoch (standby: %s)", async (code, standby) => {
    const all = await watched(standby);
    failing.set(all.one.port, [code]);
    expect(await sendAll(all.switchboard)).toEqual(Array(6).fill(200));
    staysWhereItIs(all);
  });

  it.each(CODES)("is retried within max_wait while all lanes get %s, and no request is lost", async (code) => {
    const all = await watched("keeps");
    failing.set(all.one.port, Array<string>(6).fill(code));
    expect(await sendAll(all.switchboard)).toEqual(Array(6).fill(200));
    staysWhereItIs(all);
  });

  it("is reported as unreachable and not sent after max_wait", async () => {
    const all = await watched("closes", { maxWait: 400 });
    failing.set(all.one.port, Array<string>(200).fill("ECONNREFUSED"));
    expect(await sendAll(all.switchboard)).toEqual(Array(6).fill("unreachable false"));
    staysWhereItIs(all);
    expect(all.one.requests()).toBe(0);
    // It backs off: two lanes, each with pauses that double.
    expect(failing.get(all.one.port)!.length).toBeGreaterThan(180);
  });

  it.each([
    ["is not answered", () => undefined],
    ["is reset", (client: Socket) => client.resetAndDestroy()],
    ["is ended", (client: Socket) => client.end()],
  ] as const)("is retried when the TLS handshake %s", async (_says, spoil) => {
    let count = 0;
    const all = await watched("keeps", {
      // The first connection is the look for the primary, the second the first lane.
      through: (port) => gate(port, (client) => (++count === 2 ? (spoil(client), true) : false)),
    });
    expect(await sendAll(all.switchboard)).toEqual(Array(6).fill(200));
    expect(count).toBeGreaterThan(3);
    staysWhereItIs(all);
  });
});

describe("the search for the primary", () => {
  it.each(["EMFILE", "EADDRNOTAVAIL"])(
    "waits while this host cannot connect (%s), which says nothing about OCS",
    async (code) => {
      const all = await watched("keeps");
      failing.set(all.one.port, Array<string>(4).fill(code));
      for (const { socket } of all.one.connections) socket.resetAndDestroy();
      await vi.waitFor(
        () => expect(all.settled.map((each) => each?.how)).toEqual(["start", undefined, "reconnected"]),
        { timeout: 3000 },
      );
      expect(all.switchboard.status().endpoints[0]).toMatchObject({ active: true, up: true });
      expect(all.news.map(({ kind }) => kind)).toEqual(["reconnected"]);
    },
  );
});

describe("an OCS whose host did not answer for a while", () => {
  it.each(["none", "closes", "keeps"] as const)(
    "loses none of its first 40 announcements when the host is back (standby: %s)",
    async (standby) => {
      const { switchboard, one, two, settled } = await watched(standby, { connectTimeout: 2000 });
      const announcers = new ActiveSource(
        standby === "none"
          ? [`http://127.0.0.1:${one.port}`]
          : [`http://127.0.0.1:${one.port}`, `http://127.0.0.2:${two.port}`],
      );
      settle = (each) => (each ? announcers.onActive(each.endpoint) : announcers.onLost());
      // Connections are given up by the kernel, and new ones get no answer: that goes on past the first probes.
      failing.set(one.port, Array<string>(3).fill("silent"));
      for (const { socket } of one.connections) socket.resetAndDestroy();
      await vi.waitFor(() => expect(settled).toHaveLength(2));
      await new Promise((resolve) => setTimeout(resolve, 1200));
      failing.clear();
      const heard: Promise<boolean>[] = [];
      for (let count = 0; count < 40; count++) {
        switchboard.noteAnnouncement(announcers.originAt("127.0.0.1"));
        heard.push(announcers.speaksForActive("127.0.0.1", performance.now()));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect((await Promise.all(heard)).filter((counts) => !counts)).toEqual([]);
      expect(settled.map((each) => each?.how)).toEqual(["start", undefined, "reconnected"]);
    },
  );
});
