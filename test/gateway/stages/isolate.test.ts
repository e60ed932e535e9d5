import { describe, expect, it } from "vitest";
import { headerOf, type HeaderLine } from "../../../src/common/message.ts";
import { ACTION_NAMES } from "../../../src/ocs/catalog.ts";
import { Ownership } from "../../../src/ownership/ownership.ts";
import { keyOf } from "../../../src/tenancy/registry.ts";
import { aLine, aTenant, beta } from "../../kit/line.ts";

const sentBody = async (target: string, body: string): Promise<unknown> => {
  const line = aLine();
  const reply = await line.ask({ target, body });
  expect(reply.status).toBe(200);
  return JSON.parse(line.sent[0]!.body || "{}");
};

describe("isolate", () => {
  it.each([
    ["filled in when absent", ""],
    ["as a DBID", '{"GSW_TENANT_DBID":101}'],
    ["as a DBID in quotes", '{"GSW_TENANT_DBID":"101"}'],
    ["as a name", '{"GSW_TENANT_NAME":"Alpha Tenant"}'],
    ["as both", '{"GSW_TENANT_NAME":"Alpha Tenant","GSW_TENANT_DBID":101}'],
  ])("sends the tenant only as its DBID: %s", async (_how, body) => {
    expect(await sentBody("/phones/4155550100?req=DoNotCall", body)).toEqual({ GSW_TENANT_DBID: 101 });
  });

  it("does not send an attribute that repeats the URI", async () => {
    expect(await sentBody("/phones/4155550100?req=DoNotCall", '{"GSW_PHONE":"4155550100"}')).toEqual({
      GSW_TENANT_DBID: 101,
    });
    expect(await sentBody("/records/15?req=RecordReject", '{"GSW_RECORD_HANDLE":"15"}')).toEqual({});
  });

  it("accepts the manual's other name of the campaign and sends the canonical one", async () => {
    expect(
      await sentBody(
        "/lists/Alpha%20List?req=AddRecord",
        '{"GSW_CAMPAIGN":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
      ),
    ).toEqual({ GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" });
  });

  it("sends integers exactly", async () => {
    const line = aLine();
    await line.ask({ target: "/records/15?req=RecordProcessed", body: '{"N":123456789012345678901234567890}' });
    expect(line.sent[0]!.body).toBe('{"N":123456789012345678901234567890}');
  });

  it("checks list and campaign on every resource that accepts them", async () => {
    for (const target of [
      "/records/15?req=RecordReject",
      "/records/15?req=AddRecord",
      "/phones/4155550100?req=DoNotCall",
      "/customer_ids/C-1?req=RequestRecordCancel",
    ]) {
      for (const name of ["GSW_CAMPAIGN_NAME", "GSW_CALLING_LIST"]) {
        const line = aLine();
        const required = target.includes("AddRecord") ? ',"GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"' : "";
        const reply = await line.ask({
          target,
          body: `{"${name}":"Beta ${name === "GSW_CALLING_LIST" ? "List" : "Campaign"}"${required}}`,
        });
        expect([target, name, headerOf(reply.headers, "Ocsgw-Code"), line.sent.length]).toEqual([
          target,
          name,
          "OCSGW-2104",
          0,
        ]);
      }
    }
  });

  it("grants no unknown handle with pre-dial and registered, but any with dedicated and unscoped", async () => {
    for (const [records, status] of [
      ["pre-dial", 410],
      ["registered", 410],
      ["dedicated", 200],
      ["unscoped", 200],
    ] as const) {
      const reply = await aLine({ tenants: [aTenant({ records })] }).ask({ target: "/records/15?req=RecordReject" });
      expect([records, reply.status]).toEqual([records, status]);
    }
  });
});

describe("a client of several tenants", () => {
  const grant = new Map([["cluster", { actions: new Set(ACTION_NAMES), campaignGroups: undefined }]]);
  const tenants = [aTenant({ clients: grant }), beta({ clients: grant })];

  it.each([
    ["the body's DBID", '{"GSW_TENANT_DBID":102}', []],
    ["the body's name", '{"GSW_TENANT_NAME":"Beta Tenant"}', []],
    ["the header's DBID", "", [["Ocsgw-Tenant", "102"]]],
    ["the header's name", "", [["Ocsgw-Tenant", "Beta Tenant"]]],
  ] as const)("says which one by %s", async (_how, body, headers) => {
    const line = aLine({ tenants });
    const reply = await line.ask({ target: "/phones/4155550100?req=DoNotCall", as: "cluster", body, headers });
    expect(reply.status).toBe(200);
    expect(line.sent[0]!.owner.name).toBe("Beta Tenant");
    expect(line.sent[0]!.body).toBe('{"GSW_TENANT_DBID":102}');
  });

  it("cannot name different tenants in header and body", async () => {
    const line = aLine({ tenants });
    const reply = await line.ask({
      target: "/phones/4155550100?req=DoNotCall",
      as: "cluster",
      body: '{"GSW_TENANT_DBID":101}',
      headers: [["Ocsgw-Tenant", "102"]],
    });
    expect(headerOf(reply.headers, "Ocsgw-Code")).toBe("OCSGW-1005");
    expect(line.sent).toEqual([]);
  });

  it("is only restricted by its token's tenant claim", async () => {
    const narrowed = aLine({
      tenants,
      identify: () => ({ client: "cluster", credential: { kind: "jwt", id: "j" }, tenant: "102" }),
    });
    await narrowed.ask({ target: "/phones/4155550100?req=DoNotCall" });
    expect(narrowed.sent[0]!.owner.dbid).toBe(102);
    const widened = aLine({
      tenants,
      identify: () => ({ client: "cluster", credential: { kind: "jwt", id: "j" }, tenant: "103" }),
    });
    expect((await widened.ask({ target: "/phones/4155550100?req=DoNotCall" })).status).toBe(401);
  });

  const digits = [
    aTenant({ clients: grant }),
    beta({ clients: grant, name: "777" }),
    aTenant({ name: "Gamma", dbid: 103, clients: grant }),
  ];
  it.each<[string, string, number | string]>([
    ["a name", '{"GSW_TENANT_NAME":"777"}', 102],
    ["a DBID that is a name", '{"GSW_TENANT_DBID":777}', "OCSGW-2103"],
    ["a name that is a DBID", '{"GSW_TENANT_NAME":"103"}', "OCSGW-2103"],
  ])("whose body names a tenant by %s (%j) acts for %j", async (_what, body, expected) => {
    const line = aLine({ tenants: digits });
    const reply = await line.ask({ target: "/phones/4155550100?req=DoNotCall", as: "cluster", body });
    expect(line.sent[0]?.owner.dbid ?? headerOf(reply.headers, "Ocsgw-Code")).toBe(expected);
  });

  it("whose issuer may act for a tenant cannot act for a tenant with the same DBID on another OCS", async () => {
    const namesakes = [aTenant({ clients: grant }), aTenant({ name: "Gamma", upstream: "elsewhere", clients: grant })];
    const line = aLine({
      tenants: namesakes,
      identify: () => ({ client: "cluster", credential: { kind: "jwt", id: "j" }, tenants: [keyOf(namesakes[1]!)] }),
    });
    await line.ask({ target: "/phones/4155550100?req=DoNotCall" });
    expect(line.sent.map(({ owner }) => owner.name)).toEqual(["Gamma"]);
  });

  it("must name the tenant if one owns the handle and another has its own OCS with all handles", async () => {
    const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
    await ownership.announce({
      upstream: "ocs",
      handle: 15,
      tenant: 101,
      campaign: null,
      group: null,
      list: null,
      phone: null,
      attempt: null,
    });
    const line = aLine({
      tenants: [aTenant({ clients: grant, records: "pre-dial" }), beta({ clients: grant, upstream: "elsewhere" })],
      ownership,
    });
    const ask = async (headers: readonly HeaderLine[] = []): Promise<string | undefined> => {
      const reply = await line.ask({ target: "/records/15?req=UpdateCallCompletionStats", as: "cluster", headers });
      return headerOf(reply.headers, "Ocsgw-Code") ?? line.sent.at(-1)?.owner.name;
    };
    expect([await ask(), await ask([["Ocsgw-Tenant", "101"]]), await ask([["Ocsgw-Tenant", "102"]])]).toEqual([
      "OCSGW-2105",
      "Alpha Tenant",
      "Beta Tenant",
    ]);
    await ownership.close();
  });
});

describe("the journal's entry of a request", () => {
  it("has no phone, customer id or value of an undeclared field in plain text", async () => {
    const line = aLine();
    await line.ask({
      target: "/records/15?req=AddRecord",
      body:
        '{"GSW_PHONE":"4155550177","GSW_TZ_NAME":"PST","GSW_CUSTOMER_ID":"C-777","CUSTOMER_CODE":4155550178,' +
        '"REMARK":"call 4155550179","41555501 REMARK":1}',
    });
    await line.ask({ target: "/phones/4155550176?req=DoNotCall", body: '{"GSW_CAMPAIGN_NAME":"Nobody 4155550171"}' });
    await line.ask({ target: "/phones/4155550175?req=DoNotCall", body: '{"GSW_PHONE":"4155550174"}' });
    expect(line.journal).toHaveLength(4);
    expect(JSON.stringify(line.journal)).not.toMatch(/41555501|C-777|call/);
    expect(line.journal[0]).toMatchObject({
      kind: "intent",
      identifier: "15",
      action: "AddRecord",
      config_hash: "c0ffee",
      tenant: { dbid: 101, name: "Alpha Tenant" },
      body: { GSW_PHONE: "······0177", GSW_TZ_NAME: "PST" },
      dropped_fields: ["REMARK", "······5501 REMARK"],
    });
    expect(line.journal[2]).toMatchObject({ code: "OCSGW-2104", named: "Nobody ······0171" });
  });

  it.each([
    ["GSW_CAMPAIGN_NAME", "Gamma Campaign"],
    ["GSW_CALLING_LIST", "Gamma List"],
  ])("has the name in %s that is not the tenant's", async (attribute, name) => {
    const line = aLine();
    await line.ask({ target: "/phones/4155550176?req=DoNotCall", body: JSON.stringify({ [attribute]: name }) });
    expect(line.journal).toMatchObject([{ kind: "refusal", pointer: `/${attribute}`, named: name }]);
  });
});
