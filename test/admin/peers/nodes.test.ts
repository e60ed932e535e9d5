/** Questions to all gateways that share one database, over sockets on loopback. */
import { createServer, type Server } from "node:http";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer as createTcp, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Access } from "../../../src/journal/entry.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import { verifyBundle } from "../../../src/journal/verify/bundle/bundle.mjs";
import { unpack } from "../../../src/journal/verify/segments/unpack.ts";
import { aDoNotCall } from "../../journal/kit.ts";
import { auditor, TOKEN } from "../api/kit.ts";
import type { KnownNode } from "../../../src/admin/peers/nodes.ts";
import { aNode, introduce, KEY, type TestNode } from "./kit.ts";

type Stops = { stop: () => Promise<unknown> | void };
const open: Stops[] = [];
const keep = <Each extends Stops>(each: Each): Each => {
  open.push(each);
  return each;
};
const stopFrom = async (first: number): Promise<void> => {
  for (const { stop } of open.splice(first).reverse()) await stop();
};

const NUMBER = "4155550142";
const INDEX_KEY = "an index key for tests only, of 32 and more";
const redactor = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, INDEX_KEY);
const ALPHA = { tenant: { dbid: 101, name: "Alpha Tenant" }, client: "alpha", upstream: "ocs" };
const BETA = { tenant: { dbid: 102, name: "Beta Tenant" }, client: "beta-canary", upstream: "ocs" };
const about = (phone: string) => ({ tokens: redactor.tokens("phones", phone, new Map()) });

const OTHER = "4155550199";
const A = [aDoNotCall(1, { ...ALPHA, ...about(NUMBER) }), aDoNotCall(2, { ...BETA, ...about(OTHER) })];
const B = [
  aDoNotCall(11, { ...ALPHA, ...about(NUMBER) }),
  aDoNotCall(12, { ...BETA, ...about(OTHER), open: true }),
  aDoNotCall(13, { ...ALPHA, ...about(OTHER) }),
];
/** Long enough for a small journal, on a busy machine. */
const LIMIT_MS = 700;
const idOf = (entries: typeof A, at: number): string => (entries[at]![0] as { id: string }).id;

/** Two with a common key, and one that knows who there is as each test says. */
let a: TestNode;
let b: TestNode;
let lone: TestNode;
beforeAll(async () => {
  a = await aNode("gw-a", { key: KEY, entries: A });
  [b, lone] = await Promise.all([
    aNode("gw-b", { key: KEY, entries: B }),
    aNode("gw-a", { key: KEY, entries: A, ms: LIMIT_MS, bytes: 200_000 }),
  ]);
  for (const node of [a, b, lone]) keep(node);
  introduce([a, b]);
});
afterEach(() => stopFrom(3));
afterAll(() => stopFrom(0));

const DNC = "action:DoNotCall";

const accesses = async (node: TestNode): Promise<Access[]> =>
  (await node.entries()).filter((entry): entry is typeof entry & Access => entry.kind === "access");

