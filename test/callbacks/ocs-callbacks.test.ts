import { describe, expect, it } from "vitest";
import { BodyFault, bytesOf, type Arrival, type Reply } from "../../src/common/message.ts";
import {
  createOcsCallbacks,
  type AnnouncedRecord,
  type OcsCallbackDeps,
  type CallEnd,
} from "../../src/callbacks/ocs-callbacks.ts";
import { record } from "../kit/announcing.ts";
import { anArrival } from "../kit/line.ts";

type Heard = {
  announced: AnnouncedRecord[];
  astray: AnnouncedRecord[];
  withheld: AnnouncedRecord[];
  ended: CallEnd[];
  unclear: string[];
  malformed: string[];
  order: string[];
};

const desk = (
  over: Partial<OcsCallbackDeps> = {},
): { heard: Heard; tell: (body: unknown, arrival?: Partial<Arrival>) => Promise<Reply> } => {
  const heard: Heard = { announced: [], astray: [], withheld: [], ended: [], unclear: [], malformed: [], order: [] };
  const handler = createOcsCallbacks({
    speaksForActive: () => Promise.resolve(true),
    onAnnounced: async (record) => {
      await new Promise((resolve) => setImmediate(resolve));
      heard.announced.push(record);
      heard.order.push("stored");
      return "new";
    },
    onInactiveSource: (record) => void heard.astray.push(record),
    onRejected: (record) => Promise.resolve(heard.withheld.push(record)),
    onCallEnd: (call) => Promise.resolve(heard.ended.push(call) > 0),
    onMalformedCallEnd: (what) => void heard.unclear.push(what),
    validate: undefined,
    onMalformed: (_arrival, why, detail) => {
      heard.malformed.push(`${why}: ${detail}`);
      return 400;
    },
    ...over,
  });
  const tell = async (body: unknown, arrival: Partial<Arrival> = {}): Promise<Reply> => {
    const reply = await handler({
      ...anArrival({ target: "/", body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...arrival,
    });
    heard.order.push("answered");
    return reply;
  };
  return { heard, tell };
};

describe("OCS's pre-dial validation", () => {
  it.each([
    ["new", [15]],
    // OCS may dial it because of the earlier announcement.
    ["known", []],
  ] as const)("is not answered 200 for a person who must not be called: a %s record", async (result, ended) => {
    const { heard, tell } = desk({
      onAnnounced: () => Promise.resolve(result),
      mustNotBeCalled: ({ handle }) => handle === 15,
      validate: () => Promise.reject(new Error("not asked")),
    });
    expect((await tell(record(15))).status).toBe(502);
    expect(heard.withheld.map(({ handle }) => handle)).toEqual(ended);
  });

  it("is answered 200 with the handle as ETag once the owner is on disk", async () => {
    const { heard, tell } = desk();
    const reply = await tell(record(15));
    expect([reply.status, reply.headers, reply.body.length, reply.close]).toEqual([
      200,
      [["ETag", "15"]],
      0,
      undefined,
    ]);
    expect(heard.order).toEqual(["stored", "answered"]);
    expect(heard.announced).toEqual([
      {
        handle: 15,
        tenantDbid: undefined,
        tenantName: undefined,
        groupDbid: 106,
        groupName: "Alpha Campaign@Alpha Agents",
        campaign: "Alpha Campaign",
        list: "Alpha List",
        phone: "4155550100",
        attempt: "attempt-15",
      },
    ]);
  });

  it.each<[string, unknown, Partial<AnnouncedRecord>]>([
    [
      "texts and numbers alike",
      {
        GSW_RECORD_HANDLE: "15",
        GSW_CAMPAIGN_GROUP_DBID: 106,
        GSW_PHONE: 4155550100,
        GSW_CUSTOMER_ID: 77,
        GSW_TENANT_DBID: "101",
      },
      { handle: 15, groupDbid: 106, phone: "4155550100", customer: "77", tenantDbid: 101 },
    ],
    [
      "nothing but the handle",
      { GSW_RECORD_HANDLE: 2147483647 },
      { handle: 2147483647, campaign: undefined, list: undefined },
    ],
    [
      "what it does not know",
      { GSW_RECORD_HANDLE: 1, GSW_NEW: { deep: [1, [2]] }, CUSTOMER: null, GSW_CALLING_LIST: null, constructor: 1 },
      { handle: 1, list: undefined },
    ],
  ])("is read with %s", async (_what, body, expected) => {
    const { heard, tell } = desk();
    expect((await tell(body)).status).toBe(200);
    expect(heard.announced[0]).toMatchObject(expected);
  });

  it.each<[string, string, RegExp]>([
    ["no JSON", "GSW_RECORD_HANDLE=15", /^json/],
    ["half of it", '{"GSW_RECORD_HANDLE":15', /^json/],
    ["nothing", "", /^json/],
    ["a list", "[15]", /^json/],
    ["null", "null", /^json/],
    ["no handle", '{"GSW_CAMPAIGN_NAME":"Alpha Campaign"}', /^attribute/],
    ["handle 0", '{"GSW_RECORD_HANDLE":0}', /^attribute/],
    ["a handle with a sign", '{"GSW_RECORD_HANDLE":"+15"}', /^attribute/],
    ["a fraction", '{"GSW_RECORD_HANDLE":1.5}', /^attribute/],
    ["a handle beyond all", '{"GSW_RECORD_HANDLE":4294967297}', /^attribute/],
    ["a handle in a list", '{"GSW_RECORD_HANDLE":[15]}', /^attribute/],
    ["a handle that is an object", '{"GSW_RECORD_HANDLE":{"toString":1}}', /^attribute/],
  ])("is rejected and reported with %s", async (_what, body, reason) => {
    const { heard, tell } = desk();
    const reply = await tell(body);
    expect([reply.status, reply.close]).toEqual([400, undefined]);
    expect(heard.malformed).toEqual([expect.stringMatching(reason)]);
    expect(heard.announced).toEqual([]);
  });

  it("is rejected and its connection closed when its framing is invalid", async () => {
    const { heard, tell } = desk();
    const fault = { kind: "body-too-large", detail: "larger than 65536 bytes" } as const;
    expect((await tell("", { body: () => Promise.reject(new BodyFault(fault)) })).close).toBe(true);
    expect((await tell("", { fault: { kind: "ambiguous", detail: "two lengths" } })).close).toBe(true);
    expect((await tell("", { method: "GET" })).headers).toContainEqual(["Allow", "POST"]);
    expect(heard.malformed).toEqual([
      "body-too-large: larger than 65536 bytes",
      "ambiguous: two lengths",
      expect.stringMatching(/^method/),
    ]);
  });

  it("may use any host name for the gateway", async () => {
    const { tell } = desk();
    expect(
      (await tell(record(15), { fault: { kind: "foreign-authority", detail: "Host is not this gateway" } })).status,
    ).toBe(200);
  });

  it("is answered so that OCS does not dial when it comes from an inactive OCS", async () => {
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false) });
    const reply = await tell(record(15));
    expect([reply.status, reply.headers, reply.close]).toEqual([502, [], undefined]);
    expect([heard.announced, heard.astray.map(({ handle }) => handle)]).toEqual([[], [15]]);
  });

  it("is answered so that OCS does not dial while no owner is on disk, without the validator", async () => {
    const validate = (): Promise<Reply> => Promise.reject(new Error("asked"));
    const { tell } = desk({ onAnnounced: () => Promise.resolve("blocked"), validate });
    expect((await tell(record(15))).status).toBe(502);
  });
});

