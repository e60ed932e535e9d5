/** A client of several tenants: what names which, what contradicts, and who is charged. */
import { describe, expect, it } from "vitest";
import type { ActionName } from "../../src/ocs/catalog.ts";
import type { Limits } from "../../src/tenancy/registry.ts";
import { headerOf, type HeaderLine } from "../../src/common/message.ts";
import { aLine, aTenant, beta, text, type TestLine } from "../kit/line.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const GAMMA = aTenant({ name: "Gamma Tenant", dbid: 103, clients: new Map() });
const of = (limits?: Limits, actions: readonly ActionName[] = ["DoNotCall", "AddRecord"]) => ({
  actions: new Set(actions),
  campaignGroups: undefined,
  ...(limits && { limits }),
});
const limit = (points: number): Limits => ({
  requests: { points, seconds: 60 },
  urgent: { points, seconds: 60 },
  actions: new Map(),
});
const clusterOf = (limits?: Limits, more: Parameters<typeof aTenant>[0] = {}): TestLine => {
  const clients = new Map([
    ["cluster", of(limits)],
    ["other", of()],
  ]);
  return aLine({ tenants: [aTenant({ clients, ...more }), beta({ clients, ...more }), GAMMA] });
};
const names = (tenant: string): readonly HeaderLine[] => [["Ocsgw-Tenant", tenant]];

describe("a client of two tenants", () => {
  it.each<[string, readonly HeaderLine[], string, string]>([
    ["the header and the body's DBID name two of its tenants", names("101"), '{"GSW_TENANT_DBID":102}', "OCSGW-1005"],
    [
      "the header and the body's name name two of its tenants",
      names("Alpha Tenant"),
      '{"GSW_TENANT_NAME":"Beta Tenant"}',
      "OCSGW-1005",
    ],
    [
      "the header agrees with the DBID and not with the name",
      names("101"),
      '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}',
      "OCSGW-1005",
    ],
    [
      "DBID and name in the body name two of its tenants",
      [],
      '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}',
      "OCSGW-1005",
    ],
    ["the body's DBID belongs to another tenant", names("101"), '{"GSW_TENANT_DBID":103}', "OCSGW-2103"],
    ["the body's name belongs to another tenant", names("101"), '{"GSW_TENANT_NAME":"Gamma Tenant"}', "OCSGW-2103"],
    ["the body's name is unknown", names("101"), '{"GSW_TENANT_NAME":"No Tenant"}', "OCSGW-2103"],
    ["the header names another tenant", names("103"), '{"GSW_TENANT_DBID":101}', "OCSGW-2103"],
    ["the body's DBID belongs to another tenant, without a header", [], '{"GSW_TENANT_DBID":103}', "OCSGW-2103"],
    [
      "the body has its own DBID and another tenant's name",
      [],
      '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Gamma Tenant"}',
      "OCSGW-2103",
    ],
    ["the request names no tenant", [], "{}", "OCSGW-2105"],
  ])("is refused if %s", async (_, headers, body, code) => {
    const line = clusterOf();
    const reply = await line.ask({ target: DNC, body, headers, as: "cluster" });
    expect([headerOf(reply.headers, "Ocsgw-Code"), line.sent]).toEqual([code, []]);
    expect(text(reply)).not.toContain("Gamma");
  });

  it.each<[readonly HeaderLine[], string, number]>([
    [names("101"), '{"GSW_TENANT_DBID":101}', 101],
    [names("Beta Tenant"), '{"GSW_TENANT_DBID":102,"GSW_TENANT_NAME":"Beta Tenant"}', 102],
    [[], '{"GSW_TENANT_NAME":"Beta Tenant"}', 102],
    [names("102"), '{"GSW_TENANT_DBID":null}', 102],
  ])("is served if %j and %s agree", async (headers, body, dbid) => {
    const line = clusterOf();
    expect((await line.ask({ target: DNC, body, headers, as: "cluster" })).status).toBe(200);
    expect(line.sent.map(({ owner }) => owner.dbid)).toEqual([dbid]);
  });

  it("is refused with the usual code for its tenant that does not grant the action", async () => {
    const line = aLine({
      tenants: [
        aTenant({ clients: new Map([["cluster", of()]]) }),
        beta({ clients: new Map([["cluster", of(undefined, ["AddRecord"])]]) }),
      ],
    });
    expect(
      headerOf((await line.ask({ target: DNC, body: '{"GSW_TENANT_DBID":102}', as: "cluster" })).headers, "Ocsgw-Code"),
    ).toBe("OCSGW-2103");
  });
});

describe("a request is charged once,", () => {
  const code = async (line: TestLine, ask: Parameters<TestLine["ask"]>[0]): Promise<string> =>
    headerOf((await line.ask(ask)).headers, "Ocsgw-Code") ?? "sent";

  it.each<[string, string, string]>([
    ["its body is not JSON", "{", "OCSGW-1003"],
    ["its body names an unknown tenant", '{"GSW_TENANT_DBID":9}', "OCSGW-2103"],
    ["it names no tenant", "{}", "OCSGW-2105"],
    ["its attribute is wrong", '{"GSW_CHAIN_ATTR":1}', "OCSGW-1007"],
  ])("to the client if no tenant is known: %s", async (_, body, refusal) => {
    const line = clusterOf(limit(2), { limits: limit(3) });
    const bad = { target: DNC, body, as: "cluster" };
    expect([await code(line, bad), await code(line, bad), await code(line, bad)]).toEqual([
      refusal,
      refusal,
      "OCSGW-3001",
    ]);
    // The tenants' own allowance is whole, and another client has all of it.
    const good = { target: DNC, body: '{"GSW_TENANT_DBID":101}', as: "other" };
    expect([await code(line, good), await code(line, good), await code(line, good), await code(line, good)]).toEqual([
      "sent",
      "sent",
      "sent",
      "OCSGW-3001",
    ]);
  });

  it("to the tenant that the body determines", async () => {
    const line = clusterOf(undefined, { limits: limit(1) });
    const to = (dbid: number) => ({ target: DNC, body: `{"GSW_TENANT_DBID":${dbid}}`, as: "cluster" });
    expect([
      await code(line, to(101)),
      await code(line, to(102)),
      await code(line, to(101)),
      await code(line, to(102)),
    ]).toEqual(["sent", "sent", "OCSGW-3001", "OCSGW-3001"]);
  });

  it("so that new records do not use up the limit for a Do-Not-Call", async () => {
    const line = aLine({ tenants: [aTenant({ clients: new Map([["cluster", of()]]), limits: limit(2) })] });
    const add = {
      target: "/lists/Alpha%20List?req=AddRecord",
      body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
      as: "cluster",
    };
    expect([await code(line, add), await code(line, add), await code(line, add)]).toEqual([
      "sent",
      "sent",
      "OCSGW-3001",
    ]);
    expect(await code(line, { target: DNC, as: "cluster" })).toBe("sent");
  });
});
