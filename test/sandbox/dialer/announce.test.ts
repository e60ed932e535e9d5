import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Dialer, DialerSettings } from "../../../src/sandbox/dialer/dialer.ts";
import { issuedRecords } from "../../../src/sandbox/dialer/retrieve-records.ts";
import { beginRun } from "../../../src/sandbox/world/handles.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { describeIf } from "../../kit/machine.ts";
import { aSetting, EVENING, eventsOf, type Setting } from "./kit.ts";
import { receiver, type Receiver } from "./posted.ts";
import { post, recordOfHandle, stateOfHandle, verdict } from "../support.ts";

let setting: Setting;
let world: World;
let now: number;
const make: Setting["make"] = (...given) => setting.make(...given);
beforeEach(async () => {
  now = EVENING;
  setting = await aSetting(() => now);
  ({ world } = setting);
});
afterEach(() => setting.end());

describe("pre-dial validation", () => {
  const validated = (settings: Partial<DialerSettings> = {}): Dialer =>
    make({ validationUri: setting.validator.url, ...settings });
  const ofNew = (): Receiver["posts"] =>
    setting.validator.posts.filter(({ body }) => Number(body["GSW_RECORD_HANDLE"]) >= 1000);

  it("posts the record's data as JSON before any event, and dials after a 200", async () => {
    const [event] = eventsOf(await validated().dial({ count: 1 }));
    expect(ofNew()).toHaveLength(1);
    expect(ofNew()[0]).toMatchObject({
      path: "/validate",
      body: event!.udata,
      headers: { "content-type": "application/json" },
    });
  });

  it("opens the handle while it waits for the answer, without an event", async () => {
    const dialer = validated();
    let seen: unknown;
    setting.validator.answer = ({ body }) => {
      if (body["GSW_RECORD_HANDLE"] === 1000) seen = [stateOfHandle(world, 1000), dialer.log.last()];
      return { status: 200 };
    };
    await dialer.dial({ count: 1 });
    expect(seen).toEqual(["open", 0]);
    expect(dialer.log.last()).toBe(1);
  });

  it("reuses one connection", async () => {
    await validated().dial({ count: 30 });
    expect(ofNew()).toHaveLength(30);
    expect(setting.validator.connections()).toBe(1);
  });

  it("after a 409 with a result, ends the record with that result and continues with the next", async () => {
    setting.validator.answer = ({ body }) =>
      body["GSW_RECORD_HANDLE"] === 1000 ? { status: 409, body: '{"GSW_CALL_RESULT": 53}' } : { status: 200 };
    const dialed = await validated().dial({ count: 1 });
    expect(eventsOf(dialed).map(({ type }) => type)).toEqual(["record.stopped", "record.dialed"]);
    expect(recordOfHandle(world, 1000)).toMatchObject({ record_status: 3, call_result: 53, attempt: 0 });
    expect(verdict(await post(world, "/records/1000?req=RecordProcessed"))).toBe("410/112");
    expect(dialed.retrieved.map(({ handle }) => handle)).toEqual([1001]);
  });

  it.each([
    ["a 409 without a result", { status: 409 }],
    ["a 409 with an unknown result", { status: 409, body: '{"GSW_CALL_RESULT": 9999}' }],
    ["a 409 without JSON", { status: 409, body: "<html>" }],
    ["another status", { status: 503 }],
    ["no answer in time", "nothing"],
  ] as const)("ends the record with validation-timeout-call-result after %s", async (_, said) => {
    setting.validator.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? said : { status: 200 });
    const dialer = make();
    dialer.configure({ validationUri: setting.validator.url, responseTimeout: 100, timeoutCallResult: 4 });
    await dialer.dial({ count: 1 });
    expect(recordOfHandle(world, 1000)).toMatchObject({ record_status: 3, call_result: 4, attempt: 0 });
    expect(stateOfHandle(world, 1000)).toBe("finalized");
  });

  it("after a 200 with fields, changes the record's columns and the client's data, but not its identity", async () => {
    setting.validator.answer = () => ({
      status: 200,
      body:
        '{"CUSTOMER_CODE": 77, "SCORE": "high", "GSW_RECORD_HANDLE": 1, ' +
        '"GSW_RECORD_URI": ' +
        '"http://evil/records/1", ' +
        '"NESTED": {}}',
    });
    const [event] = eventsOf(await validated().dial({ count: 1 }));
    expect(event!.udata).toMatchObject({
      CUSTOMER_CODE: 77,
      SCORE: "high",
      GSW_RECORD_HANDLE: 1000,
      GSW_RECORD_URI: "http://gateway:8080/records/1000",
    });
    expect(event!.udata).not.toHaveProperty("NESTED");
    expect(recordOfHandle(world, 1000).customer_code).toBe(77);
  });

  it("dials nothing and loses no record while the server is unreachable, and continues later", async () => {
    const { port, url } = setting.validator;
    await setting.validator.close();
    const dialer = make({ validationUri: url });
    const before = world.db.all("SELECT * FROM record ORDER BY record_id");
    expect(await dialer.dial({ count: 5 })).toMatchObject({
      retrieved: [],
      events: [],
      held: expect.stringContaining(url) as string,
    });
    expect(world.db.all("SELECT * FROM record ORDER BY record_id")).toEqual(before);
    setting.validator = await receiver(port);
    expect((await dialer.dial({ count: 5 })).retrieved).toHaveLength(5);
  });

  it("puts the record back and voids its handle when the connection ends before the answer", async () => {
    const dialer = validated();
    await dialer.announce();
    setting.validator.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? "hang up" : { status: 200 });
    const { retrieved, held } = await dialer.dial({ count: 1 });
    expect([retrieved, held]).toEqual([[], expect.stringMatching(/ECONNRESET|ended|hang up/)]);
    expect(stateOfHandle(world, 1000)).toBe("void");
    expect((await dialer.dial({ count: 1 })).retrieved.map(({ handle }) => handle)).toEqual([1001]);
  });

  it("emits no event for a handle that a switchover voided during the validation", async () => {
    const dialer = validated();
    setting.validator.answer = ({ body }) => {
      if (body["GSW_RECORD_HANDLE"] === 1000)
        world.db.transaction(() => {
          beginRun(world);
        });
      return { status: 200 };
    };
    expect((await dialer.dial({ count: 1 })).retrieved).toEqual([]);
    expect(dialer.log.last()).toBe(0);
    expect((await dialer.dial({ count: 2 })).retrieved.map(({ handle }) => handle)).toEqual([1, 2]);
  });

  it("posts all open handles before the first record is dialed", async () => {
    await validated().dial({ count: 1 });
    const handles = setting.validator.posts.map(({ body }) => body["GSW_RECORD_HANDLE"]);
    expect(handles).toEqual(issuedRecords(world).map(({ handle }) => handle));
    expect(handles).toEqual(expect.arrayContaining([15, 16, 41, 42, 43, 44]));
    expect(setting.validator.posts.find(({ body }) => body["GSW_RECORD_HANDLE"] === 41)!.body).toMatchObject({
      GSW_CAMPAIGN_GROUP_DBID: 208,
      GSW_CALLING_LIST: "Beta List",
    });
  });
});

describeIf(
  process.platform === "linux",
  "every address of 127.0.0.0/8, as Linux has",
  "the local address of OCS's requests",
  () => {
    it("is that of the active instance", async () => {
      const froms: (string | undefined)[] = [];
      setting.validator.answer = ({ from }) => (froms.push(from), { status: 200 });
      let active = "127.0.0.1";
      const dialer = make({}, () => active);
      await dialer.dial({ count: 1 });
      dialer.configure({ validationUri: setting.validator.url });
      await dialer.dial({ count: 1 });
      active = "127.0.0.2";
      await dialer.dial({ count: 1 });
      expect([froms.at(-2), froms.at(-1)]).toEqual(["127.0.0.1", "127.0.0.2"]);
    });
  },
);
