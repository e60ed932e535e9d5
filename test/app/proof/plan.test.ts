import { describe, expect, it } from "vitest";
import { planProof } from "../../../src/app/proof/plan.ts";
import { settingsOf, sharedOcs } from "./kit.ts";

/** Twenty tenants, each with five lists and five clients; those from the eleventh on have an OCS of their own. */
const many = async () => {
  const settings = await settingsOf(sharedOcs());
  const [first] = settings.tenants;
  const upstreams = Object.fromEntries(
    Array.from({ length: 11 }, (_, at) => [
      `ocs-${at}`,
      { ...settings.upstreams["ocs"]!, primary: `http://127.0.0.1:${20 + at}` },
    ]),
  );
  const tenants = Array.from({ length: 20 }, (_, at) => ({
    ...first!,
    name: `Tenant ${at}`,
    dbid: 1000 + at,
    upstream: `ocs-${Math.max(0, at - 9)}`,
    lists: Array.from({ length: 5 }, (_each, list) => `List ${at}.${list}`),
    clients: Object.fromEntries(
      Array.from({ length: 5 }, (_each, client) => [`client-${at}-${client}`, Object.values(first!.clients)[0]!]),
    ),
  }));
  return { ...settings, upstreams, tenants };
};

describe("the plan of a proof", () => {
  it("is a random choice of many tenants, first those that share an OCS, and says how many of how many", async () => {
    const settings = await many();
    const { tenants, covers, upstreams } = planProof(settings, "h");
    expect(tenants).toHaveLength(8);
    expect(new Set(tenants.map(({ upstream }) => upstream))).toEqual(new Set(["ocs-0"]));
    expect(Object.keys(upstreams)).toEqual(["ocs-0"]);
    for (const { lists, clients } of tenants) expect([lists.length, Object.keys(clients).length]).toEqual([3, 3]);
    expect(covers).toEqual({
      tenants: { tried: 8, of: 20 },
      clients: { tried: 24, of: 100 },
      objects: { tried: 40, of: 140 },
    });
    const chosen = new Set<string>();
    for (let round = 0; round < 50; round++) for (const { name } of planProof(settings, "h").tenants) chosen.add(name);
    expect(chosen.size).toBe(10);
  });

  it("has the campaigns of the chosen groups", async () => {
    const settings = await settingsOf(sharedOcs());
    const tenants = settings.tenants.map((tenant) => ({
      ...tenant,
      campaigns: ["A", "B", "C", "D", ...tenant.campaigns],
    }));
    for (const tenant of planProof({ ...settings, tenants }, "h").tenants)
      expect(tenant.campaigns).toContain(tenant.campaign_groups[0]!.name.split("@")[0]);
  });

  it("contains no secret and no address of the gateway's", async () => {
    const settings = await settingsOf(sharedOcs());
    const text = JSON.stringify(planProof(settings, "h"));
    for (const secret of ["index key", "keys.yaml", "checkpoint", "127.0.0.1", settings.audit.dir])
      expect(text).not.toContain(secret);
  });

  it("has only the tenants that policy tests are about", async () => {
    const settings = await many();
    const test = { as: "client-3-0", do: "POST /records/1?req=RecordReject", body: null, tenant: null, owner: "1007" };
    const plan = planProof({ ...settings, tests: [{ ...test, expect: "OCSGW-2106" }] }, "h");
    expect(plan.tested.map(({ name }) => name)).toEqual(["Tenant 3", "Tenant 7"]);
  });
});
