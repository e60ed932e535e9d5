/**
 * A busy tenant appears nowhere in what people of another tenant get: no name, number, id or count, by whatever route,
 * filter, cursor or id they ask. Every route that is `by-tenant` has a case here; a new one fails until it has.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROUTES } from "../../../src/admin/routes.ts";
import { openFlows } from "../../kit/flow-stream.ts";
import {
  CANARY,
  NOBODY,
  addTenant,
  admin,
  alphaIds,
  ask,
  call,
  canaryIds,
  canaryTraffic,
  expectNoTrace,
  flowsAs,
  gateway,
  hostileFilters,
  startWorld,
  stopWorld,
  stops,
} from "./kit.ts";
import { EVERYTHING, SCOPED } from "./people.ts";

vi.mock("../../../src/admin/viewer.ts", async (original) =>
  (await import("./people.ts")).withPeople(await original<typeof import("../../../src/admin/viewer.ts")>()),
);

beforeAll(startWorld, 60_000);
afterAll(stopWorld);

const EXPORTS = "/api/audit/exports";
/** Those of Alpha's auditor, and one of everything. */
const exportIds = { own: [] as string[], foreign: "" };

const exported = async (as: string, body: object): Promise<string> => {
  const { status, text } = await ask("POST", EXPORTS, as, { purpose: "ticket 42", ...body });
  expect([status, text]).toEqual([202, expect.anything()]);
  const { id } = JSON.parse(text) as { readonly id: string };
  await vi.waitFor(
    async () => expect(JSON.parse((await ask("GET", `${EXPORTS}/${id}`, as)).text)).toMatchObject({ state: "done" }),
    { timeout: 20_000, interval: 100 },
  );
  return id;
};
const HIDDEN = `-list:"${NOBODY.list}" OR kind:alarm,config OR -tenant:101`;
const exportsOf = (end: string) => (): readonly (readonly [string])[] =>
  [...exportIds.own, exportIds.foreign].map((id) => [`${EXPORTS}/${id}${end}`]);

beforeAll(async () => {
  for (const format of ["csv", "html"])
    for (const filter of ["", HIDDEN]) exportIds.own.push(await exported(SCOPED.auditor, { format, filter }));
  exportIds.foreign = await exported(EVERYTHING, { format: "csv", user: "rw" });
}, 60_000);

