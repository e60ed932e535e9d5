import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HandshakeQueue } from "../../src/edge/handshake-queue.ts";
import { listen } from "../../src/edge/listener.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
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

const aQueue = (isServing = false): { readonly queue: HandshakeQueue; readonly admitted: Socket[] } => {
  const admitted: Socket[] = [];
  const options = { isServing: () => isServing };
  return { queue: new HandshakeQueue((socket) => admitted.push(socket), options), admitted };
};

describe("a handshake queue", () => {
  it("admits one client per iteration of the event loop, regardless of the number waiting", async () => {
    const { queue, admitted } = aQueue();
    for (let count = 0; count < 20; count++) {
      const socket = caller();
      queue.add(socket);
      socket.push(hello());
    }
    const seen: number[] = [];
    for (let count = 0; count < 23; count++) {
      await turn();
      seen.push(admitted.length);
    }
    // The queue looks first whether more are coming.
    const first = seen.findIndex((many) => many > 0);
    expect(first).toBeLessThan(3);
    expect(seen.slice(first, first + 20)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  });

  it.each([
    ["leaves a millisecond after each handshake while requests are under way", true, 20, 1],
    ["leaves no time between handshakes while no request is under way", false, 20, 20],
    ["leaves no time for requests when too many clients wait", true, 300, 45],
  ])("%s", async (_what, isServing, clients, expected) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { queue, admitted } = aQueue(isServing);
    for (let count = 0; count < clients; count++) {
      const socket = caller();
      queue.add(socket);
      socket.push(hello());
    }
    const turns = async (): Promise<void> => {
      for (let count = 0; count < clients + 10; count++) await turn();
    };
    await turns();
    expect(admitted).toHaveLength(expected);
    for (let count = expected + 1; count <= Math.min(clients, expected + 5); count++) {
      await vi.advanceTimersByTimeAsync(1);
      await turns();
      expect(admitted).toHaveLength(count);
    }
    queue.close();
  });

  it("admits sources in turn, so that a flood from one address delays only itself", async () => {
    const { queue, admitted } = aQueue();
    for (const source of [...Array.from({ length: 50 }, () => "192.0.2.1"), "192.0.2.2", "192.0.2.3", "192.0.2.2"]) {
      const socket = caller(source);
      queue.add(socket);
      socket.push(hello());
    }
    while (admitted.length < 53) await turn();
    expect(admitted.slice(0, 6).map(({ remoteAddress }) => remoteAddress?.slice(-1))).toEqual([
      "1",
      "2",
      "3",
      "1",
      "2",
      "1",
    ]);
  });

  it("counts an IPv6 /64 as one source", async () => {
    const { queue, admitted } = aQueue();
    for (const source of [
      ...Array.from({ length: 50 }, (_, at) => `2001:db8::${at + 1}`),
      "2001:db8:0:1::1",
      "192.0.2.2",
    ]) {
      const socket = caller(source);
      queue.add(socket);
      socket.push(hello());
    }
    while (admitted.length < 52) await turn();
    expect(admitted.slice(0, 4).map(({ remoteAddress }) => remoteAddress)).toEqual([
      "2001:db8::1",
      "2001:db8:0:1::1",
      "192.0.2.2",
      "2001:db8::2",
    ]);
  });

  it("accepts new connections first, but still admits one client in eight iterations", async () => {
    const { queue, admitted } = aQueue();
    for (let count = 0; count < 80; count++) {
      const socket = caller(`192.0.2.${count}`);
      queue.add(socket);
      socket.push(hello());
      await turn();
    }
    expect(admitted.length).toBeGreaterThanOrEqual(8);
    expect(admitted.length).toBeLessThanOrEqual(12);
    for (let count = 0; count < 80; count++) await turn();
    expect(admitted.length).toBe(80);
  });

  it.each([
    ["whole", [hello()]],
    ["byte by byte", [...hello(40)].map((byte) => Buffer.from([byte]))],
    ["in two", [hello().subarray(0, 7), hello().subarray(7)]],
    ["with more bytes after it", [Buffer.concat([hello(), hello(7)])]],
    ["with more bytes while it waits", [hello(), hello(7)]],
    ["as large as a record can be", [hello(16_384)]],
  ])("passes on all bytes in order: a first record %s", async (_how, pieces) => {
    const { queue, admitted } = aQueue();
    const socket = caller();
    queue.add(socket);
    for (const [at, piece] of pieces.entries()) {
      if (at === 1) expect(admitted).toEqual([]);
      socket.push(piece);
    }
    while (admitted.length === 0) await turn();
    expect(Buffer.from(admitted[0]!.read() as Buffer).equals(Buffer.concat(pieces))).toBe(true);
    expect(["data", "end", "error", "close"].map((event) => socket.listenerCount(event))).toEqual([0, 0, 0, 0]);
  });

  it("waits for the complete first record", async () => {
    const { queue, admitted } = aQueue();
    const socket = caller();
    queue.add(socket);
    socket.push(hello().subarray(0, -1));
    for (let count = 0; count < 5; count++) await turn();
    expect(admitted).toEqual([]);
    socket.push(hello().subarray(-1));
    while (admitted.length === 0) await turn();
    expect(admitted).toEqual([socket]);
  });

  it.each([
    ["another protocol", Buffer.from("SSH-2.0-x\n")],
    ["an alert", Buffer.from([21])],
    ["SSL 2", Buffer.from([128, 46])],
    ["a record longer than there are", Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), Buffer.alloc(16_384)])],
  ])("passes bytes that are not a hello to TLS: %s", async (_what, bytes) => {
    const { queue, admitted } = aQueue();
    const socket = caller();
    queue.add(socket);
    socket.push(bytes);
    while (admitted.length === 0) await turn();
    expect(Buffer.from(admitted[0]!.read() as Buffer).equals(bytes)).toBe(true);
  });

  it("reports a client that sends HTTP without TLS when its request line is complete", async () => {
    const [turned, admitted]: [Socket[], Socket[]] = [[], []];
    const queue = new HandshakeQueue((socket) => admitted.push(socket), {
      onPlainHttp: (socket) => turned.push(socket),
    });
    const socket = caller();
    queue.add(socket);
    for (const piece of ["P", "OST /a HT", "TP/1.1\r"]) {
      socket.push(piece);
      await turn();
      expect(turned).toEqual([]);
    }
    socket.push("\n");
    await turn();
    queue.close();
    expect([turned, admitted, socket.destroyed]).toEqual([[socket], [], false]);
  });

  it.each([
    ["nothing", []],
    ["half of a line", [Buffer.from("GET /")]],
    ["half of a record", [hello().subarray(0, 100)]],
  ])("closes after 5 s a connection whose client has sent %s", async (_what, pieces) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { queue, admitted } = aQueue();
    const socket = caller();
    queue.add(socket);
    for (const piece of pieces) socket.push(piece);
    await turn();
    vi.advanceTimersByTime(4999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect([socket.destroyed, admitted.length]).toEqual([true, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps a client that has sent its hello and waits", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] });
    const { queue, admitted } = aQueue();
    const socket = caller();
    queue.add(socket);
    socket.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    vi.advanceTimersByTime(10_000);
    expect([socket.destroyed, admitted.length]).toEqual([false, 1]);
  });

  it.each([
    ["closes its side", (socket: Socket) => void socket.push(null)],
    ["breaks off", (socket: Socket) => void socket.destroy(new Error("reset"))],
    ["disconnects", (socket: Socket) => void socket.destroy()],
  ])("drops a client that %s before its turn, and continues with the others", async (_how, end) => {
    const { queue, admitted } = aQueue();
    const sockets = Array.from({ length: 3 }, () => caller());
    for (const socket of sockets) {
      queue.add(socket);
      socket.push(hello());
    }
    end(sockets[0]!);
    for (let count = 0; count < 6; count++) await turn();
    expect(admitted).toEqual(sockets.slice(1));
    expect(sockets[0]!.destroyed).toBe(true);
    // It opens again when somebody comes.
    const late = caller();
    queue.add(late);
    late.push(hello());
    for (let count = 0; count < 3; count++) await turn();
    expect(admitted.at(-1)).toBe(late);
  });

  it("does not buffer without limit for a client that waits", async () => {
    const { queue } = aQueue();
    const others = Array.from({ length: 30 }, () => caller());
    for (const socket of others) {
      queue.add(socket);
      socket.push(hello());
    }
    const socket = caller();
    queue.add(socket);
    socket.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    for (let count = 0; count < 10 && !socket.isPaused(); count++) socket.push(Buffer.alloc(16_384));
    expect(socket.isPaused()).toBe(true);
  });

  it("closes every connection that still waits when it is closed", async () => {
    const { queue, admitted } = aQueue();
    const [silent, ready] = [caller(), caller()];
    for (const socket of [silent, ready]) queue.add(socket);
    ready.push(hello());
    await new Promise((resolve) => process.nextTick(resolve));
    queue.close();
    for (let count = 0; count < 3; count++) await turn();
    expect([silent.destroyed, ready.destroyed, admitted.length]).toEqual([true, true, 0]);
  });
});

