import { describe, expect, it } from "vitest";
import { ClaimFault, isIncomplete, readClaims, rightsOf, type Claims } from "../../../src/admin/oidc/claims.ts";
import type { ClaimSettings } from "../../../src/admin/oidc/settings.ts";

const settings = (over: Partial<ClaimSettings> = {}): ClaimSettings => ({
  claims: { user: "preferred_username", role: "roles", tenants: null },
  roles: { viewer: ["viewer"], operator: ["ops", "root"], auditor: ["audit"] },
  all_tenants: null,
  tenants: [
    { name: "Alpha Tenant", dbid: 101 },
    { name: "Beta Tenant", dbid: 102 },
  ],
  ...over,
});
const byTenant = (over: Partial<ClaimSettings> = {}): ClaimSettings =>
  settings({ claims: { user: "preferred_username", role: "roles", tenants: "tenants" }, ...over });

/** The rights, or the sentence. */
const outcome = (claims: Claims, given: ClaimSettings, ...more: readonly Claims[]): unknown => {
  const claimed = readClaims([claims, ...more], given);
  const rights = claimed instanceof ClaimFault ? claimed : rightsOf(claimed, given);
  return rights instanceof ClaimFault ? rights.sentence : [rights.roles, rights.tenants];
};

const maria = { preferred_username: "maria", roles: ["audit"] };

describe("the roles of a user", () => {
  it.each<readonly [what: string, roles: unknown, expected: unknown]>([
    ["one text", "viewer", [["viewer"], "all"]],
    ["a list", ["audit", "ops", "something else"], [["operator", "auditor"], "all"]],
    ["two values of one role", ["ops", "root"], [["operator"], "all"]],
    ["a value in another case", ["Viewer"], "no value of the claim"],
    ["several values in one text", "viewer ops", "no value of the claim"],
    ["the name of a role that another value gives", ["operator"], "no value of the claim"],
    ["an empty list", [], "no value of the claim"],
    ["a name of Object.prototype", ["constructor"], "no value of the claim"],
    ["an empty text", "", "is neither a text nor a list of texts"],
    ["a number", 1, "is neither a text nor a list of texts"],
    ["true", true, "is neither a text nor a list of texts"],
    ["an object", { viewer: true }, "is neither a text nor a list of texts"],
    ["a list with one thing that is no text", ["viewer", 7], "is neither a text nor a list of texts"],
    ["a list in a list", [["viewer"]], "is neither a text nor a list of texts"],
    ["null", null, 'the claim "roles" is missing'],
    ["nothing", undefined, 'the claim "roles" is missing'],
  ])("come from %s", (_, roles, expected) => {
    const found = outcome({ ...maria, roles }, settings());
    expect(found).toEqual(typeof expected === "string" ? expect.stringContaining(expected) : expected);
  });

  it("are found inside another claim, by a list of names and by no dots", () => {
    const path = ["realm_access", "roles"];
    const inside = settings({ claims: { user: "preferred_username", role: path, tenants: null } });
    expect(outcome({ ...maria, realm_access: { roles: ["audit"] } }, inside)).toEqual([["auditor"], "all"]);
    expect(outcome({ ...maria, "realm_access.roles": ["audit"] }, inside)).toBe(
      'the claim "realm_access" in "roles" is missing',
    );
    const dotted = settings({ claims: { user: "preferred_username", role: "https://x.example/roles", tenants: null } });
    expect(outcome({ ...maria, "https://x.example/roles": "audit" }, dotted)).toEqual([["auditor"], "all"]);
    for (const realm_access of ["roles", ["roles"], null, 7])
      expect(outcome({ ...maria, realm_access }, inside)).toMatch(/ is missing$/);
    const inherited = settings({
      claims: { user: "preferred_username", role: ["roles", "constructor"], tenants: null },
    });
    expect(outcome({ ...maria, roles: {} }, inherited)).toMatch(/ is missing$/);
  });
});