const CASES: Readonly<Record<string, () => readonly (readonly [target: string, body?: object])[]>> = {
  // Nobody here has a session.
  "DELETE /api/session": () => [["/api/session"]],
  "GET /api/flows": () => hostileFilters(NOBODY).map((each) => [`/api/flows?filter=${encodeURIComponent(each)}`]),
  "GET /api/audit/search": () => [["/api/audit/search"], ["/api/audit/search?limit=1"]],
  "GET /api/flows/{id}": () => [...canaryIds, ...alphaIds].map((id) => [`/api/flows/${id}`]),
  "GET /api/requests/{id}": () => [...canaryIds, ...alphaIds].map((id) => [`/api/requests/${id}`]),
  // Streams have tests of their own below.
  "GET /api/flows/stream": () => [["/api/flows/stream?filter=nonsense"], ["/api/flows/stream?filter=since:1h"]],
  "POST /api/audit/exports": () =>
    ["csv", "html", "ndjson", "bundle"].map((format) => [EXPORTS, { format, filter: HIDDEN, purpose: "ticket 42" }]),
  "GET /api/audit/exports": () => [[EXPORTS]],
  "GET /api/audit/exports/{id}": exportsOf(""),
  "GET /api/audit/exports/{id}/events": exportsOf("/events"),
  "GET /api/audit/exports/{id}/file": exportsOf("/file"),
  "DELETE /api/audit/exports/{id}": () => [[`${EXPORTS}/${exportIds.foreign}`]],
  // 4155550101 is asked about by both; the canary's own number has a test in flows.test.ts.
  "POST /api/audit/look-up": () =>
    [{ phone: "4155550101" }, { phone: "4155550177" }, { phone: "4155550199" }, { customer_id: "C-1" }].flatMap((who) =>
      ["", `tenant:101`, ...hostileFilters(NOBODY).slice(0, 8), HIDDEN].map(
        (filter) => ["/api/audit/look-up", { ...who, filter, purpose: "ticket 42" }] as const,
      ),
    ),
  "GET /api/filter": () => [["/api/filter"]],
  "GET /openapi.json": () => [["/openapi.json"]],
  "GET /openapi/clients.json": () => [["/openapi/clients.json"], ["/openapi/clients.json?paths=action"]],
  "GET /api/header": () => [["/api/header"]],
  "GET /api/help": () => [["/api/help"]],
  "GET /api/now": () => [["/api/now"]],
  "GET /api/tenants": () => [["/api/tenants"], ["/api/tenants?search=7"], ["/api/tenants?limit=1&after=1"]],
  "GET /api/tenants/{dbid}": () => [["/api/tenants/101"], [`/api/tenants/${CANARY.dbid}`], ["/api/tenants/102"]],
  "GET /api/upstreams": () => [["/api/upstreams"]],
  "GET /api/dnc/open": () => [["/api/dnc/open"], ["/api/dnc/open?limit=1"]],
  "GET /api/dnc/ledger": () => [["/api/dnc/ledger"]],
  "GET /api/outbox": () => [["/api/outbox"], ["/api/outbox?limit=1"]],
  "POST /api/outbox/{id}/close": () => canaryIds.map((id) => [`/api/outbox/${id}/close`, { note: "x" }]),
  "POST /api/dnc/{id}/note": () => canaryIds.map((id) => [`/api/dnc/${id}/note`, { note: "x" }]),
  // Without shared; test/admin/peers/nodes.test.ts asks gateways that share a database.
  "GET /api/nodes": () => [["/api/nodes"]],
  "GET /api/nodes/flows": () => [["/api/nodes/flows"]],
  "POST /api/nodes/look-up": () => [["/api/nodes/look-up", { phone: "4155550101", purpose: "ticket 42" }]],
  "GET /api/nodes/flows/{id}": () => canaryIds.map((id) => [`/api/nodes/flows/${id}`]),
  "GET /api/nodes/dnc/open": () => [["/api/nodes/dnc/open"]],
  "GET /api/nodes/dnc/ledger": () => [["/api/nodes/dnc/ledger"]],
  "POST /api/nodes/exports": () => [["/api/nodes/exports", { format: "csv", purpose: "ticket 42" }]],
  "GET /api/nodes/exports/{id}": () => [["/api/nodes/exports/none"]],
  "GET /api/nodes/exports/{id}/{node}/file": () => [["/api/nodes/exports/none/gw-b/file"]],
};
const BY_TENANT = ROUTES.flatMap((row) =>
  "scope" in row && row.scope === "by-tenant" ? [`${row.method} ${row.path}`] : [],
);

