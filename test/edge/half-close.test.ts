/**
 * One rule for clients that close their side: while the request waits in the queue it is abandoned (503 OCSGW-3003, not
 * sent, journalled); what was sent, or had not to wait, is answered. With TLS and without, with TLS's farewell and
 * without, behind the request or with it.
 */
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { nodeDisk } from "../../src/journal/disk.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../kit/raw-ocs.ts";

const authority = createAuthority("half-close");
const server = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });

/**
 * `tcp` is the socket below TLS; without TLS it is the socket itself. `over`: all that came, once the gateway closed
 * its side or broke off.
 */
type Client = { readonly tcp: Socket; readonly socket: Socket; readonly over: Promise<string> };

const dial = async (port: number, tls: boolean): Promise<Client> => {
  const tcp = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true }).on("error", () => undefined);
  await new Promise((resolve) => tcp.once("connect", resolve));
  const socket: Socket = tls
    ? connectTls({
        socket: tcp,
        ca: authority.certPem,
        checkServerIdentity: () => undefined,
        allowHalfOpen: true,
      } as never)
    : tcp;
  socket.on("error", () => undefined);
  if (tls) await new Promise((resolve) => socket.once("secureConnect", resolve));
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  return {
    tcp,
    socket,
    over: new Promise((resolve) => socket.once("end", () => resolve(text)).once("close", () => resolve(text))),
  };
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const HELD = "4155550111";
/** Another one each time: the same Do-Not-Call, refused again within a minute, would be counted. */
let last = 4155550200;
const another = (): string => String(++last);
const post = (phone: string, as: string, rest = "Content-Length: 2\r\n\r\n{}"): string =>
  `POST /phones/${phone}?req=DoNotCall HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${basic(as)}\r\nContent-Type: ` +
  `application/json\r\n${rest}`;
const ALPHA = post(another(), "alpha");
const later =
  (end: (client: Client) => unknown, text = ALPHA) =>
  async (client: Client): Promise<void> => {
    await new Promise((resolve) => client.socket.write(text, resolve));
    await wait(50);
    end(client);
  };

type Seen = { readonly replies: readonly string[]; readonly sent: number; readonly kinds: readonly string[] };
const answered = (count = 1): Seen => ({
  replies: Array.from({ length: count }, () => "200"),
  sent: count,
  kinds: Array.from({ length: count }, () => ["intent", "outcome"]).flat(),
});
const abandoned: Seen = { replies: ["503 OCSGW-3003"], sent: 0, kinds: ["intent", "abandoned"] };
const malformed: Seen = { replies: ["400 OCSGW-1006"], sent: 0, kinds: ["refusal"] };
const nothing: Seen = { replies: [], sent: 0, kinds: [] };
const unheard = (seen: Seen): Seen => ({ ...seen, replies: [] });

