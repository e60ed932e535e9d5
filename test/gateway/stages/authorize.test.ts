import { describe, expect, it } from "vitest";
import { Refused } from "../../../src/gateway/refused.ts";
import type { Tenant } from "../../../src/tenancy/registry.ts";
import type { ActionName } from "../../../src/ocs/catalog.ts";
import { anArrival, aTenant, beta } from "../../kit/line.ts";
import { codeOf, grantFor, stageDeps } from "../../kit/stages.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const LOAD = "/campaigngroups/106?req=Load";
const clients = (...actions: ActionName[]): Pick<Tenant, "clients"> => ({
  clients: new Map([["cluster", { actions: new Set(actions), campaignGroups: new Set([115]) }]]),
});
const limits = { requests: { points: 1, seconds: 60 }, urgent: { points: 1, seconds: 60 }, actions: new Map() };

type Row = readonly [string, readonly Tenant[], string, string | undefined, readonly number[] | string];

describe("authorize", () => {
  it.each<Row>([
    ["the only tenant", [aTenant(clients("DoNotCall"))], DNC, undefined, [101]],
    [
      "all tenants that grant it",
      [aTenant(clients("DoNotCall")), beta(clients("DoNotCall"))],
      DNC,
      undefined,
      [101, 102],
    ],
    ["only those that grant it", [aTenant(clients("Load")), beta(clients("DoNotCall"))], DNC, undefined, [102]],
    ["those that the header leaves", [aTenant(clients("DoNotCall")), beta(clients("DoNotCall"))], DNC, "102", [102]],
    ["a tenant that observes", [aTenant({ ...clients("Load"), observes: true })], DNC, undefined, [101]],
    ["a group of another tenant, for isolation", [beta(clients("Load"))], LOAD, undefined, [102]],
    ["none: the action is not granted", [aTenant(clients("Load"))], DNC, undefined, "OCSGW-2101"],
    ["none: the group is not granted", [aTenant(clients("Load"))], LOAD, undefined, "OCSGW-2101"],
    ["none: the header names another tenant", [aTenant(clients("DoNotCall"))], DNC, "102", "OCSGW-2103"],
  ])("grants %s", async (_what, tenants, target, header, expected) => {
    const arrival = anArrival({
      target,
      as: "cluster",
      headers: header === undefined ? [] : [["Ocsgw-Tenant", header]],
    });
    const grant = () => grantFor(tenants, arrival, stageDeps(tenants));
    if (typeof expected === "string") expect(await codeOf(grant)).toBe(expected);
    else expect((await grant()).tenants.map(({ dbid }) => dbid)).toEqual(expected);
  });

  it("charges the only tenant, and none of several", async () => {
    const arrival = anArrival({ target: DNC, as: "cluster" });
    const alone = [aTenant({ ...clients("DoNotCall"), limits })];
    const deps = stageDeps(alone);
    expect((await grantFor(alone, arrival, deps)).charged).toMatchObject({
      tenant: alone[0],
      charge: { allowed: true },
    });
    const refused = await grantFor(alone, arrival, deps).catch((error: unknown) => error as Refused);
    expect(refused).toMatchObject({ refusal: "over-limit", details: { found: { tenant: alone[0] } } });

    const several = [...alone, beta({ ...clients("DoNotCall"), limits })];
    const shared = stageDeps(several);
    for (let time = 0; time < 3; time++) expect((await grantFor(several, arrival, shared)).charged).toBeUndefined();
  });

  it.each([
    ["2101 before 3001", clients("Load"), 2, "OCSGW-2101"],
    ["3001", clients("DoNotCall"), 2, "OCSGW-3001"],
    ["nothing", clients("DoNotCall"), 1, undefined],
  ] as const)("records for a tenant that observes: %s", async (_what, granted, times, wouldRefuse) => {
    const tenants = [aTenant({ ...granted, limits, observes: true })];
    const deps = stageDeps(tenants);
    const arrival = anArrival({ target: DNC, as: "cluster" });
    for (let time = 1; time < times; time++) await grantFor(tenants, arrival, deps);
    expect((await grantFor(tenants, arrival, deps)).charged?.wouldRefuse).toBe(wouldRefuse);
  });

  it("has the tenant in a refusal only if the request named it", async () => {
    const of = async (tenants: readonly Tenant[]) =>
      (await grantFor(tenants, anArrival({ target: DNC, as: "cluster" }), stageDeps(tenants)).catch(
        (error: unknown) => error as Refused,
      )) as Refused;
    expect((await of([aTenant(clients("Load"))])).details.found?.tenant?.dbid).toBe(101);
    expect((await of([aTenant(clients("Load")), beta(clients("Load"))])).details.found).toBeUndefined();
  });
});
