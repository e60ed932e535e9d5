import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FilterLanguageReply } from "../../../src/admin/api/filter.ts";
import { KEY_NAMES } from "../../../src/journal/search/filter/keys.ts";
import { anApi, auditor, type TestApi } from "./kit.ts";

let api: TestApi;
beforeAll(async () => (api = await anApi([])));
afterAll(() => api.stop());

const valuesOf = async (key: string, as = auditor()): Promise<readonly string[]> => {
  const { value } = await api.ask("GET /api/filter", { as });
  return (value as FilterLanguageReply).keys.find((each) => each.key === key)!.values;
};

describe("GET /api/filter", () => {
  it("has every key with its help", async () => {
    const { status, value } = await api.ask("GET /api/filter", { as: auditor() });
    const { keys } = value as FilterLanguageReply;
    expect([status, keys.map(({ key }) => key)]).toEqual([200, KEY_NAMES]);
    expect(keys.filter(({ help }) => help === "")).toEqual([]);
  });

  it.each([
    ["is", "no-answer"],
    ["kind", "switchover"],
    ["action", "DoNotCall"],
    ["code", "OCSGW-2103"],
    ["tenant", "Alpha Tenant"],
    ["client", "beta"],
    ["list", "Beta List"],
    ["lane", "ocs/1"],
  ])("has the values of %s, such as %s", async (key, value) => expect(await valuesOf(key)).toContain(value));

  it("has only the names of their tenants for people of single tenants", async () => {
    const scoped = auditor([101]);
    const names = { tenant: "Alpha Tenant", client: "alpha", list: "Alpha List", campaign: "Alpha Campaign" };
    for (const [key, name] of Object.entries({ ...names, group: "106", upstream: "ocs" }))
      expect(await valuesOf(key, scoped), key).toEqual([name]);
    for (const key of ["lane", "endpoint", "listener"]) expect(await valuesOf(key, scoped), key).toEqual([]);
    for (const key of ["tenant", "client", "list"]) expect(await valuesOf(key, auditor([])), key).toEqual([]);
    expect(await valuesOf("action", scoped)).toContain("DoNotCall");
    expect(await valuesOf("is", scoped)).toContain("refused");
  });
});

describe("an invalid filter", () => {
  it("is answered with the place of the fault", async () => {
    const { status, value } = await api.ask("GET /api/audit/search?filter=status:410%20clent:x", { as: auditor() });
    expect([status, value.filter]).toEqual([
      400,
      { message: "unknown key clent", at: 11, length: 5, help: "did you mean client:?" },
    ]);
  });
});
