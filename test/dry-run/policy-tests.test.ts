import { describe, expect, it } from "vitest";
import { runPolicyTests, type PolicyTestResult } from "../../src/dry-run/policy-tests.ts";
import { mutated, placeOf, problemsIn, read, SAMPLE } from "../settings/kit.ts";

const TEST = (test: string): string => mutated(["tests:\n", `tests:\n  - { ${test} }\n`]);
const held = (text: string): Promise<PolicyTestResult> => runPolicyTests(read(text), "ocsgw.yaml");
const add = '{ GSW_CAMPAIGN_NAME: Alpha Campaign, GSW_PHONE: "4155550100", GSW_TZ_NAME: PST }';

describe("examples of the policy", () => {
  it("hold in the sample, and are counted", async () => {
    expect(await held(SAMPLE)).toMatchObject({ ok: true, passed: 4 });
  });

  it.each([
    ['as: alpha-ors, do: "POST /lists/Alpha%20List?req=AddRecord", body: ' + add, "allow"],
    ['as: alpha-ors, do: "POST /lists/Beta%20List?req=AddRecord", body: ' + add, "OCSGW-2104"],
    ['as: beta-crm, do: "POST /lists/Beta%20List?req=AddRecord", body: ' + add, "OCSGW-2104"],
    [
      'as: alpha-ors, do: "POST /phones/4155550100?req=DoNotCall", body: ' +
        '\'{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":102}\'',
      "OCSGW-1004",
    ],
    ['as: alpha-ors, do: "POST /phones/4155550100?req=DoNotCall", tenant: Beta Tenant', "OCSGW-2103"],
    ['as: alpha-ors, do: "DELETE /phones/4155550100?req=DoNotCall"', "OCSGW-1008"],
    ['as: alpha-ors, do: "POST /nowhere"', "OCSGW-1001"],
    ['as: alpha-ops, do: "GET /campaigngroups"', "allow"],
    ['as: alpha-ops, do: "GET /campaigngroups", body: {}', "OCSGW-1006"],
    ['as: a-stranger, do: "GET /campaigngroups"', "OCSGW-2001"],
  ])("are asked of the real stages: %s is %s", async (test, verdict) => {
    expect(await held(TEST(`${test}, expect: ${verdict}`))).toMatchObject({ ok: true, passed: 5 });
    expect(await held(TEST(`${test}, expect: OCSGW-9999`))).toMatchObject({ ok: false });
  });

  describe("of a client of several tenants", () => {
    const both = (test: string): string =>
      TEST(test)
        .replace(
          "    connections: 4",
          "    connections: 4\n    callbacks: { bind: 127.0.0.1:8444, allow_from: [127.0.0.0/8] }",
        )
        .replaceAll("records: unscoped", "records: pre-dial")
        .replaceAll(/    clients:\n/g, "    clients:\n      both: { actions: [DoNotCall, RecordReject] }\n");
    const REJECT = 'as: both, do: "POST /records/15?req=RecordReject"';

    it.each([
      [`${REJECT}, owner: Beta Tenant`, "allow"],
      [`${REJECT}, owner: "101"`, "allow"],
      [`${REJECT}, tenant: Alpha Tenant`, "allow"],
      [`${REJECT}, tenant: Alpha Tenant, owner: Beta Tenant`, "OCSGW-2106"],
      ['as: alpha-ors, do: "POST /records/15?req=RecordReject", owner: Beta Tenant', "OCSGW-2106"],
      ['as: both, do: "POST /phones/4155550100?req=DoNotCall"', "OCSGW-2105"],
      ['as: both, do: "POST /phones/4155550100?req=DoNotCall", tenant: "102"', "allow"],
    ])("%s is %s", async (test, verdict) => {
      expect(await held(both(`${test}, expect: ${verdict}`))).toMatchObject({ ok: true, passed: 5 });
    });

    it("asks for the owner of the handle where that decides", async () => {
      expect(await held(both(`${REJECT}, expect: allow`))).toMatchObject({
        ok: false,
        problems: [{ code: "OCSGW-6272", help: expect.stringContaining("owner: ") as string }, {}],
      });
    });

    it("refuses an owner that is no tenant", () => {
      expect(problemsIn(both(`${REJECT}, owner: Beta Tennant, expect: OCSGW-2106`))).toMatchObject([
        { code: "OCSGW-6365", path: "tests[0].owner", help: "did you mean `Beta Tenant`?" },
        {},
      ]);
    });
  });

  it("that do not hold make the file not valid, with the line of the example and the one that decided", async () => {
    const text = TEST('as: beta-ops, do: "GET /campaigngroups/106", expect: allow');
    const { ok, ...rest } = await held(text);
    expect(ok).toBe(false);
    expect((rest as { problems: unknown }).problems).toMatchObject([
      {
        code: "OCSGW-6272",
        severity: "error",
        file: "ocsgw.yaml",
        path: "tests[0].expect",
        ...placeOf(text, "allow }"),
        message:
          "beta-ops GET /campaigngroups/106: expected allow, and the policy says OCSGW-2104: this campaign group " +
          "does not belong to this tenant",
        also: { ...placeOf(text, "- { dbid: 208"), message: "decided here" },
      },
      { code: "OCSGW-6305" },
    ]);
  });

  it("say what is allowed that should not be, and which line grants it", async () => {
    const text = TEST('as: beta-crm, do: "POST /phones/4155550100?req=DoNotCall", expect: OCSGW-2101');
    expect(await held(text)).toMatchObject({
      problems: [
        {
          message: expect.stringContaining("expected OCSGW-2101, and the policy says allow, for Beta Tenant") as string,
          also: placeOf(text, "[AddRecord, DoNotCall, RequestRecordCancel] }"),
        },
        {},
      ],
    });
  });

  it.each([
    ['as: beta-cmr, do: "GET /campaigngroups", expect: allow', "OCSGW-6273", /did you mean `beta-crm`/],
    ["as: beta-crm, do: campaigngroups, expect: allow", "OCSGW-6103", undefined],
    ['as: beta-crm, do: "GET /campaigngroups", expect: maybe', "OCSGW-6103", undefined],
    ['as: beta-crm, do: "GET /campaigngroups", expect: allow, because: x', "OCSGW-6101", undefined],
  ])("are refused where they are malformed: %s", (test, code, help) => {
    const [problem] = problemsIn(TEST(test));
    expect(problem?.code).toBe(code);
    if (help) expect(problem?.help).toMatch(help);
  });
});
