/** Whom a proxy of ours speaks for, in its three ways, and that nobody else's word counts. */
import { EventEmitter } from "node:events";
import { BlockList, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { listen, type Listener, type ListenerOptions } from "../../../src/edge/listener.ts";
import { acceptAllowed } from "../../../src/edge/allow-from.ts";
import { ProxiedSources } from "../../../src/edge/proxies/proxied-sources.ts";
import { readProxyHeader } from "../../../src/edge/proxies/proxy-protocol.ts";
import { clientAddress, type ProxyHeaderKind, type TrustedProxies } from "../../../src/edge/proxies/trusted-proxies.ts";
import { bytesOf, type HeaderLine } from "../../../src/common/message.ts";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { rawClient, type RawClient } from "../../kit/raw-client.ts";

const list = (...networks: readonly string[]): BlockList => {
  const found = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    found.addSubnet(
      address,
      Number(prefix ?? (address.includes(":") ? 128 : 32)),
      address.includes(":") ? "ipv6" : "ipv4",
    );
  }
  return found;
};
const trusting = (sends: ProxyHeaderKind, ...networks: readonly string[]): TrustedProxies => [
  { from: list(...networks), sends },
];

describe("the client behind proxies that write X-Forwarded-For", () => {
  const proxies = trusting("x-forwarded-for", "10.0.0.0/24", "2001:db8:1::/48");
  it.each<[string, string, readonly string[], string]>([
    ["is the peer, if that is not a trusted proxy", "192.0.2.9", ["198.51.100.7"], "192.0.2.9"],
    ["is the peer without the header", "10.0.0.1", [], "10.0.0.1"],
    ["is the only one", "10.0.0.1", ["198.51.100.7"], "198.51.100.7"],
    [
      "is the last address that is not a trusted proxy",
      "10.0.0.1",
      ["203.0.113.1, 198.51.100.7, 10.0.0.2"],
      "198.51.100.7",
    ],
    ["is not who a client claims to be", "10.0.0.1", ["127.0.0.1, 10.0.0.9, 198.51.100.7"], "198.51.100.7"],
    ["is read over several lines", "10.0.0.1", ["203.0.113.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7"],
    ["is the first of nothing but proxies", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
    ["has a port", "10.0.0.1", ["198.51.100.7:51234"], "198.51.100.7"],
    ["has IPv6", "10.0.0.1", ["2001:DB8:2:0:0::7"], "2001:db8:2::7"],
    ["has IPv6 with a port", "2001:db8:1::1", ["[2001:db8:2::7]:443"], "2001:db8:2::7"],
    ["is the IPv4 address of a connection over IPv6", "::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"],
    ["is the proxy, if the entry is unknown", "10.0.0.1", ["unknown"], "10.0.0.1"],
    ["is the proxy that wrote an invalid address", "10.0.0.1", ["198.51.100.7, nonsense, 10.0.0.2"], "10.0.0.2"],
    ["is the proxy, if an entry is empty", "10.0.0.1", ["198.51.100.7,"], "10.0.0.1"],
    ["is not an address with a zone, a sign or a name", "10.0.0.1", ["fe80::1%eth0"], "10.0.0.1"],
    ["is not a number that is too large", "10.0.0.1", ["198.51.100.777"], "10.0.0.1"],
  ])("%s", (_, peer, values, client) => {
    expect(
      clientAddress(
        proxies,
        peer,
        values.map((value): HeaderLine => ["X-Forwarded-For", value]),
      ),
    ).toBe(client);
  });

  it.each<HeaderLine>([
    ["Forwarded", "for=198.51.100.7"],
    ["X_Forwarded_For", "198.51.100.7"],
    ["X-Real-IP", "198.51.100.7"],
    ["X-Forwarded-For-2", "198.51.100.7"],
  ])("is not read from %s", (name, value) => {
    expect(clientAddress(proxies, "10.0.0.1", [[name, value]])).toBe("10.0.0.1");
  });
});

describe("the client behind proxies that write Forwarded", () => {
  const proxies = trusting("forwarded", "10.0.0.0/24");
  it.each<[string, string]>([
    ["for=198.51.100.7", "198.51.100.7"],
    ['For="198.51.100.7:51234";proto=https;by=10.0.0.1', "198.51.100.7"],
    ['proto=https; for="[2001:db8::7]:443"', "2001:db8::7"],
    ['for="[2001:db8::7]"', "2001:db8::7"],
    ["for=203.0.113.1, for=198.51.100.7;host=gw, for=10.0.0.2", "198.51.100.7"],
    ['for="_hidden", for=10.0.0.2', "10.0.0.2"],
    ["for=unknown", "10.0.0.1"],
    ["proto=https", "10.0.0.1"],
    ["for=198.51.100.7, proto=https", "10.0.0.1"],
    ['for="203.0.113.1, for=198.51.100.7', "10.0.0.1"],
    ['host="a, for=203.0.113.1";for=198.51.100.7', "198.51.100.7"],
    ['host="\\", for=203.0.113.1";for=198.51.100.7', "198.51.100.7"],
    ["xfor=203.0.113.1", "10.0.0.1"],
    ["", "10.0.0.1"],
  ])("of %j is %s", (value, client) => {
    expect(clientAddress(proxies, "10.0.0.1", [["forwarded", value]])).toBe(client);
  });

  it.each<[string, readonly string[], string]>([
    ["an unclosed quote", ['for=203.0.113.1;x="', "for=198.51.100.7"], "198.51.100.7"],
    ["a quote, before one of the proxy's", ['for="', 'for="[2001:db8::7]"'], "2001:db8::7"],
    ["a quote that ends in a backslash", ['for="\\', "for=198.51.100.7"], "198.51.100.7"],
    ["a quote, and two proxies", ['x="', "for=198.51.100.7", "for=10.0.0.2"], "198.51.100.7"],
    ["a line of the last proxy that cannot be read", ["for=203.0.113.1", 'for="198.51.100.7'], "10.0.0.1"],
  ])("is the one that the proxy names in its own line after %s", (_, lines, client) => {
    expect(
      clientAddress(
        proxies,
        "10.0.0.1",
        lines.map((line): HeaderLine => ["Forwarded", line]),
      ),
    ).toBe(client);
  });

  it("is read in linear time", () => {
    const started = performance.now();
    for (const odd of ['for="'.repeat(3000), ",".repeat(15_000), '\\"'.repeat(7000), "for=;".repeat(3000)])
      clientAddress(proxies, "10.0.0.1", [["Forwarded", odd]]);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("the client behind proxies with different headers", () => {
  const proxies: TrustedProxies = [
    { from: list("10.0.0.0/24"), sends: "x-forwarded-for" },
    { from: list("10.0.1.0/24"), sends: "forwarded" },
    { from: list("10.0.2.0/24"), sends: "proxy-protocol" },
  ];
  it.each<[string, string, HeaderLine, string]>([
    ["only Forwarded", "10.0.0.1", ["X-Forwarded-For", "203.0.113.1, 10.0.1.1"], "10.0.1.1"],
    ["only the PROXY protocol", "10.0.0.1", ["X-Forwarded-For", "203.0.113.1, 10.0.2.1"], "10.0.2.1"],
    ["only X-Forwarded-For", "10.0.1.1", ["Forwarded", "for=203.0.113.1, for=10.0.0.1"], "10.0.0.1"],
  ])(
    "is the proxy that writes %s, if another header names it, because earlier entries may be forged",
    (_, peer, line, client) => {
      expect(clientAddress(proxies, peer, [line])).toBe(client);
    },
  );
});

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const proxied = (addresses: Buffer, { command = 0x21, family = 0x11, more = Buffer.alloc(0) } = {}): Buffer => {
  const rest = Buffer.concat([addresses, more]);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]), rest]);
};
const v4 = (source: string): Buffer =>
  Buffer.from([...source.split(".").map(Number), 127, 0, 0, 1, 0xc0, 0x01, 0x20, 0xfb]);
const v6 = (hex: string): Buffer =>
  Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(15), Buffer.from([1]), Buffer.from([0xc0, 0x01, 0x20, 0xfb])]);