describe("a TLS listener behind its handshake queue", () => {
  const authority = createAuthority("handshake-queue");
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
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nContent-Length: " +
        "2\r\n\r\n{}",
    );
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect(reply.toString("latin1")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("serves connected clients while a flood of handshakes is being admitted", async () => {
    const FLOOD = 400;
    const [port, said] = [await open(), await clientHello()];
    const to = { port, host: "127.0.0.1", ca: authority.certPem, servername: "localhost", localAddress: "127.0.0.2" };
    const admitted = connectTls(to);
    stops.push(() => void admitted.destroy());
    await once(admitted, "secureConnect");
    let answered = 0;
    const clients = await Promise.all(
      Array.from({ length: FLOOD }, async () => {
        const socket = connect({ port, host: "127.0.0.1" })
          .on("error", () => undefined)
          .once("data", () => answered++);
        stops.push(() => void socket.destroy());
        await once(socket, "connect");
        return socket;
      }),
    );
    for (const socket of clients) socket.write(said);
    admitted.write(
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nContent-Length: " +
        "2\r\n\r\n{}",
    );
    const late = connectTls(to);
    stops.push(() => void late.destroy());
    const [atReply, atGreeting] = await Promise.all([
      once(admitted, "data").then(() => answered),
      once(late, "secureConnect").then(() => answered),
    ]);
    expect(atReply).toBeLessThan(FLOOD / 4);
    expect(atGreeting).toBeLessThan(FLOOD / 4);
    await vi.waitFor(() => expect(answered).toBe(FLOOD), { timeout: 60_000 });
  });
});