describe("questions to all gateways", () => {
  it("are answered by all, newest first", async () => {
    const { status, value } = await a.ask(`GET /api/nodes/flows?filter=${DNC}`);
    expect([status, value.complete, value.not_covered]).toEqual([200, true, []]);
    expect(value.requests.map(({ node, id }: any) => [node, id])).toEqual([
      ["gw-b", idOf(B, 2)],
      ["gw-b", idOf(B, 1)],
      ["gw-b", idOf(B, 0)],
      ["gw-a", idOf(A, 1)],
      ["gw-a", idOf(A, 0)],
    ]);
    expect(value.nodes.map(({ node, answered, complete }: any) => [node, answered, complete])).toEqual([
      ["gw-a", true, true],
      ["gw-b", true, true],
    ]);
  });

  it("come page by page, with a place in each journal", async () => {
    const found: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 9; pages++) {
      const { value } = await a.ask(`GET /api/nodes/flows?filter=${DNC}&limit=2${cursor}`, { as: auditor([101]) });
      found.push(...value.requests.map(({ id }: any) => id));
      if (value.next === null) break;
      cursor = `&cursor=${value.next}`;
    }
    expect(found).toEqual([idOf(B, 2), idOf(B, 0), idOf(A, 0)]);
    expect((await a.ask("GET /api/nodes/flows?cursor=junk")).status).toBe(400);
  });

  it("carry the user's role, tenants and reason, and every journal names the user and the asking node", async () => {
    const maria = { ...auditor([101]), name: "maria" };
    const body = { phone: NUMBER, purpose: "complaint 2026-118" };
    const { status, value } = await a.ask("POST /api/nodes/look-up", { as: maria, body });
    expect([status, value.complete]).toEqual([200, true]);
    expect(value.requests.map(({ node, at }: any) => [node, at])).toEqual([
      ["gw-b", undefined],
      ["gw-a", undefined],
    ]);
    expect(value.nodes.map(({ evidence }: any) => evidence.tenants)).toEqual([[101], [101]]);
    expect(JSON.stringify(value)).not.toContain("canary");
    const written = { kind: "access", user: "maria", role: "auditor", operation: "look-up", purpose: body.purpose };
    expect(await accesses(a)).toEqual([expect.objectContaining(written)]);
    expect(await accesses(b)).toEqual([expect.objectContaining({ ...written, node: "gw-a" })]);
    expect((await accesses(a))[0]).not.toHaveProperty("node");
    // What the own gateway refuses is asked nowhere else.
    for (const [as, refused] of [
      [auditor([101], ["viewer"]), 403],
      [maria, 400],
    ] as const)
      expect((await a.ask("POST /api/nodes/look-up", { as, body: { phone: NUMBER } })).status).toBe(refused);
    expect(await accesses(b)).toHaveLength(1);
    await a.ask("POST /api/nodes/look-up", { as: TOKEN, body: { ...body, user: "root (login: ada)" } });
    expect((await accesses(b)).at(-1)).toMatchObject({ user: "root (login: ada)", node: "gw-a" });
  });

  it("find a request on the gateway that has it, and say for sure that nobody has another", async () => {
    const { value } = await a.ask(`GET /api/nodes/flows/${idOf(B, 0)}`);
    expect(value.found.map(({ node, explanation }: any) => [node, explanation.what_happened])).toEqual([
      ["gw-b", "OCS carried out the request."],
    ]);
    const absent = (await a.ask("GET /api/nodes/flows/00000000000000000000000001")).value;
    expect([absent.found, absent.complete]).toEqual([[], true]);
    // Of another tenant: not even that it exists.
    const scoped = (await a.ask(`GET /api/nodes/flows/${idOf(B, 1)}`, { as: auditor([101]) })).value;
    expect([scoped.found, scoped.complete]).toEqual([[], false]);
  });

  it("list open Do-Not-Calls and the numbers of each gateway", async () => {
    const { value } = await a.ask("GET /api/nodes/dnc/open");
    expect(value).toMatchObject({ total: 1, complete: true, open: [{ node: "gw-b", tenant_dbid: 102 }] });
    expect((await a.ask("GET /api/nodes/dnc/open", { as: auditor([101]) })).value.open).toEqual([]);
    const ledger = (await a.ask("GET /api/nodes/dnc/ledger")).value;
    expect(ledger.nodes.map(({ node, complete }: any) => [node, complete])).toEqual([
      ["gw-a", true],
      ["gw-b", true],
    ]);
    expect(ledger.nodes[1].ledger.rows).toHaveLength(2);
  });

  it("show a user of some tenants nothing of others, wherever they are", async () => {
    const as = auditor([101]);
    for (const [line, body] of [
      ["GET /api/nodes"],
      ["GET /api/nodes/flows"],
      [`GET /api/nodes/flows?filter=${encodeURIComponent("-tenant:101")}`],
      ["POST /api/nodes/look-up", { phone: OTHER, purpose: "ticket 42" }],
      [`GET /api/nodes/flows/${idOf(A, 1)}`],
      [`GET /api/nodes/flows/${idOf(B, 1)}`],
      ["GET /api/nodes/dnc/open"],
      ["GET /api/nodes/dnc/ledger"],
      ["POST /api/nodes/exports", { format: "bundle", purpose: "ticket 42" }],
    ] as const) {
      const { status, value } = await a.ask(line, { as, ...(body && { body }) });
      expect([line, status]).toEqual([line, line.endsWith("exports") ? 400 : 200]);
      expect(JSON.stringify(value)).not.toMatch(/canary|Beta/);
      for (const id of [idOf(A, 1), idOf(B, 1)]) expect(JSON.stringify(value)).not.toContain(id);
    }
  });

  it("export one bundle per gateway, which its own verifier accepts, with a manifest that names all", async () => {
    a.known.push({ node: "gw-c", address: undefined, state: "stopped" });
    const before = (await accesses(b)).length;
    const as = auditor();
    const body = { format: "bundle", filter: "kind:intent", purpose: "yearly audit" };
    const started = await a.ask("POST /api/nodes/exports", { as, body });
    expect(started.status).toBe(202);
    const path = `/api/nodes/exports/${started.value.id}`;
    const manifest = await expect
      .poll(async () => (await a.ask(`GET ${path}`, { as })).value, { timeout: 20_000, interval: 50 })
      .toMatchObject({ state: "done" })
      .then(async () => (await a.ask(`GET ${path}`, { as })).value);
    expect(manifest).toMatchObject({
      complete: false,
      not_covered: [expect.stringMatching(/^no answer from gw-c \(it is stopped; it tells no address/)],
      nodes: [
        { node: "gw-a", file: "gw-a.zip" },
        { node: "gw-b", file: "gw-b.zip" },
        { node: "gw-c", file: null },
      ],
    });
    for (const [node, name] of [
      [a, "gw-a"],
      [b, "gw-b"],
    ] as const) {
      const { status, reply } = await a.ask(`GET ${path}/${name}/file`, { as });
      const file = await bytesIn(reply);
      expect([status, file.length]).toEqual([
        200,
        manifest.nodes.find((each: any) => each.node === name).export.file.bytes,
      ]);
      const zip = join(node.dir, "bundle.zip");
      await writeFile(zip, file);
      await mkdir(join(node.dir, "bundle"));
      await unpack(zip, join(node.dir, "bundle"));
      const report = await verifyBundle(join(node.dir, "bundle"), node.checkpoints.verifierKey);
      expect(report).toMatchObject({ verdict: "ok" });
    }
    a.known.pop();
    expect((await accesses(b)).slice(before).map(({ operation, user, node }) => [operation, user, node])).toEqual([
      ["export", "ada", "gw-a"],
      ["download", "ada", "gw-a"],
    ]);
    expect((await a.ask(`GET ${path}`, { as: auditor([101]) })).status).toBe(404);
  });
});