describe("a header of the PROXY protocol", () => {
  it.each<[string, Buffer, string | undefined]>([
    ["of IPv4", proxied(v4("198.51.100.7")), "198.51.100.7"],
    [
      "with what else proxies say",
      proxied(v4("198.51.100.7"), { more: Buffer.from([0x03, 0, 4, 1, 2, 3, 4]) }),
      "198.51.100.7",
    ],
    ["of IPv6", proxied(v6("20010db8000200000000000000000007"), { family: 0x21 }), "2001:db8:2::7"],
    ["of IPv4 over IPv6", proxied(v6("00000000000000000000ffffc6336407"), { family: 0x21 }), "198.51.100.7"],
    ["of a health check", proxied(Buffer.alloc(0), { command: 0x20, family: 0 }), undefined],
    ["of a socket on the proxy's machine", proxied(Buffer.alloc(216), { family: 0x31 }), undefined],
  ])("%s is read in any pieces", (_, header, source) => {
    for (let cut = 0; cut < header.length; cut++) expect(readProxyHeader(header.subarray(0, cut))).toBeUndefined();
    expect(readProxyHeader(Buffer.concat([header, Buffer.from("POST")]))).toEqual({ length: header.length, source });
  });

  it.each<[string, Buffer]>([
    ["a request", Buffer.from("POST / HTTP/1.1\r\n")],
    ["a hello of TLS", Buffer.from([22, 3, 1, 0, 200])],
    ["version 1", Buffer.from("PROXY TCP4 198.51.100.7 127.0.0.1 1 2\r\n")],
    ["another version", proxied(v4("198.51.100.7"), { command: 0x31 })],
    ["another command", proxied(v4("198.51.100.7"), { command: 0x22 })],
    ["datagrams", proxied(v4("198.51.100.7"), { family: 0x12 })],
    ["one that is too short", proxied(v4("198.51.100.7").subarray(0, 8))],
    ["one that is too long", proxied(Buffer.alloc(3000))],
    ["a spoiled signature", Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from("x")])],
  ])("cannot be %s", (_, bytes) => {
    expect(() => readProxyHeader(bytes)).toThrow(RangeError);
  });
});

