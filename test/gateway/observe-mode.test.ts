import { describe, expect, it } from "vitest";
import type { ActionName } from "../../src/ocs/catalog.ts";
import type { Tenant } from "../../src/tenancy/registry.ts";
import { aLine, aTenant, beta, type TestLine } from "../kit/line.ts";

const grant = (client: string, ...actions: ActionName[]): Pick<Tenant, "clients"> => ({
  clients: new Map([[client, { actions: new Set(actions), campaignGroups: new Set([115]) }]]),
});
const observing = (over: Partial<Tenant> = {}): Tenant =>
  aTenant({ observes: true, ...grant("alpha", "AddRecord", "StopDialing"), ...over });
const DO_NOT_CALL = { target: "/phones/4155550100?req=DoNotCall" };
const add = (over: Record<string, string> = {}): string =>
  JSON.stringify({ GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST", ...over });
const lineOf = (...tenants: Tenant[]): TestLine => aLine({ tenants });

describe("a tenant with mode: observe", () => {
  it.each([
    ["an action that is not granted", DO_NOT_CALL, {}, "OCSGW-2101"],
    [
      "a campaign group that is not among the client's",
      { target: "/campaigngroups/106?req=StopDialing" },
      {},
      "OCSGW-2101",
    ],
    [
      "a field that is not declared",
      { target: "/lists/Alpha%20List?req=AddRecord", body: add({ COLOUR: "blue" }) },
      { fields: new Set(["SIZE"]) },
      "OCSGW-1007",
    ],
  ] as const)("lets pass and records %s", async (_what, ask, over, code) => {
    const line = lineOf(observing(over), beta());
    expect((await line.ask(ask)).status).toBe(200);
    expect(line.sent).toHaveLength(1);
    expect(line.journal.map((entry) => [entry.kind, "would_refuse" in entry ? entry.would_refuse : undefined])).toEqual(
      [
        ["intent", code],
        ["outcome", undefined],
      ],
    );
  });

  it("allows and records requests over a limit, and still counts them", async () => {
    const line = lineOf(observing({ limits: { requests: { points: 1, seconds: 60 }, actions: new Map() } }));
    const ask = { target: "/lists/Alpha%20List?req=AddRecord", body: add() };
    const replies = [await line.ask(ask), await line.ask(ask)];
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(line.journal.flatMap((entry) => (entry.kind === "intent" ? [entry.would_refuse] : []))).toEqual([
      undefined,
      "OCSGW-3001",
    ]);
    expect(replies[1]!.headers.find(([name]) => name === "RateLimit")?.[1]).toContain(";r=0;");
  });

  it("records the first of several refusals", async () => {
    const line = lineOf(observing({ ...grant("alpha", "DoNotCall"), fields: new Set() }));
    await line.ask({ target: "/lists/Alpha%20List?req=AddRecord", body: add({ COLOUR: "blue" }) });
    expect(line.journal[0]).toMatchObject({ kind: "intent", would_refuse: "OCSGW-2101" });
  });

  it.each([
    ["another tenant in the body", { ...DO_NOT_CALL, body: '{"GSW_TENANT_DBID":102}' }, "OCSGW-2103"],
    ["another tenant's name in the body", { ...DO_NOT_CALL, body: '{"GSW_TENANT_NAME":"Beta Tenant"}' }, "OCSGW-2103"],
    ["another tenant in the header", { ...DO_NOT_CALL, headers: [["Ocsgw-Tenant", "102"]] as const }, "OCSGW-2103"],
    ["another tenant's list", { target: "/lists/Beta%20List?req=AddRecord", body: add() }, "OCSGW-2104"],
    [
      "another tenant's campaign",
      { target: "/lists/Alpha%20List?req=AddRecord", body: add({ GSW_CAMPAIGN_NAME: "Beta Campaign" }) },
      "OCSGW-2104",
    ],
    ["another tenant's campaign group", { target: "/campaigngroups/208?req=Load" }, "OCSGW-2104"],
    ["a scope key twice", { ...DO_NOT_CALL, body: '{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":102}' }, "OCSGW-1004"],
    ["a GSW_ name that may carry scope", { ...DO_NOT_CALL, body: '{"GSW_UNHEARD_OF":1}' }, "OCSGW-1007"],
    ["an unknown client", { ...DO_NOT_CALL, as: "stranger" }, "OCSGW-2001"],
    [
      "another tenant's client",
      { ...DO_NOT_CALL, as: "beta", headers: [["Ocsgw-Tenant", "101"]] as const },
      "OCSGW-2103",
    ],
  ] as const)("still refuses %s", async (_what, ask, code) => {
    const line = lineOf(observing(), beta());
    const reply = await line.ask(ask);
    expect(reply.headers.find(([name]) => name === "Ocsgw-Code")?.[1]).toBe(code);
    expect(line.sent).toEqual([]);
    expect(line.journal).toMatchObject([{ kind: "refusal", code }]);
  });

  it("does not allow an unknown handle if handles have owners", async () => {
    const line = lineOf(observing({ records: "pre-dial" }), beta());
    expect((await line.ask({ target: "/records/15?req=RecordReject" })).status).toBe(410);
    expect(line.sent).toEqual([]);
    expect(line.journal).toMatchObject([{ kind: "refusal", code: "OCSGW-2106", would_refuse: "OCSGW-2101" }]);
  });
});

describe("a client of a tenant with mode: observe and an enforcing one", () => {
  const both = (): TestLine =>
    lineOf(observing({ ...grant("both", "AddRecord") }), beta({ ...grant("both", "DoNotCall") }));

  it("acts for the tenant that grants the action if the request names none", async () => {
    const line = both();
    await line.ask({ ...DO_NOT_CALL, as: "both" });
    expect(line.sent.map(({ owner }) => owner.name)).toEqual(["Beta Tenant"]);
    expect(line.journal[0]).not.toHaveProperty("would_refuse");
  });

  it("acts for the observing tenant that the request names, with a record", async () => {
    const line = both();
    await line.ask({ ...DO_NOT_CALL, as: "both", body: '{"GSW_TENANT_DBID":101}' });
    expect(line.sent.map(({ owner }) => owner.name)).toEqual(["Alpha Tenant"]);
    expect(line.journal[0]).toMatchObject({ kind: "intent", tenant: { dbid: 101 }, would_refuse: "OCSGW-2101" });
  });

  it("is refused by the enforcing tenant", async () => {
    const line = lineOf(aTenant(grant("both", "AddRecord")), beta({ observes: true, ...grant("both", "DoNotCall") }));
    await line.ask({ target: "/campaigngroups/106?req=Load", as: "both", headers: [["Ocsgw-Tenant", "101"]] });
    expect(line.journal).toMatchObject([{ kind: "refusal", code: "OCSGW-2101", tenant: { dbid: 101 } }]);
  });
});
