import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Door } from "../../src/edge/door.ts";
import { listen } from "../../src/edge/listener.ts";
import { createAuthority } from "../../src/sandbox/certificates.ts";
import { clientHello } from "../kit/client-hello.ts";
import { aLine } from "../kit/line.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).reverse()) await stop();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection without a network: what it says arrives before the turn of the event loop ends. */
const caller = (source = "192.0.2.1"): Socket =>
  Object.assign(new Duplex({ read: () => undefined, write: (_bytes, _encoding, done) => done() }), {
    remoteAddress: source,
  }) as unknown as Socket;
/** A handshake record that holds so many bytes. */
const hello = (length = 300): Buffer =>
  Buffer.concat([Buffer.from([22, 3, 1, length >> 8, length & 255]), Buffer.alloc(length, 1)]);

const aDoor = (): { readonly door: Door; readonly inside: Socket[] } => {
  const inside: Socket[] = [];
  return { door: new Door((socket) => inside.push(socket)), inside };
};

describe("a door", () => {
  it("lets one in with each turn of the event loop, however many are there", async () => {
    const { door, inside } = aDoor();
    for (let count = 0; count < 20; count++) {
      const socket = caller();
      door.knock(socket);
      socket.push(hello());
    }
    const seen: number[] = [];
    for (let count = 0; count < 23; count++) {
      await turn();
      seen.push(inside.length);
    }
    // The door looks first whether more are coming.
    const first = seen.findIndex((many) => many > 0);
    expect(first).toBeLessThan(3);
    expect(seen.slice(first, first + 20)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  });

  it("takes one from each source in turn, so that a crowd from one address waits for itself", async () => {
    const { door, inside } = aDoor();
    for (const source of [...Array.from({ length: 50 }, () => "192.0.2.1"), "192.0.2.2", "192.0.2.3", "192.0.2.2"]) {
      const socket = caller(source);
      door.knock(socket);
      socket.push(hello());
    }
    while (inside.length < 53) await turn();
    expect(inside.slice(0, 6).map(({ remoteAddress }) => remoteAddress?.slice(-1))).toEqual([
      "1",
      "2",
      "3",
      "1",
      "2",
      "1",
    ]);
  });

  it("takes an IPv6 network for one source, because one holder has all of its addresses", async () => {
    const { door, inside } = aDoor();
    for (const source of [
      ...Array.from({ length: 50 }, (_, at) => `2001:db8::${at + 1}`),
      "2001:db8:0:1::1",
      "192.0.2.2",
    ]) {
      const socket = caller(source);
      door.knock(socket);
      socket.push(hello());
    }
    while (inside.length < 52) await turn();
    expect(inside.slice(0, 4).map(({ remoteAddress }) => remoteAddress)).toEqual([
      "2001:db8::1",
      "2001:db8:0:1::1",
      "192.0.2.2",
      "2001:db8::2",
    ]);
  });

  it("hears first who else is coming, but keeps nobody waiting for long because of that", async () => {
    const { door, inside } = aDoor();
    for (let count = 0; count < 80; count++) {
      const socket = caller(`192.0.2.${count}`);
      door.knock(socket);
      socket.push(hello());
      await turn();
    }
    expect(inside.length).toBeGreaterThanOrEqual(8);
    expect(inside.length).toBeLessThanOrEqual(12);
    for (let count = 0; count < 80; count++) await turn();
    expect(inside.length).toBe(80);
  });

  it.each([
    ["whole", [hello()]],
    ["byte by byte", [...hello(40)].map((byte) => Buffer.from([byte]))],
    ["in two", [hello().subarray(0, 7), hello().subarray(7)]],
    ["with more behind it", [Buffer.concat([hello(), hello(7)])]],
    ["with more that comes while it waits", [hello(), hello(7)]],
    ["as large as a record can be", [hello(16_384)]],
  ])("hands on all that was said, in order: a first record %s", async (_how, pieces) => {
    const { door, inside } = aDoor();
    const socket = caller();
    door.knock(socket);
    for (const [at, piece] of pieces.entries()) {
      if (at === 1) expect(inside).toEqual([]);
      socket.push(piece);
    }
    while (inside.length === 0) await turn();
    expect(Buffer.from(inside[0]!.read() as Buffer).equals(Buffer.concat(pieces))).toBe(true);
    expect(["data", "end", "error", "close"].map((event) => socket.listenerCount(event))).toEqual([0, 0, 0, 0]);
  });

  it("waits for the whole first record", async () => {
    const { door, inside } = aDoor();
    const socket = caller();
    door.knock(socket);
    socket.push(hello().subarray(0, -1));
    for (let count = 0; count < 5; count++) await turn();
    expect(inside).toEqual([]);
    socket.push(hello().subarray(-1));
    while (inside.length === 0) await turn();
    expect(inside).toEqual([socket]);
  });

  it.each([
    ["another protocol", Buffer.from("SSH-2.0-x\n")],
    ["an alert", Buffer.from([21])],
    ["SSL 2", Buffer.from([128, 46])],
    ["a record longer than there are", Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), Buffer.alloc(16_384)])],
  ])("leaves what is no hello to TLS: %s", async (_what, bytes) => {
    const { door, inside } = aDoor();
    const socket = caller();
    door.knock(socket);
    socket.push(bytes);
    while (inside.length === 0) await turn();
    expect(Buffer.from(inside[0]!.read() as Buffer).equals(bytes)).toBe(true);
  });

  it("sees a request line in clear text as soon as it is whole, and turns it away", async () => {
    const [turned, inside]: [Socket[], Socket[]] = [[], []];
    const door = new Door(
      (socket) => inside.push(socket),
      undefined,
      (socket) => turned.push(socket),
    );
    const socket = caller();
    door.knock(socket);
    for (const piece of ["P", "OST /a HT", "TP/1.1\r"]) {
      socket.push(piece);
      await turn();
      expect(turned).toEqual([]);
    }
    socket.push("\n");
    await turn();
    door.close();
    expect([turned, inside, socket.destroyed]).toEqual([[socket], [], false]);
  });

  it.each([
    ["nothing", []],
    ["half of a line", [Buffer.from("GET /")]],
    ["half of a record", [hello().subarray(0, 100)]],
  ])("sends away after 5 s who has said %s", async (_what, pieces) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { door, inside } = aDoor();
    const socket = caller();
    door.knock(socket);
    for (const piece of pieces) socket.push(piece);
    await turn();
    vi.advanceTimersByTime(4999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect([socket.destroyed, inside.length]).toEqual([true, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not send away who has said hello and waits", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] });
    const { door, inside } = aDoor();
    const socket = caller();
    door.knock(socket);
    socket.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    vi.advanceTimersByTime(10_000);
    expect([socket.destroyed, inside.length]).toEqual([false, 1]);
  });

  it.each([
    ["closes its side", (socket: Socket) => void socket.push(null)],
    ["breaks off", (socket: Socket) => void socket.destroy(new Error("reset"))],
    ["is gone", (socket: Socket) => void socket.destroy()],
  ])("forgets a client that %s before its turn, and goes on with the others", async (_how, end) => {
    const { door, inside } = aDoor();
    const sockets = Array.from({ length: 3 }, () => caller());
    for (const socket of sockets) {
      door.knock(socket);
      socket.push(hello());
    }
    end(sockets[0]!);
    for (let count = 0; count < 6; count++) await turn();
    expect(inside).toEqual(sockets.slice(1));
    expect(sockets[0]!.destroyed).toBe(true);
    // It opens again when somebody comes.
    const late = caller();
    door.knock(late);
    late.push(hello());
    for (let count = 0; count < 3; count++) await turn();
    expect(inside.at(-1)).toBe(late);
  });

  it("does not listen without end to who waits", async () => {
    const { door } = aDoor();
    const others = Array.from({ length: 30 }, () => caller());
    for (const socket of others) {
      door.knock(socket);
      socket.push(hello());
    }
    const socket = caller();
    door.knock(socket);
    socket.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    for (let count = 0; count < 10 && !socket.isPaused(); count++) socket.push(Buffer.alloc(16_384));
    expect(socket.isPaused()).toBe(true);
  });

  it("sends away on closing who is still outside", async () => {
    const { door, inside } = aDoor();
    const [silent, ready] = [caller(), caller()];
    for (const socket of [silent, ready]) door.knock(socket);
    ready.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    door.close();
    for (let count = 0; count < 3; count++) await turn();
    expect([silent.destroyed, ready.destroyed, inside.length]).toEqual([true, true, 0]);
  });
});