describe("a proxy's port that is reused before the close of its last connection", () => {
  const AT = { remoteAddress: "127.0.0.1", remotePort: 40_001, localAddress: "127.0.0.1", localPort: 8443 };
  const named = new ProxiedSources();
  const server = new EventEmitter().on("connection", () => undefined);
  const rules = { allowFrom: undefined, trustedProxies: trusting("proxy-protocol", "127.0.0.1") };
  acceptAllowed(server as Server, () => rules, named);
  const connect = async (header: Buffer): Promise<Socket> => {
    const socket = Object.assign(new PassThrough(), AT) as unknown as Socket;
    server.emit("connection", socket);
    (socket as unknown as PassThrough).write(header);
    await new Promise(setImmediate);
    return socket;
  };
  it.each<[string, Buffer, string | undefined]>([
    ["another client", proxied(v4("198.51.100.8")), "198.51.100.8"],
    ["the proxy's health check", proxied(Buffer.alloc(0), { command: 0x20, family: 0 }), undefined],
  ])("belongs to %s", async (_, header, source) => {
    const one = await connect(proxied(v4("198.51.100.7")));
    expect(named.of(one)).toBe("198.51.100.7");
    const two = await connect(header);
    expect(named.of(two)).toBe(source);
    one.emit("close");
    expect(named.of(two)).toBe(source);
    two.emit("close");
    expect(named.of(two)).toBeUndefined();
  });
});

