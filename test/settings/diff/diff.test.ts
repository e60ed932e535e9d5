import { describe, expect, it } from "vitest";
import { differences } from "../../../src/settings/diff/diff.ts";
import { mutated, read, SAMPLE } from "../kit.ts";

type Change = readonly [from: string, to: string];

const readingOf = (text: string) => {
  const loaded = read(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
};
const changesTo = (...changes: readonly Change[]): readonly string[] =>
  differences(readingOf(SAMPLE), readingOf(mutated(...changes)));
const back = (...changes: readonly Change[]): readonly string[] =>
  differences(readingOf(mutated(...changes)), readingOf(SAMPLE));

describe("the differences between two configs", () => {
  it("are none for equal files, and none for another comment", () => {
    expect([changesTo(), changesTo(["version: 1\n", "version: 1 # the first\n"])]).toEqual([[], []]);
  });

  it("are one sentence per tenant with all its changes", () => {
    expect(
      changesTo(
        [
          "alpha-ops: { actions: [Load, StartDialing, SetDialingMode, StopDialing, Unload, ReadStatus], " +
            "campaign_groups: [106] }",
          "alpha-ops: { actions: [Load, StartDialing, ForceUnload, StopDialing, Unload, ReadStatus] }",
        ],
        ["requests: { rate: 50/s, burst: 100 }", "requests: { rate: 20/s }"],
        ["AddRecord: { rate: 20/s, burst: 40 }", "AddRecord: { rate: 20/s, burst: 100 }"],
        ["campaigns: [Alpha Campaign, Alpha Winback]", "campaigns: [Alpha Campaign, Alpha Spring, Alpha Summer]"],
        ["fields: any", "fields: [CUSTOMER_CODE]\n    share: 2"],
      ),
    ).toEqual([
      "Alpha Tenant: client alpha-ops: ForceUnload added; client alpha-ops: SetDialingMode removed; client alpha-ops " +
        "campaign groups 106 -> all; campaigns Alpha Spring, Alpha Summer added; campaign Alpha Winback removed; " +
        "limits.requests 50/s -> 20/s; limits.actions.AddRecord 20/s (burst 40) -> 20/s (burst 100); fields any -> " +
        "[CUSTOMER_CODE]; share 1 -> 2",
    ]);
  });

  it("name added and removed tenants, clients and upstreams", () => {
    const another: Change = [
      "tenants:\n",
      '  ocs-two: { primary: "http://127.0.0.1:8499" }\n\ntenants:\n  ' +
        "- { name: " +
        "Gamma Tenant, " +
        "dbid: 103, " +
        "upstream: ocs-two }\n",
    ];
    expect(changesTo(another)).toEqual(["tenant Gamma Tenant (103) added on ocs-two", "upstream ocs-two added"]);
    expect(back(another)).toEqual(["tenant Gamma Tenant (103) removed from ocs-two", "upstream ocs-two removed"]);
    const client: Change = [
      "      beta-crm: { actions: [AddRecord, DoNotCall, RequestRecordCancel] }\n",
      "      beta-crm: { actions: [AddRecord, DoNotCall, RequestRecordCancel] }\n      beta-new: { actions: " +
        "[DoNotCall] }\n",
    ];
    expect([changesTo(client), back(client)]).toEqual([
      ["Beta Tenant: client beta-new added with DoNotCall"],
      ["Beta Tenant: client beta-new removed"],
    ]);
  });

  it.each<[string, Change, string]>([
    ["a duration", ["answer: 15s", "answer: 90s"], "upstreams.ocs-main.timeouts.answer 15s -> 90s"],
    ["a duration in minutes", ["answer: 15s", "answer: 2m"], "upstreams.ocs-main.timeouts.answer 15s -> 2m"],
    ["a size", ["max_body: 64KiB", "max_body: 1MiB"], "listeners.clients.max_body 64KiB -> 1MiB"],
    [
      "an address",
      ["bind: 127.0.0.1:8443", 'bind: "[::1]:8443"'],
      "listeners.clients.bind 127.0.0.1:8443 -> [::1]:8443",
    ],
    [
      "a list",
      ["carriers: [basic, ", "carriers: ["],
      "identity.keys.carriers [basic, header:X-Api-Key] -> [header:X-Api-Key]",
    ],
    [
      "what was off",
      ["    connections: 4", "    backup: http://127.0.0.1:18081\n    connections: 4"],
      "upstreams.ocs-main.backup ~ -> http://127.0.0.1:18081",
    ],
    [
      "a changed secret without its value",
      ["-for-a-trial-only-not-a-secret-at-all", "-another-secret-that-nobody-must-see"],
      "audit.index_key changed",
    ],
    ["observing", ["fields: any", "mode: observe"], "Alpha Tenant: mode enforce -> observe"],
  ])("show %s as written in the config", (_what, change, sentence) => {
    expect(changesTo(change)).toEqual([sentence]);
  });

  it("mention changed policy tests without their content", () => {
    expect(changesTo(['4155550100?req=DoNotCall", expect: allow', '4155550199?req=DoNotCall", expect: allow'])).toEqual(
      ["tests: policy tests changed"],
    );
    expect(
      changesTo(["tests:\n", 'tests:\n  - { as: beta-ops, do: "GET /campaigngroups/208", expect: allow }\n']),
    ).toEqual(["tests: 4 policy tests -> 5 policy tests"]);
  });

  it("name the files with changed content", () => {
    const one = readingOf(SAMPLE);
    const [[path, hash] = ["", undefined]] = [...one.files];
    expect(path).toMatch(/keys\.yaml$/);
    expect(differences({ settings: one.settings, files: new Map([[path, `${hash}0`]]) }, one)).toEqual([
      "identity.keys.file: content of keys.yaml changed",
    ]);
  });
});
