import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { listen, type Listener, type ListenerOptions } from "../../src/edge/listener.ts";
import { requireUsable, type TlsSettings } from "../../src/edge/tls.ts";
import { bytesOf, type Arrival } from "../../src/common/message.ts";
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

type Opened = {
  readonly listener: Listener;
  readonly options: ListenerOptions;
  readonly arrivals: Arrival[];
  held: Promise<void>;
};

/** Answers each request with the names of the client's certificate, or why it does not count. */
const aListener = async (over: Partial<ListenerOptions> = {}): Promise<Opened> => {
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
  const opened = { options, arrivals: [] as Arrival[], held: Promise.resolve() };
  const listener = await listen(options, async (arrival) => {
    opened.arrivals.push(arrival);
    await opened.held;
    return {
      status: 200,
      headers: [],
      body: bytesOf(arrival.peer?.fault ?? arrival.peer?.names.join(" ") ?? "nobody"),
    };
  });
  stops.push(() => listener.stop(0));
  return Object.assign(opened, { listener });
};

type Client = { readonly socket: TLSSocket; readonly ask: () => Promise<string>; readonly over: () => boolean };

const aClient = async ({ listener }: Opened, made: Made | undefined, more: object = {}): Promise<Client> => {
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
  it("is identified at every request, and closes after its certificate's revocation; others stay open", async () => {
    const opened = await aListener({ tls: settings({ clientCrl: ca.crl() + other.crl() }) });
    const [first, second, nobody] = [
      await aClient(opened, one),
      await aClient(opened, two),
      await aClient(opened, undefined),
    ];
    expect([await first.ask(), await second.ask(), await nobody.ask()]).toEqual(["one.test", "two.test", "nobody"]);
    opened.listener.update({
      ...opened.options,
      tls: settings({ clientCrl: ca.crl({ revoked: [one] }) + other.crl() }),
    });
    await expect.poll(() => first.over(), PATIENT).toBe(true);
    expect([await second.ask(), await nobody.ask()]).toEqual(["two.test", "nobody"]);
    expect([second.over(), nobody.over()]).toEqual([false, false]);
    expect(await (await aClient(opened, one)).ask()).toBe("CERT_REVOKED");
    expect(await (await aClient(opened, two)).ask()).toBe("two.test");
  });

  it("that is revoked during a request closes with the reply to that request", async () => {
    const opened = await aListener();
    const client = await aClient(opened, one);
    let release = (): void => undefined;
    opened.held = new Promise((resolve) => (release = resolve));
    const answer = client.ask();
    await expect.poll(() => opened.arrivals.length, PATIENT).toBe(1);
    opened.listener.update({ ...opened.options, tls: settings({ clientCa: other.certPem }) });
    release();
    expect(await answer).toBe("one.test");
    await expect.poll(() => client.over(), PATIENT).toBe(true);
  });

  it("that is revoked closes within 5 s, also during a slow reply or an incomplete request", async () => {
    const opened = await aListener();
    const [waiting, sending] = [await aClient(opened, one), await aClient(opened, one)];
    opened.held = new Promise(() => undefined);
    waiting.socket.write("GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
    sending.socket.write("POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 9\r\n\r\nhalf");
    await expect.poll(() => opened.arrivals.length, PATIENT).toBe(2);
    const unread = opened.arrivals.find(({ method }) => method === "POST")!.body();
    opened.listener.update({ ...opened.options, tls: settings({ clientCa: other.certPem }) });
    await expect(unread).rejects.toThrow();
    await expect.poll(() => [waiting.over(), sending.over()], { ...PATIENT, timeout: 10_000 }).toEqual([true, true]);
  });

  it("checks a pipelined request with the trust settings at its turn", async () => {
    const opened = await aListener();
    const client = await aClient(opened, one);
    let release = (): void => undefined;
    opened.held = new Promise((resolve) => (release = resolve));
    client.socket.write("GET /1 HTTP/1.1\r\nHost: gw\r\n\r\nGET /2 HTTP/1.1\r\nHost: gw\r\n\r\n");
    await expect.poll(() => opened.arrivals.length, PATIENT).toBe(1);
    opened.listener.update({ ...opened.options, tls: settings({ clientCa: other.certPem }) });
    release();
    await expect.poll(() => client.over(), PATIENT).toBe(true);
    expect(opened.arrivals.slice(1).every(({ peer }) => peer?.fault !== undefined)).toBe(true);
  });

  it("stays open through an update that does not change trust", async () => {
    const opened = await aListener({ tls: settings({ clientCrl: ca.crl() + other.crl() }) });
    const client = await aClient(opened, one);
    const renewed = testAuthority("Server CA").issue({ names: ["localhost"], usage: "serverAuth" });
    for (let round = 0; round < 20; round++)
      opened.listener.update({
        ...opened.options,
        tls: { ...opened.options.tls!, cert: renewed.certPem, key: renewed.keyPem },
      });
    expect(await client.ask()).toBe("one.test");
    opened.listener.update({ ...opened.options, tls: settings({ clientCa: ca.certPem, clientCrl: ca.crl() }) });
    expect(await client.ask()).toBe("one.test");
  });

  it("closes when certificates are no longer requested, or when one is required and the client has none", async () => {
    const opened = await aListener();
    const clients = [await aClient(opened, one), await aClient(opened, undefined)];
    for (const client of clients) await client.ask();
    const over = (): readonly boolean[] => clients.map((client) => client.over());
    opened.listener.update({ ...opened.options, tls: settings({ clientCertificates: "require" }) });
    await expect.poll(over, PATIENT).toEqual([false, true]);
    expect(await clients[0]!.ask()).toBe("one.test");
    opened.listener.update({ ...opened.options, tls: settings({ clientCertificates: "none" }) });
    await expect.poll(over, PATIENT).toEqual([true, true]);
  });

  it("closes with the reply that refuses its expired certificate", async () => {
    const opened = await aListener();
    const [short, wrong] = [
      await aClient(opened, ca.issue({ names: ["short.test"], usage: "clientAuth", to: 5000 })),
      await aClient(opened, testAuthority("Strangers").issue({ names: ["one.test"], usage: "clientAuth" })),
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

  it("becomes invalid with its certificate or with the CRL that covers it", async () => {
    const opened = await aListener({ tls: settings({ clientCrl: ca.crl({ to: 6000 }) + other.crl() }) });
    const [short, long] = [
      await aClient(opened, ca.issue({ names: ["short.test"], usage: "clientAuth", to: 5000 })),
      await aClient(opened, one),
    ];
    expect([await short.ask(), await long.ask()]).toEqual(["short.test", "one.test"]);
    await expect.poll(() => short.ask(), PATIENT).toMatch(/has expired/);
    await expect.poll(() => long.ask(), PATIENT).toMatch(/has expired/);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("has a TLS session that is never resumed, with %s", async (maxVersion) => {
    const opened = await aListener();
    const sessions: Buffer[] = [];
    const first = await aClient(opened, one, { maxVersion });
    first.socket.on("session", (session: Buffer) => sessions.push(session));
    await first.ask();
    for (const session of [...sessions, first.socket.getSession()!]) {
      const again = await aClient(opened, one, { maxVersion, session });
      expect(await again.ask()).toBe("one.test");
      expect(again.socket.isSessionReused()).toBe(false);
    }
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "without certificates a session is resumed here, and neither elsewhere nor after an update, with %s",
    async (maxVersion) => {
      const plain = settings({ clientCertificates: "none", clientCa: undefined });
      const [opened, elsewhere] = [await aListener({ tls: plain }), await aListener({ tls: plain })];
      const sessions: Buffer[] = [];
      const first = await aClient(opened, undefined, { maxVersion });
      first.socket.on("session", (session: Buffer) => sessions.push(session));
      await first.ask();
      await expect.poll(() => sessions.length + (maxVersion === "TLSv1.2" ? 1 : 0), PATIENT).toBeGreaterThan(0);
      const session = sessions[0] ?? first.socket.getSession()!;
      const reused = async (where: Opened): Promise<boolean> => {
        const again = await aClient(where, undefined, { maxVersion, session });
        expect(await again.ask()).toBe("nobody");
        return again.socket.isSessionReused();
      };
      expect(await reused(elsewhere)).toBe(false);
      expect(await reused(opened)).toBe(true);
      opened.listener.update(opened.options);
      expect(await reused(opened)).toBe(false);
    },
  );

  it.each<[string, string]>([
    ["no list", "nothing"],
    ["a torn list", ca.crl().replace(/\n.{64}\n/, "\n")],
    ["a certificate in its place", ca.certPem],
  ])("cannot be checked by %s as a CRL", (_, clientCrl) => {
    expect(() => requireUsable(settings({ clientCrl }))).toThrow();
  });
});

describe("a client certificate with several chains to a root", () => {
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
    ["a renewed root after the old one", [old, root], direct],
    ["a renewed root before the old one", [root, old], direct],
    ["a root after one that is not valid yet", [young, root], direct],
    ["a bridge CA after an expired one", [other, ended, root, between], below],
    ["a bridge CA before an expired one", [root, between, other, ended], below],
    ["a bridge CA of two roots", [other, crossed, root, between], below],
    ["a bridge CA whose expired certificate the client also sends", [root, between], throughEnded],
  ])("is trusted through %s", async (_, authorities, made) => {
    const opened = await aListener({ tls: settings({ clientCa: authorities.map(({ certPem }) => certPem).join("") }) });
    expect(await (await aClient(opened, made)).ask()).toBe("one.test");
  });

  it.each<[string, readonly Made[], Made]>([
    ["an expired bridge CA", [other, ended], throughEnded],
    ["an expired root", [old], direct],
    ["a root that is not valid yet", [young], direct],
    ["CAs without their root", [crossed, between], below],
  ])("is not trusted through %s", async (_, authorities, made) => {
    const opened = await aListener({ tls: settings({ clientCa: authorities.map(({ certPem }) => certPem).join("") }) });
    expect(await (await aClient(opened, made)).ask()).not.toBe("one.test");
  });
});

describe("the number of a listener's connections", () => {
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
    ["in total", { max: 3, maxPerSource: 100 }],
    ["from one address", { max: 100, maxPerSource: 3 }],
  ] as const)("is limited %s; a connection over the limit is closed at once", async (_, limits) => {
    const { listener } = await aListener({ tls: undefined, limits });
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

  it("includes clients that send nothing to a TLS port", async () => {
    const opened = await aListener({ limits: { max: 2, maxPerSource: 2 } });
    const silent = [0, 1].map(() =>
      connectTcp({ port: opened.listener.port, host: "127.0.0.1" }).on("error", () => undefined),
    );
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await expect(aClient(opened, one)).rejects.toThrow();
    for (const socket of silent) socket.resetAndDestroy();
    await expect
      .poll(
        () =>
          aClient(opened, one).then(
            (client) => client.ask(),
            () => "",
          ),
        PATIENT,
      )
      .toBe("one.test");
  });
});
