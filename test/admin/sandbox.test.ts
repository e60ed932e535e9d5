/** The routes of `/api/sandbox`, over a gateway with HTTPS to the embedded OCS. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { SANDBOX_ROUTES } from "../../src/admin/api/sandbox.ts";
import { createAdminRoutes, type AdminDeps } from "../../src/admin/routes.ts";
import type { SandboxFault, SandboxRequests, SandboxState } from "../../src/admin/schemas/sandbox.ts";
import { TOKEN_HOLDER, type Role, type Viewer } from "../../src/admin/viewer.ts";
import { createConsoleControl } from "../../src/cli/sandbox/console-control.ts";
import { aSandboxSite, aSite } from "../console/kit/site.ts";
import { anArrival } from "../kit/line.ts";

type Asked = { readonly status: number; readonly value: any };
type Site = Awaited<ReturnType<typeof aSandboxSite>>;

const ask = async ({ url }: Pick<Site, "url">, line: string, body?: unknown): Promise<Asked> => {
  const [method, path] = line.split(" ") as [string, string];
  const reply = await fetch(url + path, {
    method,
    headers: { Authorization: "Bearer token" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, value: await reply.json() };
};
const pathsOf = (document: { readonly paths: object }): string[] =>
  Object.keys(document.paths).filter((path) => path.includes("sandbox"));

describe("a gateway without an embedded OCS", () => {
  it("has no route of the sandbox, also not in /openapi.json, and says so when somebody logs in", async () => {
    const site = await aSite();
    try {
      for (const { method, path } of SANDBOX_ROUTES)
        expect([
          path,
          await ask(site, `${method} ${path.replace(/\{\w+\}/, "1")}`, method === "GET" ? undefined : {}),
        ]).toEqual([path, { status: 404, value: { error: "unknown path" } }]);
      expect(pathsOf((await ask(site, "GET /openapi.json")).value)).toEqual([]);
      expect((await ask(site, "GET /api/session")).value).toMatchObject({ sandbox: false });
    } finally {
      await site.stop();
    }
  });
});

describe("the sandbox", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSandboxSite();
  });
  afterAll(() => site.stop());
  beforeEach(async () => {
    await site.ocs.command("POST reset");
  });

  const state = async (): Promise<SandboxState> => (await ask(site, "GET /api/sandbox")).value;
  const requests = async (): Promise<SandboxRequests> => (await ask(site, "GET /api/sandbox/requests")).value;
  const addFault = async (fault: object): Promise<SandboxFault> => {
    const { status, value } = await ask(site, "POST /api/sandbox/faults", fault);
    expect([status, value]).toEqual([201, expect.anything()]);
    return value;
  };

  it("has its routes in a valid /openapi.json", async () => {
    const { value } = await ask(site, "GET /openapi.json");
    expect(pathsOf(value).toSorted()).toEqual([...new Set(SANDBOX_ROUTES.map(({ path }) => path))].toSorted());
    expect((await new Validator().validate(structuredClone(value))).valid).toBe(true);
    expect((await ask(site, "GET /api/session")).value).toMatchObject({ sandbox: true });
  });

  it("gives the usual reply of every route as its row says", async () => {
    const { id } = await addFault({ kind: "garbage" });
    const asked = [
      ["GET /api/sandbox", 200],
      ["GET /api/sandbox/requests", 200],
      ["GET /api/sandbox/lists/{dbid}/records", 200],
      ["GET /api/sandbox/fault-kinds", 200],
      ["POST /api/sandbox/faults", 201, { kind: "slow", value: "1ms", probability: 0.5, seed: 7, for: "1h" }],
      ["DELETE /api/sandbox/faults/{id}", 200],
      ["DELETE /api/sandbox/faults", 200],
      ["POST /api/sandbox/switchover", 200, { gap: "1ms" }],
      ["POST /api/sandbox/clock", 200, { set: "2026-03-08T10:00:00Z" }],
      ["POST /api/sandbox/dial", 200, {}],
    ] as const;
    for (const [row, status, body] of asked)
      expect([row, (await ask(site, row.replace("{dbid}", "301").replace("{id}", id), body)).status]).toEqual([
        row,
        status,
      ]);
    const rows = SANDBOX_ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(asked.map(([row]) => row).toSorted()).toEqual(rows.toSorted());
  });

  describe("roles", () => {
    const rows = SANDBOX_ROUTES.map(({ method, path }) => [method, path] as const);
    const statusFor = async (method: string, path: string, viewer: Partial<Viewer>): Promise<number> => {
      const sandbox = createConsoleControl({ ocs: site.ocs, gateway: () => site.gateway.url });
      const whoAsks = (): Viewer => ({ ...TOKEN_HOLDER, via: "session", ...viewer });
      const handler = createAdminRoutes({ sandbox, whoAsks } as unknown as AdminDeps);
      const target = path.replace("{dbid}", "301").replace("{id}", "f999");
      return (await handler(anArrival({ method, target, body: method === "POST" ? "[]" : "" }))).status;
    };

    it.each(rows)(
      "%s %s is for everybody who sees all tenants if it reads, else for operators",
      async (method, path) => {
        const expected = (role: Role): boolean => method === "GET" || role === "operator";
        for (const role of ["viewer", "operator", "auditor"] as const) {
          expect([role, (await statusFor(method, path, { roles: [role] })) !== 403]).toEqual([role, expected(role)]);
          expect([role, await statusFor(method, path, { roles: [role], tenants: [101] })]).toEqual([role, 403]);
        }
      },
    );
  });

  describe("requests that OCS read", () => {
    it("lead to the gateway's flow, each to its own, over connections that are used again", async () => {
      const phones = Array.from({ length: 24 }, (_, at) => `41555501${String(at + 10).padStart(2, "0")}`);
      const sent = await Promise.all(phones.map((phone) => site.send(`/phones/${phone}?req=DoNotCall`)));
      const flows = new Map(phones.map((phone, at) => [`/phones/······${phone.slice(-4)}?req=DoNotCall`, sent[at]]));
      const { requests: seen, total, past_gateway } = await requests();
      expect([seen.length, total, past_gateway]).toEqual([24, 24, 0]);
      expect(new Map(seen.map(({ target, flow }) => [target, flow]))).toEqual(flows);
      expect(seen.map(({ number }) => number)).toEqual(seen.map(({ number }) => number).toSorted((a, b) => b - a));
      expect(new Set(seen.map(({ connection }) => connection)).size).toBeLessThan(24);
      expect(seen[0]).toMatchObject({ action: "DoNotCall", tenant: "Alpha Tenant", state: "done", status: 200 });
      const { value } = await ask(site, `GET /api/flows/${seen[0]!.flow}`);
      expect(value.requests[0]).toMatchObject({ id: seen[0]!.flow, action: "DoNotCall" });
      expect(site.links.size()).toBe(0);
    });

    it("that came past the gateway have no flow, also while the same request came through it", async () => {
      const target = "/campaigngroups/106";
      const [id] = await Promise.all([
        site.send(target, { method: "GET" }),
        fetch(site.ocs.primary.http + target, { headers: { "User-Agent": "crm 4155550177" } }),
      ]);
      const { requests: seen, past_gateway } = await requests();
      expect(past_gateway).toBe(1);
      expect(new Set(seen.map(({ flow }) => flow))).toEqual(new Set([id, null]));
      expect(seen.find(({ flow }) => flow === null)).toMatchObject({
        action: "ReadStatus",
        target,
        user_agent: "crm ······0177",
      });
    });

    it("are shown before OCS answers them, and when a fault ends them", async () => {
      const fault = await addFault({ kind: "stall", action: "DoNotCall" });
      const sending = site.send("/phones/4155550111?req=DoNotCall");
      await vi.waitFor(async () => expect((await requests()).requests[0]).toMatchObject({ state: "waiting" }), 10_000);
      expect((await requests()).requests[0]).toMatchObject({ status: null, faults: [] });
      expect((await ask(site, `DELETE /api/sandbox/faults/${fault.id}`)).value).toEqual({ cleared: 1 });
      const id = await sending;
      expect((await requests()).requests[0]).toMatchObject({
        state: "done",
        status: 200,
        flow: id,
        faults: [fault.id],
      });
      await addFault({ kind: "reset-before", count: 1 });
      const cut = await site.send("/phones/4155550112?req=DoNotCall");
      expect((await requests()).requests[0]).toMatchObject({ state: "cut", status: null, flow: cut });
    });

    it("are the last hundred", async () => {
      for (let count = 0; count < 110; count++) await fetch(`${site.ocs.primary.http}/campaigngroups`);
      const { requests: seen, total } = await requests();
      expect([seen.length, total]).toEqual([100, 110]);
    });
  });

  it("shows a phone number and a customer id nowhere whole", async () => {
    const body = {
      GSW_PHONE: "4155550133",
      GSW_TZ_NAME: "PST",
      GSW_CAMPAIGN_NAME: "Alpha Campaign",
      NOTE: "4155550134",
    };
    await site.send("/lists/Alpha%20List?req=AddRecord", { body });
    await site.send("/customer_ids/CUST-98765?req=DoNotCall");
    const past = ["/phones/%34155550135?req=DoNotCall", "/phones/4155550136/x", "/4155550137?req=4155550138"];
    for (const target of past)
      await fetch(site.ocs.primary.http + target, {
        method: "POST",
        body: JSON.stringify({ GSW_TENANT_DBID: 101, GSW_CUSTOMER_ID: "CUST-98764", 4155550139: ["4155550140"] }),
      });
    await fetch(`${site.ocs.primary.http}/phones/1?req=DoNotCall`, { method: "POST", body: "not JSON 415-555-0141" });
    site.ocs.dialer.configure({ validationUri: "http://127.0.0.1:9/" });
    await site.ocs.command("POST dial", {});
    const shown = await Promise.all(
      ["/api/sandbox", "/api/sandbox/requests", "/api/sandbox/lists/301/records", "/api/sandbox/fault-kinds"].map(
        async (path) => JSON.stringify((await ask(site, `GET ${path}`)).value),
      ),
    );
    site.ocs.dialer.configure({ validationUri: undefined });
    expect(shown.join("")).toContain("······0133");
    expect(shown.join("").match(/5550\d{3}|555-01|%34155|CUST-9876|[A-Z]-00\d\d/g)).toBeNull();
  });

  it("adds a fault, says what it hit, and removes it", async () => {
    const added = await addFault({ kind: "status", value: 500, action: "DoNotCall", tenant: 101, count: 1 });
    expect(added).toMatchObject({ kind: "status", value: 500, tenant: "Alpha Tenant", state: "on", fired: 0 });
    const id = await site.send("/phones/4155550111?req=DoNotCall");
    const [fault] = (await state()).faults;
    expect(fault).toMatchObject({ id: added.id, state: "spent", fired: 1, remaining: 0 });
    expect(fault!.firings).toMatchObject([{ action: "DoNotCall", tenant: "Alpha Tenant", flow: id }]);
    expect((await ask(site, "DELETE /api/sandbox/faults")).value).toEqual({ cleared: 1 });
    expect((await state()).faults).toEqual([]);
  });

  it.each<[string, unknown, number, string]>([
    ["POST /api/sandbox/faults", { kind: "nonsense" }, 400, "kind: expected one of stall"],
    ["POST /api/sandbox/faults", { kind: "slow" }, 400, "value: expected a duration"],
    ["POST /api/sandbox/faults", { kind: "stall", surprise: 1 }, 400, '"surprise" is unknown here'],
    ["POST /api/sandbox/faults", { kind: "stall", count: 0 }, 400, "count: expected a whole number"],
    ["DELETE /api/sandbox/faults/f999", undefined, 404, "unknown fault"],
    ["POST /api/sandbox/switchover", { gap: "soon" }, 400, "gap: expected a duration"],
    ["POST /api/sandbox/clock", {}, 400, "expected either advance"],
    ["POST /api/sandbox/clock", { set: "yesterday" }, 400, "set: expected an ISO 8601"],
    ["POST /api/sandbox/dial", { list: "No List" }, 404, "list: unknown calling list"],
    ["POST /api/sandbox/dial", { list: "Beta List" }, 409, "list: no running campaign group"],
    ["GET /api/sandbox/lists/999/records", undefined, 404, "there is no such calling list"],
    ["GET /api/sandbox/lists/x/records", undefined, 404, "there is no such calling list"],
    ["GET /api/sandbox/lists/301/records?limit=101", undefined, 400, "limit: expected a whole number"],
  ])("%s with %j gets %i: %s", async (line, body, status, error) => {
    const answered = await ask(site, line, body);
    expect(answered).toEqual({ status, value: { error: expect.stringContaining(error) as string } });
  });

  it("switches over, and the charts of Now and of a tenant have a marker of it and of a fault", async () => {
    await site.send("/phones/4155550111?req=DoNotCall");
    const before = await state();
    await addFault({ kind: "slow", value: "1ms", count: 1 });
    expect((await ask(site, "POST /api/sandbox/switchover", {})).value).toEqual({ active: "backup" });
    expect(await state()).toMatchObject({ active: "backup", answers: true, run: before.run + 1 });
    await vi.waitFor(async () => {
      await site.send("/phones/4155550112?req=DoNotCall");
      for (const path of ["/api/now", "/api/tenants/101"]) {
        const { markers } = (await ask(site, `GET ${path}`)).value as { markers: { kind: string; text: string }[] };
        expect(markers.find(({ kind }) => kind === "switchover")?.text).toBe(site.ocs.backup.https);
      }
    }, 20_000);
    expect((await requests()).requests[0]).toMatchObject({ instance: "backup", flow: expect.any(String) as string });
  }, 30_000);

  it("says that neither instance answers during the gap of a switchover", async () => {
    await ask(site, "POST /api/sandbox/switchover", { gap: "1h" });
    expect((await state()).answers).toBe(false);
  });

  it("shifts its clock, by which records go stale, and back", async () => {
    const before = await state();
    expect(before.handles.open).toBeGreaterThan(10);
    expect(before.ahead).toBe(0);
    const { now } = (await ask(site, "POST /api/sandbox/clock", { advance: 1860 })).value as { now: string };
    expect(Date.parse(now) - Date.parse(before.now)).toBeGreaterThanOrEqual(1_860_000);
    expect(await state()).toMatchObject({ ahead: 1_860_000, handles: { open: 0, oldest: [] } });
    await ask(site, "POST /api/sandbox/clock", { advance: -1860 });
    expect((await state()).ahead).toBe(0);
  });

  it("shows lists, and their records chain by chain, page by page", async () => {
    const [list] = (await state()).lists;
    expect(list).toMatchObject({ dbid: 301, name: "Alpha List", tenant: "Alpha Tenant", dialed_by: 106, records: 100 });
    expect(list!.by_status.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    const page = async (offset: number) =>
      (await ask(site, `GET /api/sandbox/lists/301/records?offset=${offset}&limit=4`)).value;
    const first = await page(0);
    expect(first).toMatchObject({ total: 100, offset: 0 });
    const places = (records: { chain: number; place: number }[]) => records.map(({ chain, place }) => [chain, place]);
    expect(places(first.records)).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 0],
    ]);
    expect(first.records[0]).toMatchObject({ phone: "······0100", status: "Retrieved", handle: 17 });
    expect(places((await page(4)).records)).toEqual([
      [2, 1],
      [2, 2],
      [3, 0],
      [3, 1],
    ]);
    expect((await page(100)).records).toEqual([]);
  });

  it("dials a record on command, and says why it dials none", async () => {
    const open = (await state()).handles.open;
    expect((await ask(site, "POST /api/sandbox/dial", { list: "Alpha List" })).value).toEqual({
      dialed: 1,
      short: null,
    });
    expect((await state()).handles.open).toBe(open + 1);
    await site.send("/campaigngroups/106?req=StopDialing");
    expect((await ask(site, "POST /api/sandbox/dial", {})).value).toEqual({
      dialed: 0,
      short: "no campaign group is running",
    });
  });

  it("gives commands to try, which lead to a request with a flow and to one without", async () => {
    const { examples, active } = await state();
    expect(examples.through).toContain(`${site.gateway.url}/campaigngroups/106`);
    expect(examples.past).toBe(`curl -i ${site.ocs[active].http}/campaigngroups/106`);
    expect((await fetch(examples.past.slice("curl -i ".length))).status).toBe(200);
  });
});
