/**
 * OCS is held to the grammar that clients are held to: what is malformed is never taken for what is not said, whatever
 * member it is.
 */
import { describe, expect, it } from "vitest";
import { anArrival, aTenant, beta } from "../kit/line.ts";
import { createAnnouncedTenantFinder, type AnnouncedTenant } from "../../src/ownership/ownership.ts";
import { createOcsCallbacks, type AnnouncedRecord, type CallEnd } from "../../src/callbacks/ocs-callbacks.ts";

type Heard = { status: number; announced: AnnouncedRecord[]; ended: CallEnd[]; unclear: string[]; malformed: string[] };

const tell = async (body: string | Uint8Array): Promise<Heard> => {
  const heard: Heard = { status: 0, announced: [], ended: [], unclear: [], malformed: [] };
  const handler = createOcsCallbacks({
    speaksForActive: () => Promise.resolve(true),
    onAnnounced: (record) => Promise.resolve(heard.announced.push(record) > 0 ? "new" : "blocked"),
    onInactiveSource: () => undefined,
    onRejected: () => Promise.resolve(),
    onCallEnd: (call) => Promise.resolve(heard.ended.push(call) > 0),
    onMalformedCallEnd: (what) => void heard.unclear.push(what),
    validate: undefined,
    onMalformed: (_arrival, _why, detail) => (heard.malformed.push(detail), 400),
  });
  heard.status = (await handler(anArrival({ target: "/", body }))).status;
  return heard;
};

const find = createAnnouncedTenantFinder([
  aTenant(),
  beta(),
  aTenant({
    name: "Gamma",
    dbid: 103,
    campaigns: new Set(["Gamma Campaign"]),
    lists: new Set(["Gamma List"]),
    campaignGroups: new Map(),
  }),
]);
const among = (whose: AnnouncedTenant): number[] | string =>
  "tenant" in whose
    ? whose.tenant.name
    : whose.unowned === "unregistered"
      ? whose.unowned
      : whose.among.map(({ dbid }) => dbid);
const whoseIs = async (members: string): Promise<number[] | string> => {
  const {
    announced: [record],
    status,
  } = await tell(`{"GSW_RECORD_HANDLE":15,${members}}`);
  expect(status).toBe(200);
  return among(find("ocs", record!));
};

const NUMBERS = { GSW_TENANT_DBID: 102, GSW_CAMPAIGN_GROUP_DBID: 208 } as const;
const TEXTS = {
  GSW_TENANT_NAME: "Beta Tenant",
  GSW_CAMPAIGN_GROUP_NAME: "Beta Campaign@Beta Agents",
  GSW_CAMPAIGN_NAME: "Beta Campaign",
  GSW_CALLING_LIST: "Beta List",
} as const;

/**
 * Of a member that would name Beta: JSON members of the announcement, and whether Beta is still to be read from them.
 */
