import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { BlockList } from "node:net";
import { connect as connectTls } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { listen, type Listener, type ListenerOptions } from "../../src/edge/listener.ts";
import type { Arrival } from "../../src/common/message.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { aLine, type TestLine } from "../kit/line.ts";
import { describeIf } from "../kit/machine.ts";
import { rawClient, type RawClient } from "../kit/raw-client.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const authority = createAuthority("test");
const leaf = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const tls = {
  cert: leaf.certPem,
  key: leaf.keyPem,
  minVersion: "1.2" as const,
  clientCa: undefined,
  clientCertificates: "none" as const,
};

const open = async (
  setting: Parameters<typeof aLine>[0] = {},
  over: Partial<ListenerOptions> = {},
): Promise<{ line: TestLine; listener: Listener }> => {
  const line = aLine(setting);
  const listener = await listen(
    {
      name: "clients",
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      names: ["gw.example", "ocs.example:8080"],
      allowFrom: undefined,
      maxBody: 1024,
      ...over,
    },
    line.handler,
  );
  stops.push(() => listener.stop(100));
  return { line, listener };
};

const dial = async (listener: Listener, options: Parameters<typeof rawClient>[1] = {}): Promise<RawClient> => {
  const client = await rawClient(listener.port, options);
  stops.push(client.close);
  return client;
};

const post = (target: string, body = "", headers: readonly string[] = []): string =>
  [
    `POST ${target} HTTP/1.1`,
    "Host: localhost",
    "X-Client: alpha",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    "",
    body,
  ].join("\r\n");
const DNC = "/phones/4155550100?req=DoNotCall";

