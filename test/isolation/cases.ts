/** The matrix as a table: who asks for what, by which way of reaching what is another's, and what becomes of it. */
import { ACTIONS, type Action } from "../../src/ocs/catalog.ts";
import { basic } from "../kit/gateway.ts";
import { bearerOf } from "./tokens.ts";
import { NOBODY, PAIRS, TENANTS, type Ask, type TenantFacts } from "./world.ts";

export type Case = {
  /** Of vectors.ts; several where one request tries several. */
  readonly vectors: readonly string[];
  readonly says: string;
  readonly ask: Ask;
  /** The same for what there is none of: the two answers are equal, byte by byte. */
  readonly absent?: Ask;
  /** The number of the refusal, or what the sender's own OCS then gets, and no other. */
  readonly becomes: string | RegExp;
};

type Identified = Pick<TenantFacts, "list" | "group" | "handle">;

/** What must stand in a body when an action needs it. */
const needed = (action: Action, { campaign }: TenantFacts): Record<string, unknown> => {
  const values: Record<string, unknown> = {
    GSW_PHONE: "4155550100",
    GSW_TZ_NAME: "PST",
    GSW_DATE_TIME: "12/12/2026 13:00",
    GSW_CAMPAIGN_NAME: campaign,
    GSW_CM_AttrDialMode: 2,
  };
  return Object.fromEntries(action.required.map((name) => [name, values[name]]));
};

const targetOf = (action: Action, { handle, list, group }: Identified): string => {
  const identifier = {
    records: String(handle),
    phones: "4155550100",
    customer_ids: "A-0001",
    lists: encodeURIComponent(list),
    campaigngroups: String(group),
  }[action.resource];
  return `/${action.resource}/${identifier}${action.method === "GET" ? "" : `?req=${action.name}`}`;
};

const asking = (
  from: TenantFacts,
  action: Action,
  { of = from, body = {} }: { of?: Identified; body?: object } = {},
): Ask => ({
  as: from.key,
  method: action.method,
  target: targetOf(action, of),
  ...(action.method === "POST" && {
    body: JSON.stringify({ ...needed(action, from), ...body }),
    headers: ["Content-Type: application/json"],
  }),
});

const named = (from: TenantFacts, to: TenantFacts, action: Action): string =>
  `${from.key} to ${to.key}: ${action.resource} ${action.name}`;

const WAYS: Readonly<Record<string, string>> = { records: "W1", lists: "W4", campaigngroups: "W10" };

/**
 * What the URI identifies is another's. Phone numbers and customer ids are nobody's by themselves: there the body says
 * whose.
 */
const identifiers: readonly Case[] = PAIRS.flatMap(([from, to]) =>
  ACTIONS.filter(({ resource }) => resource in WAYS).map((action): Case => {
    const alone = action.resource === "records" && from.ocs !== "shared";
    return {
      vectors: [action.method === "GET" ? "D2" : WAYS[action.resource]!, "I1"],
      says: `${named(from, to, action)}, what is ${to.key}'s`,
      ask: asking(from, action, { of: to }),
      // Of an OCS of its own a tenant may ask whatever it likes: another's number means nothing there. Each is asked
      // once, for a final request ends it.
      ...(alone
        ? { ask: asking(from, action, { of: { ...to, handle: 5000 + to.handle * 100 + ACTIONS.indexOf(action) } }) }
        : { absent: asking(from, action, { of: NOBODY }) }),
      becomes: alone
        ? new RegExp(`^POST /records/\\d+\\?req=${action.name} `)
        : action.resource === "records"
          ? "2106"
          : "2104",
    };
  }),
);

const tenants: readonly Case[] = PAIRS.flatMap(([from, to]) =>
  ACTIONS.filter(({ method }) => method === "POST").flatMap((action): Case[] =>
    (["dbid", "name"] as const).map((by): Case => {
      const saying = (of: { readonly dbid: number; readonly name: string }): Ask =>
        asking(from, action, { body: by === "dbid" ? { GSW_TENANT_DBID: of.dbid } : { GSW_TENANT_NAME: of.name } });
      return {
        vectors: ["W6", "I1"],
        says: `${named(from, to, action)}, by the tenant's ${by} in the body`,
        ask: saying(to),
        absent: saying(NOBODY),
        becomes: "2103",
      };
    }),
  ),
);

