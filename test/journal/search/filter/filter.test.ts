import { describe, expect, it } from "vitest";
import {
  bothFilters,
  FilterError,
  evaluate,
  requiredTerms,
  parseFilter,
  allTerms,
} from "../../../../src/journal/search/filter/filter.ts";
import type { Fields } from "../../../../src/journal/search/transaction.ts";

const NOW = Date.parse("2026-11-22T12:30:00Z");
const micros = (time: string): number => Date.parse(time) * 1000;

const aRequest = (over: Partial<Fields> = {}): Fields => ({
  at: 7,
  time: micros("2026-11-22T12:04:31Z"),
  kinds: ["intent", "outcome"],
  state: "ocs-no",
  id: "01KAPQ8C10QX01KAPQ8C000007",
  tenant: { dbid: 101, name: "Alpha Tenant" },
  client: "ivr-bank",
  credential: "basic/k1",
  source: "10.0.0.7",
  listener: "clients",
  action: "DoNotCall",
  resource: "phones",
  status: 410,
  origin: "ocs",
  delivery: "answered",
  warning: 112,
  upstream: "ocs-main",
  lane: "ocs-main/2",
  endpoint: "https://ocs1:8443",
  queue: 12.5,
  ocs: 900,
  total: 913,
  phone: `t1:${"9f2c".repeat(16)}`,
  campaign: "Alpha Campaign",
  list: "Alpha List",
  dnc: 12,
  config: "7c1e",
  ...over,
});

const holds = (text: string, over: Partial<Fields> = {}): boolean => {
  const found = evaluate(parseFilter(text, NOW).expression, aRequest(over));
  expect(found).toBeTypeOf("boolean");
  return found!;
};