describe("every route that is by-tenant", () => {
  it("has a case here", () => expect(Object.keys(CASES).toSorted()).toEqual(BY_TENANT.toSorted()));

  it.each(BY_TENANT)("%s has no trace of the canary", async (name) => {
    for (const [target, body] of CASES[name]!())
      for (const as of Object.values(SCOPED)) {
        const { status, text } = await ask(name.split(" ")[0]!, target, as, body);
        expect(status, target).toBeLessThan(500);
        expectNoTrace(text, `${target} as ${as}`);
      }
  });

  /** Times go on by themselves, and a sealed cursor differs each time. */
  const settled = (text: string): string =>
    text.replaceAll(/"next":"[^"]+"/g, '"next":"…"').replaceAll(/"(?:age|oldest_ms|since_ms)":\d+(?:\.\d+)?/g, '"…":0');
  const STEADY = BY_TENANT.filter((name) => !/now|tenants|upstreams|note|exports|header/.test(name));

  it("exports the same rows as it lists, and nobody else's export", async () => {
    const [all, hidden] = await Promise.all(
      exportIds.own.slice(0, 2).map(async (id) => (await ask("GET", `${EXPORTS}/${id}/file`, SCOPED.auditor)).text),
    );
    const rows = all!.trim().split("\r\n").slice(1);
    expect(rows).toHaveLength(alphaIds.length - 1);
    for (const row of rows) expect(row).toContain(",Alpha Tenant,101,");
    expect(hidden).toBe(all);
    const foreign = await ask("GET", `${EXPORTS}/${exportIds.foreign}/file`, SCOPED.auditor);
    expect(foreign).toEqual(await ask("GET", `${EXPORTS}/unknown/file`, SCOPED.auditor));
    expect((await ask("GET", `${EXPORTS}/${exportIds.foreign}/file`, EVERYTHING)).text).toContain(CANARY.name);
  });

  /** What goes on by itself: times, and numbers of the last minutes. */
  const GOES_ON = new Set(
    (
      "time counted_since since since_ms oldest_ms series spark rates used queue_p95_ms lanes_used no_answer_10m " +
      "dnc dnc_open"
    ).split(" "),
  );
  const atRest = (text: string): string =>
    settled(
      text.startsWith("{")
        ? JSON.stringify(JSON.parse(text, (name, value: unknown) => (GOES_ON.has(name) ? null : value)))
        : text,
    );

  it("gives the same after a reload that adds a tenant, and says nothing of reloads and starts", async () => {
    const names = BY_TENANT.filter((name) => name.startsWith("GET ") && !/stream|events/.test(name));
    const answers = async (): Promise<string[]> => {
      const all: string[] = [];
      for (const name of names)
        for (const [target] of CASES[name]!())
          for (const as of Object.values(SCOPED)) {
            const { status, text } = await ask("GET", target, as);
            all.push(`${target} ${as} ${status} ${atRest(text)}`);
          }
      return all;
    };
    const stream = await openFlows(admin, { filter: "", token: SCOPED.auditor });
    stops.push(() => stream.close());
    const before = await answers();
    await addTenant();
    const hash = gateway.gateway.configHash.slice(0, 8);
    const markersFor = async (as: string, target: string): Promise<unknown> =>
      (JSON.parse((await ask("GET", target, as)).text) as { readonly markers: unknown }).markers;
    for (const page of ["/api/now", "/api/tenants/101"]) {
      const markers = await vi.waitFor(
        async () => {
          const all = await markersFor(EVERYTHING, page);
          expect(all).toContainEqual(expect.objectContaining({ kind: "config", text: `reloaded ${hash}` }));
          return all;
        },
        { timeout: 10_000 },
      );
      expect(markers).toContainEqual(expect.objectContaining({ kind: "start" }));
      for (const as of Object.values(SCOPED)) expect(await markersFor(as, page), `${page} ${as}`).toEqual([]);
    }
    const after = await answers();
    expect(after).toEqual(before);
    expect(after.filter((answer) => answer.includes(hash))).toEqual([]);
    const last = await call("/phones/4155550177?req=DoNotCall", "alpha");
    await stream.until(({ data }) => data["id"] === last);
    expect(JSON.stringify(stream.events)).not.toMatch(new RegExp(`${hash}|"(?:config|start|alarm)"`));
  }, 60_000);

  it("gives the same when the canary does twice as much", async () => {
    const answers = async (): Promise<string[]> => {
      const all: string[] = [];
      for (const name of STEADY)
        for (const [target, body] of CASES[name]!().filter(([path]) => !canaryIds.some((id) => path.includes(id))))
          for (const as of Object.values(SCOPED)) {
            const { status, text } = await ask(name.split(" ")[0]!, target, as, body);
            all.push(`${target} ${as} ${status} ${settled(text)}`);
          }
      return all;
    };
    const total = async () => (await flowsAs(EVERYTHING, "")).searched.to;
    const [before, size] = [await answers(), await total()];
    await canaryTraffic();
    expect(await answers()).toEqual(before);
    expect(await total()).toBeGreaterThan(size + 8);
  }, 60_000);
});