const bytesIn = async ({ stream, body }: any): Promise<Buffer> => {
  if (!stream) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve, reject) =>
    stream({
      write: (chunk: Uint8Array) => Promise.resolve(void chunks.push(chunk)),
      end: resolve,
      destroy: () => reject(new Error("broken off")),
    }),
  );
  return Buffer.concat(chunks);
};

/** What answers at the address of gw-b, and what is said about it. */
const BROKEN: readonly [string, (server: Server) => void, RegExp][] = [
  [
    "an older version",
    (s) => s.on("request", (_, r) => r.writeHead(404).end('{"error":"unknown path"}')),
    /version is older/,
  ],
  ["a web page", (s) => s.on("request", (_, r) => r.end("<html>hello")), /not from an admin API/],
  ["no JSON object", (s) => s.on("request", (_, r) => r.end("[]")), /not from an admin API/],
  ["a closed connection", (s) => s.on("request", ({ socket }) => socket.destroy()), /connection/],
  [
    "an endless answer",
    (s) =>
      s.on("request", (_, r) => {
        const timer = setInterval(() => r.write("x".repeat(1e5)), 1).unref();
        r.on("close", () => clearInterval(timer));
      }),
    /larger than|no answer in time/,
  ],
  ["silence", (s) => s.on("request", () => undefined), /no answer in time/],
  [
    "another gateway's name",
    (s) => s.on("request", (_, r) => r.end('{"node":"gw-x","challenge":"c","proof":"p"}')),
    /another node: correct shared.peers.address/,
  ],
  [
    "a gateway without the key",
    (s) => s.on("request", (_, r) => r.end('{"node":"gw-b","challenge":"c","proof":"p"}')),
    /another shared.peers.common_key/,
  ],
];