describe("a listener", () => {
  it("serves many requests on one connection, also byte by byte", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(post(DNC, '{"GSW_TENANT_DBID":101}'));
    expect((await client.reply()).status).toBe(200);
    await client.send(...post(DNC, "{}").split(""));
    expect((await client.reply()).status).toBe(200);
    expect(line.sent).toHaveLength(2);
  });

  it("answers pipelined requests one after the other and in order", async () => {
    let running = 0;
    let most = 0;
    const { line, listener } = await open({
      send: async (order) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        return {
          status: 200,
          headers: [["Etag", order.path]],
          body: new Uint8Array(),
          lane: "l",
          endpoint: "e",
          waits: { queue: 0, ocs: 0 },
        };
      },
    });
    const client = await dial(listener);
    const handles = Array.from({ length: 30 }, (_, index) => index + 1);
    await client.send(handles.map((handle) => post(`/records/${handle}?req=RecordReject`)).join(""));
    for (const handle of handles)
      expect((await client.reply()).headers.etag).toBe(`/records/${handle}?req=RecordReject`);
    expect(most).toBe(1);
    expect(line.sent).toHaveLength(30);
  });

  it("answers a client that has closed its sending side", async () => {
    const { listener } = await open({
      send: async () => (
        await new Promise((resolve) => setTimeout(resolve, 50)),
        { status: 200, headers: [], body: new Uint8Array(), lane: "l", endpoint: "e", waits: { queue: 0, ocs: 0 } }
      ),
    });
    const client = await dial(listener, { halfOpen: true });
    await client.send(post(DNC));
    client.socket.end();
    expect((await client.reply()).status).toBe(200);
  });

  it("answers a client that has closed its sending side over TLS", async () => {
    const { listener } = await open(
      {
        send: async () => (
          await new Promise((resolve) => setTimeout(resolve, 50)),
          { status: 200, headers: [], body: new Uint8Array(), lane: "l", endpoint: "e", waits: { queue: 0, ocs: 0 } }
        ),
      },
      { tls },
    );
    const client = await dial(listener, { ca: authority.certPem, halfOpen: true });
    await client.send(post(DNC));
    client.socket.end();
    expect((await client.reply()).status).toBe(200);
    await client.ended();
  });

  it("answers earlier requests of a client that closed its side in the middle of its next one", async () => {
    const { listener } = await open();
    const client = await dial(listener, { halfOpen: true });
    await client.send(`${post(DNC)}POST /phones/4155550100?req=Do`);
    client.socket.end();
    expect((await client.reply()).status).toBe(200);
    await client.ended();
  });

  it("closes the connection when bytes that are not a request arrive during a reply", async () => {
    const { line, listener } = await open();
    for (let round = 0; round < 20; round++) {
      const client = await dial(listener);
      await client.send(post(DNC));
      client.socket.once("data", () => void client.socket.write("\0\0\r\n\r\n"));
      expect(await client.ended()).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(line.sent).toHaveLength(20);
  });

  it("notifies the pipeline when the client disconnects", async () => {
    let notify: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (notify = resolve));
    const { listener } = await open({
      send: (_order, gone) =>
        new Promise((_resolve, reject) =>
          gone().addEventListener(
            "abort",
            () => (
              notify!(),
              reject(Object.assign(new Error("x"), { reason: "abandoned", sent: false, waits: { queue: 1, ocs: 0 } }))
            ),
          ),
        ),
    });
    const client = await dial(listener);
    await client.send(post(DNC));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.close();
    await gone;
  });

  it("accepts a chunked body", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(
      `POST ${DNC} HTTP/1.1\r\nHost: localhost\r\nX-Client: alpha\r\nTransfer-Encoding: ` +
        `chunked\r\n\r\n5\r\n{"GSW\r\n12\r\n_TENANT_DBID":101}\r\n0\r\n\r\n`,
    );
    expect((await client.reply()).status).toBe(200);
    expect(line.sent[0]!.body).toBe('{"GSW_TENANT_DBID":101}');
  });

  it("ignores an offer of h2c, which Java's client makes with every request", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(
      post(DNC, "{}", [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
      ]),
    );
    expect((await client.reply()).status).toBe(200);
  });

  it("sends 100 Continue only after the request was authorized", async () => {
    const { listener } = await open();
    const yes = await dial(listener);
    await yes.send(post(DNC, "", ["Expect: 100-continue"]).replace("Content-Length: 0", "Content-Length: 2"));
    expect((await yes.reply()).status).toBe(100);
    await yes.send("{}");
    expect((await yes.reply()).status).toBe(200);
    const no = await dial(listener);
    await no.send(
      post("/campaigngroups/208?req=nonsense", "", ["Expect: 100-continue"]).replace(
        "Content-Length: 0",
        "Content-Length: 2",
      ),
    );
    const refused = await no.reply();
    expect([refused.status, refused.headers.connection]).toEqual([400, "close"]);
  });

  it("sends 100 Continue also when the body has arrived already", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(post(DNC, "{}", ["Expect: 100-continue"]));
    expect([(await client.reply()).status, (await client.reply()).status]).toEqual([100, 200]);
    await client.send(post(DNC, "{}"));
    expect((await client.reply()).status).toBe(200);
  });

  const REFUSED = post("/campaigngroups/208?req=nonsense", '{"GSW_TENANT_DBID":101}');

  it("does not read the next request as the body of a refused one", async () => {
    const { line, listener } = await open();
    const client = await dial(listener, { halfOpen: true });
    // A proxy that has its reply may give the connection to somebody else, and never send the body.
    await client.send(REFUSED.slice(0, -23));
    const refused = await client.reply();
    expect([refused.status, refused.headers.connection]).toEqual([400, "close"]);
    await client.send(post(DNC, "{}"));
    expect(await client.ended()).toBe("");
    expect(line.sent).toEqual([]);
  });

  it("waits a moment for the body of a refused request, and then continues", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    for (const at of [REFUSED.length - 23, REFUSED.length - 1]) {
      await client.send(REFUSED.slice(0, at), REFUSED.slice(at));
      const refused = await client.reply();
      expect([refused.status, refused.headers.connection]).toEqual([400, "keep-alive"]);
    }
    await client.send(post(DNC, "{}"));
    expect((await client.reply()).status).toBe(200);
    expect(line.sent).toHaveLength(1);
  });

  it.each([
    ["with its head", [post(DNC, "{}")]],
    ["later", [post(DNC, "{}").slice(0, -2), "{}"]],
  ])(
    "releases a request whose body came %s when it is answered, while the connection stays open",
    async (_when, pieces) => {
      const arrivals: WeakRef<Arrival>[] = [];
      const { handler } = aLine();
      const listener = await listen(
        { name: "clients", host: "127.0.0.1", port: 0, tls: undefined, names: [], allowFrom: undefined, maxBody: 1024 },
        (arrival) => {
          arrivals.push(new WeakRef(arrival));
          return handler(arrival);
        },
      );
      stops.push(() => listener.stop(100));
      const client = await dial(listener);
      await client.send(...pieces);
      expect((await client.reply()).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
      collectGarbage();
      expect(arrivals.map((arrival) => arrival.deref())).toEqual([undefined]);
    },
  );

  it("survives a client that sends CONNECT and resets the connection", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send("CONNECT ocs.example:8080 HTTP/1.1\r\nHost: ocs.example:8080\r\n\r\n");
    expect((await client.reply()).status).toBe(400);
    client.socket.resetAndDestroy();
    // Vitest fails the run when the reset is an error that nobody takes.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const next = await dial(listener);
    await next.send(post(DNC));
    expect((await next.reply()).status).toBe(200);
  });

  it("keeps idle connections longer than Node's default", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(post(DNC));
    await client.reply();
    await new Promise((resolve) => setTimeout(resolve, 7000));
    await client.send(post(DNC));
    expect((await client.reply()).status).toBe(200);
  });

  it("answers requests in progress before it stops, and accepts no new connections", async () => {
    const { listener } = await open({
      send: async () => (
        await new Promise((resolve) => setTimeout(resolve, 100)),
        { status: 200, headers: [], body: new Uint8Array(), lane: "l", endpoint: "e", waits: { queue: 0, ocs: 0 } }
      ),
    });
    const [busy, idle] = [await dial(listener), await dial(listener)];
    await busy.send(post(DNC));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stopped = listener.stop(5000);
    const reply = await busy.reply();
    expect([reply.status, reply.headers.connection]).toEqual([200, "close"]);
    await stopped;
    await idle.ended();
    await expect(rawClient(listener.port)).rejects.toThrow();
  });

  it.each([
    ["plain", undefined],
    ["TLS", tls],
  ] as const)(
    "does not wait for clients that have sent nothing or half a request when it stops: %s",
    async (_over, secured) => {
      const answer = Promise.withResolvers<{
        status: number;
        headers: [];
        body: Uint8Array;
        lane: string;
        endpoint: string;
        waits: { queue: number; ocs: number };
      }>();
      const { line, listener } = await open(
        { send: () => answer.promise },
        { tls: secured, timeouts: { head: 2000, request: 60_000, reply: 60_000 } },
      );
      const silent = await dial(listener, secured && { ca: authority.certPem });
      const [half, busy] = [
        await dial(listener, secured && { ca: authority.certPem }),
        await dial(listener, secured && { ca: authority.certPem }),
      ];
      await busy.send(post(DNC));
      await vi.waitFor(() => expect(line.sent).toHaveLength(1), { timeout: 20_000 });
      await half.send("POST ");
      const stopped = listener.stop(3_600_000);
      await Promise.all([silent.ended(), half.ended()]);
      answer.resolve({
        status: 200,
        headers: [],
        body: new Uint8Array(),
        lane: "l",
        endpoint: "e",
        waits: { queue: 0, ocs: 0 },
      });
      expect((await busy.reply()).status).toBe(200);
      await stopped;
    },
  );
});