/** What the client does, what comes of it where a lane is free, and where it has to wait. */
const WAYS: readonly (readonly [what: string, act: (client: Client) => unknown, free: Seen, queued: Seen])[] = [
  ["a FIN in the request's own segment", ({ socket }) => socket.end(ALPHA), answered(), abandoned],
  ["a FIN 50 ms after the request", later(({ socket }) => socket.end()), answered(), abandoned],
  [
    "a FIN of TCP at once, without close_notify",
    ({ socket, tcp }) => socket.write(ALPHA, () => tcp.end()),
    answered(),
    abandoned,
  ],
  ["a FIN of TCP 50 ms after the request, without close_notify", later(({ tcp }) => tcp.end()), answered(), abandoned],
  [
    "a FIN after a chunked request",
    ({ socket }) => socket.end(post(another(), "alpha", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
    answered(),
    abandoned,
  ],
  [
    "a FIN after a chunked request in pieces",
    async ({ socket }) => {
      for (const piece of [
        post(another(), "alpha", "Transfer-Encoding: chunked\r\n\r\n"),
        "1\r\n{\r\n",
        "1\r\n}\r\n0\r\n\r\n",
      ])
        await new Promise((resolve) => socket.write(piece, () => setTimeout(resolve, 10)));
      socket.end();
    },
    answered(),
    abandoned,
  ],
  ["a FIN after an empty line", ({ socket }) => socket.end(`${ALPHA}\r\n`), answered(), abandoned],
  // What is refused closes the connection, and what was sent behind it is not begun.
  ["a FIN after two pipelined requests", ({ socket }) => socket.end(ALPHA.repeat(2)), answered(2), abandoned],
  [
    "a FIN after a request and half of the next one",
    ({ socket }) => socket.end(ALPHA + ALPHA.slice(0, 30)),
    { ...answered(), kinds: ["intent", "outcome", "refusal"] },
    abandoned,
  ],
  // A client that sends so many ahead is not read until they are fewer: its FIN is heard then, and from there on a lane
  // is free for each.
  ["a FIN after nine pipelined requests", ({ socket }) => socket.end(ALPHA.repeat(9)), answered(9), answered(9)],
  ["a FIN before the head is whole", ({ socket }) => socket.end(ALPHA.slice(0, 40)), nothing, nothing],
  [
    "a FIN before the body is whole",
    ({ socket }) => socket.end(post(another(), "alpha", "Content-Length: 9\r\n\r\n{}")),
    malformed,
    malformed,
  ],
  [
    "a FIN before the body is whole, 50 ms later",
    (client) => later(({ socket }) => socket.end(), post(another(), "alpha", "Content-Length: 9\r\n\r\n{}"))(client),
    malformed,
    malformed,
  ],
  [
    "a FIN before a chunked body is whole",
    ({ socket }) => socket.end(post(another(), "alpha", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")),
    malformed,
    malformed,
  ],
  [
    "a reset at once",
    ({ socket, tcp }) => socket.write(ALPHA, () => setImmediate(() => tcp.resetAndDestroy())),
    unheard(answered()),
    unheard(abandoned),
  ],
  ["a reset 50 ms after the request", later(({ tcp }) => tcp.resetAndDestroy()), answered(), unheard(abandoned)],
];

const repliesIn = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n/g)].map(([head, status]) =>
    [status, /^Ocsgw-Code: (\S+)/im.exec(head)?.[1]].filter((part) => part !== undefined).join(" "),
  );

describe.each([
  ["without TLS", false],
  ["over TLS", true],
])("a client that closes its side %s", (_how, tls) => {
  let ocs: RawOcs;
  let gateway: TestGateway;
  let held: RawConnection | undefined;
  const answerHeld = (): unknown => held?.socket.write(OK);
  /** Milliseconds that each write of the journal takes. */
  let slow = 0;

  beforeAll(async () => {
    const open = nodeDisk.open.bind(nodeDisk);
    vi.spyOn(nodeDisk, "open").mockImplementation(async (path, how) => {
      const file = await open(path, how);
      return {
        ...file,
        write: async (bytes, position) => (slow > 0 && (await wait(slow)), file.write(bytes, position)),
      };
    });
    ocs = await rawOcs(({ head, connection }) => (head.includes(HELD) ? void (held = connection) : OK));
    const config = twoTenants(ocs.url);
    const listener = tls ? { cert: "server.crt", key: "server.key" } : "none";
    Object.assign(config, {
      listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: listener }],
      admin: { bind: "127.0.0.1:0", tls: listener },
    });
    const registrars = [{ client: "minter", tenants: ["Alpha Tenant"] }];
    Object.assign(config.upstreams["ocs"] as object, {
      connections: 1,
      queue: { max_wait: "20s" },
      callbacks: {
        bind: "127.0.0.1:0",
        allow_from: ["127.0.0.1"],
        tls: tls ? { cert: "server.crt", key: "server.key" } : "none",
        registrars,
      },
    });
    (config.tenants as { records: string }[])[0]!.records = "registered";
    gateway = await aGateway(config, ["alpha", "beta", "minter"], {
      "server.crt": server.certPem,
      "server.key": server.keyPem,
    });
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await gateway.stop();
    await ocs.close();
  });

  const journal = async (): Promise<Recorded[]> => {
    const text = await readFile(join(gateway.dir, "audit/segments/000000000000.jsonl"), "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Recorded);
  };

  /** Its own entries, with its lane taken by another request or free. */
  const outcome = async (act: (client: Client) => unknown, busy: boolean): Promise<Seen> => {
    held = undefined;
    const [sentBefore, entriesBefore] = [ocs.requests(), (await journal()).length];
    const first = busy ? await dial(gateway.port, tls) : undefined;
    if (first) {
      first.socket.write(post(HELD, "beta"));
      await expect.poll(() => held).toBeDefined();
    }
    const client = await dial(gateway.port, tls);
    await act(client);
    // What is refused ends before OCS answers the other request; nine pipelined requests end only after it.
    await Promise.all([wait(100 + 2 * slow), Promise.race([client.over, wait(1000)])]);
    answerHeld();
    const text = await client.over;
    // Until the last outcome is written.
    await wait(110 + 2 * slow);
    first?.socket.destroy();
    client.tcp.destroy();
    const entries = (await journal()).slice(entriesBefore);
    const others = entries
      .filter((entry) => entry.kind === "intent" && entry.client === "beta")
      .map((entry) => (entry as { id: string }).id);
    return {
      replies: repliesIn(text),
      sent: ocs.requests() - sentBefore - others.length,
      kinds: entries
        .filter((entry) => !("id" in entry) || !others.includes(entry.id as string))
        .map(({ kind }) => kind),
    };
  };

  it.each(WAYS)("by %s while a lane is free", async (_what, act, free) => {
    expect(await outcome(act, false)).toEqual(free);
  });

  it.each(WAYS)("by %s while its request waits in the queue, or would", async (_what, act, _free, queued) => {
    expect(await outcome(act, true)).toEqual(queued);
  });

  it.each([
    ["a lane is free", false, answered()],
    ["it has to wait for a lane as well", true, abandoned],
  ])("while its request waits for a slow journal, and %s", async (_what, busy, seen) => {
    slow = 100;
    const found = await outcome(
      later(({ socket }) => socket.end()),
      busy,
    ).finally(() => (slow = 0));
    expect(found).toEqual(seen);
  });

  it.each([
    [
      "an announcement",
      "callbacks",
      "POST",
      "/validate",
      JSON.stringify({ GSW_RECORD_HANDLE: 900, GSW_CALLING_LIST: "Beta List" }),
      "",
      "200",
    ],
    [
      "a registration",
      "callbacks",
      "PUT",
      "/ownership/ocs/901",
      '{"tenant":"Alpha Tenant"}',
      `Authorization: ${basic("minter")}\r\n`,
      "201",
    ],
    ["a look at its health", "admin", "GET", "/healthz", "", "", "200"],
    ["a look at its status", "admin", "GET", "/api/status", "", "Authorization: Bearer token\r\n", "200"],
  ] as const)(
    "after %s gets its answer, because nothing waits there",
    async (_what, listener, method, path, body, more, status) => {
      const port = Number(
        new URL(listener === "admin" ? gateway.gateway.admin! : gateway.gateway.callbacks["ocs"]!).port,
      );
      const client = await dial(port, tls);
      client.socket.end(
        `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}Content-Length: ` +
          `${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      expect(repliesIn(await client.over)).toEqual([status]);
      client.tcp.destroy();
    },
  );
});