describe("a listener behind a proxy that sends PROXY headers", () => {
  const authority = createAuthority("test");
  const leaf = authority.issue({ names: ["localhost"], usage: "serverAuth" });
  const tls = {
    cert: leaf.certPem,
    key: leaf.keyPem,
    minVersion: "1.2" as const,
    clientCa: undefined,
    clientCertificates: "none" as const,
  };
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  const OPTIONS: ListenerOptions = {
    name: "clients",
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    names: ["gw"],
    allowFrom: undefined,
    maxBody: 1024,
    trustedProxies: trusting("proxy-protocol", "127.0.0.0/8"),
  };
  /** Answers each request with its source. */
  const open = async (over: Partial<ListenerOptions> = {}): Promise<Listener> => {
    const listener = await listen({ ...OPTIONS, ...over }, (arrival) =>
      Promise.resolve({ status: 200, headers: [], body: bytesOf(arrival.source) }),
    );
    stops.push(() => listener.stop(0));
    return listener;
  };
  const dial = async (listener: Listener): Promise<RawClient> => {
    const client = await rawClient(listener.port);
    stops.push(client.close);
    return client;
  };
  const REQUEST = "GET / HTTP/1.1\r\nHost: gw\r\n\r\n";
  const header = (source: string): Buffer => proxied(v4(source));

  it.each<[string, (source: string) => readonly Uint8Array[]]>([
    ["in one piece with the request", (source) => [Buffer.concat([header(source), Buffer.from(REQUEST)])]],
    ["in a separate piece", (source) => [header(source), Buffer.from(REQUEST)]],
    [
      "byte by byte",
      (source) => Array.from(Buffer.concat([header(source), Buffer.from(REQUEST)]), (byte) => Buffer.from([byte])),
    ],
    ["before two requests at once", (source) => [Buffer.concat([header(source), Buffer.from(REQUEST + REQUEST)])]],
  ])("takes the client's address from a header that comes %s", async (_, pieces) => {
    const listener = await open();
    const client = await dial(listener);
    await client.send(...pieces("198.51.100.7"));
    expect((await client.reply()).body).toBe("198.51.100.7");
    await client.send(REQUEST);
    expect((await client.reply()).body).toBe("198.51.100.7");
  });

  it("takes the client's address from a header in front of TLS", async () => {
    const listener = await open({ tls });
    const client = await dial(listener);
    await client.send(header("198.51.100.7"));
    const secure = connectTls({ socket: client.socket, ca: authority.certPem, servername: "localhost" });
    stops.push(() => secure.destroy());
    let text = "";
    secure.on("data", (chunk: Buffer) => (text += chunk.toString())).on("error", () => undefined);
    await new Promise((resolve, reject) => secure.once("secureConnect", resolve).once("error", reject));
    secure.write(REQUEST);
    await expect.poll(() => text).toContain("198.51.100.7");
  });

  it("receives a large request behind the header completely", async () => {
    const listener = await open({ maxBody: 1 << 20 });
    const client = await dial(listener);
    const body = "x".repeat(500_000);
    await client.send(
      Buffer.concat([
        header("198.51.100.7"),
        Buffer.from(`POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      ]),
      REQUEST,
    );
    expect([(await client.reply()).body, (await client.reply()).body]).toEqual(["198.51.100.7", "198.51.100.7"]);
  });

  it.each<[string, Uint8Array]>([
    ["no header", Buffer.from(REQUEST)],
    ["a header of version 1", Buffer.from(`PROXY TCP4 198.51.100.7 127.0.0.1 1 2\r\n${REQUEST}`)],
    ["half a header, and its end", header("198.51.100.7").subarray(0, 20)],
  ])("closes a connection that begins with %s", async (_, bytes) => {
    const listener = await open();
    const client = await dial(listener);
    await client.send(bytes);
    if (bytes.length === 20) client.socket.end();
    expect(await client.ended()).toBe("");
  });

  it("uses the proxy's own address for the proxy's health checks", async () => {
    const client = await dial(await open());
    await client.send(Buffer.concat([proxied(Buffer.alloc(0), { command: 0x20, family: 0 }), Buffer.from(REQUEST)]));
    expect((await client.reply()).body).toBe("127.0.0.1");
  });

  it("reads no PROXY header from an address that is not listed", async () => {
    const client = await dial(await open({ trustedProxies: trusting("proxy-protocol", "10.0.0.1") }));
    await client.send(Buffer.concat([header("198.51.100.7"), Buffer.from(REQUEST)]));
    expect((await client.reply()).body).toBe("127.0.0.1");
    expect(await client.ended()).not.toContain("198.51.100.7");
  });

  it("checks allow_from against the proxy, and counts connections by client", async () => {
    const shut = await dial(await open({ allowFrom: list("198.51.100.7") }));
    expect(await shut.ended()).toBe("");
    const listener = await open({ allowFrom: list("127.0.0.1"), limits: { max: 100, maxPerSource: 1 } });
    const [one, two, again] = [await dial(listener), await dial(listener), await dial(listener)];
    await one.send(Buffer.concat([header("198.51.100.7"), Buffer.from(REQUEST)]));
    await two.send(Buffer.concat([header("198.51.100.8"), Buffer.from(REQUEST)]));
    expect([(await one.reply()).body, (await two.reply()).body]).toEqual(["198.51.100.7", "198.51.100.8"]);
    await again.send(Buffer.concat([header("198.51.100.7"), Buffer.from(REQUEST)]));
    expect(await again.ended()).toBe("");
  });

  it("starts and stops reading PROXY headers with an update", async () => {
    const listener = await open({ trustedProxies: [] });
    const ask = async (bytes: Uint8Array): Promise<string> => {
      const client = await dial(listener);
      await client.send(bytes);
      return (await client.reply()).body;
    };
    expect(await ask(Buffer.from(REQUEST))).toBe("127.0.0.1");
    listener.update(OPTIONS);
    expect(await ask(Buffer.concat([header("198.51.100.7"), Buffer.from(REQUEST)]))).toBe("198.51.100.7");
    listener.update({ ...OPTIONS, trustedProxies: trusting("x-forwarded-for", "127.0.0.1") });
    expect(await ask(Buffer.from("GET / HTTP/1.1\r\nHost: gw\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n"))).toBe(
      "198.51.100.9",
    );
    listener.update({ ...OPTIONS, trustedProxies: [] });
    expect(await ask(Buffer.from("GET / HTTP/1.1\r\nHost: gw\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n"))).toBe(
      "127.0.0.1",
    );
  });
});
