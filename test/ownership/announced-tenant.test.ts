import { describe, expect, it } from "vitest";
import {
  createAnnouncedTenantFinder,
  type DecidingProperties,
  type AnnouncedTenant,
} from "../../src/ownership/ownership.ts";
import { aTenant, beta } from "../kit/line.ts";

const find = createAnnouncedTenantFinder([
  aTenant(),
  beta(),
  aTenant({
    name: "Elsewhere",
    dbid: 900,
    upstream: "other",
    campaigns: new Set(["Alpha Campaign"]),
    lists: new Set(),
    campaignGroups: new Map(),
  }),
]);

const said = (over: Partial<DecidingProperties>): DecidingProperties => ({
  tenantDbid: undefined,
  tenantName: undefined,
  groupDbid: undefined,
  groupName: undefined,
  campaign: undefined,
  list: undefined,
  ...over,
});
const nameOf = (whose: AnnouncedTenant): string => ("tenant" in whose ? whose.tenant.name : whose.unowned);

describe("the tenant of an announced record", () => {
  it.each<[Partial<DecidingProperties>, string]>([
    [{ groupDbid: 106 }, "Alpha Tenant"],
    [{ groupName: "Beta Campaign@Beta Agents" }, "Beta Tenant"],
    [{ campaign: "Alpha Campaign" }, "Alpha Tenant"],
    [{ list: "Beta List" }, "Beta Tenant"],
    [
      {
        groupDbid: 106,
        groupName: "Alpha Campaign@Alpha Agents",
        campaign: "Alpha Campaign",
        list: "Alpha List",
        tenantDbid: 101,
        tenantName: "Alpha Tenant",
      },
      "Alpha Tenant",
    ],
    [{ groupDbid: 106, list: "A list that is in nobody's register" }, "Alpha Tenant"],
    [{ tenantName: "Alpha Tenant" }, "Alpha Tenant"],
    [{ tenantDbid: 102, campaign: "New Campaign", groupDbid: 999 }, "Beta Tenant"],
    [{}, "unregistered"],
    [{ groupDbid: 999, campaign: "Gamma", list: "Gamma List", tenantName: "Gamma" }, "unregistered"],
    [{ groupDbid: 999, campaign: "Alpha Campaign" }, "unregistered"],
    [{ groupName: "Alpha Campaign@Gamma Agents", campaign: "Alpha Campaign" }, "unregistered"],
    [{ campaign: "alpha campaign" }, "unregistered"],
    [{ groupDbid: 106, groupName: "Beta Campaign@Beta Agents" }, "contradiction"],
    [{ groupDbid: 106, campaign: "Beta Campaign" }, "contradiction"],
    [{ campaign: "Alpha Campaign", list: "Beta List" }, "contradiction"],
    [{ groupDbid: 106, tenantDbid: 102 }, "contradiction"],
    [{ groupDbid: 106, tenantName: "Beta Tenant" }, "contradiction"],
    [{ groupDbid: 106, tenantName: "Gamma" }, "contradiction"],
    [{ tenantDbid: 101, tenantName: "Gamma" }, "contradiction"],
  ])("is found with %j: %s", (particulars, expected) => {
    expect(nameOf(find("ocs", said(particulars)))).toBe(expected);
  });

  it("is found among the tenants of its own upstream only", () => {
    expect(nameOf(find("other", said({ campaign: "Alpha Campaign" })))).toBe("Elsewhere");
    expect(nameOf(find("other", said({ list: "Alpha List" })))).toBe("unregistered");
    expect(nameOf(find("none", said({ groupDbid: 106 })))).toBe("unregistered");
  });
});
