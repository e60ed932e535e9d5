import { describe, expect, it } from "vitest";
import { BodyFault, bytesOf, type Arrival, type Reply } from "../../src/message.ts";
import {
  createAnnouncements,
  type Announced,
  type AnnouncementParts,
  type CallEnd,
} from "../../src/upstream/announcements.ts";
import { record } from "../kit/announcing.ts";
import { anArrival } from "../kit/line.ts";

type Heard = {
  announced: Announced[];
  astray: Announced[];
  withheld: Announced[];
  ended: CallEnd[];
  unclear: string[];
  malformed: string[];
  order: string[];
};

const desk = (
  over: Partial<AnnouncementParts> = {},
): { heard: Heard; tell: (body: unknown, arrival?: Partial<Arrival>) => Promise<Reply> } => {
  const heard: Heard = { announced: [], astray: [], withheld: [], ended: [], unclear: [], malformed: [], order: [] };
  const handler = createAnnouncements({
    speaksForActive: () => Promise.resolve(true),
    announced: async (record) => {
      await new Promise((resolve) => setImmediate(resolve));
      heard.announced.push(record);
      heard.order.push("stored");
      return "new";
    },
    astray: (record) => void heard.astray.push(record),
    withheld: (record) => Promise.resolve(heard.withheld.push(record)),
    ended: (call) => Promise.resolve(heard.ended.push(call) > 0),
    unclearEnd: (what) => void heard.unclear.push(what),
    validate: undefined,
    malformed: (_arrival, why, detail) => {
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
  it("is answered 200 with the handle as ETag, once the record is kept", async () => {
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

  it.each<[string, unknown, Partial<Announced>]>([
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
  ])("is refused and told with %s", async (_what, body, told) => {
    const { heard, tell } = desk();
    const reply = await tell(body);
    expect([reply.status, reply.close]).toEqual([400, undefined]);
    expect(heard.malformed).toEqual([expect.stringMatching(told)]);
    expect(heard.announced).toEqual([]);
  });

  it("is refused and its connection closed when it is no one message", async () => {
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

  it("may name the gateway as OCS's administrators do", async () => {
    const { tell } = desk();
    expect(
      (await tell(record(15), { fault: { kind: "foreign-authority", detail: "Host is not this gateway" } })).status,
    ).toBe(200);
  });

  it("of an OCS that is not the active one is told not to dial: the record could have no owner", async () => {
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false) });
    const reply = await tell(record(15));
    expect([reply.status, reply.headers, reply.close]).toEqual([502, [], undefined]);
    expect([heard.announced, heard.astray.map(({ handle }) => handle)]).toEqual([[], [15]]);
  });

  it("is told not to dial what has no owner on disk, and the validator is not asked", async () => {
    const validate = (): Promise<Reply> => Promise.reject(new Error("asked"));
    const { tell } = desk({ announced: () => Promise.resolve("blocked"), validate });
    expect((await tell(record(15))).status).toBe(502);
  });
});

describe("a validator of the operator's", () => {
  it("is asked after the record is kept, with OCS's own bytes, and has the last word", async () => {
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

  it("takes nothing from the owner that an earlier announcement has given", async () => {
    const refusing = { status: 409, headers: [], body: bytesOf("") };
    const { heard, tell } = desk({
      announced: () => Promise.resolve("known"),
      validate: () => Promise.resolve(refusing),
    });
    expect((await tell(record(15))).status).toBe(409);
    expect(heard.withheld).toEqual([]);
  });

  it("is not asked for an OCS that is not the active one", async () => {
    const validate = (): Promise<Reply> => Promise.reject(new Error("asked"));
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false), validate });
    expect((await tell(record(15))).status).toBe(502);
    expect([heard.astray.length, heard.withheld]).toEqual([1, []]);
  });

  it("whose answer is not 409 takes nothing from the owner", async () => {
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

  it("of an OCS that requests do not go to ends nothing: the number is another record's there", async () => {
    const { heard, tell } = desk({ speaksForActive: () => Promise.resolve(false) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(200);
    expect([heard.ended, heard.astray]).toEqual([[], []]);
  });

  it("whose end cannot be written is answered 503", async () => {
    const { tell } = desk({ ended: () => Promise.resolve(false) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(503);
  });

  it("is never validated", async () => {
    const { tell } = desk({ validate: () => Promise.reject(new Error("asked")) });
    expect((await tell({ GSW_HIST_SEQUENCE_NUM: 1, GSW_RECORD_HANDLE: "15" })).status).toBe(200);
  });
});