describe("a filter", () => {
  it.each([
    "",
    'tenant:"Alpha Tenant"',
    "tenant:alpha*",
    "tenant:101",
    "client:ivr-*",
    "client:IVR-BANK",
    "action:DoNotCall,RequestRecordCancel",
    "action:donotcall",
    "resource:phones",
    "status:>=400",
    "status:4xx",
    "status:400..499",
    "status:<500",
    "status:=410",
    "origin:ocs",
    "ocs.error:112",
    "ocs.error:100..120",
    "delivery:answered",
    "is:ocs-no",
    "is:ok,ocs-no",
    "kind:outcome",
    "kind:outcome,doubt",
    "queue:>10ms",
    "queue:12ms..13ms",
    "ocs.time:<1s",
    "ocs.time:>=0.9s",
    "total:>900ms",
    "upstream:ocs-main",
    "lane:ocs-main/2",
    "endpoint:https://ocs1*",
    "via:https://ocs1:8443",
    'list:"Alpha List"',
    'campaign:"alpha campaign"',
    `phone:t1:${"9f2c".repeat(16)}`,
    "phone:t1:9f2c9f2c9f2c",
    "time:12:00..12:10",
    "time:12:04",
    "time:14:04+02:00",
    "time:07:04-05",
    "time:12:04Z",
    "time:2026-11-22T14:04:31+02:00",
    "time:2026-11-22T14:04:31+0200",
    "time:2026-11-22T17:34:31+05:30",
    "time:2026-11-22T07:04:31-05:00",
    "since:2026-11-22T13:30:00+02:00",
    "until:2026-11-22T07:04:31.9999999-05:00",
    "time:2026-11-22+02:00",
    'time:"2026-11-22 14:04+02:00"',
    "time:2026-11-22t12:04:31z",
    "since:2026-11-21T23:59:59-12:00 until:2026-11-22T12:10:00Z",
    "-since:12:05 -until:12:04:30",
    "(since:1h until:12:10) OR since:2026-11-22",
    "-(since:12:30 OR until:12:00)",
    "time:12:04:31",
    "time:2026-11-22",
    "time:2026-11-21..2026-11-22",
    "time:2026-11-22T12:04:31",
    "time:2026-11-22T12:04..2026-11-22T12:05",
    "since:1h",
    "since:2026-11-22",
    "until:now",
    "until:12:04",
    "id:01KAPQ8C10QX",
    "id:01kapq8c10qx",
    "01KAPQ8C10QX01KAPQ8C000007",
    "dnc:1..20",
    "credential:basic/*",
    "source:10.0.0.*",
    "config:7c1e",
    "-client:ors-main",
    "-(client:ors-main OR status:200)",
    "status:200 OR status:410",
    "(status:200 OR status:410) action:DoNotCall",
    "status:200 OR action:DoNotCall tenant:101",
    "listener:clients AND status:410".replace(" AND", ""),
  ])("%s matches the request", (text) => expect(holds(text)).toBe(true));

  it.each([
    "tenant:Beta*",
    "tenant:102",
    "client:ivr",
    "client:bank",
    "-client:ivr-*",
    "action:AddRecord",
    "resource:records",
    "status:200",
    "status:>410",
    "status:5xx",
    "origin:gateway",
    "code:OCSGW-2103",
    "OCSGW-2103",
    "is:ok",
    "kind:refusal",
    "queue:>100ms",
    "ocs.time:>1s",
    "list:Alpha",
    "record:15",
    "group:106",
    "phone:t1:000000000000",
    "customer:t1:9f2c9f2c9f2c",
    "time:12:05..12:10",
    "time:2026-11-21",
    "since:10m",
    "until:12:03",
    "id:01KAPQ8C10QY",
    "dnc:13",
    "http://ocs:8080/records/15",
    "-status:410",
    "status:410 status:200",
    "(status:200 OR status:201)",
    "-(status:410 OR status:200)",
  ])("%s does not match the request", (text) => expect(holds(text)).toBe(false));

  it.each([
    ["doubt", "in-doubt"],
    ["Doubt", "in-doubt"],
    ["in-doubt", "in-doubt"],
    ["retired", "deleted"],
    ["deleted", "deleted"],
  ] as const)("with kind:%s, a current name or one of format 1, matches kind %s", (word, kind) => {
    expect(holds(`kind:${word}`, { kinds: [kind] })).toBe(true);
    expect(holds(`kind:${word}`)).toBe(false);
  });

  it("accepts any number of *, and a hostile pattern costs no more than others", () => {
    expect(holds("client:*i*v*r*-*b*a*n*k*")).toBe(true);
    const hostile = parseFilter("client:*a*a*a*a*a*ab").expression;
    const fields = aRequest({ client: "a".repeat(140) });
    const start = process.threadCpuUsage();
    for (let round = 0; round < 1000; round++) expect(evaluate(hostile, fields)).toBe(false);
    expect(process.threadCpuUsage(start).user / 1000).toBeLessThan(1000);
  });

  it.each([
    ["*k*", "\u212a", false],
    ["\u212a*", "\u212a1", true],
    ["*i*", "\u0130", false],
    ["*É*", "é", true],
    ["ALPHA", "alpha", true],
  ])("list:%s matches %j as in the index: %s", (glob, list, taken) =>
    expect(holds(`list:"${glob}"`, { list })).toBe(taken),
  );

  it("treats a quoted number as a name", () => {
    expect(holds('tenant:"101"')).toBe(false);
    expect(holds('tenant:"101"', { tenant: { dbid: 7, name: "101" } })).toBe(true);
  });

  it("does not match a request that lacks the field, and its negation does", () => {
    expect(holds("code:OCSGW-2103")).toBe(false);
    expect(holds("-code:OCSGW-2103")).toBe(true);
    expect(holds("record:15", { record: "15" })).toBe(true);
    expect(holds("/records/15", { record: "15" })).toBe(true);
  });

  it("tells from some of the fields whether the result is true, false or unknown", () => {
    const ask = (text: string): boolean | undefined =>
      evaluate(parseFilter(text).expression, aRequest(), (field) => field === "status");
    expect(
      [
        "status:410",
        "status:200",
        "client:x",
        "status:200 client:x",
        "status:410 OR client:x",
        "status:410 client:x",
        "-client:x",
        "-(status:200 client:x)",
      ].map(ask),
    ).toEqual([true, false, undefined, false, true, undefined, undefined, true]);
  });

  it("lists the terms that every match must fulfil", () => {
    expect(
      requiredTerms(parseFilter("status:410 (client:a OR client:b) -id:123456 record:15").expression).map(
        ({ key }) => key,
      ),
    ).toEqual(["status", "record"]);
    expect(
      allTerms(parseFilter("status:410 (client:a OR client:b) -id:123456").expression).map(({ key }) => key),
    ).toEqual(["status", "client", "client", "id"]);
  });

  it("can be joined with another, and both keep their meaning", () => {
    const both = bothFilters(parseFilter("status:200 OR status:410"), parseFilter("client:a OR client:ivr-bank"));
    expect(evaluate(both.expression, aRequest())).toBe(true);
    expect(both.text).toBe("(status:200 OR status:410) (client:a OR client:ivr-bank)");
    expect(evaluate(parseFilter(both.text).expression, aRequest({ client: "c" }))).toBe(false);
    expect(bothFilters(parseFilter("is:ok"), parseFilter("client:a\tOR\nclient:b")).text).toBe(
      "is:ok (client:a\tOR\nclient:b)",
    );
  });
});

const fault = (text: string): FilterError => {
  try {
    parseFilter(text, NOW);
  } catch (error) {
    if (error instanceof FilterError) return error;
  }
  throw new Error(`${text} was taken`);
};