const spellings = (
  key: string,
  value: string | number,
): readonly (readonly [what: string, members: string, readable: boolean])[] => {
  const json = JSON.stringify(value);
  return [
    ["in a list", `"${key}":[${json}]`, true],
    ["in a list in a list", `"${key}":[[${json}]]`, true],
    ["in an object", `"${key}":{"value":${json}}`, true],
    ["with blanks", `"${key}":" ${value}"`, typeof value === "number"],
    ["twice and equal", `"${key}":${json},"${key}":${json}`, true],
    ["twice, the last one another's", `"${key}":${json},"${key}":"x"`, true],
    ["twice, the second one null", `"${key}":${json},"${key}":null`, true],
    ["in small letters", `"${key.toLowerCase()}":${json}`, true],
    ["in mixed letters beside the right ones", `"${key}":${json},"${key.replace("GSW", "Gsw")}":${json}`, true],
    ["in wide letters", `"${key.replace("GSW", "ＧＳＷ")}":${json}`, true],
    ["with a blank behind its name", `"${key} ":${json}`, true],
    ["inside another member", `"GSW_NEW":{"deep":[{"${key}":${json}}]}`, true],
    ["as an escaped key beside the plain one", `"${key}":${json},"\\u0047${key.slice(1)}":${json}`, true],
    ["as true", `"${key}":true`, false],
    ["as an empty object", `"${key}":{}`, false],
    ["as an empty list", `"${key}":[]`, false],
    ["as an empty text", `"${key}":""`, false],
  ];
};
const numbers = (key: string, value: number): ReturnType<typeof spellings> => [
  ["as 0", `"${key}":0`, false],
  ['as "0"', `"${key}":"0"`, false],
  ["as a fraction", `"${key}":${value}.5`, true],
  ["with .0", `"${key}":${value}.0`, true],
  ["with an exponent", `"${key}":${value}e0`, true],
  ["negative", `"${key}":-${value}`, false],
  ["with a sign", `"${key}":"+${value}"`, true],
  ["with a zero in front", `"${key}":"0${value}"`, true],
  ["out of range", `"${key}":2147483648`, false],
  ["out of every range", `"${key}":99999999999999999999`, false],
  ["as a name", `"${key}":"Beta"`, false],
  ["with letters behind", `"${key}":"${value}abc"`, true],
];
const names = (key: string, value: string): ReturnType<typeof spellings> => [
  ["as a number", `"${key}":5`, false],
  ["as false", `"${key}":false`, false],
  ["with a control character", `"${key}":"${value}\\n"`, true],
];

const ALL = [
  ...Object.entries(NUMBERS).flatMap(([key, value]) =>
    [...spellings(key, value), ...numbers(key, value)].map((row) => [key, ...row] as const),
  ),
  ...Object.entries(TEXTS).flatMap(([key, value]) =>
    [...spellings(key, value).filter(([what]) => what !== "with blanks"), ...names(key, value)].map(
      (row) => [key, ...row] as const,
    ),
  ),
];

describe("a malformed member of an announcement", () => {
  it.each(ALL)(
    "%s %s makes a contradiction that could mean the tenants it points to",
    async (_key, _what, members, readable) => {
      // Alone: all that is known. Where it can be read in no way, it could be any tenant's of this OCS.
      expect(await whoseIs(members)).toEqual(readable ? [102] : [101, 102, 103]);
    },
  );

  it.each(ALL.filter(([key]) => key !== "GSW_CALLING_LIST"))(
    "%s %s is not outvoted by a list of Alpha's",
    async (_key, _what, members, readable) => {
      expect(await whoseIs(`"GSW_CALLING_LIST":"Alpha List",${members}`)).toEqual(readable ? [101, 102] : [101]);
    },
  );

  it.each([
    ["a number for a tenant's name", '"GSW_TENANT_NAME":102', [102]],
    ["a tenant's name for its DBID", '"GSW_TENANT_DBID":"Beta Tenant"', [102]],
    ["a group's name for its DBID", '"GSW_CAMPAIGN_GROUP_DBID":"beta campaign@beta agents"', [102]],
  ])("may be %s", async (_what, members, expected) => {
    expect(await whoseIs(members)).toEqual(expected);
  });
});

describe("an unusual but valid announcement", () => {
  it.each([
    ["decimal strings", '"GSW_TENANT_DBID":"102","GSW_CAMPAIGN_GROUP_DBID":"208"', "Beta Tenant"],
    ["numbers", '"GSW_TENANT_DBID":102,"GSW_CAMPAIGN_GROUP_DBID":208', "Beta Tenant"],
    [
      "null for what it does not know",
      '"GSW_TENANT_DBID":null,"GSW_TENANT_NAME":null,"GSW_CALLING_LIST":"Beta List"',
      "Beta Tenant",
    ],
    [
      "members of its own in any depth, and named as it likes",
      `"GSW_CALLING_LIST":"Beta List","constructor":1,"x":${"[".repeat(20)}${"]".repeat(20)}`,
      "Beta Tenant",
    ],
    [
      "hundreds of columns",
      `"GSW_CALLING_LIST":"Beta List",${Array.from({ length: 500 }, (_, at) => `"COLUMN_${at}":${at}`).join()}`,
      "Beta Tenant",
    ],
    ["a column twice", '"GSW_CALLING_LIST":"Beta List","REMARK":1,"REMARK":2', "Beta Tenant"],
    ["a tenant named by digits, who is none by DBID", '"GSW_TENANT_NAME":"102"', "unregistered"],
  ])("with %s is read correctly", async (_what, members, expected) => {
    expect(await whoseIs(members)).toBe(expected);
  });

  it("may have non-UTF-8 bytes in properties that decide nothing, and not in a name that decides", async () => {
    const latin = (text: string): Uint8Array => Buffer.from(text, "latin1");
    const one = await tell(latin('{"GSW_RECORD_HANDLE":15,"GSW_CALLING_LIST":"Beta List","NAME":"Müller"}'));
    const other = await tell(latin('{"GSW_RECORD_HANDLE":15,"GSW_CALLING_LIST":"Müller"}'));
    expect([one, other].map(({ announced: [record] }) => among(find("ocs", record!)))).toEqual([
      "Beta Tenant",
      [101, 102, 103],
    ]);
  });
});

