import { connect, type Socket } from "node:net";
import { afterAll, describe, expect, it, vi } from "vitest";
import { listen, DEFAULT_TIMEOUTS, type Listener, type ListenerOptions } from "../../src/edge/listener.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { aLine, type TestLine } from "../kit/line.ts";
import { rawClient } from "../kit/raw-client.ts";
import { attack } from "./attack.ts";
import { latin1 } from "./payload.ts";

// On a busy machine they take their time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const stops: (() => Promise<unknown> | void)[] = [];
// At the end: the slow ones run at the same time.
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const authority = createAuthority("slow");
const leaf = authority.issue({ names: ["localhost"], usage: "serverAuth" });
const tls = {
  cert: leaf.certPem,
  key: leaf.keyPem,
  minVersion: "1.2" as const,
  clientCa: undefined,
  clientCertificates: "none" as const,
};
const HASTY = { head: 2000, request: 3000, reply: 3000 };

const open = async (
  over: Partial<ListenerOptions> = {},
  setting: Parameters<typeof aLine>[0] = {},
): Promise<{ line: TestLine; listener: Listener }> => {
  const line = aLine(setting);
  const listener = await listen(
    {
      name: "clients",
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      names: [],
      allowFrom: undefined,
      maxBody: 65_536,
      timeouts: HASTY,
      ...over,
    },
    line.handler,
  );
  stops.push(() => listener.stop(100));
  return { line, listener };
};

const post = (headers: readonly string[] = [], body = ""): string =>
  [
    "POST /phones/4155550100?req=DoNotCall HTTP/1.1",
    "Host: localhost",
    "X-Client: alpha",
    `Content-Length: ${body.length}`,
    ...headers,
    "",
    body,
  ].join("\r\n");

const plainSocket = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket))
      .once("error", reject)
      .on("error", () => undefined);
    stops.push(() => void socket.destroy());
  });

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : socket.resume().once("close", () => resolve())));

const expectServed = async ({ port }: Listener): Promise<void> => {
  const client = await rawClient(port);
  await client.send(post());
  expect((await client.reply()).status).toBe(200);
  client.close();
};

const answer = (
  body = "",
): {
  status: number;
  headers: [];
  body: Uint8Array;
  lane: string;
  endpoint: string;
  waits: { queue: number; ocs: number };
} => ({ status: 200, headers: [], body: Buffer.from(body), lane: "l", endpoint: "e", waits: { queue: 0, ocs: 0 } });

describe.concurrent("a client that takes its time", () => {
  it("has 5 s for the head, 15 s for the whole request and 15 s to take a reply", () => {
    expect(DEFAULT_TIMEOUTS).toEqual({ head: 5000, request: 15_000, reply: 15_000 });
  });

  it.each([
    ["plain", undefined],
    ["TLS", tls],
  ] as const)(
    "over %s is refused for a head that comes too late, and its rest is not begun when it comes after all",
    async (_over, secured) => {
      const { line, listener } = await open({ tls: secured });
      const client = await rawClient(listener.port, secured && { ca: authority.certPem });
      const whole = post();
      await client.send(whole.slice(0, 40));
      const refused = await client.reply();
      expect([refused.status, refused.headers["ocsgw-code"], refused.headers["ocsgw-delivery"]]).toEqual([
        400,
        "OCSGW-1011",
        "not-sent",
      ]);
      await client.send(whole.slice(40), post());
      await closed(client.socket);
      expect([line.sent.length, line.journal.map(({ kind }) => kind)]).toEqual([0, ["refusal"]]);
    },
  );

  it("is not begun with a late head behind a request that is under way, which gets its answer", async () => {
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof answer>>();
    const { line, listener } = await open({}, { send: () => promise });
    const client = await rawClient(listener.port);
    const next = post();
    await client.send(post() + next.slice(0, 40));
    await vi.waitFor(() => expect(line.sent.length).toBe(1), { timeout: 60_000 });
    // By then the head's time is over, and the server has looked.
    await new Promise((done) => setTimeout(done, HASTY.head + 2500));
    await client.send(next.slice(40));
    await new Promise((done) => setTimeout(done, 100));
    resolve(answer());
    const reply = await client.reply();
    expect([reply.status, reply.headers["connection"]]).toEqual([200, "close"]);
    await closed(client.socket);
    expect(line.sent.length).toBe(1);
  });

  it("is let go of when it drips its head, and others are served meanwhile", async () => {
    const { line, listener } = await open();
    const sockets = await Promise.all(Array.from({ length: 100 }, () => plainSocket(listener.port)));
    for (const socket of sockets) {
      socket.write("POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\n");
      const drip = setInterval(() => socket.writable && socket.write("X: 1\r\n"), 150);
      stops.push(() => clearInterval(drip));
    }
    await expectServed(listener);
    await Promise.all(sockets.map(closed));
    expect(line.sent).toHaveLength(1);
    expect(line.journal.filter(({ kind }) => kind === "refusal")).toHaveLength(100);
  });

  it(
    "is refused when its own time is over, not with everyone whose time is over within the same second",
    { retry: 2 },
    async () => {
      const line = aLine();
      let [together, groups] = [false, 0];
      const listener = await listen(
        {
          name: "clients",
          host: "127.0.0.1",
          port: 0,
          tls: undefined,
          names: [],
          allowFrom: undefined,
          maxBody: 65_536,
          timeouts: HASTY,
        },
        (arrival) => {
          if (!together) {
            groups++;
            setImmediate(() => (together = false));
          }
          together = true;
          return line.handler(arrival);
        },
      );
      stops.push(() => listener.stop(100));
      const sockets: Socket[] = [];
      // All within one second. Were they looked for once a second, they would fall into two groups at most.
      for (let count = 0; count < 6; count++) {
        sockets.push(await plainSocket(listener.port));
        sockets.at(-1)!.write("POST ");
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      await Promise.all(sockets.map(closed));
      expect(line.journal).toHaveLength(6);
      expect(groups).toBeGreaterThan(2);
    },
  );

  it("is let go of when it drips its body, with a refusal that names the length", async () => {
    const { line, listener } = await open();
    const client = await rawClient(listener.port);
    stops.push(client.close);
    await client.send(post().replace("Content-Length: 0", "Content-Length: 4000"));
    const drip = setInterval(() => client.socket.writable && client.socket.write(" "), 100);
    stops.push(() => clearInterval(drip));
    await expectServed(listener);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [^]*OCSGW-1006/);
    expect(line.sent).toHaveLength(1);
  });

  it("is let go of without a word when it never sends a byte", async () => {
    const { line, listener } = await open();
    const secure = await open({ tls });
    const sockets = await Promise.all(
      [listener, secure.listener].flatMap(({ port }) => Array.from({ length: 100 }, () => plainSocket(port))),
    );
    await Promise.all(sockets.map(closed));
    expect(sockets.map(({ bytesRead }) => bytesRead).filter((count) => count > 0)).toEqual([]);
    expect([...line.journal, ...secure.line.journal]).toEqual([]);
  });

  it("is let go of when it does not take its replies", async () => {
    const { listener } = await open({}, { send: () => Promise.resolve(answer("x".repeat(60_000))) });
    const socket = await plainSocket(listener.port);
    socket.pause().write(post().repeat(400));
    // Nothing is read, so the end is not seen: a write meets it.
    const probe = setInterval(() => socket.writable && socket.write(post()), 100);
    stops.push(() => clearInterval(probe));
    await new Promise((resolve) => socket.once("close", resolve));
    await expectServed(listener);
  });
});

