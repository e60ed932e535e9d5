/** A whole gateway in its own process: what was accepted with 202 reaches OCS, whatever happens in between. */
import { readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Gateway } from "../../../../src/app/gateway.ts";
import { readFirst } from "../../../../src/app/config/config-thread.ts";
import { startGateway } from "../../../../src/app/start.ts";
import type { Recorded } from "../../../../src/journal/entry.ts";
import { announce, record } from "../../../kit/announcing.ts";
import { aConfigured, basic, twoTenants } from "../../../kit/gateway.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Ocs = {
  readonly url: string;
  status: number;
  readonly got: string[];
  readonly up: () => Promise<void>;
  down(): Promise<void>;
};

/** An OCS that can go away and come back at its address. `status` 0: it closes the connection without an answer. */
const anOcs = async (): Promise<Ocs> => {
  let server: Server;
  let port = 0;
  const got: string[] = [];
  const ocs: Ocs = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    status: 200,
    got,
    up: () =>
      new Promise((resolve) => {
        server = createServer((request, response) => {
          got.push(request.url!);
          request.resume();
          if (ocs.status === 0) return void request.socket.destroy();
          response.writeHead(ocs.status, { "Content-Length": 0 }).end();
        });
        server.listen(port, "127.0.0.1", () => {
          port = (server.address() as AddressInfo).port;
          resolve();
        });
      }),
    down: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await ocs.up();
  closing.push(() => ocs.down());
  return ocs;
};

type Running = { readonly gateway: Gateway; readonly url: string; readonly stop: () => Promise<void> };

const run = async (dir: string): Promise<Running> => {
  const file = join(dir, "ocsgw.yaml");
  const read = await readFirst({ file });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { settings, hash: configHash, files } = read;
  const gateway = await startGateway({ settings, configHash, files, read, file, adminToken: "token" });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= gateway.stop("test", { quiet: 0 }));
  closing.push(stop);
  return { gateway, url: gateway.listeners[0]!.url, stop };
};

const configured = async (ocs: Ocs): Promise<string> => {
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
    queue: { max_wait: "100ms" },
  });
  const dir = await aConfigured({ ...config, admin: { bind: "127.0.0.1:0" } }, ["alpha", "beta"]);
  closing.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

const PHONE = "/phones/4155550100?req=DoNotCall";

