import { describe, expect, it } from "vitest";
import type { ActionName } from "../../../src/ocs/catalog.ts";
import type { RecordsMode, Tenant } from "../../../src/tenancy/registry.ts";
import { anArrival, aTenant, beta } from "../../kit/line.ts";
import { codeOf, permitFor, stageDeps, type StageDeps } from "../../kit/stages.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const REJECT = "/records/15?req=RecordReject";
const clients = (...actions: ActionName[]): Pick<Tenant, "clients"> => ({
  clients: new Map([["cluster", { actions: new Set(actions), campaignGroups: undefined }]]),
});
const both = (records: RecordsMode = "pre-dial"): readonly Tenant[] => [
  aTenant({ ...clients("DoNotCall", "RecordReject"), records }),
  beta({ ...clients("DoNotCall", "RecordReject"), records }),
];
const ownedBy = (tenants: readonly Tenant[], ...owners: readonly number[]): StageDeps => {
  const deps = stageDeps(tenants);
  const ownersAmong = (among: readonly Tenant[]) => among.filter(({ dbid }) => owners.includes(dbid));
  return { ...deps, ownership: { requestLease: deps.ownership.requestLease, ownersAmong } };
};
const resolve = async (
  tenants: readonly Tenant[],
  { target = DNC, body = "", tenant }: { target?: string; body?: string; tenant?: string },
  deps: StageDeps = stageDeps(tenants),
): Promise<number> => {
  const headers = tenant === undefined ? [] : [["Ocsgw-Tenant", tenant] as const];
  return (await permitFor(tenants, anArrival({ target, body, headers, as: "cluster" }), deps)).permit.tenant.dbid;
};

describe("resolveTenant", () => {
  it.each<[string, readonly Tenant[], Parameters<typeof resolve>[1], number]>([
    ["the only tenant", [both()[1]!], {}, 102],
    ["the one that the header names", both(), { tenant: "102" }, 102],
    ["the one that the body names by DBID", both(), { body: '{"GSW_TENANT_DBID":102}' }, 102],
    ["the one that the body names by name", both(), { body: '{"GSW_TENANT_NAME":"Beta Tenant"}' }, 102],
    ["the one that both name", both(), { body: '{"GSW_TENANT_DBID":102,"GSW_TENANT_NAME":"Beta Tenant"}' }, 102],
    ["the only one that grants it", [aTenant(clients("Load")), beta(clients("DoNotCall"))], {}, 102],
    [
      "the one that grants it, not the one that observes",
      [aTenant({ ...clients("Load"), observes: true }), beta(clients("DoNotCall"))],
      {},
      102,
    ],
  ])("chooses %s", async (_what, tenants, asked, dbid) => expect(await resolve(tenants, asked)).toBe(dbid));

  it.each<[string, readonly Tenant[], string, string]>([
    ["names none", both(), "{}", "OCSGW-2105"],
    ["names another tenant by DBID", both(), '{"GSW_TENANT_DBID":103}', "OCSGW-2103"],
    ["names another tenant by name", both(), '{"GSW_TENANT_NAME":"Gamma"}', "OCSGW-2103"],
    ["names two of them", both(), '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}', "OCSGW-1005"],
    [
      "names a DBID that two OCS have",
      [both()[0]!, beta({ ...clients("DoNotCall"), dbid: 101, upstream: "elsewhere" })],
      '{"GSW_TENANT_DBID":101}',
      "OCSGW-2105",
    ],
  ])("refuses a body that %s", async (_what, tenants, body, code) => {
    expect(await codeOf(() => resolve(tenants, { body }))).toBe(code);
  });

  const elsewhere = beta({ ...clients("RecordReject"), upstream: "elsewhere", records: "dedicated" });
  it.each<[string, readonly Tenant[], readonly number[], number | string]>([
    ["the handle's owner", both(), [102], 102],
    ["the first tenant if none owns the handle, so that all get the same answer", both(), [], 101],
    ["none if two tenants own the handle", both(), [101, 102], "OCSGW-2105"],
    ["none if another tenant has all handles of another OCS", [both()[0]!, elsewhere], [101], "OCSGW-2105"],
    ["none if handles need no owner", both("unscoped"), [], "OCSGW-2105"],
  ])("chooses for a record %s", async (_what, tenants, owners, expected) => {
    const run = () => resolve(tenants, { target: REJECT }, ownedBy(tenants, ...owners));
    expect(typeof expected === "number" ? await run() : await codeOf(run)).toBe(expected);
  });

  const limits = { requests: { points: 1, seconds: 60 }, urgent: { points: 1, seconds: 60 }, actions: new Map() };
  it("charges the chosen tenant once", async () => {
    const tenants = both().map((tenant) => ({ ...tenant, limits }));
    const deps = stageDeps(tenants);
    const to = (dbid: number) => resolve(tenants, { body: `{"GSW_TENANT_DBID":${dbid}}` }, deps);
    expect([await to(101), await to(102)]).toEqual([101, 102]);
    expect([await codeOf(() => to(101)), await codeOf(() => to(102))]).toEqual(["OCSGW-3001", "OCSGW-3001"]);
  });

  it("charges only the client if the tenant stays unknown", async () => {
    const tenants = both();
    const charged: number[] = [];
    const deps: StageDeps = {
      ...stageDeps(tenants),
      charge: () => expect.unreachable(),
      chargeClient: ({ dbid }) => {
        charged.push(dbid);
        return { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };
      },
    };
    expect(await codeOf(() => resolve(tenants, {}, deps))).toBe("OCSGW-2105");
    expect(charged).toEqual([101, 102]);
  });
});