describe("a client that sends far ahead", () => {
  it.each(["plain", "TLS"])(
    "is not read on while its requests wait for OCS, however many it sends ahead: %s",
    async (kind) => {
      const { listener } = await open(
        { tls: kind === "TLS" ? tls : undefined },
        { send: () => new Promise(() => undefined) },
      );
      const { socket, close } = await rawClient(listener.port, kind === "TLS" ? { ca: authority.certPem } : {});
      stops.push(close);
      // Far beyond what the buffers between two sockets hold.
      const [megabyte, all] = [latin1(post().repeat(8000)), 40];
      let sent = 0;
      const pump = (): void => {
        while (sent < all) if ((sent++, !socket.write(megabyte))) return void socket.once("drain", pump);
      };
      pump();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(sent).toBeLessThan(all);
      socket.destroy();
    },
  );

  it("is not let go of when it is us who do not read on", async () => {
    const { line, listener } = await open(
      {},
      { send: async () => (await new Promise((resolve) => setTimeout(resolve, 4)), answer()) },
    );
    const client = await rawClient(listener.port);
    stops.push(client.close);
    // More than one read takes in, so that one request is half read while those before it are answered, for longer than
    // its patience.
    await client.send(post().repeat(1000));
    for (let count = 0; count < 1000; count++) expect((await client.reply()).status).toBe(200);
    await client.send(post());
    expect((await client.reply()).status).toBe(200);
    expect(line.sent).toHaveLength(1001);
  });
});

describe("many clients at once", () => {
  it("get their answers, 1000 of 1000, though each closes its side behind its request", async () => {
    const setting = { send: async () => (await new Promise((resolve) => setTimeout(resolve, 20)), answer()) };
    const [plain, secure] = [await open({}, setting), await open({ tls }, setting)];
    const addresses = [{ port: plain.listener.port }, { port: secure.listener.port, ca: authority.certPem }];
    const statuses: (number | undefined)[] = [];
    for (let round = 0; round < 10; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, at) => attack(addresses[at % 2]!, [latin1(post())], 0)),
      );
      statuses.push(...outcomes.map(({ replies: [reply] }) => reply?.status));
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(1000);
  });

  it("are refused with 431 when a header is longer than 24 KiB, one and all", async () => {
    const { line, listener } = await open();
    const head = `POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nX-Long: `;
    const long = latin1(`${head}${"x".repeat(24_577)}\r\n\r\n`);
    for (let round = 0; round < 10; round++) {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => attack({ port: listener.port }, [long])));
      expect(outcomes.map(({ replies: [reply] }) => reply?.status).filter((status) => status !== 431)).toEqual([]);
    }
    expect(line.sent).toEqual([]);
    await expectServed(listener);
  });
});