const post = async (
  { url }: Pick<Running, "url">,
  path: string,
  { as = "alpha", body, prefer }: { as?: string; body?: object; prefer?: string } = {},
): Promise<{ status: number; code: string | null; location: string | null }> => {
  const reply = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      Authorization: basic(as),
      ...(body && { "Content-Type": "application/json" }),
      ...(prefer !== undefined && { Prefer: prefer }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  await reply.text();
  const { headers, status } = reply;
  return { status, code: headers.get("ocsgw-code"), location: headers.get("location") };
};
const handOver = async (running: Running, path = PHONE): Promise<string> => {
  const { status, location } = await post(running, path, { prefer: "respond-async" });
  expect(status).toBe(202);
  return /^\/ocsgw\/requests\/(\w{26})$/.exec(location!)![1]!;
};
const add = async (running: Running, as: string, phone: string): Promise<string> => {
  const name = as === "alpha" ? "Alpha" : "Beta";
  const body = { GSW_CAMPAIGN_NAME: `${name} Campaign`, GSW_PHONE: phone, GSW_TZ_NAME: "PST" };
  const { status, code } = await post(running, `/lists/${name}%20List?req=AddRecord`, { as, body });
  return `${status}${code === null ? "" : ` ${code}`}`;
};

const stateOf = async ({ url }: Running, id: string, as = "alpha"): Promise<unknown> => {
  const headers = { Authorization: basic(as), Accept: "application/json" };
  return (await fetch(`${url}/ocsgw/requests/${id}`, { headers })).json();
};

type Shown = { items: { id: string; state: string; attempts: number; last_attempt: string; tenant: string }[] };
const admin = async <Value>({ gateway }: Running, path: string, body?: object): Promise<Value> => {
  const reply = await fetch(`${gateway.admin}${path}`, {
    method: body ? "POST" : "GET",
    headers: { Authorization: "Bearer token", ...(body && { "Content-Type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await reply.json()) as Value;
};
const shown = async (running: Running): Promise<Shown["items"]> => (await admin<Shown>(running, "/api/outbox")).items;

const journalOf = async (dir: string): Promise<Recorded[]> => {
  const folder = join(dir, "audit/segments");
  const texts = await Promise.all(
    (await readdir(folder)).toSorted().map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return name.endsWith(".jsonl")
        ? bytes.toString()
        : name.endsWith(".zst")
          ? zstdDecompressSync(bytes).toString()
          : "";
    }),
  );
  return texts
    .join("")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Recorded);
};

describe("a Do-Not-Call that was handed over", () => {
  it("outlives an OCS that is away and a restart; its number is refused until OCS answers 200", async () => {
    const ocs = await anOcs();
    const dir = await configured(ocs);
    const first = await run(dir);
    await ocs.down();
    const id = await handOver(first);
    expect(await add(first, "alpha", "4155550100")).toBe("409 OCSGW-2109");
    expect(await add(first, "beta", "4155550100")).not.toContain("OCSGW-2109");
    await first.stop();

    ocs.status = 0;
    await ocs.up();
    ocs.got.length = 0;
    const second = await run(dir);
    // The answer is lost, so it is sent again.
    await vi.waitFor(() => expect(ocs.got.filter((path) => path === PHONE).length).toBeGreaterThan(0));
    expect(await add(second, "alpha", "4155550100")).toBe("409 OCSGW-2109");
    expect((await shown(second)).map((item) => [item.id, item.state])).toEqual([[id, "pending"]]);
    expect(await stateOf(second, id)).toMatchObject({ id, state: "queued", status: null });
    expect(await stateOf(second, id, "beta")).toMatchObject({ status: 404 });
    const { callbacks } = second.gateway;
    expect((await announce(callbacks["ocs"]!, record(15, { GSW_PHONE: "4155550100" }))).status).toBe(502);
    ocs.status = 200;
    await vi.waitFor(async () => expect(await shown(second)).toEqual([]), { timeout: 10_000 });
    expect(await stateOf(second, id)).toMatchObject({ id, state: "answered", status: 200, delivery: "answered" });
    expect(await add(second, "alpha", "4155550100")).toBe("200");
    expect((await announce(callbacks["ocs"]!, record(16, { GSW_PHONE: "4155550100" }))).status).toBe(200);
    const status = await admin<{ outbox: unknown[]; open_do_not_calls: unknown[] }>(second, "/api/status");
    expect([status.outbox, status.open_do_not_calls]).toEqual([[], []]);
    await second.stop();

    const journal = await journalOf(dir);
    const own = journal.filter((entry) => "id" in entry && entry.id === id);
    expect(own).toMatchObject([
      { kind: "intent", action: "DoNotCall", client: "alpha" },
      { kind: "outcome", status: 202, origin: "gateway", delivery: "not-sent" },
    ]);
    const attempts = journal.flatMap((entry) => (entry.kind === "intent" && entry.attempt_of === id ? [entry] : []));
    expect(attempts.length).toBeGreaterThan(2);
    expect(attempts.at(-1)).toMatchObject({
      client: "alpha",
      tokens: { phone: expect.stringMatching(/^t1:/) as string },
    });
    const numbers = journal.flatMap((entry) => (entry.kind === "intent" && entry.dnc !== undefined ? [entry.dnc] : []));
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
    expect(await readFile(join(dir, "audit/outbox.sqlite"), "latin1")).not.toContain("4155550100");
    expect(await readdir(join(dir, "audit"))).not.toContain("outbox.sqlite-wal");
  }, 30_000);

  it("that OCS rejects is an alarm, which a note closes; it outlives a restart", async () => {
    const ocs = await anOcs();
    const dir = await configured(ocs);
    const first = await run(dir);
    ocs.status = 400;
    const ids = [await handOver(first), await handOver(first, "/customer_ids/C-1?req=DoNotCall")];
    await vi.waitFor(async () => expect((await shown(first)).map(({ state }) => state)).toEqual(["alarm", "alarm"]));
    ocs.status = 200;
    await first.stop();
    const second = await run(dir);
    expect(second.gateway.state().warnings.join()).toContain("2 accepted Do-Not-Calls of tenant Alpha Tenant");
    expect(await add(second, "alpha", "4155550100")).toBe("409 OCSGW-2109");
    const body = { note: "added by hand, ticket 42", user: "maria" };
    expect(await admin(second, `/api/outbox/${ids[0]!}/close`, body)).toEqual({ id: ids[0], note: body.note });
    expect(await add(second, "alpha", "4155550100")).toBe("200");
    // The page of open Do-Not-Calls has the last attempt.
    const [left] = await shown(second);
    expect(await admin(second, `/api/dnc/${left!.last_attempt}/note`, body)).toMatchObject({ note: body.note });
    await vi.waitFor(async () => expect(await shown(second)).toEqual([]));
    await second.stop();
    const journal = await journalOf(dir);
    expect(journal.filter(({ kind }) => kind === "alarm")).toMatchObject(
      ids.map((id) => ({
        reason: "an accepted Do-Not-Call was not carried out",
        tenant: { dbid: 101 },
        detail: expect.stringContaining(id) as string,
      })),
    );
    expect(journal.filter((entry) => entry.kind === "access" && entry.operation === "dnc-handled")).toMatchObject([
      { user: "maria", purpose: body.note },
      { user: "maria", purpose: body.note },
    ]);
  }, 30_000);
});