describe("a TLS listener behind its door", () => {
  const authority = createAuthority("door");
  const { certPem: cert, keyPem: key } = authority.issue({ names: ["localhost"], usage: "serverAuth" });
  const open = async (): Promise<number> => {
    const tls = { cert, key, minVersion: "1.2" as const, clientCa: undefined, clientCertificates: "none" as const };
    const listener = await listen(
      { name: "clients", host: "127.0.0.1", port: 0, tls, names: [], allowFrom: undefined, maxBody: 1024 },
      aLine().handler,
    );
    stops.push(() => listener.stop(100));
    return listener.port;
  };

  /** Passes on what a client sends in pieces of so many bytes, each in a packet of its own. */
  const inPieces = async (port: number, size: number): Promise<number> => {
    const sockets: Socket[] = [];
    const relay = createServer({ noDelay: true }, (client) => {
      const server = connect({ port, host: "127.0.0.1", noDelay: true });
      sockets.push(client, server);
      server.pipe(client);
      for (const socket of [client, server]) socket.on("error", () => undefined);
      void (async () => {
        for await (const chunk of client as AsyncIterable<Buffer>) {
          for (let at = 0; at < chunk.length; at += size) {
            server.write(chunk.subarray(at, at + size));
            await turn();
          }
        }
      })().catch(() => undefined);
    }).listen(0, "127.0.0.1");
    await once(relay, "listening");
    stops.push(() => {
      for (const socket of sockets) socket.destroy();
      relay.close();
    });
    return (relay.address() as AddressInfo).port;
  };

  it.each([
    ["TLSv1.2", 1],
    ["TLSv1.3", 1],
    ["TLSv1.3", 7],
    ["TLSv1.3", 100_000],
  ] as const)("serves a %s client whose bytes come %d at a time", async (version, size) => {
    const socket = connectTls({
      port: await inPieces(await open(), size),
      host: "127.0.0.1",
      ca: authority.certPem,
      servername: "localhost",
      minVersion: version,
      maxVersion: version,
    });
    stops.push(() => void socket.destroy());
    await once(socket, "secureConnect");
    socket.write(
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nContent-Length: 2\r\n\r\n{}",
    );
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect(reply.toString("latin1")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("serves others while a crowd that said hello in one moment is still being let in", async () => {
    const CROWD = 400;
    const [port, said] = [await open(), await clientHello()];
    const to = { port, host: "127.0.0.1", ca: authority.certPem, servername: "localhost", localAddress: "127.0.0.2" };
    const inside = connectTls(to);
    stops.push(() => void inside.destroy());
    await once(inside, "secureConnect");
    let answered = 0;
    const crowd = await Promise.all(
      Array.from({ length: CROWD }, async () => {
        const socket = connect({ port, host: "127.0.0.1" })
          .on("error", () => undefined)
          .once("data", () => answered++);
        stops.push(() => void socket.destroy());
        await once(socket, "connect");
        return socket;
      }),
    );
    for (const socket of crowd) socket.write(said);
    inside.write(
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nContent-Length: 2\r\n\r\n{}",
    );
    const late = connectTls(to);
    stops.push(() => void late.destroy());
    const [atReply, atGreeting] = await Promise.all([
      once(inside, "data").then(() => answered),
      once(late, "secureConnect").then(() => answered),
    ]);
    expect(atReply).toBeLessThan(CROWD / 4);
    expect(atGreeting).toBeLessThan(CROWD / 4);
    await vi.waitFor(() => expect(answered).toBe(CROWD), { timeout: 60_000 });
  });
});
