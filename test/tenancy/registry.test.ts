import { describe, expect, it } from "vitest";
import { readTarget } from "../../src/ocs/target.ts";
import { checkGrant } from "../../src/tenancy/grants.ts";
import { createSharedUse } from "../../src/ownership/shared-use.ts";
import { createRegistry, isMeant, isNamed } from "../../src/tenancy/registry.ts";
import { aTenant, beta } from "../kit/line.ts";

const grant = (actions: readonly string[], groups?: readonly number[]) =>
  aTenant({
    clients: new Map([["ops", { actions: new Set(actions) as never, campaignGroups: groups && new Set(groups) }]]),
  });

describe("the registry", () => {
  it("finds every tenant that has a client", () => {
    const shared = new Map([["cluster", { actions: new Set(["Load" as const]), campaignGroups: undefined }]]);
    const register = createRegistry([aTenant({ clients: shared }), beta({ clients: shared })]);
    expect(register.tenantsOf("cluster").map(({ dbid }) => dbid)).toEqual([101, 102]);
    expect(register.tenantsOf("nobody")).toEqual([]);
    expect(register.tenantsOf("__proto__")).toEqual([]);
  });

  it("finds a tenant by its exact name or DBID", () => {
    const tenant = aTenant();
    expect(["Alpha Tenant", "101", "alpha tenant", "0101", "101 ", ""].map((text) => isNamed(tenant, text))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("a tenant that is named like a DBID", () => {
  const [digits, other] = [aTenant({ name: "102", dbid: 500 }), aTenant({ name: "Beta Tenant", dbid: 102 })];

  it("is not found by a number, nor the tenant of that DBID by a text, if both types exist", () => {
    expect([
      isMeant(digits, 102),
      isMeant(digits, "102"),
      isMeant(digits, 500),
      isMeant(other, 102),
      isMeant(other, "102"),
    ]).toEqual([false, true, true, true, false]);
  });
});

describe("a grant", () => {
  it.each([
    ["the action", grant(["Load"]), "POST", "/campaigngroups/106?req=Load", true],
    ["another action", grant(["Load"]), "POST", "/campaigngroups/106?req=ForceUnload", false],
    ["the GET, by ReadStatus alone", grant(["Load"]), "GET", "/campaigngroups/106", false],
    ["the GET", grant(["ReadStatus"]), "GET", "/campaigngroups", true],
    ["a listed group", grant(["Load"], [106]), "POST", "/campaigngroups/106?req=Load", true],
    ["a group of the tenant that is not listed", grant(["Load"], [106]), "POST", "/campaigngroups/115?req=Load", false],
    ["nobody's group, which isolation refuses", grant(["Load"], [106]), "POST", "/campaigngroups/999?req=Load", true],
  ] as const)("on %s", (_what, tenant, method, target, allowed) => {
    expect(checkGrant(tenant, "ops", readTarget(method, target)).allowed).toBe(allowed);
  });

  it("gives an unknown client nothing", () => {
    expect(checkGrant(grant(["Load"]), "else", readTarget("POST", "/campaigngroups/106?req=Load")).allowed).toBe(false);
  });
});

describe("the detection of shared use", () => {
  it("reports once that two tenants use the same handle of an upstream", () => {
    const watch = createSharedUse();
    expect([
      watch.use("ocs", "15", "Alpha"),
      watch.use("ocs", "15", "Alpha"),
      watch.use("ocs", "15", "Beta"),
      watch.use("ocs", "15", "Beta"),
      watch.use("other", "15", "Beta"),
    ]).toEqual([undefined, undefined, "Alpha", undefined, undefined]);
  });

  it("recognizes a renamed tenant", () => {
    const watch = createSharedUse();
    expect([
      watch.use("ocs", "15", "Alpha", 101),
      watch.use("ocs", "15", "Beta", 101),
      watch.use("ocs", "15", "Alpha", 102),
    ]).toEqual([undefined, undefined, "Alpha"]);
  });

  it("treats a handle of OCS's next life as another record", () => {
    const watch = createSharedUse();
    for (const upstream of ["ocs", "other"]) watch.use(upstream, "15", "Alpha");
    watch.newLife("ocs");
    expect([watch.use("ocs", "15", "Beta"), watch.use("other", "15", "Beta")]).toEqual([undefined, "Alpha"]);
  });

  it("drops the oldest handles beyond its limit", () => {
    const watch = createSharedUse(2);
    for (const handle of ["1", "2", "3"]) watch.use("ocs", handle, "Alpha");
    expect([watch.use("ocs", "1", "Beta"), watch.use("ocs", "3", "Beta")]).toEqual([undefined, "Alpha"]);
  });
});