const takes = (action: Action, name: "GSW_CAMPAIGN_NAME" | "GSW_CALLING_LIST"): boolean =>
  [...action.required, ...action.optional].includes(name);

const names: readonly Case[] = PAIRS.flatMap(([from, to]) =>
  ACTIONS.flatMap((action): Case[] => [
    ...(takes(action, "GSW_CAMPAIGN_NAME")
      ? [
          {
            vectors: ["W5", "W3", "I1"],
            says: `${named(from, to, action)}, by the campaign in the body`,
            becomes: "2104",
            ask: asking(from, action, { body: { GSW_CAMPAIGN_NAME: to.campaign } }),
            absent: asking(from, action, { body: { GSW_CAMPAIGN_NAME: NOBODY.campaign } }),
          },
        ]
      : []),
    ...(takes(action, "GSW_CALLING_LIST")
      ? [
          {
            vectors: ["W3", "W4", "I1"],
            says: `${named(from, to, action)}, by the list in the body`,
            becomes: action.resource === "lists" ? "1005" : "2104",
            ask: asking(from, action, { body: { GSW_CALLING_LIST: to.list } }),
            absent: asking(from, action, { body: { GSW_CALLING_LIST: NOBODY.list } }),
          },
        ]
      : []),
  ]),
);

const DNC = "/phones/4155550100?req=DoNotCall";
const MINE = `/records/${TENANTS.alpha.handle}`;
const LIST = "/lists/Alpha%20List?req=AddRecord";
const add = (extra = ""): string =>
  `{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"${extra}}`;
const OWN = /^POST \/phones\/4155550100\?req=DoNotCall [\s\S]*\r\n\r\n\{"GSW_TENANT_DBID":101\}$/;

const quoted = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** What OCS then gets for a Do-Not-Call of Alpha's: this path, and this behind the tenant. */
const goes = (path: string, more = ""): RegExp =>
  new RegExp(`^POST ${quoted(path)}\\?req=DoNotCall [\\s\\S]*\\r\\n\\r\\n${quoted(`{"GSW_TENANT_DBID":101${more}}`)}$`);

/** What Alpha sends to reach what is Beta's, or to be read as something else than it looks like. */
const attempt = (
  vectors: string,
  says: string,
  becomes: string | RegExp,
  target: string,
  body = "",
  headers: readonly string[] = [],
  method = "POST",
): Case => ({ vectors: vectors.split(" "), says, becomes, ask: { as: "alpha", target, body, headers, method } });

