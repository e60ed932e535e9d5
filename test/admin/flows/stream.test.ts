/** The flow stream of a complete gateway in front of the embedded OCS. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { Agent, request } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startGateway } from "../../../src/app/start.ts";
import type { Gateway } from "../../../src/app/gateway.ts";
import { readFirst } from "../../../src/app/config/config-thread.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { startSandboxOcs } from "../../../src/sandbox/start.ts";
import { flowsOf, openFlows, type FlowStream } from "../../kit/flow-stream.ts";
import { OK, rawOcs, type RawConnection } from "../../kit/raw-ocs.ts";
import { furnish, runGateway, type RunningGateway } from "../../kit/running-gateway.ts";
import { aConfigured, basic, twoTenants } from "../../kit/gateway.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Place = { readonly dir: string; readonly agent: Agent };

const aPlace = async (
  change: (config: ReturnType<typeof twoTenants>) => object = (config) => config,
): Promise<Place> => {
  const ocs = await startSandboxOcs();
  const agent = new Agent();
  const config = twoTenants(ocs.primary.http);
  const dir = await aConfigured({ ...config, admin: { bind: "127.0.0.1:0" }, ...change(config) } as typeof config, [
    "alpha",
    "beta",
  ]);
  stops.push(
    () => rm(dir, { recursive: true, force: true }),
    () => ocs.close(),
    () => agent.destroy(),
  );
  return { dir, agent };
};

const start = async ({ dir }: Place): Promise<Gateway> => {
  const file = join(dir, "ocsgw.yaml");
  const read = await readFirst({ file });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { settings, hash: configHash, files } = read;
  const gateway = await startGateway({ settings, configHash, files, read, file, adminToken: "token" });
  stops.push(() => gateway.stop("test", { quiet: 0 }).catch(() => undefined));
  return gateway;
};

const call = async ({ agent }: Place, gateway: Gateway, client = "alpha", action = "DoNotCall"): Promise<string> => {
  const answer = await request(`${gateway.listeners[0]!.url}/phones/4155550177?req=${action}`, {
    method: "POST",
    headers: { Authorization: basic(client) },
    dispatcher: agent,
  });
  await answer.body.dump();
  return String(answer.headers["ocsgw-request-id"]);
};

const idsOf = (stream: Pick<FlowStream, "events">): unknown[] => flowsOf(stream).map(({ data }) => data["id"]);

/** The ids of all requests that ended, in the order of the journal. */
const journaled = async (dir: string): Promise<string[]> => {
  const segments = join(dir, "audit/segments");
  const names = (await readdir(segments)).filter((name) => name.endsWith(".jsonl")).toSorted();
  const text = (await Promise.all(names.map((name) => readFile(join(segments, name), "utf8")))).join("");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Recorded)
    .flatMap((entry) => (["outcome", "refusal", "in-doubt"].includes(entry.kind) && "id" in entry ? [entry.id] : []));
};

const REQUESTS = "action:DoNotCall";