describe("the tenants of a user", () => {
  it.each<readonly [what: string, tenants: unknown, expected: unknown]>([
    ["a name", "Alpha Tenant", [101]],
    ["names", ["Alpha Tenant", "Beta Tenant"], [101, 102]],
    ["a DBID", 102, [102]],
    ["a DBID in digits", ["102"], [102]],
    ["a name that is unknown beside one that is known", ["Alpha Tenant", "Gamma Tenant"], [101]],
    ["only names that are unknown", ["Gamma Tenant"], "is a tenant of this gateway"],
    ["a name in another case", ["alpha tenant"], "is a tenant of this gateway"],
    ["a DBID with a zero before it", ["0102"], "is a tenant of this gateway"],
    ["an empty list", [], "is a tenant of this gateway"],
    ["all", ["*", "all"], "is a tenant of this gateway"],
    ["a fraction", [101.5], "is not a list of names or DBIDs"],
    ["an object", { 101: true }, "is not a list of names or DBIDs"],
    ["true", true, "is not a list of names or DBIDs"],
    ["nothing", undefined, 'the claim "tenants" is missing'],
    ["null", null, 'the claim "tenants" is missing'],
  ])("come from %s", (_, tenants, expected) => {
    const found = outcome({ ...maria, tenants }, byTenant());
    expect(found).toEqual(typeof expected === "string" ? expect.stringContaining(expected) : [["auditor"], expected]);
  });

  it("are all by the value that the config names for that, and by no other", () => {
    const given = byTenant({ all_tenants: "every tenant" });
    expect(outcome({ ...maria, tenants: ["Alpha Tenant", "every tenant"] }, given)).toEqual([["auditor"], "all"]);
    expect(outcome({ ...maria, tenants: ["every"] }, given)).toMatch(/is a tenant of this gateway$/);
    expect(outcome({ ...maria, tenants: "every tenant" }, byTenant())).toMatch(/is a tenant of this gateway$/);
  });

  it("are none by a text that is one tenant's name and another one's DBID", () => {
    const tenants = [
      { name: "102", dbid: 101 },
      { name: "Beta Tenant", dbid: 102 },
    ];
    expect(outcome({ ...maria, tenants: ["102"] }, byTenant({ tenants }))).toMatch(/is a tenant of this gateway$/);
    expect(outcome({ ...maria, tenants: [102] }, byTenant({ tenants }))).toEqual([["auditor"], [102]]);
    const same = [{ name: "102", dbid: 102 }];
    expect(outcome({ ...maria, tenants: ["102"] }, byTenant({ tenants: same }))).toEqual([["auditor"], [102]]);
  });

  it("with one DBID on two OCS are given by their names only together", () => {
    const tenants = [
      { name: "Alpha Tenant", dbid: 101 },
      { name: "Gamma Tenant", dbid: 101 },
    ];
    expect(outcome({ ...maria, tenants: ["Alpha Tenant"] }, byTenant({ tenants }))).toMatch(
      /is a tenant of this gateway/,
    );
    expect(outcome({ ...maria, tenants: ["Gamma Tenant", "Alpha Tenant"] }, byTenant({ tenants }))).toEqual([
      ["auditor"],
      [101],
    ]);
  });

  it("are none if the claims were read while the config named no claim for them", () => {
    const claimed = readClaims([maria], settings());
    expect(claimed).not.toBeInstanceOf(ClaimFault);
    expect(rightsOf(claimed as Exclude<typeof claimed, ClaimFault>, byTenant())).toBeInstanceOf(ClaimFault);
  });
});

it("judges thousands of tenants and values with a number of steps that grows with both, not with their product", () => {
  const tenants = Array.from({ length: 10_000 }, (_, at) => ({ name: `Tenant ${at}`, dbid: at + 1 }));
  let reads = 0;
  const counted = tenants.map((tenant) => ({
    ...tenant,
    get name() {
      reads++;
      return tenant.name;
    },
  }));
  const values = Array.from({ length: 5000 }, (_, at) => `Tenant ${at * 2}`);
  const [, dbids] = outcome({ ...maria, tenants: values }, byTenant({ tenants: counted })) as [unknown, number[]];
  expect(dbids).toHaveLength(5000);
  expect(reads).toBeLessThan(10 * tenants.length);
});

describe("the name of a user", () => {
  it.each<[unknown, string?]>([
    ["maria"],
    ["Mária Ő. (night)"],
    ["maria@example.com"],
    [undefined, "is missing"],
    ["", "is not a name"],
    [7, "is not a name"],
    [["maria"], "is not a name"],
    [" maria", "is not a name"],
    ["x".repeat(65), "is not a name"],
    ["ma\nria", "is not a name"],
    ["ma\u202eria", "is not a name"],
    ["ma\u2028ria", "is not a name"],
    ["ma\0ria", "is not a name"],
  ])("%j", (preferred_username, fault) => {
    const found = outcome({ ...maria, preferred_username }, settings());
    expect(found).toEqual(fault == null ? [["auditor"], "all"] : expect.stringContaining(fault));
  });
});

describe("a claim that the ID token lacks", () => {
  it("is taken from the provider's other answer, and never instead of the token's", () => {
    const token = { preferred_username: "maria" };
    expect([isIncomplete(token, settings()), isIncomplete(maria, settings())]).toEqual([true, false]);
    expect([isIncomplete(maria, byTenant()), isIncomplete({ ...maria, tenants: [] }, byTenant())]).toEqual([
      true,
      false,
    ]);
    expect(outcome(token, settings(), { roles: ["ops"], preferred_username: "mallory" })).toEqual([
      ["operator"],
      "all",
    ]);
    expect(readClaims([token, { roles: ["ops"], preferred_username: "mallory" }], settings())).toMatchObject({
      user: "maria",
    });
    expect(outcome({ ...maria, roles: ["nothing"] }, settings(), { roles: ["ops"] })).toMatch(/gives a role here/);
  });
});

it("repeats no value of a claim in a sentence", () => {
  for (const claims of [
    { ...maria, roles: ["canary"] },
    { ...maria, roles: { canary: 1 } },
    { ...maria, preferred_username: "canary\n" },
    { ...maria, tenants: ["canary"] },
  ])
    expect(String(outcome(claims, byTenant()))).not.toContain("canary");
});