describe("the operator's validator", () => {
  it("is asked when the owner is on disk, with OCS's original bytes, and makes the final decision", async () => {
    const asked: string[] = [];
    const answer: Reply = { status: 409, headers: [["X-Theirs", "1"]], body: bytesOf('{"GSW_CALL_RESULT":53}') };
    const { heard, tell } = desk({
      validate: (body, _arrival, handle) =>
        Promise.resolve(
          (asked.push(`${handle} ${Buffer.from(body).toString("utf8")}`), heard.order.push("asked"), answer),
        ),
    });
    expect(await tell('{"GSW_RECORD_HANDLE": 15,  "A":1}')).toEqual(answer);
    expect(asked).toEqual(['15 {"GSW_RECORD_HANDLE": 15,  "A":1}']);
    expect(heard.order).toEqual(["stored", "asked", "answered"]);
    expect(heard.withheld.map(({ handle }) => handle)).toEqual([15]);
  });

  it("does not remove the owner that an earlier announcement has given", async () => {
    const refusing = { status: 409, headers: [], body: bytesOf("") };
    const { heard, tell } = desk({
      onAnnounced: () => Promise.resolve("known"),
      validate: () => Promise.resolve(refusing),
    });
    expect((await tell(record(15))).status).toBe(409);
    expect(heard.withheld).toEqual([]);
  });

  it("is not asked for a record of an inactive OCS", async () => {
    const validate = (): Promise<Reply> => Promise.reject(new Error("asked"));
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false), validate });
    expect((await tell(record(15))).status).toBe(502);
    expect([heard.astray.length, heard.withheld]).toEqual([1, []]);
  });

  it("does not remove the owner with an answer other than 409", async () => {
    const { heard, tell } = desk({ validate: () => Promise.resolve({ status: 504, headers: [], body: bytesOf("") }) });
    expect((await tell(record(15))).status).toBe(504);
    expect(heard.withheld).toEqual([]);
  });
});

