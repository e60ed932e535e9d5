import { describe, expect, it } from "vitest";
import { FilterError, parseFilter, type Filter } from "../../../../src/journal/search/filter/filter.ts";
import {
  futureTimeWarning,
  readFilter,
  unknownNames,
  unknownNameWarning,
  type Vocabulary,
} from "../../../../src/journal/search/filter/vocabulary.ts";

const VOCABULARY: Vocabulary = {
  actions: ["DoNotCall", "AddRecord", "RecordProcessed", "RecordReject"],
  codes: ["OCSGW-2101", "OCSGW-2103", "OCSGW-5900"],
  names: {
    tenant: [
      { dbid: 101, name: "Alpha Tenant" },
      { dbid: 102, name: "Beta Tenant" },
    ],
    client: ["alpha-crm", "alpha-ivr"],
    listener: ["clients"],
    group: ["106", "208"],
    list: ["Alpha List"],
    upstream: ["ocs-main"],
    lane: ["ocs-main/1", "ocs-main/2"],
    endpoint: ["https://ocs1:8443"],
  },
};

const fault = (read: () => unknown): FilterError => {
  try {
    read();
  } catch (error) {
    if (error instanceof FilterError) return error;
  }
  throw new Error("it was taken");
};

describe("in a filter field with a closed set of words,", () => {
  it.each([
    ["action:DoNotCal", 7, "did you mean DoNotCall?"],
    ["action:DoNotCall,AddRecrd", 17, "did you mean AddRecord?"],
    ["-action:RecordRejected", 8, "did you mean RecordReject?"],
    ["action:Nonsense", 7, "known here: DoNotCall, AddRecord"],
    ["action:Rekord*", 7, "known here: "],
    ["status:410 (is:ok OR action:donotcalls)", 28, "did you mean DoNotCall?"],
    ["code:OCSGW-2102", 5, "did you mean OCSGW-2101?"],
    ["code:2102", 5, "did you mean OCSGW-2101?"],
    ["OCSGW-9999", 0, "known here: OCSGW-2101"],
    ["would:OCSGW-2199", 6, "known here: OCSGW-2101"],
    ["kind:dnc", 5, "known here: intent, outcome"],
    ["kind:refusl", 5, "did you mean refusal?"],
    ["kind:switch", 5, "did you mean switchover?"],
    ["kind:doubtful", 5, "known here: "],
    ["resource:phone", 9, "did you mean phones?"],
    ["origin:ocsgw", 7, "known here: ocs, gateway"],
    ["delivery:notsent", 9, "did you mean not-sent?"],
    ["is:refusd", 3, "did you mean refused?"],
  ])("%s is an error that suggests known words", (text, at, help) => {
    const error = fault(() => readFilter(text, VOCABULARY));
    expect(error.message).toContain("unknown word");
    expect([error.fault.at, error.fault.help]).toEqual([at, expect.stringContaining(help)]);
    expect(error.render()).toContain(help);
  });

  it.each(["status:999", "status:42", "status:>=600", "status:099", "status:6xx", "status:0"])(
    "%s is rejected as a status",
    (text) => expect(fault(() => readFilter(text, VOCABULARY)).message).toContain("expected a status"),
  );

  it.each([
    "action:DoNotCall",
    "action:donotcall",
    "action:Record*",
    "action:*",
    "code:2103",
    "OCSGW-2103",
    "would:ocsgw-2101",
    "kind:doubt",
    "kind:retired",
    "kind:in-doubt",
    "kind:deleted",
    "kind:Access",
    "kind:re*",
    "kind:dou*",
    "is:ok",
    "status:>=500",
  ])("%s is accepted", (text) => expect(readFilter(text, VOCABULARY).text).toBe(text));

  it.each(["kind:4155550100", "origin:415-555-0100", "action:+14155550100", "is:4155550100"])(
    "%s is not repeated in the error",
    (text) => {
      const error = fault(() => readFilter(text, VOCABULARY));
      expect(error.render()).not.toMatch(/555/);
      expect(error.fault.help).toContain("--phone-stdin");
    },
  );
});

const unknown = (text: string) => unknownNames(parseFilter(text), VOCABULARY);