describe("an invalid filter", () => {
  it.each([
    ["tenat:x", "unknown key tenat", 0, "did you mean tenant:?"],
    ["status:200 statuss:4", "unknown key statuss", 11, "did you mean status:?"],
    ["status:abc", "expected a status", 7, undefined],
    ["is:refusd", 'unknown word "refusd"', 3, "did you mean refused?"],
    ["origin:me", 'unknown word "me"', 7, "known here: ocs, gateway"],
    ["queue:>100", "expected a time with its unit", 6, undefined],
    ["time:25:00", "expected a time", 5, "as in 12:00..12:10"],
    ["time:2026-02-31", "expected a time", 5, "as in 12:00..12:10"],
    ["time:2026-11-22T12:00+25:00", "expected a time", 5, undefined],
    ["time:2026-11-22T12:00+02:60", "expected a time", 5, undefined],
    ["time:2026-11-22T12:00:00+2", "expected a time", 5, undefined],
    ["time:2026-11-22T12:00.5", "expected a time", 5, undefined],
    ["since:2026-11-22T12:00:00 02:00", "expected key:value", 26, "%2B"],
    [
      "since:2026-11-22 until:2026-11-21",
      "no entry can fit: this time ends 2026-11-21T23:59:59.999999Z, before the other begins, " +
        "2026-11-22T00:00:00.000000Z",
      23,
      undefined,
    ],
    [
      "until:2026-11-21 since:2026-11-22",
      "no entry can fit: this time begins 2026-11-22T00:00:00.000000Z, after the other ends, " +
        "2026-11-21T23:59:59.999999Z",
      23,
      undefined,
    ],
    ["until:7d since:1h", "no entry can fit", 15, undefined],
    ["since:now until:1s", "no entry can fit", 16, undefined],
    ["since:2026-11-22T12:00:00+00:00 status:200 until:2026-11-22T13:59:59+02:00", "no entry can fit", 49, undefined],
    ["time:2026-11-20 since:2026-11-22", "no entry can fit", 22, undefined],
    ["time:2026-11-20,2026-11-24 time:2026-11-22", "no entry can fit: these times exclude each other", 32, undefined],
    ["action:DoNotCall (since:1h (client:a OR client:b)) until:2h", "no entry can fit", 57, undefined],
    ["is:ok OR (since:1h until:2h)", "no entry can fit", 25, undefined],
    ["since:1h (until:2h OR until:3h)", "no entry can fit", 16, undefined],
    ["-until:1h -since:2h", "no entry can fit", 17, undefined],
    ["-(until:1h OR since:2h)", "no entry can fit", 20, undefined],
    ["since:1h -since:2h", "no entry can fit", 16, undefined],
    ["time:23:50..00:10", "this range ends before it begins", 5, undefined],
    ["status:499..400", "this range ends before it begins", 7, undefined],
    ["code:2103x", "expected a code", 5, "for example OCSGW-2103"],
    ["tenant:", "a value is missing", 7, "put values with spaces in quotes"],
    ['tenant:"Alpha', "this quote is not closed", 7, undefined],
    ["(status:200", "this parenthesis is not closed", 0, undefined],
    ["status:200)", "unexpected closing parenthesis", 10, undefined],
    ["status:200 OR", "something is missing at the end", 13, undefined],
    ["OR status:200", "a term is missing before OR", 0, undefined],
    ["status:200 or status:410", "unexpected or", 11, "OR (in capitals)"],
    ["2103", "expected key:value", 0, "code:OCSGW-2103 or record:2103 or tenant:2103"],
    ["status:200 1000", "expected key:value", 11, "code:OCSGW-1000 or record:1000 or tenant:1000"],
    ["410", "expected key:value", 0, "status:410 or record:410 or tenant:410"],
    ["Alpha", "expected key:value", 0, "as in tenant:Alpha, client:Alpha"],
    ['"Alpha Tenant"', "expected key:value", 0, 'as in tenant:"Alpha Tenant"'],
    ["id:1", "expected a request id", 3, "Ocsgw-Request-Id"],
    ["phone:t1:xyz", "expected a token", 6, "--phone-stdin"],
    [`${"(".repeat(60)}status:200`, "expected at most 50 nested parentheses", 50, undefined],
    ["- status:200", "expected key:value", 0, undefined],
  ])("%s is reported with the position of the error", (text, message, at, help) => {
    const error = fault(text);
    expect(error.message).toContain(message);
    expect(error.fault.at).toBe(at);
    if (help !== undefined) expect(error.fault.help).toContain(help);
    expect(error.render().split("\n")[2]!.indexOf("^")).toBe(at + 2);
  });

  it.each([
    "4155550177",
    "+1 (415) 555-0177",
    "phone:4155550177",
    'phone:"+1 415 555 0177"',
    "client:4155550177",
    "list:415-555-0177",
    "customer:4155550177",
    "status:200 4155550177",
    "customer:CUST-77123-X",
  ])("%s is not searched in clear text, and not repeated in the error", (text) => {
    const error = fault(text);
    expect(error.fault.help).toContain("--phone-stdin");
    expect(error.render()).not.toMatch(/0177|555|CUST-77123/);
  });

  it("keeps its times in the error", () =>
    expect(fault("time:2026-11-22 tenat:x").render()).toContain("time:2026-11-22 tenat:x"));
});
