import { describe, expect, it } from "vitest";
import { NO_EXPORTS } from "../../../src/cli/discover/csv/exports.ts";
import type { Group } from "../../../src/cli/discover/match.ts";
import { assignmentsIn } from "../../../src/cli/discover/options.ts";
import { planTenants, type Facts, type KnownTenant } from "../../../src/cli/discover/plan.ts";

const group = (name: string, campaignId?: number, dbid?: number): Group => ({ name, campaignId, groupId: 1, dbid });
const tenant = (name: string, dbid: number | undefined, ...groups: Group[]): KnownTenant => ({
  path: ["tenants", 0],
  name,
  dbid,
  groups,
});
const plan = (facts: Partial<Facts>, ...assign: string[]) =>
  planTenants({ known: [], exports: NO_EXPORTS, read: undefined, ...facts, assignments: assignmentsIn(assign) });
const owners = (found: ReturnType<typeof plan>): Record<string, string[]> =>
  Object.fromEntries(found.tenants.map(({ name, groups }) => [name, groups.map((each) => each.name)]));
const stated = (tenantName: string, each: Group) => ({ ...each, tenant: tenantName, where: "g.csv:2" });

describe("whose a group is", () => {
  it("is nobody's while nothing says it, also with one tenant alone", () => {
    const found = plan({ known: [tenant("A", 1)], read: [group("X@Y", 5)] });
    expect([owners(found), found.nobody.map(({ name }) => name)]).toEqual([{ A: [] }, ["X@Y"]]);
  });

  it("is what the config, an export or --assign says", () => {
    const found = plan(
      {
        known: [tenant("A", 1, group("X@1")), tenant("B", 2)],
        exports: { ...NO_EXPORTS, groups: [stated("B", group("Y@1", 6))] },
        read: [group("X@1", 5), group("Y@1", 6), group("Z@1", 7), group("Q@1", 8)],
      },
      "2=Z@*",
      "C=Q*",
    );
    expect([owners(found), found.conflicts]).toEqual([{ A: ["X@1"], B: ["Y@1", "Z@1"], C: ["Q@1"] }, []]);
  });

  it("is the same for all groups of a campaign, by the campaign's DBID and not by its name", () => {
    const found = plan({
      known: [tenant("A", 1, group("X@1"))],
      read: [group("X@1", 5), group("X@2", 5), group("X@3", 6)],
    });
    expect([owners(found), found.nobody.map(({ name }) => name)]).toEqual([{ A: ["X@1", "X@2"] }, ["X@3"]]);
  });

  it.each<[string, Partial<Facts>, string[], string]>([
    ["two patterns", { read: [group("X@1")] }, ["A=X*", "B=*1"], "X@1 belongs to one tenant, and is claimed for A"],
    [
      "the config and a pattern",
      { known: [tenant("A", 1, group("X@1"))], read: [group("X@1")] },
      ["B=X*"],
      'A (the config) and B (--assign "B=X*")',
    ],
    [
      "two groups of a campaign",
      { read: [group("X@1", 5), group("X@2", 5)] },
      ["A=*1", "B=*2"],
      "the campaign with DBID 5 belongs to one tenant, but its groups do not: X@1 to A, X@2 to B",
    ],
    [
      "a name and a DBID",
      { known: [tenant("2", 1), tenant("B", 2)], read: [group("X@1")] },
      ["2=X*"],
      "2 is the name of a tenant and the DBID of another",
    ],
    [
      "a pattern that matches nothing",
      { read: [group("X@1")] },
      ["A=Y*"],
      '--assign "A=Y*": no campaign group matches',
    ],
    [
      "an export and OCS about a DBID",
      { exports: { ...NO_EXPORTS, groups: [stated("A", group("X@1", 5, 7))] }, read: [group("X@1", 5, 8)] },
      [],
      "g.csv:2: X@1 has the DBID 7, and OCS says 8",
    ],
    [
      "an export and OCS about a campaign",
      { exports: { ...NO_EXPORTS, groups: [stated("A", group("X@1", 6))] }, read: [group("X@1", 5)] },
      [],
      "g.csv:2: X@1 has the campaign 6, and OCS says 5",
    ],
    [
      "an export and the config about a tenant's DBID",
      { known: [tenant("A", 1)], exports: { ...NO_EXPORTS, tenants: [{ name: "A", dbid: 2, where: "t.csv:2" }] } },
      [],
      "t.csv:2: A has the DBID 2, and 1 in the config",
    ],
    [
      "an export and the config about whose a DBID is",
      { known: [tenant("A", 1)], exports: { ...NO_EXPORTS, tenants: [{ name: "B", dbid: 1, where: "t.csv:2" }] } },
      [],
      "t.csv:2: B has the DBID 1, which the config has for A",
    ],
  ])("is a contradiction between %s", (_, facts, assign, why) => {
    expect(plan(facts, ...assign).conflicts).toEqual([expect.stringContaining(why)]);
  });

  it("names campaigns by what precedes the only @ of a group", () => {
    const found = plan({ read: [group("X@1", 5), group("Y@Z@1", 6), group("W", 7)] }, "A=*");
    expect(found.tenants[0]!.campaigns).toEqual(["X"]);
  });

  it("notes groups that OCS does not list", () => {
    const found = plan({
      known: [tenant("A", 1, group("Gone@1"))],
      exports: { ...NO_EXPORTS, groups: [stated("A", group("Old@1"))] },
      read: [group("X@1", 5)],
    });
    expect(found.notes).toEqual([
      "g.csv:2: Old@1 is left out, because OCS does not list it",
      "A has Gone@1 in the config, which OCS does not list",
    ]);
  });
});
