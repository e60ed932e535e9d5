/** How a listener ends: no connection is cut while its client may still ask, and none is kept for too long. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { listen, type Listener, type ListenerOptions } from "../../src/edge/listener.ts";
import { bytesOf, type Handler, type Reply } from "../../src/common/message.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { clientHello } from "../kit/client-hello.ts";
import { rawClient, type RawClient } from "../kit/raw-client.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const authority = createAuthority("drain");
const leaf = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const tls = {
  cert: leaf.certPem,
  key: leaf.keyPem,
  minVersion: "1.2",
  clientCa: undefined,
  clientCertificates: "none",
} as const;
const WAYS = [
  ["plain", undefined],
  ["TLS", tls],
] as const;
type Secured = (typeof WAYS)[number][1];

const OK: Reply = { status: 200, headers: [], body: bytesOf("ok") };
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const PATIENT = { timeout: 20_000, interval: 5 };

type Options = Partial<ListenerOptions> & { readonly handler?: Handler };

const open = async (secured: Secured, { handler = async () => OK, ...over }: Options = {}): Promise<Listener> => {
  const at = { name: "clients", host: "127.0.0.1", port: 0, tls: secured, names: [], allowFrom: undefined };
  const listener = await listen({ ...at, maxBody: 1024, ...over }, handler);
  stops.push(() => listener.stop(0));
  return listener;
};

const dial = async ({ port }: Listener, secured: Secured): Promise<RawClient> => {
  const client = await rawClient(port, secured && { ca: authority.certPem });
  stops.push(client.close);
  return client;
};

const ask = async (client: RawClient): Promise<readonly [number, string | undefined]> => {
  await client.send(GET);
  const { status, headers } = await client.reply();
  return [status, headers["connection"]];
};

/** A handler that answers when it is told to. */
const held = (): { readonly handler: Handler; readonly asked: () => number; readonly answer: () => void } => {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  let asked = 0;
  return { handler: () => (asked++, promise), asked: () => asked, answer: () => resolve(OK) };
};

describe.each(WAYS)("a listener that drains: %s", (_way, secured) => {
  it("keeps idle connections, and closes each with the reply to its next request", async () => {
    const listener = await open(secured);
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial(listener, secured)));
    for (const client of clients.slice(0, 10)) expect(await ask(client)).toEqual([200, "keep-alive"]);
    listener.drain();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await Promise.all(clients.map(ask))).toEqual(clients.map(() => [200, "close"]));
    await Promise.all(clients.map((client) => client.ended()));
    await vi.waitFor(() => expect(listener.idleFor()).toBe(Infinity), PATIENT);
  });

  it("accepts no new connections, even when it drains twice", async () => {
    const listener = await open(secured);
    const client = await dial(listener, secured);
    await ask(client);
    listener.drain();
    listener.drain();
    await expect(rawClient(listener.port)).rejects.toThrow("ECONNREFUSED");
    expect(await ask(client)).toEqual([200, "close"]);
    await listener.stop(0);
    await listener.stop(0);
  });

  it("answers all pipelined requests of a client, and closes with the last", async () => {
    const { handler, asked, answer } = held();
    const listener = await open(secured, { handler });
    const client = await dial(listener, secured);
    await client.send(GET + GET + GET);
    await vi.waitFor(() => expect(asked()).toBe(1), PATIENT);
    listener.drain();
    answer();
    const replies = [await client.reply(), await client.reply(), await client.reply()];
    expect(replies.map(({ status, headers }) => [status, headers["connection"]])).toEqual([
      [200, "keep-alive"],
      [200, "keep-alive"],
      [200, "close"],
    ]);
    await client.ended();
  });

  it("is idle while no request arrives, but not while one is in progress", async () => {
    const { handler, asked, answer } = held();
    const listener = await open(secured, { handler });
    const client = await dial(listener, secured);
    listener.drain();
    await vi.waitFor(() => expect(listener.idleFor()).toBeGreaterThan(50), PATIENT);
    expect(listener.idleFor()).toBeLessThan(Infinity);
    await client.send(GET);
    await vi.waitFor(() => expect(asked()).toBe(1), PATIENT);
    expect(listener.idleFor()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(listener.idleFor()).toBe(0);
    answer();
    expect((await client.reply()).headers["connection"]).toBe("close");
  });

  it("closes idle and unused connections at once when it stops, and waits for requests in progress", async () => {
    const { handler, asked, answer } = held();
    const listener = await open(secured, { handler });
    const [silent, busy] = [await dial(listener, secured), await dial(listener, secured)];
    await busy.send(GET);
    await vi.waitFor(() => expect(asked()).toBe(1), PATIENT);
    const stopped = listener.stop(3_600_000);
    expect(await silent.ended()).toBe("");
    answer();
    expect((await busy.reply()).status).toBe(200);
    await stopped;
  });

  it("still receives and answers a request that was partly sent when it stops", async () => {
    const listener = await open(secured);
    const half = await dial(listener, secured);
    await half.send(GET.slice(0, -6));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stopped = listener.stop(3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await half.send(GET.slice(-6));
    const { status, headers } = await half.reply();
    expect([status, headers["connection"]]).toEqual([200, "close"]);
    await stopped;
  });

  it("enforces timeouts while it drains", async () => {
    const listener = await open(secured, { timeouts: { head: 300, request: 60_000, reply: 60_000 } });
    const half = await dial(listener, secured);
    await half.send("GET ");
    listener.drain();
    expect(await half.ended()).toMatch(/^HTTP\/1\.1 200 /);
    await vi.waitFor(() => expect(listener.idleFor()).toBe(Infinity), PATIENT);
  });

  it("closes connections with a request in progress when the grace period is over", async () => {
    const { handler, asked } = held();
    const listener = await open(secured, { handler });
    const client = await dial(listener, secured);
    await client.send(GET);
    await vi.waitFor(() => expect(asked()).toBe(1), PATIENT);
    await listener.stop(50);
    expect(await client.ended()).toBe("");
  });
});