describe("the flow stream", () => {
  it("shows a request as the search does, with its intent and outcome, and who watches", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: "tenant:101 is:ok" });
    stops.push(stream.close);
    expect(stream.status).toBe(200);
    expect(stream.headers["content-type"]).toBe("text/event-stream");
    expect(stream.headers["cache-control"]).toBe("no-store");
    await call(place, gateway, "beta");
    const id = await call(place, gateway);
    const shown = await stream.until(({ name }) => name === "flow");
    const found = await request(`${gateway.admin!}/api/requests/${id}`, { headers: { Authorization: "Bearer token" } });
    const { requests } = (await found.body.json()) as { requests: unknown[] };
    expect([shown.data]).toEqual(requests);
    expect(shown.data).toMatchObject({
      client: "alpha",
      state: "ok",
      entries: [{ kind: "intent" }, { kind: "outcome" }],
    });
    const access = await openFlows(gateway.admin!, { filter: "kind:access" });
    stops.push(access.close);
    const lines = await readFile(join(place.dir, "audit/segments", "000000000000.jsonl"), "utf8");
    expect(lines).toContain('"user":"admin token","operation":"flows","query":"tenant:101 is:ok"');
  });

  it("loses and repeats nothing over 20 broken connections at 40 requests/s", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    let [isOver, sent] = [false, 0];
    const traffic = (async () => {
      const calls: Promise<string>[] = [];
      for (const began = performance.now(); !isOver; sent++) {
        calls.push(call(place, gateway));
        await after(Math.max(0, began + (sent + 1) * 25 - performance.now()));
      }
      return Promise.all(calls);
    })();
    const got: unknown[] = [];
    let cursor: string | undefined;
    for (let connection = 0; connection <= 20; connection++) {
      const stream = await openFlows(gateway.admin!, { filter: REQUESTS, cursor, isPacked: connection % 2 === 1 });
      await after(150 + (connection % 4) * 60);
      if (connection === 20) {
        isOver = true;
        await traffic;
        await after(500);
      }
      stream.close();
      got.push(...idsOf(stream));
      cursor = stream.events.at(-1)?.id ?? cursor;
    }
    const all = await journaled(place.dir);
    expect(got.length).toBeGreaterThan(100);
    // The first stream began after the first requests.
    expect(got).toEqual(all.slice(all.indexOf(String(got[0]))));
    expect(all.indexOf(String(got[0]))).toBeLessThan(20);
  });

  it("is compressed for a client that accepts that, with the same events and a valid end", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const all = [
      await openFlows(gateway.admin!, { filter: REQUESTS, isPacked: true }),
      await openFlows(gateway.admin!, { filter: REQUESTS, isPacked: true }),
      await openFlows(gateway.admin!, { filter: REQUESTS }),
    ];
    expect(all.map(({ headers }) => headers["content-encoding"])).toEqual(["gzip", "gzip", undefined]);
    expect(all.map(({ headers }) => headers["vary"])).toEqual(all.map(() => "Accept-Encoding"));
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 20 }, () => call(place, gateway)));
      await after(150);
    }
    await gateway.stop("test", { quiet: 0 });
    await Promise.all(all.map(({ ended }) => ended));
    const ids = await journaled(place.dir);
    expect(ids).toHaveLength(60);
    for (const stream of all) {
      expect(idsOf(stream)).toEqual(ids);
      expect(stream.events.at(-1)).toMatchObject({ name: "end" });
    }
  });

  it("continues where it was in a gateway that was restarted, and ends cleanly before", async () => {
    const place = await aPlace();
    let gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: REQUESTS });
    await stream.until(({ name }) => name === "begin");
    await call(place, gateway);
    const seen = await stream.until(({ name }) => name === "flow");
    await call(place, gateway);
    await gateway.stop("test", { quiet: 0 });
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ name: "end", data: { reason: "stopping" } });
    expect(flowsOf(stream)).toHaveLength(2);
    gateway = await start(place);
    await call(place, gateway);
    const again = await openFlows(gateway.admin!, { filter: REQUESTS, cursor: seen.id });
    stops.push(again.close);
    const third = (await journaled(place.dir))[2];
    await again.until(({ data }) => data["id"] === third);
    expect(idsOf(again)).toEqual((await journaled(place.dir)).slice(1));
    const last = await openFlows(gateway.admin!, { filter: REQUESTS, cursor: stream.events.at(-1)!.id });
    stops.push(last.close);
    await last.until(({ data }) => data["id"] === third);
    expect(idsOf(last)).toEqual([third]);
  });

  it("shows a request that was in flight when the stream began, with its intent", async () => {
    const held: RawConnection[] = [];
    const ocs = await rawOcs(({ connection }) => void held.push(connection));
    stops.push(() => ocs.close());
    const place = await aPlace(() => twoTenants(ocs.url));
    const gateway = await start(place);
    const answered = call(place, gateway);
    while (held.length === 0) await after(10);
    const stream = await openFlows(gateway.admin!, { filter: "client:alpha" });
    stops.push(stream.close, () => held.forEach(({ socket }) => socket.destroy()));
    await stream.until(({ name }) => name === "begin");
    held[0]!.socket.write(OK);
    const id = await answered;
    const { data } = await stream.until(({ name }) => name === "flow");
    expect(data).toMatchObject({
      id,
      state: "ok",
      client: "alpha",
      entries: [{ kind: "intent" }, { kind: "outcome" }],
    });
  });

  it("shows a request that is in doubt after a crash to a client that watched before", async () => {
    const requests: string[] = [];
    const ocs = await rawOcs(({ head }) => void requests.push(head));
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
    stops.push(
      () => rm(dir, { recursive: true, force: true }),
      () => ocs.close(),
    );
    const config = twoTenants(ocs.url);
    const audit = { ...(config["audit"] as object), dir: join(dir, "audit") };
    await furnish(dir, { ...config, audit, admin: { bind: "127.0.0.1:0" } }, ["alpha"]);
    const token = async (): Promise<string> => (await readFile(join(dir, "audit/admin.token"), "utf8")).trim();
    const run = async (): Promise<RunningGateway> => {
      const gateway = await runGateway(dir, ["clients", "admin"]);
      stops.push(() => gateway.kill("SIGKILL"));
      return gateway;
    };
    let gateway = await run();
    const stream = await openFlows(gateway.urls.get("admin")!, { filter: "client:alpha", token: await token() });
    const { id: cursor } = await stream.until(({ name }) => name === "begin");
    const unanswered = request(`${gateway.urls.get("clients")!}/phones/4155550177?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    }).catch(() => undefined);
    while (requests.length === 0) await after(10);
    await gateway.kill("SIGKILL");
    await Promise.all([unanswered, stream.ended]);
    gateway = await run();
    const again = await openFlows(gateway.urls.get("admin")!, { filter: "client:alpha", token: await token(), cursor });
    stops.push(again.close);
    const { data } = await again.until(({ name }) => name === "flow");
    expect(data).toMatchObject({ state: "in-doubt", entries: [{ kind: "intent" }, { kind: "in-doubt" }] });
  }, 60_000);

  it.each([
    ["an unknown key", "tennant:101", "unknown key tennant", "tenant:"],
    ["an unknown action", "action:DoNotCal", "unknown word", "DoNotCall"],
    ["a phone number", "4155550177", "looks like a phone number", "phone-stdin"],
    ["a time", "since:1h is:ok", "a stream shows what happens from now on", "audit search"],
  ])("rejects a filter with %s", async (_what, filter, message, help) => {
    const gateway = await start(await aPlace());
    const { status, error } = await openFlows(gateway.admin!, { filter });
    expect(status).toBe(400);
    expect(error).toContain(message);
    expect(error).toContain(help);
    expect(error).not.toContain("4155550177");
  });

  it("rejects unknown and repeated parameters, wrong tokens and other methods", async () => {
    const gateway = await start(await aPlace());
    const at = gateway.admin!;
    expect(await openFlows(at, { query: "?filtre=is:ok" })).toMatchObject({ status: 400 });
    expect(await openFlows(at, { query: "?tenant=101" })).toMatchObject({ status: 400 });
    expect(await openFlows(at, { query: "?filter=is:ok&filter=" })).toMatchObject({ status: 400 });
    expect(await openFlows(at, { query: "?purpose=call%204155550177" })).toMatchObject({ status: 400 });
    expect(await openFlows(at, { token: "wrong" })).toMatchObject({ status: 401 });
    for (const method of ["HEAD", "POST", "PUT", "OPTIONS"] as const) {
      const answer = await request(`${at}/api/flows/stream`, { method, headers: { Authorization: "Bearer token" } });
      await answer.body.dump();
      expect([method, answer.statusCode, answer.headers["allow"]]).toEqual([method, 405, "GET"]);
    }
  });

  it("says why the journal cannot be written, opens no stream meanwhile, and goes on with the gap", async () => {
    const disk = { full: false };
    const open = nodeDisk.open.bind(nodeDisk);
    vi.spyOn(nodeDisk, "open").mockImplementation(async (path, how) => {
      const file = await open(path, how);
      const full = new Error("ENOSPC: no space left on device, write");
      return { ...file, write: (bytes, at) => (disk.full ? Promise.reject(full) : file.write(bytes, at)) };
    });
    stops.push(() => void vi.restoreAllMocks());
    const place = await aPlace();
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: "kind:gap OR client:alpha" });
    stops.push(stream.close);
    await call(place, gateway);
    const { id: cursor } = await stream.until(({ name }) => name === "flow");
    disk.full = true;
    await call(place, gateway);
    await stream.until(({ name, data }) => name === "heartbeat" && data["journal"] !== null);
    expect(await openFlows(gateway.admin!, { cursor })).toMatchObject({
      status: 503,
      error: "the journal cannot record this access, so no result is returned",
    });
    disk.full = false;
    await stream.until(({ data }) => (data["kinds"] as string[] | undefined)?.includes("gap") === true);
    const last = await call(place, gateway);
    await stream.until(({ data }) => data["id"] === last);
    const again = await openFlows(gateway.admin!, { filter: "kind:gap OR client:alpha", cursor });
    stops.push(again.close);
    await again.until(({ data }) => data["id"] === last);
    expect(flowsOf(again).map(({ data }) => data)).toEqual(
      flowsOf(stream)
        .slice(1)
        .map(({ data }) => data),
    );
  }, 30_000);

  it("shows what the policy of a tenant in observe mode would have refused, and refusals", async () => {
    const place = await aPlace((config) => {
      const [alpha, beta] = config.tenants as Record<string, unknown>[];
      const clients = { alpha: { actions: ["AddRecord"] } };
      const strict = { beta: { actions: ["AddRecord"] } };
      return {
        ...config,
        tenants: [
          { ...alpha, mode: "observe", clients },
          { ...beta, clients: strict },
        ],
      };
    });
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: "would:OCSGW-2101 OR code:OCSGW-2101" });
    stops.push(stream.close);
    const ids = [await call(place, gateway), await call(place, gateway, "beta")];
    await stream.until(({ data }) => data["id"] === ids[1]);
    expect(flowsOf(stream).map(({ data }) => [data["id"], data["state"], data["would"], data["code"]])).toEqual([
      [ids[0], "ok", "OCSGW-2101", undefined],
      [ids[1], "refused", undefined, "OCSGW-2101"],
    ]);
  });

  it("warns about a name that the config does not have", async () => {
    const gateway = await start(await aPlace());
    const stream = await openFlows(gateway.admin!, { filter: 'tenant:"Alpha Tennant"' });
    stops.push(stream.close);
    const { data } = await stream.until(({ name }) => name === "begin");
    expect(data).toMatchObject({ resumed: false, filter: 'tenant:"Alpha Tennant"' });
    expect((data["warnings"] as string[])[0]).toMatch(/there is no such tenant in the config.*Alpha Tenant/);
  });

  it("sends a heartbeat with what passed, and survives a reload", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: "client:beta" });
    stops.push(stream.close);
    await call(place, gateway);
    expect(await gateway.reload()).toMatchObject({ outcome: "unchanged" });
    const { data, id } = await stream.until(({ name }) => name === "heartbeat");
    expect(data).toMatchObject({ sent: 0, behind: 0, journal: null });
    expect(data["passed"]).toBeGreaterThanOrEqual(1);
    await call(place, gateway, "beta");
    await stream.until(({ name }) => name === "flow");
    const again = await openFlows(gateway.admin!, { filter: "client:beta", cursor: id });
    stops.push(again.close);
    await again.until(({ name }) => name === "flow");
    expect(idsOf(again)).toEqual(idsOf(stream));
  }, 20_000);

  it("rejects a cursor that is forged, of another gateway, or of a journal that was restored", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!, { filter: REQUESTS });
    stops.push(stream.close);
    await call(place, gateway);
    const { id } = await stream.until(({ name }) => name === "flow");
    const other = await start(await aPlace());
    const theirs = await openFlows(other.admin!);
    stops.push(theirs.close);
    const foreign = (await theirs.until(({ name }) => name === "begin")).id;
    const at = id.length - 3;
    const forged = id.slice(0, at) + (id[at] === "A" ? "B" : "A") + id.slice(at + 1);
    for (const [cursor, message] of [
      [forged, "expected the id of an event"],
      ["17", "expected the id of an event"],
      ["x".repeat(5000), "expected the id of an event"],
      [foreign, "another gateway's journal"],
    ] as const) {
      const { status, error } = await openFlows(gateway.admin!, { cursor });
      expect([status, error]).toEqual([400, expect.stringContaining(message)]);
    }
  });

  it("says what retention deleted or what is damaged, and shows the rest", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const stream = await openFlows(gateway.admin!);
    const begin = await stream.until(({ name }) => name === "begin");
    await call(place, gateway);
    await call(place, gateway);
    await stream.until(() => flowsOf(stream).filter(({ data }) => data["action"] === "DoNotCall").length === 2);
    stream.close();
    const file = join(place.dir, "audit/segments/000000000000.jsonl");
    const text = await readFile(file, "utf8");
    const [first, second] = await journaled(place.dir);
    const line = text.split("\n").find((each) => each.includes(first!) && each.includes('"outcome"'))!;
    await writeFile(file, text.replace(line, line.replace('"status":200', '"status":201')), { flag: "r+" });
    const again = await openFlows(gateway.admin!, { filter: REQUESTS, cursor: begin.id });
    stops.push(again.close);
    await again.until(({ data }) => data["id"] === second);
    expect(again.events.filter(({ name }) => name === "missing").map(({ data }) => data)).toEqual([
      expect.objectContaining({ entries: 1, reason: "damaged" }),
    ]);
    expect(idsOf(again)).toEqual([second]);
  });
});
