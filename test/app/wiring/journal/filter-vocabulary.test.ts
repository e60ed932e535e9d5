import { describe, expect, it } from "vitest";
import { vocabularyOf } from "../../../../src/app/wiring/journal/filter-vocabulary.ts";
import { REFUSALS } from "../../../../src/gateway/refusals.ts";
import { readFilter, unknownNames } from "../../../../src/journal/search/filter/vocabulary.ts";
import { ACTION_NAMES } from "../../../../src/ocs/catalog.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";

const settings = {
  listeners: [{ name: "clients" }],
  tenants: [
    {
      name: "Alpha Tenant",
      dbid: 101,
      clients: { "alpha-crm": {} },
      lists: ["Alpha List"],
      campaigns: ["Alpha Campaign"],
      campaign_groups: [{ dbid: 106 }],
    },
  ],
  upstreams: {
    "ocs-main": {
      primary: "https://ocs1:8443",
      backup: null,
      connections: 2,
      callbacks: { registrars: [{ client: "minter" }] },
    },
  },
} as unknown as Settings;

const vocabulary = vocabularyOf(settings);

describe("the vocabulary of journal filters", () => {
  it("contains every action, and every code of a reply or an entry", () => {
    for (const action of ACTION_NAMES) expect(readFilter(`action:${action}`, vocabulary).text).toContain(action);
    for (const code of [...Object.values(REFUSALS).map((row) => row.code), "OCSGW-5102"])
      expect(readFilter(code, vocabulary).text).toBe(code);
    expect(() => readFilter("OCSGW-9999", vocabulary)).toThrow(/unknown word/);
  });

  it.each([
    'tenant:"Alpha Tenant"',
    "tenant:101",
    "client:alpha-crm",
    "client:minter",
    "listener:clients",
    "listener:callbacks:ocs-main",
    'list:"Alpha List"',
    'campaign:"Alpha Campaign"',
    "group:106",
    "upstream:ocs-main",
    "lane:ocs-main/2",
    "endpoint:https://ocs1:8443",
  ])("contains %s of the config", (text) => expect(unknownNames(readFilter(text, vocabulary), vocabulary)).toEqual([]));

  it.each(["tenant:Beta", "client:minter2", "lane:ocs-main/3", "group:107"])("does not contain %s", (text) =>
    expect(unknownNames(readFilter(text, vocabulary), vocabulary)).toHaveLength(1),
  );

  it("is built once for each config", () => expect(vocabularyOf(settings)).toBe(vocabulary));
});
