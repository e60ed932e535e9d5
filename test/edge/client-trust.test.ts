import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { listen, type Listener, type ListenerOptions } from "../../src/edge/listener.ts";
import { requireUsable, type TlsSettings } from "../../src/edge/tls.ts";
import { bytesOf, type Arrival } from "../../src/message.ts";
import { ecKeys, testAuthority, type Made } from "../kit/certificates.ts";

const PATIENT = { timeout: 20_000, interval: 10 };
const ca = testAuthority("Clients' CA");
const other = testAuthority("Another CA");
const server = testAuthority("Server CA").issue({ names: ["localhost"], usage: "serverAuth" });
const [one, two] = ["one.test", "two.test"].map((name) => ca.issue({ names: [name], usage: "clientAuth" })) as [
  Made,
  Made,
];

const settings = (over: Partial<TlsSettings> = {}): TlsSettings => ({
  cert: server.certPem,
  key: server.keyPem,
  minVersion: "1.2",
  clientCertificates: "request",
  clientCa: ca.certPem + other.certPem,
  ...over,
});

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Desk = {
  readonly listener: Listener;
  readonly options: ListenerOptions;
  readonly arrivals: Arrival[];
  held: Promise<void>;
};

/** Answers each request with the names of the client's certificate, or why it does not count. */
const aDesk = async (over: Partial<ListenerOptions> = {}): Promise<Desk> => {
  const options: ListenerOptions = {
    name: "clients",
    host: "127.0.0.1",
    port: 0,
    tls: settings(),
    names: ["gw"],
    allowFrom: undefined,
    maxBody: 1024,
    ...over,
  };
  const desk = { options, arrivals: [] as Arrival[], held: Promise.resolve() };
  const listener = await listen(options, async (arrival) => {
    desk.arrivals.push(arrival);
    await desk.held;
    return {
      status: 200,
      headers: [],
      body: bytesOf(arrival.peer?.fault ?? arrival.peer?.names.join(" ") ?? "nobody"),
    };
  });
  stops.push(() => listener.stop(0));
  return Object.assign(desk, { listener });
};

type Client = { readonly socket: TLSSocket; readonly ask: () => Promise<string>; readonly over: () => boolean };