describe("for a name that the config does not have,", () => {
  it.each([
    ["tenant:Alpha", "tenant:Alpha", "tenant", "did you mean Alpha Tenant?"],
    ['tenant:"Alpa Tenant"', 'tenant:"Alpa Tenant"', "tenant", "did you mean Alpha Tenant?"],
    ["tenant:111", "tenant:111", "tenant", "did you mean 101?"],
    ['tenant:"101"', 'tenant:"101"', "tenant", "did you mean 101?"],
    ["client:alpha-crn", "client:alpha-crn", "client", "did you mean alpha-crm?"],
    ["-client:alpha-crn", "client:alpha-crn", "client", "did you mean alpha-crm?"],
    ["client:alpha-crm,beta-*", "client:beta-*", "client", undefined],
    ["listener:client", "listener:client", "listener", "did you mean clients?"],
    ["group:107", "group:107", "campaign group", "did you mean 106?"],
    ['list:"Alpha Lists"', 'list:"Alpha Lists"', "calling list", "did you mean Alpha List?"],
    ["upstream:ocs", "upstream:ocs", "upstream", "did you mean ocs-main?"],
    ["lane:ocs-main/9", "lane:ocs-main/9", "lane", "did you mean ocs-main/1?"],
    ["endpoint:https://ocs2:8443", "endpoint:https://ocs2:8443", "endpoint", "did you mean https://ocs1:8443?"],
    ["status:410 (is:ok OR -client:nobody)", "client:nobody", "client", undefined],
  ])("%s is searched in the journal", (text, filter, noun, help) =>
    expect(unknown(text)).toEqual([{ filter, noun, isListed: true, help }]),
  );

  it.each(["source:10.0.0.9", "credential:key/k1", "config:9f3c", 'campaign:"Alpha Campaign"'])(
    "%s is searched in the journal too, as the config has no such names",
    (text) => expect(unknown(text)).toMatchObject([{ filter: text, isListed: false, help: undefined }]),
  );

  it.each([
    'tenant:"alpha tenant"',
    "tenant:101",
    "tenant:*tenant",
    "client:ALPHA-*",
    "group:106",
    "lane:ocs-main/*",
    "record:15",
    "id:01KAPQ8C",
    "phone:t1:9f2c9f2c9f2c",
    "status:410",
    "kind:access",
    "since:1h",
    "dnc:3",
    "action:DoNotCall",
  ])("%s needs no search, as the config knows it", (text) => expect(unknown(text)).toEqual([]));

  it("finding a similar name among ten thousand others takes little time", () => {
    const names = {
      tenant: Array.from({ length: 20_000 }, (_, dbid) => ({ dbid, name: `Tenant ${String(dbid).padStart(6, "0")}` })),
    };
    const filter = parseFilter('tenant:"Tennant 000123" client:x');
    const start = process.threadCpuUsage();
    expect(unknownNames(filter, { ...VOCABULARY, names })[0]!.help).toMatch(/^did you mean Tenant 000/);
    expect(process.threadCpuUsage(start).user / 1000).toBeLessThan(200);
  });

  it("the warning says what is known", () => {
    const [listed, free] = [unknown("client:alpha-crn")[0]!, unknown("source:10.0.0.9")[0]!];
    expect([unknownNameWarning(listed, true), unknownNameWarning(free, true)]).toEqual([undefined, undefined]);
    expect([
      unknownNameWarning(listed, false),
      unknownNameWarning(listed, undefined),
      unknownNameWarning(free, false),
      unknownNameWarning(free, undefined),
    ]).toEqual([
      "client:alpha-crn: there is no such client in the config or in the journal; did you mean alpha-crm?",
      "client:alpha-crn: there is no such client in the config; the search for such a client in the journal was not " +
        "complete in time; did you mean alpha-crm?",
      "source:10.0.0.9: there is no such source address in the journal",
      "source:10.0.0.9: the search for such a source address in the journal was not complete in time",
    ]);
  });
});

describe("the warnings about times in the future", () => {
  const NOW = Date.parse("2026-11-22T12:30:00Z");
  const warned = (text: string): number => futureTimeWarning(parseFilter(text, NOW) satisfies Filter, NOW).length;
  it.each([
    ["since:2027-01-01", 1],
    ["time:13:00..14:00", 1],
    ["-until:now", 1],
    ["since:1h", 0],
    ["until:2027-01-01", 0],
    ["is:ok", 0],
    ["since:2027-01-01 OR is:ok", 0],
  ])("for %s are %i", (text, count) => expect(warned(text)).toBe(count));
});