describe("a call report", () => {
  it.each<[unknown, number]>([
    [0, 0],
    ["0", 0],
    [1, 1],
    ["1", 1],
  ])("with sequence %j ends ownership %i times", async (sequence, times) => {
    const { heard, tell } = desk();
    expect(
      (await tell({ GSW_HIST_SEQUENCE_NUM: sequence, GSW_CALL_ATTEMPT_GUID: "attempt-15", GSW_CALL_RESULT: 33 }))
        .status,
    ).toBe(200);
    expect(heard.ended).toEqual(Array.from({ length: times }, () => ({ handle: undefined, attempt: "attempt-15" })));
    expect(heard.announced).toEqual([]);
  });

  it("ends no record when it comes from an inactive OCS, whose handles are other records", async () => {
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(200);
    expect([heard.ended, heard.astray]).toEqual([[], []]);
  });

  it("is answered 503 when the end cannot be written", async () => {
    const { tell } = desk({ onCallEnd: () => Promise.resolve(false) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(503);
  });

  it("is not sent to the validator", async () => {
    const { tell } = desk({ validate: () => Promise.reject(new Error("asked")) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(200);
  });
});

describe("an OCS that closes its connection while the gateway looks for the primary", () => {
  const report = { GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: 15, GSW_CALL_ATTEMPT_GUID: "one" };
  it.each([
    { what: "an announcement", body: record(15), hears: 502 },
    { what: "a call report", body: report, hears: 503 },
  ])("makes $what ineffective, because OCS may have been restarted", async ({ body, hears }) => {
    const connection = new AbortController();
    const { heard, tell } = desk({
      speaksForActive: () => {
        connection.abort();
        return Promise.resolve(true);
      },
    });
    expect((await tell(body, { gone: connection.signal })).status).toBe(hears);
    expect([...heard.announced, ...heard.astray, ...heard.ended]).toEqual([]);
  });

  it.each([
    { what: "an announcement", body: record(15), hears: 200 },
    { what: "a call report", body: report, hears: 200 },
  ])("has $what accepted if its connection is still open", async ({ body, hears }) => {
    const { heard, tell } = desk();
    expect((await tell(body, { gone: new AbortController().signal })).status).toBe(hears);
    expect(heard.announced.length + heard.ended.length).toBe(1);
  });
});