const aClient = async ({ listener }: Desk, made: Made | undefined, more: object = {}): Promise<Client> => {
  const socket = connect({
    port: listener.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ...(made && { cert: made.chainPem, key: made.keyPem }),
    ...more,
  });
  let [text, over] = ["", false];
  socket
    .on("data", (chunk: Buffer) => (text += chunk.toString()))
    .on("close", () => (over = true))
    .on("error", () => undefined);
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  stops.push(() => socket.destroy());
  return {
    socket,
    over: () => over,
    ask: async () => {
      text = "";
      socket.write("GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
      await expect.poll(() => text.includes("\r\n\r\n") || over, PATIENT).toBe(true);
      return text.split("\r\n\r\n")[1] ?? "";
    },
  };
};

describe("a connection with a client certificate", () => {
  it("is asked who it is at every request, and loses its connection once it was revoked; others keep theirs", async () => {
    const desk = await aDesk({ tls: settings({ clientCrl: ca.crl() + other.crl() }) });
    const [first, second, nobody] = [
      await aClient(desk, one),
      await aClient(desk, two),
      await aClient(desk, undefined),
    ];
    expect([await first.ask(), await second.ask(), await nobody.ask()]).toEqual(["one.test", "two.test", "nobody"]);
    desk.listener.update({ ...desk.options, tls: settings({ clientCrl: ca.crl({ revoked: [one] }) + other.crl() }) });
    await expect.poll(() => first.over(), PATIENT).toBe(true);
    expect([await second.ask(), await nobody.ask()]).toEqual(["two.test", "nobody"]);
    expect([second.over(), nobody.over()]).toEqual([false, false]);
    expect(await (await aClient(desk, one)).ask()).toBe("CERT_REVOKED");
    expect(await (await aClient(desk, two)).ask()).toBe("two.test");
  });

  it("gets the reply that is under way, and that one closes", async () => {
    const desk = await aDesk();
    const client = await aClient(desk, one);
    let release = (): void => undefined;
    desk.held = new Promise((resolve) => (release = resolve));
    const answer = client.ask();
    await expect.poll(() => desk.arrivals.length, PATIENT).toBe(1);
    desk.listener.update({ ...desk.options, tls: settings({ clientCa: other.certPem }) });
    release();
    expect(await answer).toBe("one.test");
    await expect.poll(() => client.over(), PATIENT).toBe(true);
  });

  it("does not stay for a reply that takes long, nor for a request that is still coming in", async () => {
    const desk = await aDesk();
    const [waiting, sending] = [await aClient(desk, one), await aClient(desk, one)];
    desk.held = new Promise(() => undefined);
    waiting.socket.write("GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
    sending.socket.write("POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 9\r\n\r\nhalf");
    await expect.poll(() => desk.arrivals.length, PATIENT).toBe(2);
    const unread = desk.arrivals.find(({ method }) => method === "POST")!.body();
    desk.listener.update({ ...desk.options, tls: settings({ clientCa: other.certPem }) });
    await expect(unread).rejects.toThrow();
    await expect.poll(() => [waiting.over(), sending.over()], { ...PATIENT, timeout: 10_000 }).toEqual([true, true]);
  });

  it("is judged anew when it had asked for more already", async () => {
    const desk = await aDesk();
    const client = await aClient(desk, one);
    let release = (): void => undefined;
    desk.held = new Promise((resolve) => (release = resolve));
    client.socket.write("GET /1 HTTP/1.1\r\nHost: gw\r\n\r\nGET /2 HTTP/1.1\r\nHost: gw\r\n\r\n");
    await expect.poll(() => desk.arrivals.length, PATIENT).toBe(1);
    desk.listener.update({ ...desk.options, tls: settings({ clientCa: other.certPem }) });
    release();
    await expect.poll(() => client.over(), PATIENT).toBe(true);
    expect(desk.arrivals.slice(1).every(({ peer }) => peer?.fault !== undefined)).toBe(true);
  });

  it("keeps its connection through an update that changes nothing of trust", async () => {
    const desk = await aDesk({ tls: settings({ clientCrl: ca.crl() + other.crl() }) });
    const client = await aClient(desk, one);
    const renewed = testAuthority("Server CA").issue({ names: ["localhost"], usage: "serverAuth" });
    for (let round = 0; round < 20; round++)
      desk.listener.update({
        ...desk.options,
        tls: { ...desk.options.tls!, cert: renewed.certPem, key: renewed.keyPem },
      });
    expect(await client.ask()).toBe("one.test");
    desk.listener.update({ ...desk.options, tls: settings({ clientCa: ca.certPem, clientCrl: ca.crl() }) });
    expect(await client.ask()).toBe("one.test");
  });

  it("loses its connection when no certificates are asked for any more, or when one is demanded and it has none", async () => {
    const desk = await aDesk();
    const clients = [await aClient(desk, one), await aClient(desk, undefined)];
    for (const client of clients) await client.ask();
    const over = (): readonly boolean[] => clients.map((client) => client.over());
    desk.listener.update({ ...desk.options, tls: settings({ clientCertificates: "require" }) });
    await expect.poll(over, PATIENT).toEqual([false, true]);
    expect(await clients[0]!.ask()).toBe("one.test");
    desk.listener.update({ ...desk.options, tls: settings({ clientCertificates: "none" }) });
    await expect.poll(over, PATIENT).toEqual([true, true]);
  });

  it("is closed with the reply that says it has ended, so that a client with a new certificate comes again", async () => {
    const desk = await aDesk();
    const [short, wrong] = [
      await aClient(desk, ca.issue({ names: ["short.test"], usage: "clientAuth", to: 5000 })),
      await aClient(desk, testAuthority("Strangers").issue({ names: ["one.test"], usage: "clientAuth" })),
    ];
    expect(await short.ask()).toBe("short.test");
    await expect.poll(() => short.ask(), PATIENT).toMatch(/has expired/);
    await expect.poll(() => short.over(), PATIENT).toBe(true);
    expect([await wrong.ask(), await wrong.ask(), wrong.over()]).toEqual([
      expect.stringMatching(/LOCALLY|VERIFY|ISSUER/),
      expect.stringMatching(/LOCALLY|VERIFY|ISSUER/),
      false,
    ]);
  });

  it("does not outlive its certificate, nor the revocation list that spoke for it", async () => {
    const desk = await aDesk({ tls: settings({ clientCrl: ca.crl({ to: 6000 }) + other.crl() }) });
    const [short, long] = [
      await aClient(desk, ca.issue({ names: ["short.test"], usage: "clientAuth", to: 5000 })),
      await aClient(desk, one),
    ];
    expect([await short.ask(), await long.ask()]).toEqual(["short.test", "one.test"]);
    await expect.poll(() => short.ask(), PATIENT).toMatch(/has expired/);
    await expect.poll(() => long.ask(), PATIENT).toMatch(/has expired/);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("is never resumed, with %s", async (maxVersion) => {
    const desk = await aDesk();
    const sessions: Buffer[] = [];
    const first = await aClient(desk, one, { maxVersion });
    first.socket.on("session", (session: Buffer) => sessions.push(session));
    await first.ask();
    for (const session of [...sessions, first.socket.getSession()!]) {
      const again = await aClient(desk, one, { maxVersion, session });
      expect(await again.ask()).toBe("one.test");
      expect(again.socket.isSessionReused()).toBe(false);
    }
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "without certificates a session is resumed here, and neither elsewhere nor after an update, with %s",
    async (maxVersion) => {
      const plain = settings({ clientCertificates: "none", clientCa: undefined });
      const [desk, elsewhere] = [await aDesk({ tls: plain }), await aDesk({ tls: plain })];
      const sessions: Buffer[] = [];
      const first = await aClient(desk, undefined, { maxVersion });
      first.socket.on("session", (session: Buffer) => sessions.push(session));
      await first.ask();
      await expect.poll(() => sessions.length + (maxVersion === "TLSv1.2" ? 1 : 0), PATIENT).toBeGreaterThan(0);
      const session = sessions[0] ?? first.socket.getSession()!;
      const reused = async (where: Desk): Promise<boolean> => {
        const again = await aClient(where, undefined, { maxVersion, session });
        expect(await again.ask()).toBe("nobody");
        return again.socket.isSessionReused();
      };
      expect(await reused(elsewhere)).toBe(false);
      expect(await reused(desk)).toBe(true);
      desk.listener.update(desk.options);
      expect(await reused(desk)).toBe(false);
    },
  );

  it.each<[string, string]>([
    ["no list", "nothing"],
    ["a torn list", ca.crl().replace(/\n.{64}\n/, "\n")],
    ["a certificate in its place", ca.certPem],
  ])("%s for a revocation list cannot be used", (_, clientCrl) => {
    expect(() => requireUsable(settings({ clientCrl }))).toThrow();
  });
});

describe("of several paths to a root", () => {
  const DAY = 86_400_000;
  const ENDED = { from: -9 * DAY, to: -DAY };
  const keys = ecKeys();
  const root = testAuthority("root", { keys });
  const [old, young] = [testAuthority("root", { keys, ...ENDED }), testAuthority("root", { keys, from: DAY })];
  const bridge = { cn: "bridge", keys: ecKeys() };
  const between = root.below(bridge);
  const [crossed, ended] = [other.below(bridge), other.below({ ...bridge, ...ENDED })];
  const [direct, below, throughEnded] = [root, between, ended].map((authority) =>
    authority.issue({ names: ["one.test"], usage: "clientAuth" }),
  ) as [Made, Made, Made];

  it.each<[string, readonly Made[], Made]>([
    ["a renewed root behind the old one", [old, root], direct],
    ["a renewed root before the old one", [root, old], direct],
    ["a root before which the next one stands already", [young, root], direct],
    ["a bridge behind an ended one", [other, ended, root, between], below],
    ["a bridge before an ended one", [root, between, other, ended], below],
    ["a bridge of two roots", [other, crossed, root, between], below],
    ["a bridge whose ended certificate the client brings along", [root, between], throughEnded],
  ])("counts %s", async (_, authorities, made) => {
    const desk = await aDesk({ tls: settings({ clientCa: authorities.map(({ certPem }) => certPem).join("") }) });
    expect(await (await aClient(desk, made)).ask()).toBe("one.test");
  });

  it.each<[string, readonly Made[], Made]>([
    ["none that has ended", [other, ended], throughEnded],
    ["none over an ended root", [old], direct],
    ["none over a root to come", [young], direct],
    ["none without its root", [crossed, between], below],
  ])("counts %s", async (_, authorities, made) => {
    const desk = await aDesk({ tls: settings({ clientCa: authorities.map(({ certPem }) => certPem).join("") }) });
    expect(await (await aClient(desk, made)).ask()).not.toBe("one.test");
  });
});

describe("a listener's room", () => {
  const plain = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connectTcp({ port, host: "127.0.0.1" });
      stops.push(() => socket.destroy());
      let heard = "";
      socket
        .on("data", (chunk: Buffer) => ((heard += chunk.toString()), resolve(true)))
        .on("error", () => undefined)
        .on("close", () => resolve(heard !== ""));
      socket.write("GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
    });

  it.each([
    ["in all", { max: 3, maxPerSource: 100 }],
    ["from one address", { max: 100, maxPerSource: 3 }],
  ] as const)("is limited %s, and what is one too many is closed at once", async (_, room) => {
    const { listener } = await aDesk({ tls: undefined, room });
    expect([await plain(listener.port), await plain(listener.port), await plain(listener.port)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([await plain(listener.port), await plain(listener.port)]).toEqual([false, false]);
    stops.pop();
    stops.splice(1, 1)[0]!();
    await expect.poll(() => plain(listener.port), PATIENT).toBe(true);
  });

  it("counts who never says a word of TLS", async () => {
    const desk = await aDesk({ room: { max: 2, maxPerSource: 2 } });
    const silent = [0, 1].map(() =>
      connectTcp({ port: desk.listener.port, host: "127.0.0.1" }).on("error", () => undefined),
    );
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await expect(aClient(desk, one)).rejects.toThrow();
    for (const socket of silent) socket.resetAndDestroy();
    await expect
      .poll(
        () =>
          aClient(desk, one).then(
            (client) => client.ask(),
            () => "",
          ),
        PATIENT,
      )
      .toBe("one.test");
  });
});