describe("a gateway that does not answer", () => {
  const others = (address: string | undefined, state: KnownNode["state"] = "live"): TestNode => {
    lone.known.splice(0, 9, { node: "gw-a", address: lone.address, state: "live" }, { node: "gw-b", address, state });
    return lone;
  };

  it.each(BROKEN)("is named with the reason, and nothing is complete: %s", async (_, serve, reason) => {
    const server = createServer();
    serve(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    keep({
      stop: () => {
        server.close();
        server.closeAllConnections();
      },
    });
    const a = others(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { status, value } = await a.ask(`GET /api/nodes/flows?filter=${DNC}`);
    expect([status, value.complete, value.requests.length]).toEqual([200, false, 2]);
    expect(value.not_covered).toEqual([expect.stringMatching(reason)]);
    expect(value.not_covered[0]).toMatch(/^no answer from gw-b \(/);
    expect(value.nodes[1]).toMatchObject({ node: "gw-b", answered: false, complete: false });
  });

  it.each([
    ["unreachable", "live", /refused/],
    ["dead", "dead", /not running, or cut off.*refused/],
    ["stopped", "stopped", /it is stopped;.*refused/],
  ] as const)("is named when it is %s", async (_, state, reason) => {
    const server = createTcp();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const a = others(`http://127.0.0.1:${port}`, state);
    const { value } = await a.ask(`GET /api/nodes/flows/${idOf(B, 0)}`);
    expect([value.found, value.complete, value.not_covered]).toEqual([[], false, [expect.stringMatching(reason)]]);
  });

  it("is named when it announces no address, or this gateway has no shared.peers", async () => {
    const a = others(undefined);
    expect((await a.ask("GET /api/nodes/dnc/open")).value.not_covered).toEqual([
      expect.stringContaining("tells no address"),
    ]);
    const { credentials } = a;
    a.credentials = undefined;
    expect((await a.ask("GET /api/nodes/dnc/open")).value.not_covered).toEqual([
      expect.stringContaining("no shared.peers"),
    ]);
    a.credentials = credentials;
  });

  it("is missing perhaps while the database does not say who there is", async () => {
    const a = others(undefined);
    a.known.pop();
    a.trouble = "the shared database does not answer, so gateways may be missing";
    expect((await a.ask(`GET /api/nodes/flows?filter=${DNC}`)).value).toMatchObject({
      complete: false,
      not_covered: [a.trouble],
    });
    a.trouble = undefined;
  });

  it("does not delay the answers of the others for longer than its limit", async () => {
    const hanging = createTcp(() => undefined);
    await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
    keep({ stop: () => void hanging.close() });
    const a = others(`http://127.0.0.1:${(hanging.address() as AddressInfo).port}`);
    const second = keep(await aNode("gw-c", { key: KEY, entries: B }));
    await second.ask("GET /api/flows");
    a.known.push({ node: "gw-c", address: second.address, state: "live" });
    const began = performance.now();
    const { value } = await a.ask(`GET /api/nodes/flows?filter=${DNC}`);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(value.nodes.map(({ node, answered }: any) => [node, answered])).toEqual([
      ["gw-a", true],
      ["gw-b", false],
      ["gw-c", true],
    ]);
    expect(value.requests).toHaveLength(5);
  });
});
