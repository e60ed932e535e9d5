import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
beforeAll(async () => {
  ocs = await rawOcs();
  gateway = await aGateway(twoTenants(ocs.url));
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

const add = (extra: string): string => `{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"${extra}}`;
const DNC = "/phones/4155550100?req=DoNotCall";

/** What a client of Alpha sends to reach what is Beta's, or to be read as something else than it looks like. */
type Attempt = readonly [name: string, code: string, target: string, body?: string, headers?: readonly string[], method?: string];
const attempts: readonly Attempt[] = [
  ["another tenant's DBID", "2103", DNC, '{"GSW_TENANT_DBID":102}'],
  ["another tenant's DBID in quotes", "2103", DNC, '{"GSW_TENANT_DBID":"102"}'],
  ["another tenant's name", "2103", DNC, '{"GSW_TENANT_NAME":"Beta Tenant"}'],
  ["own DBID, another's name", "2103", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}'],
  ["another's DBID, own name", "2103", DNC, '{"GSW_TENANT_DBID":102,"GSW_TENANT_NAME":"Alpha Tenant"}'],
  ["another's DBID on customer_ids", "2103", "/customer_ids/B-0001?req=RequestRecordCancel", '{"GSW_TENANT_DBID":102}'],
  ["another's tenant on lists", "2103", "/lists/Alpha%20List?req=AddRecord", add(',"GSW_TENANT_DBID":102')],
  ["another's tenant on records", "2103", "/records/15?req=RecordReject", '{"GSW_TENANT_NAME":"Beta Tenant"}'],
  ["another's tenant on campaigngroups", "2103", "/campaigngroups/106?req=Load", '{"GSW_TENANT_DBID":102}'],
  ["the header Ocsgw-Tenant", "2103", DNC, "{}", ["Ocsgw-Tenant: 102"]],
  ["DBID 0", "1007", DNC, '{"GSW_TENANT_DBID":0}'],
  ["a negative DBID", "1007", DNC, '{"GSW_TENANT_DBID":-1}'],
  ["a fractional DBID", "1007", DNC, '{"GSW_TENANT_DBID":102.0}'],
  ["a DBID with an exponent", "1007", DNC, '{"GSW_TENANT_DBID":1.02e2}'],
  ["a DBID as an array", "1007", DNC, '{"GSW_TENANT_DBID":[102]}'],
  ["a doubled DBID", "1004", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":102}'],
  ["a doubled DBID of one value", "1004", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":101}'],
  ["a doubled DBID in an escaped spelling", "1004", DNC, '{"GSW_TENANT_DBID":101,"\\u0047SW_TENANT_DBID":102}'],
  ["a doubled DBID in another case", "1004", DNC, '{"GSW_TENANT_DBID":101,"Gsw_Tenant_Dbid":102}'],
  ["a doubled DBID deeper", "1004", DNC, '{"GSW_TENANT_DBID":101,"A":{"GSW_TENANT_DBID":102}}'],
  ["the DBID in another case alone", "1007", DNC, '{"gsw_tenant_dbid":102}'],
  ["the DBID with a full-width letter", "1007", DNC, '{"\uff27SW_TENANT_DBID":102}'],
  ["__proto__", "1003", DNC, '{"__proto__":{"GSW_TENANT_DBID":102}}'],
  ["another's list", "2104", "/lists/Beta%20List?req=AddRecord", add("")],
  ["a list of nobody's", "2104", "/lists/Gamma%20List?req=AddRecord", add("")],
  ["the own list in another case", "2104", "/lists/alpha%20list?req=AddRecord", add("")],
  ["another's list in the body", "1005", "/lists/Alpha%20List?req=AddRecord", add(',"GSW_CALLING_LIST":"Beta List"').replace("1005", "")],
  ["another's campaign", "2104", "/lists/Alpha%20List?req=AddRecord", add("").replace("Alpha Campaign", "Beta Campaign")],
  ["another's campaign under its other name", "1004", "/lists/Alpha%20List?req=AddRecord", add(',"GSW_CAMPAIGN":"Beta Campaign"')],
  ["another's campaign on phones", "2104", "/phones/4155550100?req=RequestRecordCancel", '{"GSW_CAMPAIGN_NAME":"Beta Campaign"}'],
  ["another's list through a handle", "2104", "/records/15?req=AddRecord", add(',"GSW_CALLING_LIST":"Beta List"')],
  ["another's campaign group", "2104", "/campaigngroups/208?req=ForceUnload"],
  ["a campaign group of nobody's", "2104", "/campaigngroups/999?req=ForceUnload"],
  ["another's campaign group's status", "2104", "/campaigngroups/208", "", [], "GET"],
  ["another's group by a body's id", "1007", "/campaigngroups/106?req=Load", '{"GSW_CM_AttrGroupID":244}'],
  ["another phone in the body", "1005", DNC, '{"GSW_PHONE":"4155550101"}'],
  ["another handle in the body", "1005", "/records/15?req=RecordReject", '{"GSW_RECORD_HANDLE":41}'],
  ["%2F in the handle", "1001", "/records/15%2F..%2F41?req=RecordReject"],
  [".. in the path", "1001", "/records/../records/41?req=RecordReject"],
  ["an escaped ..", "1001", "/records/%2e%2e/41?req=RecordReject"],
  ["a doubled slash", "1001", "//records/41?req=RecordReject"],
  ["a backslash", "1001", "/records\\41?req=RecordReject"],
  ["NUL", "1001", "/records/41%00?req=RecordReject"],
  ["double encoding", "1001", "/lists/Beta%2520List?req=AddRecord", add("")],
  ["a leading zero", "1001", "/records/041?req=RecordReject"],
  ["a plus", "1001", "/records/+41?req=RecordReject"],
  ["full-width digits", "1001", "/records/%EF%BC%94%EF%BC%91?req=RecordReject"],
  ["upper case", "1001", "/RECORDS/41?req=RecordReject"],
  ["a trailing slash", "1001", "/records/41/?req=RecordReject"],
  ["a fragment", "1001", "/records/15?req=RecordReject#x"],
  ["two actions", "1002", "/campaigngroups/106?req=Load&req=ForceUnload"],
  ["req in another case", "1002", "/campaigngroups/106?REQ=Load"],
  ["req with a bracket", "1002", "/campaigngroups/106?req[]=Load"],
  ["an escaped req", "1002", "/campaigngroups/106?%72eq=Load"],
  ["a wildcard phone", "1001", "/phones/415555%25?req=DoNotCall"],
  ["SQL in a customer id", "1001", "/customer_ids/x'%20OR%20'1'='1?req=DoNotCall"],
  ["CRLF in a list name", "1001", "/lists/A%0d%0aB?req=AddRecord", add("")],
  ["a field with a blank in its name", "1007", DNC, '{"a b":1}'],
  ["CRLF in a field", "1007", DNC, '{"A":"x\\r\\ny"}'],
  ["a second host", "1011", DNC, "{}", ["Host: localhost"]],
  ["a foreign authority", "1010", `http://evil.example${DNC}`, "{}"],
  ["a second credential line", "1011", DNC, "{}", [`Authorization: ${basic("beta")}`]],
  ["a second credential of another client", "2001", DNC, "{}", ["X-Api-Key: key-of-beta"]],
  ["Content-Length with Transfer-Encoding", "1011", DNC, "{}", ["Transfer-Encoding: chunked"]],
  ["another method", "1008", "/campaigngroups/106", "", [], "DELETE"],
];

describe("two tenants on one OCS", () => {
  it.each(attempts.map((attempt) => [attempt[0], attempt[1], attempt] as const))("%s: refused with %s, and OCS sees nothing", async (_name, code, attempt) => {
    const [, , target, body = "", headers = [], method = "POST"] = attempt;
    const before = ocs.bytes().length;
    const client = await rawClient(gateway.port);
    await client.send([`${method} ${target} HTTP/1.1`, "Host: localhost", `Authorization: ${basic("alpha")}`, ...(method === "GET" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]), ...headers, "", body].join("\r\n"));
    const reply = await client.reply();
    client.close();
    expect([reply.headers["ocsgw-code"], reply.headers["ocsgw-delivery"]]).toEqual([`OCSGW-${code}`, "not-sent"]);
    expect(reply.body).not.toMatch(/Beta/);
    expect(ocs.bytes().length).toBe(before);
  });

  it("what is not refused arrives as the tenant's own, written anew", async () => {
    const client = await rawClient(gateway.port);
    const body = '{ "GSW_TENANT_NAME" : "Alpha Tenant", "NOTE":"gr\\u00fc\\u00df" }';
    await client.send([`POST http://ocs.us.int.genesyslab.com:8080${DNC} HTTP/1.1`, "Host: ocs.us.int.genesyslab.com:8080", `Authorization: ${basic("alpha")}`, "X-Evil: 1", "Cookie: a=b", "Connection: keep-alive, X-Evil", `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"));
    expect((await client.reply()).status).toBe(200);
    client.close();
    const seen = Buffer.from(ocs.bytes(), "latin1").toString("utf8").split("POST ").at(-1)!;
    expect(seen).toMatch(/^\/phones\/4155550100\?req=DoNotCall HTTP\/1\.1\r\n/);
    expect(seen).toMatch(/\r\n\r\n\{"GSW_TENANT_DBID":101,"NOTE":"grüß"\}$/);
    expect(seen).not.toMatch(/evil|cookie|authorization|connection/i);
  });

  it("left a line in the journal for every one of them, none with a number in clear", async () => {
    const journal = await gateway.journal();
    expect(journal.filter(({ kind }) => kind === "refusal").length).toBeGreaterThanOrEqual(attempts.length);
    expect(JSON.stringify(journal)).not.toMatch(/41555501\d\d|B-0001/);
  });
});