const attempts: readonly Case[] = [
  attempt(
    "W2",
    "Beta's handle in the body, the own in the URI",
    "1005",
    `${MINE}?req=RecordReject`,
    '{"GSW_RECORD_HANDLE":41}',
  ),
  attempt(
    "W2",
    "the own handle in the body, Beta's in the URI",
    "1005",
    "/records/41?req=RecordReject",
    '{"GSW_RECORD_HANDLE":15}',
  ),
  attempt("W2", "another phone in the body", "1005", DNC, '{"GSW_PHONE":"4155550101"}'),
  attempt(
    "W2",
    "another customer in the body",
    "1005",
    "/customer_ids/A-0001?req=DoNotCall",
    '{"GSW_CUSTOMER_ID":"B-0001"}',
  ),
  attempt("W4", "the own list in another case", "2104", "/lists/alpha%20list?req=AddRecord", add()),
  attempt("W4", "the own list in full width", "2104", "/lists/%EF%BC%A1lpha%20List?req=AddRecord", add()),
  attempt("W4", "the own list with a doubled blank", "2104", "/lists/Alpha%20%20List?req=AddRecord", add()),
  attempt("W4", "the own list with a plus for a blank", "2104", "/lists/Alpha+List?req=AddRecord", add()),
  attempt("W5", "Beta's campaign under its other name", "1004", LIST, add(',"GSW_CAMPAIGN":"Beta Campaign"')),
  attempt(
    "W5",
    "Beta's campaign in another case of the key",
    "1004",
    LIST,
    add(',"Gsw_Campaign_Name":"Beta Campaign"'),
  ),
  attempt("W6", "own DBID, Beta's name", "2103", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}'),
  attempt("W6", "Beta's DBID, own name", "2103", DNC, '{"GSW_TENANT_DBID":102,"GSW_TENANT_NAME":"Alpha Tenant"}'),
  attempt("W6 W7", "Beta's DBID in quotes", "2103", DNC, '{"GSW_TENANT_DBID":"102"}'),
  attempt("W6", "the header Ocsgw-Tenant", "2103", DNC, "{}", ["Ocsgw-Tenant: 102"]),
  attempt("W6", "the own name in another case", "2103", DNC, '{"GSW_TENANT_NAME":"alpha tenant"}'),
  attempt("W7", "DBID 0", "1007", DNC, '{"GSW_TENANT_DBID":0}'),
  attempt("W7", "a negative DBID", "1007", DNC, '{"GSW_TENANT_DBID":-1}'),
  attempt("W7", "a fractional DBID", "1007", DNC, '{"GSW_TENANT_DBID":102.0}'),
  attempt("W7", "a DBID with an exponent", "1007", DNC, '{"GSW_TENANT_DBID":1.02e2}'),
  attempt("W7", "a DBID as an array", "1007", DNC, '{"GSW_TENANT_DBID":[102]}'),
  attempt("W7", "a DBID of null, which says nothing: the tenant is the caller's", OWN, DNC, '{"GSW_TENANT_DBID":null}'),
  attempt(
    "W7",
    "a DBID beyond 32 bits, that would wrap around to Beta's",
    "1007",
    DNC,
    '{"GSW_TENANT_DBID":4294967398}',
  ),
  attempt("W7", "no tenant: it is the caller's", OWN, DNC, "{}"),
  attempt("W7", "no body: the tenant is the caller's", OWN, DNC),
  attempt(
    "W7",
    "the own DBID and name: the DBID alone goes on",
    OWN,
    DNC,
    '{"GSW_TENANT_DBID":"101","GSW_TENANT_NAME":"Alpha Tenant"}',
  ),
  attempt("W7", "a doubled DBID", "1004", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":102}'),
  attempt("W7", "a doubled DBID of one value", "1004", DNC, '{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":101}'),
  attempt(
    "W7",
    "a doubled DBID in an escaped spelling",
    "1004",
    DNC,
    '{"GSW_TENANT_DBID":101,"\\u0047SW_TENANT_DBID":102}',
  ),
  attempt("W7", "a doubled DBID in another case", "1004", DNC, '{"GSW_TENANT_DBID":101,"Gsw_Tenant_Dbid":102}'),
  attempt("W7", "a doubled DBID deeper", "1004", DNC, '{"GSW_TENANT_DBID":101,"A":{"GSW_TENANT_DBID":102}}'),
  attempt("W7", "the DBID in another case alone", "1007", DNC, '{"gsw_tenant_dbid":102}'),
  attempt("W7", "the DBID with a full-width letter", "1007", DNC, '{"\uff27SW_TENANT_DBID":102}'),
  attempt("W8", "a wildcard phone", "1001", "/phones/415555%25?req=DoNotCall"),
  attempt("W8", "a star for a phone", "1001", "/phones/*?req=DoNotCall"),
  attempt("W8", "an underscore in a phone", "1001", "/phones/415555010_?req=DoNotCall"),
  attempt("W8", "SQL in a customer id", "1001", "/customer_ids/x'%20OR%20'1'='1?req=DoNotCall"),
  attempt("W8", "a wildcard customer id", "1001", "/customer_ids/%25?req=DoNotCall"),
  attempt(
    "W8",
    "an underscore in a customer id, which sites have",
    goes("/customer_ids/CUST_0001"),
    "/customer_ids/CUST_0001?req=DoNotCall",
  ),
  attempt(
    "W8",
    "a plus in a customer id, that a reader of forms would take for a blank",
    goes("/customer_ids/a%2Bb@crm"),
    "/customer_ids/a+b@crm?req=DoNotCall",
  ),
  attempt("W8", "quotes in a customer id", "1001", "/customer_ids/a%22b?req=DoNotCall"),
  attempt("W8", "the end of a statement in a customer id", "1001", "/customer_ids/a%3BDROP?req=DoNotCall"),
  attempt("W8", "a wildcard in an address", "1001", "/phones/*@crm.example?req=DoNotCall"),
  attempt(
    "W9",
    "a field with a blank in its name, which sites have",
    goes("/phones/4155550100", ',"a b":1'),
    DNC,
    '{"a b":1}',
  ),
  attempt(
    "W9",
    "a field with a bracket in its name, which goes on as a name",
    goes("/phones/4155550100", ',"a[b]":1'),
    DNC,
    '{"a[b]":1}',
  ),
  attempt("W9", "a field with quotes in its name", "1007", DNC, '{"x\'); DROP":1}'),
  attempt("W9", "a field with double quotes in its name", "1007", DNC, '{"x\\"y":1}'),
  attempt("W9", "a field that reads as GSW_ without its blank", "1007", DNC, '{" GSW_TENANT_DBID":102}'),
  attempt(
    "W9",
    "a field that reads as GSW_ in compatible forms",
    "1007",
    DNC,
    '{"\uff47\uff53\uff57\uff3fTENANT_DBID":102}',
  ),
  attempt("W9", "a GSW_ name that no table has", "1007", DNC, '{"GSW_SCOPE":"all"}'),
  attempt(
    "W10",
    "Beta's group by an id in the body",
    "1007",
    "/campaigngroups/106?req=Load",
    '{"GSW_CM_AttrGroupID":244}',
  ),
  attempt(
    "W10",
    "Beta's campaign by an id in the body",
    "1007",
    "/campaigngroups/106?req=Load",
    '{"GSW_CM_AttrCampaignID":146}',
  ),
  attempt("W12", "two actions", "1002", "/campaigngroups/106?req=Load&req=ForceUnload"),
  attempt("W12", "req in another case", "1002", "/campaigngroups/106?REQ=Load"),
  attempt("W12", "req with a bracket", "1002", "/campaigngroups/106?req[]=Load"),
  attempt("W12", "an escaped req", "1002", "/campaigngroups/106?%72eq=Load"),
  attempt("W12", "a parameter beside it", "1002", "/campaigngroups/106?req=Load&tenant=102"),
  attempt("W12", "an empty req", "1002", "/campaigngroups/106?req="),
  attempt("W12", "no req", "1002", "/campaigngroups/106"),
  attempt("W12", "a fragment", "1001", `${MINE}?req=RecordReject#x`),
  attempt("W12", "a matrix parameter", "1001", `${MINE};req=RecordReject`),
  attempt("W12", "an action of another resource", "1002", `${MINE}?req=Load`),
  attempt("W13", "%2F in the handle", "1001", "/records/15%2F..%2F41?req=RecordReject"),
  attempt("W13", ".. in the path", "1001", "/records/../records/41?req=RecordReject"),
  attempt("W13", "an escaped ..", "1001", "/records/%2e%2e/41?req=RecordReject"),
  attempt("W13", "a doubled slash", "1001", "//records/41?req=RecordReject"),
  attempt("W13", "a backslash", "1001", "/records\\41?req=RecordReject"),
  attempt("W13", "NUL", "1001", "/records/41%00?req=RecordReject"),
  attempt("W13", "double encoding", "1001", "/lists/Beta%2520List?req=AddRecord", add()),
  attempt("W13", "a leading zero", "1001", "/records/041?req=RecordReject"),
  attempt("W13", "a plus", "1001", "/records/+41?req=RecordReject"),
  attempt("W13", "full-width digits", "1001", "/records/%EF%BC%94%EF%BC%91?req=RecordReject"),
  attempt("W13", "upper case", "1001", "/RECORDS/41?req=RecordReject"),
  attempt("W13", "a trailing slash", "1001", "/records/41/?req=RecordReject"),
  attempt(
    "W13",
    "a handle beyond 32 bits, that would wrap around to Beta's",
    "1001",
    "/records/4294967337?req=RecordReject",
  ),
  attempt("W14", "an authority of nobody's", "1010", `http://evil.example${DNC}`, "{}"),
  attempt("W14", "the other OCS's authority", "1010", `http://ocs.gamma.example:8080${DNC}`, "{}"),
  attempt("W14", "an authority with a user in it", "1010", `http://localhost@evil.example${DNC}`, "{}"),
  attempt("W14", "a second host", "1011", DNC, "{}", ["Host: localhost"]),
  attempt("W15", "Content-Length with Transfer-Encoding", "1011", DNC, "{}", ["Transfer-Encoding: chunked"]),
  attempt("W15", "two lengths", "1011", DNC, "{}", ["Content-Length: 44"]),
  attempt(
    "W15",
    "a whole request for a body",
    "1003",
    DNC,
    "POST /records/41?req=RecordReject HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
  ),
  attempt(
    "W15",
    "a request in a field: it arrives as a text",
    /^POST \/phones[\s\S]*\{"GSW_TENANT_DBID":101,"NOTE":"\/records\/41\?req=RecordReject HTTP\/1\.1"\}$/,
    DNC,
    '{"NOTE":"/records/41?req=RecordReject HTTP/1.1"}',
  ),
  attempt("W16", "CRLF in a list name", "1001", "/lists/A%0d%0aB?req=AddRecord", add()),
  attempt(
    "W16",
    "CRLF in a field, which stays inside its string",
    goes("/phones/4155550100", ',"A":"x\\r\\n\\r\\nPOST y"'),
    DNC,
    '{"A":"x\\r\\n\\r\\nPOST y"}',
  ),
  attempt("W16", "CRLF in a field's name", "1007", DNC, '{"x\\r\\ny":1}'),
  attempt("W16", "CRLF in an attribute of OCS", "1007", DNC, '{"GSW_CAMPAIGN_NAME":"x\\r\\ny"}'),
  attempt("W16", "NUL in a field", "1003", DNC, '{"A":"x\\u0000y"}'),
  attempt("W17", "Beta's Idempotency-Key: it means nothing", OWN, DNC, "{}", ["Idempotency-Key: of-beta"]),
  attempt("W19", "a second credential of another client", "2001", DNC, "{}", ["X-Api-Key: key-of-beta"]),
  attempt("W19", "a second credential line", "1011", DNC, "{}", [`Authorization: ${basic("beta")}`]),
  attempt("W26", "__proto__", "1003", DNC, '{"__proto__":{"GSW_TENANT_DBID":102}}'),
  attempt("W26", "__proto__ deeper", "1003", DNC, '{"A":{"__proto__":{"GSW_TENANT_DBID":102}}}'),
  attempt("D7", "metrics where clients connect", "1001", "/metrics", "", [], "GET"),
  attempt("D7", "the admin API where clients connect", "1001", "/api/status", "", [], "GET"),
  attempt("D6", "the registry of handles where clients connect", "1001", "/ownership/shared/41", "", [], "GET"),
  attempt(
    "D6",
    "naming a handle's tenant where clients connect",
    "1001",
    "/ownership/shared/41",
    '{"tenant":"Alpha Tenant"}',
    [],
    "PUT",
  ),
  attempt("D2", "another method", "1008", "/campaigngroups/106", "", [], "DELETE"),
];

const withToken = (says: string, as: Ask["as"], becomes: string | RegExp, headers: readonly string[] = []): Case => ({
  vectors: ["W18", "W19"],
  says,
  becomes,
  ask: { as, target: DNC, body: "{}", headers },
});

const tokens: readonly Case[] = [
  withToken("a token of the own client", bearerOf("alpha"), OWN),
  withToken("a token with the own tenant", bearerOf("alpha", { ocs_tenant: "Alpha Tenant" }), OWN),
  withToken("a token of the own client with Beta's tenant", bearerOf("alpha", { ocs_tenant: "Beta Tenant" }), "2001"),
  withToken("a token of the own client with Beta's DBID", bearerOf("alpha", { ocs_tenant: 102 }), "2001"),
  withToken("a token of a client of nobody's", bearerOf("omega"), "2001"),
  withToken("a token of another issuer", bearerOf("alpha", { iss: "https://evil.test/" }), "2001"),
  withToken("a token for another audience", bearerOf("alpha", { aud: "elsewhere" }), "2001"),
  withToken("a token of the own client beside a key of Beta's", bearerOf("alpha"), "2001", ["X-Api-Key: key-of-beta"]),
  withToken("nothing at all", "nobody", "2001"),
];

export const CASES: readonly Case[] = [...identifiers, ...tenants, ...names, ...attempts, ...tokens];
