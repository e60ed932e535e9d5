import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BarrierFacts } from "../../../../src/admin/api/evidence/isolation.ts";
import { readFirst } from "../../../../src/app/config/config-thread.ts";
import { isolationFacts, type Users } from "../../../../src/app/wiring/admin/isolation/facts.ts";
import { ALL_ACTIONS } from "../../../ocs/manual.ts";
import { aConfigured, twoTenants } from "../../../kit/gateway.ts";

const OCS = "http://127.0.0.1:9";
const [alpha, beta] = twoTenants(OCS).tenants as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
const callbacks = { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] };

/** As the gateway would have loaded it. */
const settingsOf = async (config: object) => {
  const dir = await aConfigured({ ...twoTenants(OCS), ...config }, ["alpha", "beta"]);
  try {
    const read = await readFirst({ file: join(dir, "ocsgw.yaml") });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.settings;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
const barriersOf = async (config: object, users?: Users) => isolationFacts(await settingsOf(config), users).barriers;
const rowsOf = async (resource: string, config: object = {}, users?: Users): Promise<readonly BarrierFacts[]> =>
  (await barriersOf(config, users)).filter((row) => row.resource === resource);

const person = (tenants: readonly number[] | "all", disabled = false) => ({ tenants, disabled });

describe("records", () => {
  it.each([
    ["unscoped", [{ ...alpha }, { ...beta }], {}, [["not-enforceable", ["Alpha Tenant", "Beta Tenant"]]]],
    [
      "pre-dial",
      [
        { ...alpha, records: "pre-dial" },
        { ...beta, records: "pre-dial" },
      ],
      { ocs: { primary: OCS, callbacks } },
      [["enforced", ["Alpha Tenant", "Beta Tenant"]]],
    ],
    [
      "both modes",
      [{ ...alpha, records: "pre-dial" }, beta],
      { ocs: { primary: OCS, callbacks } },
      [
        ["enforced", ["Alpha Tenant"]],
        ["not-enforceable", ["Beta Tenant"]],
      ],
    ],
    [
      "an OCS each",
      [
        { ...alpha, records: "dedicated" },
        { ...beta, upstream: "other" },
      ],
      { ocs: { primary: OCS }, other: { primary: "http://127.0.0.1:10" } },
      [
        ["alone", ["Alpha Tenant"]],
        ["alone", ["Beta Tenant"]],
      ],
    ],
    [
      "one OCS with two names",
      [alpha, { ...beta, upstream: "other" }],
      { ocs: { primary: OCS }, other: { primary: OCS } },
      [["not-enforceable", ["Alpha Tenant", "Beta Tenant"]]],
    ],
  ] as const)("%s", async (_name, tenants, upstreams, expected) => {
    const rows = await rowsOf("records", { tenants, ...(Object.keys(upstreams).length > 0 && { upstreams }) });
    expect(rows.map(({ strength, tenants: { names } }) => [strength, names])).toEqual(expected);
    for (const { strength, gap } of rows) expect(gap !== null, strength).toBe(strength === "not-enforceable");
  });

  it("names the settings, and filters by the tenants of the row where there are several rows", async () => {
    const rows = await rowsOf("records", {
      tenants: [{ ...alpha, records: "pre-dial" }, beta],
      upstreams: { ocs: { primary: OCS, callbacks } },
    });
    expect(rows.map(({ settings }) => settings)).toEqual([["tenants[0].records"], ["tenants[1].records"]]);
    expect(rows.map(({ refusedAs }) => /tenant:.*$/.exec(refusedAs!)?.[0])).toEqual(["tenant:101", "tenant:102"]);
    expect((await rowsOf("records"))[0]!.refusedAs).toBe(
      "resource:records code:OCSGW-2106,OCSGW-2108,OCSGW-5103,OCSGW-2103,OCSGW-2104",
    );
  });
});

describe("what else separates tenants", () => {
  const limits = { requests: { rate: "50/s" } };
  const files = { keys: { file: "keys.yaml" } };
  it.each([
    ["connections to OCS", {}, "enforced", ["upstreams.ocs.lane_isolation"]],
    [
      "connections to OCS",
      { upstreams: { ocs: { primary: OCS, lane_isolation: "none" } } },
      "off",
      ["upstreams.ocs.lane_isolation"],
    ],
    ["rate", {}, "off", ["tenants[0].limits", "tenants[1].limits"]],
    ["rate", { tenants: [{ ...alpha, limits }, beta] }, "off", ["tenants[1].limits"]],
    [
      "rate",
      {
        tenants: [
          { ...alpha, limits },
          { ...beta, limits },
        ],
      },
      "enforced",
      [],
    ],
    ["clients", {}, "enforced", []],
    [
      "clients",
      {
        identity: files,
        tenants: [{ ...alpha, clients: { ...(alpha["clients"] as object), beta: { actions: ALL_ACTIONS } } }, beta],
      },
      "off",
      ["tenants[0].clients.beta", "tenants[1].clients.beta"],
    ],
    ["campaigngroups", {}, "enforced", ["tenants[1].campaign_groups[0]"]],
    ["the way past the gateway", {}, "outside", ["upstreams.ocs.primary"]],
    ["phones and customer_ids", { tenants: [alpha], identity: files }, "alone", []],
  ] as const)("%s with %j is %s", async (resource, config, strength, settings) => {
    const [row, ...more] = await rowsOf(resource, config);
    expect([row!.strength, row!.settings, more]).toEqual([strength, settings, []]);
  });

  it.each([
    [undefined, "off", "nothing: the config names no users, and the admin token sees all tenants"],
    [[person([101]), person("all"), person([102], true)], "enforced", "1 of 2 users see their own tenants only"],
  ] as const)("users: %j", async (users, strength, by) => {
    expect(await rowsOf("journal and console", {}, users)).toEqual([expect.objectContaining({ strength, by })]);
  });

  it("lists some of many tenants, and reads ten thousand at once", async () => {
    const settings = await settingsOf({});
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      ...settings.tenants[at % 2]!,
      name: `T${at}`,
      dbid: at + 1,
      records: at % 3 === 0 ? ("unscoped" as const) : ("pre-dial" as const),
      clients: at % 5 === 0 ? settings.tenants[0]!.clients : settings.tenants[1]!.clients,
    }));
    const { tenants, barriers } = isolationFacts({ ...settings, tenants: many }, undefined);
    expect(tenants).toBe(10_000);
    for (const row of barriers) expect(row.tenants.names.length + row.settings.length, row.resource).toBeLessThan(41);
    const records = barriers.filter(({ resource }) => resource === "records");
    expect(records.map(({ refusedAs, tenants: { count } }) => [refusedAs, count])).toEqual([
      [null, 3334],
      [null, 6666],
    ]);
  });
});