const CONNECTIONS = "/proc/net/tcp";

describeIf(existsSync(CONNECTIONS), CONNECTIONS, "a client that may have gone without a word", () => {
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  /** Linux's own number of what it waits for on our side of the connection. */
  const timerOf = (ours: number, theirs: number): string | undefined =>
    readFileSync(CONNECTIONS, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find(([, local, remote]) => local?.endsWith(hex(ours)) && remote?.endsWith(hex(theirs)))?.[5];

  it.each([
    ["plain", undefined],
    ["TLS", tls],
  ] as const)("is probed by TCP keep-alive: %s", async (_over, secured) => {
    const { listener } = await open({}, { tls: secured });
    const client = await dial(listener, secured && { ca: authority.certPem });
    await client.send(post(DNC));
    expect((await client.reply()).status).toBe(200);
    await vi.waitFor(() => expect(timerOf(listener.port, client.socket.localPort!)).toMatch(/^02:/), {
      timeout: 20_000,
    });
  });
});

type Bad = readonly [name: string, bytes: string, status: number, code: string];

const head = (lines: readonly string[], line = `POST ${DNC} HTTP/1.1`): string => [line, ...lines, "", ""].join("\r\n");
const bad: readonly Bad[] = [
  ["two Host lines", head(["Host: localhost", "Host: localhost", "X-Client: alpha", "Content-Length: 0"]), 400, "1011"],
  ["no Host", head(["X-Client: alpha", "Content-Length: 0"]), 400, "1011"],
  [
    "Content-Length with Transfer-Encoding",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 0", "Transfer-Encoding: chunked"]),
    400,
    "1011",
  ],
  [
    "two Content-Length lines",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 0", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "chunked as a Content-Encoding",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 0", "Content-Encoding: chunked"]),
    400,
    "1011",
  ],
  [
    "another transfer coding",
    head(["Host: localhost", "X-Client: alpha", "Transfer-Encoding: gzip, chunked"]),
    400,
    "1011",
  ],
  ["a signed Content-Length", head(["Host: localhost", "X-Client: alpha", "Content-Length: +0"]), 400, "1006"],
  [
    "two Authorization lines",
    head([
      "Host: localhost",
      "X-Client: alpha",
      "Authorization: Basic YTpi",
      "Authorization: Basic YTpi",
      "Content-Length: 0",
    ]),
    400,
    "1011",
  ],
  [
    "two Content-Type lines",
    head([
      "Host: localhost",
      "X-Client: alpha",
      "Content-Type: application/json",
      "Content-Type: text/plain",
      "Content-Length: 0",
    ]),
    400,
    "1011",
  ],
  [
    "a length whose name has an underscore",
    head(["Host: localhost", "X-Client: alpha", "Content_Length: 5", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a coding whose name has a dot",
    head(["Host: localhost", "X-Client: alpha", "Transfer.Encoding: chunked", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a key whose name has an underscore",
    head(["Host: localhost", "X-Client: alpha", "X_Api_Key: k", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a tenant whose name has an underscore",
    head(["Host: localhost", "X-Client: alpha", "ocsgw_tenant: 102", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a Content-Type that is not ASCII",
    head(["Host: localhost", "X-Client: alpha", "Content-Type: application/j\u00e4son", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a control character in a value",
    head(["Host: localhost", "X-Client: alpha", "X-Note: a\u0001b", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a dot that ends a foreign Host",
    head(["Host: evil.example.", "X-Client: alpha", "Content-Length: 0"]),
    421,
    "1010",
  ],
  ["two dots that end a Host", head(["Host: localhost..", "X-Client: alpha", "Content-Length: 0"]), 421, "1010"],
  ["a blank before the colon", head(["Host: localhost", "X-Client : alpha", "Content-Length: 0"]), 400, "1011"],
  ["a folded header", head(["Host: localhost", "X-Client: alpha", " beta", "Content-Length: 0"]), 400, "1011"],
  ["HTTP/1.0", head(["Host: localhost", "X-Client: alpha", "Content-Length: 0"], `POST ${DNC} HTTP/1.0`), 400, "1011"],
  ["HTTP/2.0 in clear text", head(["Host: localhost", "X-Client: alpha"], "GET /campaigngroups HTTP/2.0"), 400, "1011"],
  ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "1011"],
  [
    "another expectation",
    head(["Host: localhost", "X-Client: alpha", "Expect: 200-ok", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "a GET with a body",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 2"], "GET /campaigngroups HTTP/1.1") + "{}",
    400,
    "1006",
  ],
  ["a body beyond the limit", head(["Host: localhost", "X-Client: alpha", "Content-Length: 1025"]), 413, "1006"],
  [
    "a chunked body beyond the limit",
    head(["Host: localhost", "X-Client: alpha", "Transfer-Encoding: chunked"]) +
      `402\r\n{"A":"${"x".repeat(1018)}"}\r\n0\r\n\r\n`,
    413,
    "1006",
  ],
  [
    "a target beyond the limit",
    head(["Host: localhost", "X-Client: alpha"], `GET /${"a".repeat(2100)} HTTP/1.1`),
    431,
    "1006",
  ],
  ["a header block beyond the limit", head(["Host: localhost", `X-Client: ${"a".repeat(25_000)}`]), 431, "1006"],
  [
    "too many header lines",
    head(["Host: localhost", "X-Client: alpha", ...Array.from({ length: 70 }, (_, index) => `X-${index}: 1`)]),
    431,
    "1006",
  ],
  ["a foreign Host", head(["Host: evil.example", "X-Client: alpha", "Content-Length: 0"]), 421, "1010"],
  [
    "our name with a port that is not ours",
    head(["Host: localhost:1", "X-Client: alpha", "Content-Length: 0"]),
    421,
    "1010",
  ],
  [
    "a foreign authority in absolute form",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 0"], `POST http://evil.example${DNC} HTTP/1.1`),
    421,
    "1010",
  ],
  [
    "userinfo in absolute form",
    head(["Host: localhost", "X-Client: alpha", "Content-Length: 0"], `POST http://localhost@evil${DNC} HTTP/1.1`),
    421,
    "1010",
  ],
  [
    "trailers",
    head(["Host: localhost", "X-Client: alpha", "Transfer-Encoding: chunked"]) + "2\r\n{}\r\n0\r\nHost: evil\r\n\r\n",
    400,
    "1011",
  ],
  [
    "a broken chunk size",
    head(["Host: localhost", "X-Client: alpha", "Transfer-Encoding: chunked"]) + "zz\r\n{}\r\n",
    400,
    "1011",
  ],
  ["garbage", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "1011"],
  [
    "a length inside another header",
    head(["Host: localhost", "X-Client: alpha", "X: x\tTransfer-Encoding: chunked", "Content-Length: 0"]),
    400,
    "1011",
  ],
  [
    "an Upgrade",
    head(["Host: localhost", "X-Client: alpha", "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0"]),
    400,
    "1011",
  ],
  ["CONNECT", head(["Host: localhost:443"], "CONNECT localhost:443 HTTP/1.1"), 400, "1011"],
];

const FLOOD = 700;
/** Linux holds no more in waiting than this, whatever a listener asks for. */
const mostWaiting = (): number => {
  try {
    return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
  } catch {
    return 0;
  }
};

describeIf(
  mostWaiting() >= FLOOD,
  `a system whose accept queue holds ${FLOOD} connections`,
  "a flood of connections while the event loop is busy",
  () => {
    it("is accepted completely", async () => {
      const { listener } = await open();
      const connected = new Int32Array(new SharedArrayBuffer(4));
      const clients = new Worker(
        `
      const { workerData: { port, count, connected } } = require("node:worker_threads");
      const isConnected = () => (Atomics.add(connected, 0, 1), Atomics.notify(connected, 0));
      const { connect } = require("node:net");
      for (let at = 0; at < count; at++) connect(port, "127.0.0.1", isConnected).on("error", () => undefined);
    `,
        { eval: true, workerData: { port: listener.port, count: FLOOD, connected } },
      );
      stops.push(() => clients.terminate());
      await once(clients, "online");
      // Nothing is accepted meanwhile: a client whose SYN is dropped tries again after a second, in vain.
      for (let seen = 0; seen < FLOOD && Atomics.wait(connected, 0, seen, 5000) !== "timed-out";)
        seen = Atomics.load(connected, 0);
      expect(Atomics.load(connected, 0)).toBe(FLOOD);
    });
  },
);

describe("an unusual but valid HTTP request", () => {
  it.each<[string, readonly string[]]>([
    ["a name with an underscore", ["X_Trace_Id: 1", "x_forwarded_for: 10.0.0.1"]],
    ["a name with a dot", ["com.example.trace: 1"]],
    ["a name with each other sign of a token", ["#$%&'*+!^`|~: 1"]],
    ["a value in UTF-8 and one in Latin-1", ["X-Agent: Zo\u00c3\u00ab", "User-Agent: Z\u00fcrich"]],
    ["an empty value, a value of blanks", ["X-Empty:", "X-Blank:   \t "]],
    ["a Host whose name ends in a dot", ["!Host: localhost."]],
    ["a Host in capitals with a dot", ["!Host: GW.Example."]],
    ["a Host with a colon and no port", ["!Host: localhost:"]],
    ["a token of the largest size", [`Authorization: Bearer ${"x".repeat(16_384)}`]],
    ["a foreign Content-Type without a body", ["Content-Type: text/plain"]],
    ["a form's Content-Type without a body", ["Content-Type: application/x-www-form-urlencoded; charset=iso-8859-1"]],
  ])("is served: %s", async (_name, lines) => {
    const { line, listener } = await open();
    const client = await dial(listener);
    const host = lines.find((each) => each.startsWith("!"))?.slice(1) ?? "Host: localhost";
    await client.send(
      Buffer.from(
        head([host, "X-Client: alpha", "Content-Length: 0", ...lines.filter((each) => !each.startsWith("!"))]),
        "latin1",
      ),
    );
    expect((await client.reply()).status).toBe(200);
    expect(line.sent).toHaveLength(1);
  });

  it("is served under a published port if its name allows any port", async () => {
    const { line, listener } = await open({}, { names: ["gw.example:*", "[2001:db8::1]:*"] });
    const client = await dial(listener);
    for (const host of ["gw.example:30443", "gw.example", "GW.EXAMPLE.:1", "[2001:db8::1]:30443"]) {
      await client.send(head([`Host: ${host}`, "X-Client: alpha", "Content-Length: 0"]));
      expect([host, (await client.reply()).status]).toEqual([host, 200]);
    }
    await client.send(
      head(["Host: localhost", "X-Client: alpha", "Content-Length: 0"], `POST http://gw.example:30443${DNC} HTTP/1.1`),
    );
    expect((await client.reply()).status).toBe(200);
    for (const host of [
      "other.example:30443",
      "gw.example:*",
      "x.gw.example:30443",
      "gw.example:x",
      "gw.example:999999",
      "gw.example:1@evil",
      "[2001:db8::2]:1",
    ]) {
      await client.send(head([`Host: ${host}`, "X-Client: alpha", "Content-Length: 0"]));
      expect([host, (await client.reply()).headers["ocsgw-code"]]).toEqual([host, "OCSGW-1010"]);
    }
    expect(line.sent).toHaveLength(5);
  });
});

describe("a refusal because of a header names the header:", () => {
  it.each<[string, string, RegExp]>([
    ["a control character", "X-Note: a\u0001b", /the header X-Note has a/],
    ["another header inside", "X-Note: a\tContent-Length: 5", /the header X-Note has another header in it/],
    [
      "a name that reads as a framing header",
      "Transfer_Encoding: chunked",
      /the header Transfer_Encoding could be read as transfer-encoding/,
    ],
    [
      "a value that must be ASCII but is not",
      "Ocsgw-Tenant: Z\u00fcrich",
      /the header ocsgw-tenant has a character other than visible ASCII/,
    ],
    ["a name that is not a token", "X-No(te: 1", /a header has a character that HTTP does not allow/],
    ["a blank before the colon", "X-Note : 1", /has a character that HTTP does not allow/],
  ])("%s", async (_name, headerLine, said) => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(
      Buffer.from(head(["Host: localhost", "X-Client: alpha", "Content-Length: 0", headerLine]), "latin1"),
    );
    const reply = await client.reply();
    expect(reply.headers["ocsgw-code"]).toBe("OCSGW-1011");
    expect(reply.body).toMatch(said);
  });

  it("masks digits in the name", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(head(["Host: localhost", "X-Client: alpha", "Content-Length: 0", "4155550100: a\u0001b"]));
    expect((await client.reply()).body).not.toContain("4155550100");
  });
});

describe("a request that is ambiguous or not for this gateway", () => {
  it.each(bad)("%s", async (_name, bytes, status, code) => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(bytes);
    const reply = await client.reply();
    expect([reply.status, reply.headers["ocsgw-code"]]).toEqual([status, `OCSGW-${code}`]);
    expect([reply.headers["ocsgw-origin"], reply.headers["ocsgw-delivery"]]).toEqual(["gateway", "not-sent"]);
    expect(reply.headers["ocsgw-request-id"]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(reply.body).toContain(`OCSGW-${code}`);
    expect(line.sent).toEqual([]);
    expect(line.journal.filter(({ kind }) => kind === "refusal")).toMatchObject([{ code: `OCSGW-${code}`, status }]);
    if (code === "1011") expect(reply.headers.connection).toBe("close");
  });

  it("is refused with 1006 and closed in the manual's example with a too short Content-length", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    const body = '{\n    "CUSTOMER_CODE": 22, "GSW_CALL_RESULT":33,\n    "DATE_LAST_SERVED": "10/30/2008"\n}';
    await client.send(
      post("/records/15?req=RecordProcessed", body).replace(/Content-Length: \d+/, "Content-Length: 54"),
    );
    const reply = await client.reply();
    expect([reply.status, reply.headers["ocsgw-code"], reply.headers.connection]).toEqual([400, "OCSGW-1006", "close"]);
    await client.ended();
    expect(line.sent).toEqual([]);
  });

  it.each([
    ["by the guard", post(DNC, "", ["Content_Length: 5"])],
    ["by the parser of its body", post(DNC, "86\r\n")],
    ["for its lengths", post(DNC, "", ["Transfer-Encoding: chunked"])],
  ])("prevents later requests on its connection when it is refused %s", async (_by, first) => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(first + post(DNC) + post(DNC));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [^]*Connection: close/);
    expect(line.sent).toEqual([]);
  });

  it("does not affect the answer to the previous request, and is journaled", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(`${post(DNC)}\0\0\0\r\n\r\n`);
    const reply = await client.reply();
    expect([reply.status, reply.headers.connection]).toEqual([200, "close"]);
    await client.ended();
    expect(line.sent).toHaveLength(1);
    expect(line.journal).toContainEqual(expect.objectContaining({ kind: "refusal", code: "OCSGW-1011" }));
  });

  it("leaves no timer that keeps a closed connection in memory", async () => {
    const [set, clear] = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "clearTimeout")];
    stops.push(() => void vi.restoreAllMocks());
    const { listener } = await open();
    const raw = await dial(listener);
    await raw.send("nonsense\r\n\r\n");
    await raw.ended();
    const served = await dial(listener);
    await served.send(post(DNC, "", ["Transfer-Encoding: chunked"]));
    await served.ended();
    const lingering = set.mock.results
      .filter((_, at) => set.mock.calls[at]![1] === 1000)
      .map(({ value }) => value as NodeJS.Timeout);
    expect(lingering).toHaveLength(2);
    await vi.waitFor(() => expect(clear.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(lingering)));
  });

  it("may have a body that never arrives completely", async () => {
    const { line, listener } = await open();
    const client = await dial(listener);
    await client.send(post(DNC, "{}").replace("Content-Length: 2", "Content-Length: 20"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.close();
    await vi.waitFor(() => expect(line.journal).toMatchObject([{ kind: "refusal", code: "OCSGW-1006" }]), {
      timeout: 20_000,
    });
    expect(line.sent).toEqual([]);
  });
});

describe("the names of a listener", () => {
  const hosts = ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "gw.example", "ocs.example:8080"];
  it.each(hosts)("include %s", async (host) => {
    const { listener } = await open();
    const client = await dial(listener);
    await client.send(post(DNC).replace("Host: localhost", `Host: ${host}`));
    expect((await client.reply()).status).toBe(200);
    await client.send(post(`http://${host}${DNC}`).replace("Host: localhost", `Host: ${host}`));
    expect((await client.reply()).status).toBe(200);
  });

  it("include each name with the listener's port", async () => {
    const { listener } = await open();
    const client = await dial(listener);
    for (const host of [`localhost:${listener.port}`, `gw.example:${listener.port}`]) {
      await client.send(post(DNC).replace("Host: localhost", `Host: ${host}`));
      expect((await client.reply()).status).toBe(200);
    }
  });
});

describe("a TLS listener", () => {
  it("serves HTTP/1.1 over TLS 1.2 and 1.3", async () => {
    const { listener } = await open({}, { tls });
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = connectTls({
        port: listener.port,
        host: "127.0.0.1",
        ca: authority.certPem,
        servername: "localhost",
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ["h2", "http/1.1"],
      });
      stops.push(() => void socket.destroy());
      await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"]);
    }
    const client = await dial(listener, { ca: authority.certPem });
    await client.send(post(DNC));
    expect((await client.reply()).status).toBe(200);
  });

  it("refuses TLS 1.1 and plain text", async () => {
    const { line, listener } = await open({}, { tls });
    const old = connectTls({
      port: listener.port,
      host: "127.0.0.1",
      ca: authority.certPem,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL@SECLEVEL=0",
    });
    stops.push(() => void old.destroy());
    expect(
      await new Promise((resolve) =>
        old.once("secureConnect", () => resolve("connected")).once("error", () => resolve("refused")),
      ),
    ).toBe("refused");
    const plain = await dial(listener);
    await plain.send(post(DNC));
    await plain.ended();
    expect(line.sent).toEqual([]);
  });
});

describe("allow_from", () => {
  it("closes connections from networks that are not listed", async () => {
    const elsewhere = new BlockList();
    elsewhere.addSubnet("10.0.0.0", 8, "ipv4");
    const { line, listener } = await open({}, { allowFrom: elsewhere });
    const client = await dial(listener);
    await client.send(post(DNC));
    expect(await client.ended()).toBe("");
    expect(line.sent).toEqual([]);
    const here = new BlockList();
    here.addSubnet("127.0.0.0", 8, "ipv4");
    const other = await open({}, { allowFrom: here });
    const welcome = await dial(other.listener);
    await welcome.send(post(DNC));
    expect((await welcome.reply()).status).toBe(200);
  });
});
