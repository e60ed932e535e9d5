import { afterEach, describe, expect, it } from "vitest";
import { isolationFacts } from "../../../src/app/wiring/admin/isolation/facts.ts";
import type { Entry, Refusal } from "../../../src/journal/entry.ts";
import { aRefusal } from "../../journal/kit.ts";
import { anApi, auditor, TOKEN, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
afterEach(() => api?.stop());

const refusal = (number: number, resource: Refusal["resource"], code: string, dbid = 101): Entry => ({
  ...aRefusal(number),
  tenant: { dbid, name: dbid === 101 ? "Alpha Tenant" : "Beta Tenant" },
  client: "alpha",
  resource,
  action: "DoNotCall",
  code,
  status: 403,
});

const start = (given: readonly Entry[]) =>
  anApi(
    given.map((entry) => [entry]),
    {
      parts: ({ settings }) => ({ isolation: () => isolationFacts(settings, undefined) }),
    },
  );
type Row = { resource: string; refused: { count: number; filter: string } | null };
const refusedIn = (rows: Row[]) => Object.fromEntries(rows.map((row) => [row.resource, row.refused?.count]));

describe("GET /api/isolation", () => {
  it("counts today's refusals by what they protect, with a filter that finds them", async () => {
    api = await start([
      refusal(1, "phones", "OCSGW-2103"),
      refusal(2, "customer_ids", "OCSGW-2103"),
      refusal(3, "lists", "OCSGW-2104"),
      refusal(4, "campaigngroups", "OCSGW-2104"),
      refusal(5, "records", "OCSGW-2106"),
      refusal(6, "records", "OCSGW-2108"),
      refusal(7, "phones", "OCSGW-3001"),
      // Refused, but not because of another tenant.
      refusal(8, "lists", "OCSGW-2101"),
      aRefusal(9),
    ]);
    const { status, value } = await api.ask("GET /api/isolation", { as: auditor() });
    expect([status, value.tenants, value.observing, value.floods, value.not_counted]).toEqual([200, 2, 0, 0, null]);
    expect(refusedIn(value.barriers)).toEqual({
      "phones and customer_ids": 2,
      "lists and campaigns": 1,
      campaigngroups: 1,
      records: 2,
      rate: 1,
      clients: 2,
      "connections to OCS": undefined,
      queue: undefined,
      "journal and console": undefined,
      "the way past the gateway": undefined,
    });
    for (const { refused } of value.barriers as Row[]) {
      if (!refused) continue;
      const found = await api.ask(`GET /api/flows?filter=${encodeURIComponent(refused.filter)}`);
      expect([found.status, found.value.requests.length, refused.filter]).toEqual([200, refused.count, refused.filter]);
    }
  });

  it("says what separates tenants also when the journal cannot be searched", async () => {
    api = await anApi([], {
      parts: ({ settings, audit }) => ({
        isolation: () => isolationFacts(settings, undefined),
        audit: { ...audit, ask: () => Promise.reject(new Error("the search failed")) },
      }),
    });
    const { status, value } = await api.ask("GET /api/isolation");
    expect([status, value.not_counted, value.floods]).toEqual([200, "the search failed", null]);
    for (const { refused } of value.barriers as Row[]) expect(refused).toBeNull();
  });

  it("is for people of all tenants", async () => {
    api = await start([]);
    expect((await api.ask("GET /api/isolation", { as: auditor([101]) })).status).toBe(403);
    expect((await api.ask("GET /api/isolation", { as: auditor("all", ["viewer"]) })).status).toBe(403);
    expect((await api.ask("GET /api/isolation", { as: TOKEN })).status).toBe(200);
  });
});