describe("a TLS listener that drains", () => {
  it("serves a client whose handshake had begun", async () => {
    const listener = await open(tls);
    const plain: Socket = connect(listener.port, "127.0.0.1");
    stops.push(() => void plain.destroy());
    await once(plain, "connect");
    await new Promise((resolve) => setTimeout(resolve, 50));
    listener.drain();
    await vi.waitFor(() => expect(listener.idleFor()).toBeGreaterThan(20), PATIENT);
    const client = connectTls({ socket: plain, ca: authority.certPem, servername: "localhost" });
    await once(client, "secureConnect");
    client.write(GET);
    const [chunk] = (await once(client, "data")) as [Buffer];
    expect(chunk.toString("latin1")).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
  });

  it("does not wait for a client that never begins its handshake", async () => {
    const listener = await open(tls);
    const [silent, middle] = [connect(listener.port, "127.0.0.1"), connect(listener.port, "127.0.0.1")];
    for (const each of [silent, middle]) stops.push(() => void each.destroy());
    for (const each of [silent, middle]) each.on("error", () => undefined).resume();
    const closed = Promise.all([once(silent, "close"), once(middle, "close")]);
    await Promise.all([once(silent, "connect"), once(middle, "connect")]);
    // A whole hello, and nothing of what is to follow.
    middle.write(await clientHello());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await listener.stop(100);
    await closed;
  });

  it("answers every request that 1,000 idle connections send while it drains", { timeout: 120_000 }, async () => {
    const COUNT = 1000;
    const listener = await open(tls);
    const clients: RawClient[] = [];
    // Whoever connects and asks nothing is let go of after a while.
    const used = async (): Promise<RawClient> => {
      const client = await dial(listener, tls);
      await ask(client);
      return client;
    };
    while (clients.length < COUNT) clients.push(...(await Promise.all(Array.from({ length: 50 }, used))));
    // Half of them write at the very moment.
    const asked = clients.filter((_, at) => at % 2 === 0).map(ask);
    listener.drain();
    asked.push(...clients.filter((_, at) => at % 2 === 1).map(ask));
    const answers = await Promise.allSettled(asked);
    expect(answers.filter((each) => each.status === "rejected")).toEqual([]);
    expect(answers.filter((each) => each.status === "fulfilled" && each.value[0] === 200)).toHaveLength(COUNT);
  });
});