describe("a malformed handle", () => {
  it.each([
    "0",
    '" 15"',
    "[15]",
    "15.5",
    "15.0",
    "15e0",
    "true",
    "{}",
    '""',
    "-15",
    '"015"',
    "2147483648",
    "null",
    '15,"GSW_RECORD_HANDLE":15',
    '15,"gsw_record_handle":16',
    '15,"GSW_NEW":{"GSW_RECORD_HANDLE":16}',
  ])("as %s makes the gateway tell OCS not to dial", async (value) => {
    const { status, announced, malformed } = await tell(
      `{"GSW_RECORD_HANDLE":${value},"GSW_CALLING_LIST":"Beta List"}`,
    );
    expect([status, announced, malformed]).toEqual([400, [], [expect.stringContaining("GSW_RECORD_HANDLE")]]);
  });
});

describe("a call report", () => {
  it.each([
    ['"GSW_RECORD_HANDLE":0', "GSW_RECORD_HANDLE"],
    ['"GSW_RECORD_HANDLE":" 15"', "GSW_RECORD_HANDLE"],
    ['"GSW_RECORD_HANDLE":[15]', "GSW_RECORD_HANDLE"],
    ['"GSW_RECORD_HANDLE":15,"GSW_RECORD_HANDLE":16', "GSW_RECORD_HANDLE"],
    ['"gsw_record_handle":15', "GSW_RECORD_HANDLE"],
    ['"GSW_RECORD_HANDLE":15,"GSW_CALL_ATTEMPT_GUID":["a"]', "GSW_CALL_ATTEMPT_GUID"],
    ['"GSW_CALL_ATTEMPT_GUID":""', "GSW_CALL_ATTEMPT_GUID"],
    ['"GSW_CALL_ATTEMPT_GUID":5', "GSW_CALL_ATTEMPT_GUID"],
    ['"GSW_CALL_ATTEMPT_GUID":"a","GSW_CALL_ATTEMPT_GUID":"b"', "GSW_CALL_ATTEMPT_GUID"],
    ['"Gsw_Call_Attempt_Guid":"a"', "GSW_CALL_ATTEMPT_GUID"],
  ])("with %s ends no record, is reported, and gets 200", async (members, what) => {
    const { status, ended, unclear } = await tell(`{"GSW_HIST_SEQUENCE_NUM":1,${members}}`);
    expect([status, ended, unclear]).toEqual([200, [], [`${what} is malformed`]]);
  });

  it.each([
    "true",
    '" 1"',
    "[1]",
    "1.5",
    "{}",
    '""',
    "-1",
    '1,"GSW_HIST_SEQUENCE_NUM":0',
    '0,"gsw_hist_sequence_num":1',
  ])("that may be an announcement (sequence %s) neither permits a call nor ends a record", async (sequence) => {
    const { status, ended, announced } = await tell(
      `{"GSW_HIST_SEQUENCE_NUM":${sequence},"GSW_RECORD_HANDLE":15,"GSW_CALLING_LIST":"Beta List"}`,
    );
    expect([status, ended, announced]).toEqual([400, [], []]);
  });
});
