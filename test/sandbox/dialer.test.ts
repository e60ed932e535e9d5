import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptGuid } from "../../src/sandbox/attached-data.ts";
import { createDialer, type Dialed, type Dialer, type DialerSettings } from "../../src/sandbox/dialer.ts";
import { handedOut } from "../../src/sandbox/dialling.ts";
import { listByName } from "../../src/sandbox/directory.ts";
import { beginRun } from "../../src/sandbox/handles.ts";
import type { World } from "../../src/sandbox/world.ts";
import { describeIf } from "../kit/machine.ts";
import { receiver, type Receiver } from "./posted.ts";
import { aWorld, NOON, post, recordAt, recordOfHandle, stateOfHandle, verdict } from "./support.ts";

let world: World;
let validator: Receiver;
let now: number;
const dialers: Dialer[] = [];
const make = (settings: Partial<DialerSettings> = {}): Dialer => {
  const dialer = createDialer(world, { recordBase: "http://gateway:8080", ...settings });
  dialers.push(dialer);
  return dialer;
};
beforeEach(async () => {
  // 18:00 UTC: from 10:00 to 13:00 on the clocks of the seed's four time zones.
  now = NOON + 6 * 3_600_000;
  world = aWorld({ now: () => now });
  validator = await receiver();
});
afterEach(async () => {
  for (const dialer of dialers.splice(0)) await dialer.close();
  await validator.close();
  world.close();
});

const told = ({ events }: Dialed): { type: string; udata: Record<string, unknown>; because?: string; phone?: string; call_result?: number }[] =>
  events.map(({ type, data }) => ({ type, ...(JSON.parse(data) as { udata: Record<string, unknown> }) }));
const phonesOf = ({ retrieved }: Dialed): string[] => retrieved.map(({ record }) => record.contact_info);
const until = async (holds: () => boolean): Promise<void> => {
  for (let left = 300; left > 0 && !holds(); left--) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
};

describe("dialing one record", () => {
  it("opens a handle and tells what a client would get with the call", async () => {
    const [event] = told(await make().dial({ count: 1 }));
    const record = recordOfHandle(world, 1000);
    expect(record).toMatchObject({ record_status: 2, attempt: 1 });
    expect(event).toMatchObject({
      type: "record.dialed", tenant: { dbid: 101, name: "Alpha Tenant" }, list: "Alpha List", group: 106,
      expects: { finalize: true, before: new Date(now + world.staleTimeout).toISOString() },
      udata: {
        GSW_RECORD_HANDLE: 1000, GSW_RECORD_URI: "http://gateway:8080/records/1000", GSW_APPLICATION_ID: 398, GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_CALLING_LIST: "Alpha List",
        GSW_CALLING_LIST_DBID: 301, GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Alpha Agents", GSW_CAMPAIGN_GROUP_DBID: 106, GSW_PHONE: record.contact_info, GSW_CHAIN_ID: record.chain_id,
        GSW_ATTEMPTS: 1, GSW_SWITCH_DBID: 105, GSW_CUSTOMER_ID: record.customer_id,
      },
    });
    expect(event!.udata["GSW_CALL_ATTEMPT_GUID"]).toMatch(/^[0-9A-F]{32}$/);
    expect([-28_800, -25_200, -21_600, -18_000]).toContain(event!.udata["GSW_TZ_OFFSET"]);
    // Whose it is a client learns from the campaign; OCS attaches no tenant.
    expect(Object.keys(event!.udata).filter((key) => /TENANT/.test(key))).toEqual([]);
  });

  it("gives another handle and another attempt id to every call", async () => {
    const { retrieved } = await make().dial({ count: 20 });
    expect(retrieved.map(({ handle }) => handle)).toEqual(retrieved.map((_, index) => 1000 + index));
    expect(new Set(retrieved.map((one) => attemptGuid(world, one))).size).toBe(20);
  });

  it("lets lists take turns", async () => {
    await post(world, "/campaigngroups/208?req=StartDialing", { GSW_CM_AttrDialMode: 2 });
    const { retrieved } = await make().dial({ count: 6 });
    expect(retrieved.map(({ list }) => list.name)).toEqual(["Alpha List", "Beta List", "Alpha List", "Beta List", "Alpha List", "Beta List"]);
    expect(retrieved.map(({ tenant }) => tenant.dbid)).toEqual([101, 102, 101, 102, 101, 102]);
  });

  it("ends records of the do-not-call list on the way, and says so", async () => {
    const dialed = await make().dial({ count: 1000 });
    const stopped = told(dialed).filter(({ type }) => type === "record.stopped");
    expect(new Set(stopped.map(({ phone }) => phone))).toEqual(new Set(["4155550190", "4155550191", "4155550192", "4155550193", "4155550194"]));
    for (const { phone, call_result, because } of stopped) {
      expect([call_result, because]).toEqual([51, "on the do-not-call list"]);
      expect(recordAt(world, 301, phone!)).toMatchObject({ record_type: 7, record_status: 3 });
    }
    expect(phonesOf(dialed).filter((phone) => stopped.some((each) => each.phone === phone))).toEqual([]);
  });
});

describe("hours", () => {
  const only = (columns: string): void => {
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 301 AND record_status = 1");
    world.db.run(`UPDATE record SET record_status = 1, ${columns} WHERE list_dbid = 301 AND contact_info = '4155550150'`);
  };
  const PST = 510;
  const at = (time: string): number => Date.parse(`2026-03-01T${time}-08:00`);

  it.each([
    ["a minute before", "07:59:59", 0], ["as it opens", "08:00:00", 1], ["as it ends", "18:00:00", 1], ["a second after", "18:00:01", 0],
  ])("a window from 08:00 to 18:00 in the record's zone: %s", async (_, time, dialed) => {
    only(`tz_dbid = ${PST}, daily_from = 28800, daily_till = 64800`);
    now = at(time);
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(dialed);
  });

  it.each([["23:30:00", 1], ["01:00:00", 1], ["12:00:00", 0]])("a window over midnight at %s", async (time, dialed) => {
    only(`tz_dbid = ${PST}, daily_from = 79200, daily_till = 7200`);
    now = at(time);
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(dialed);
  });

  it("another zone has another hour", async () => {
    only("tz_dbid = 516, daily_from = 28800, daily_till = 64800");
    now = at("16:30:00");
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(1);
  });

  it("do not matter to who opens records by hand", async () => {
    only(`tz_dbid = ${PST}, daily_from = 28800, daily_till = 64800`);
    now = at("03:00:00");
    expect((await make().dial({ count: 1, hours: "any" })).retrieved).toHaveLength(1);
  });

  it("a callback waits for its time", async () => {
    const dialer = make();
    const due = new Date(now + 3_600_000).toISOString();
    only(`tz_dbid = ${PST}, daily_from = 0, daily_till = 86399, dial_sched_time = ${Date.parse(due) / 1000}`);
    expect((await dialer.dial({ count: 1 })).retrieved).toEqual([]);
    now += 3_600_000;
    expect(phonesOf(await dialer.dial({ count: 1 }))).toEqual(["4155550150"]);
  });
});

describe("chains", () => {
  beforeEach(() => {
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 301 AND record_status = 1");
    world.db.run("UPDATE record SET record_status = 1, daily_from = 0, daily_till = 86399 WHERE list_dbid = 301 AND contact_info IN ('4155550101', '4155550102')");
  });

  it("one number at a time, in order, the next when the one before was given back or stopped", async () => {
    const dialer = make();
    expect((await dialer.dial({ count: 9 })).retrieved).toEqual([]);
    await post(world, "/records/17?req=RequestRecordCancel");
    expect(phonesOf(await dialer.dial({ count: 9 }))).toEqual(["4155550101"]);
    await post(world, "/records/1000?req=RequestRecordCancel");
    expect(phonesOf(await dialer.dial({ count: 9 }))).toEqual(["4155550102"]);
  });

  it("RecordProcessed ends the whole chain: Chain Updated", async () => {
    const dialer = make();
    await post(world, "/records/17?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    expect((await dialer.dial({ count: 9 })).retrieved).toEqual([]);
    for (const phone of ["4155550101", "4155550102"]) expect(recordAt(world, 301, phone).record_status).toBe(7);
  });

  it("a number outside its hours does not keep the others of its chain waiting, one with a day of its own does", async () => {
    await post(world, "/records/17?req=RequestRecordCancel");
    world.db.run("UPDATE record SET dial_sched_time = ? WHERE contact_info = '4155550101' AND list_dbid = 301", now / 1000 + 60);
    expect((await make().dial({ count: 9 })).retrieved).toEqual([]);
    world.db.run("UPDATE record SET dial_sched_time = NULL, daily_from = 3, daily_till = 4 WHERE contact_info = '4155550101' AND list_dbid = 301");
    expect(phonesOf(await make().dial({ count: 9 }))).toEqual(["4155550102"]);
  });
});

describe("pre-dial validation", () => {
  const validated = (settings: Partial<DialerSettings> = {}): Dialer => make({ validationUri: validator.url, ...settings });
  const ofNew = (): Receiver["posts"] => validator.posts.filter(({ body }) => Number(body["GSW_RECORD_HANDLE"]) >= 1000);

  it("posts the record's data as JSON before the record is told of, and dials at 200", async () => {
    const [event] = told(await validated().dial({ count: 1 }));
    expect(ofNew()).toHaveLength(1);
    expect(ofNew()[0]).toMatchObject({ path: "/validate", body: event!.udata, headers: { "content-type": "application/json" } });
  });

  it("knows the handle while it waits for the answer, and tells nothing yet", async () => {
    const dialer = validated();
    let seen: unknown;
    validator.answer = ({ body }) => {
      if (body["GSW_RECORD_HANDLE"] === 1000) seen = [stateOfHandle(world, 1000), dialer.log.last()];
      return { status: 200 };
    };
    await dialer.dial({ count: 1 });
    expect(seen).toEqual(["open", 0]);
    expect(dialer.log.last()).toBe(1);
  });

  it("uses one connection again and again", async () => {
    await validated().dial({ count: 30 });
    expect(ofNew()).toHaveLength(30);
    expect(validator.connections()).toBe(1);
  });

  it("409 with a result: not dialed, the record ends with it, its handle is closed, and the next is taken", async () => {
    validator.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? { status: 409, body: '{"GSW_CALL_RESULT": 53}' } : { status: 200 });
    const dialed = await validated().dial({ count: 1 });
    expect(told(dialed).map(({ type }) => type)).toEqual(["record.stopped", "record.dialed"]);
    expect(recordOfHandle(world, 1000)).toMatchObject({ record_status: 3, call_result: 53, attempt: 0 });
    expect(verdict(await post(world, "/records/1000?req=RecordProcessed"))).toBe("410/112");
    expect(dialed.retrieved.map(({ handle }) => handle)).toEqual([1001]);
  });

  it.each([
    ["409 without a result", { status: 409 }], ["409 with a result that is none", { status: 409, body: '{"GSW_CALL_RESULT": 9999}' }],
    ["409 with no JSON", { status: 409, body: "<html>" }], ["another status", { status: 503 }], ["no answer in time", "nothing"],
  ] as const)("%s: the record ends with validation-timeout-call-result", async (_, said) => {
    validator.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? said : { status: 200 });
    const dialer = make();
    dialer.configure({ validationUri: validator.url, responseTimeout: 100, timeoutCallResult: 4 });
    await dialer.dial({ count: 1 });
    expect(recordOfHandle(world, 1000)).toMatchObject({ record_status: 3, call_result: 4, attempt: 0 });
    expect(stateOfHandle(world, 1000)).toBe("finalized");
  });

  it("200 with changed fields: they are the record's and the client's; which record it is stays as it was", async () => {
    validator.answer = () => ({ status: 200, body: '{"CUSTOMER_CODE": 77, "SCORE": "high", "GSW_RECORD_HANDLE": 1, "GSW_RECORD_URI": "http://evil/records/1", "NESTED": {}}' });
    const [event] = told(await validated().dial({ count: 1 }));
    expect(event!.udata).toMatchObject({ CUSTOMER_CODE: 77, SCORE: "high", GSW_RECORD_HANDLE: 1000, GSW_RECORD_URI: "http://gateway:8080/records/1000" });
    expect(event!.udata).not.toHaveProperty("NESTED");
    expect(recordOfHandle(world, 1000).customer_code).toBe(77);
  });

  it("nobody there: nothing is dialed, no record is lost, and once somebody is there it goes on", async () => {
    const { port, url } = validator;
    await validator.close();
    const dialer = make({ validationUri: url });
    const before = world.db.all("SELECT * FROM record ORDER BY record_id");
    expect(await dialer.dial({ count: 5 })).toMatchObject({ retrieved: [], events: [], held: expect.stringContaining(url) as string });
    expect(world.db.all("SELECT * FROM record ORDER BY record_id")).toEqual(before);
    validator = await receiver(port);
    expect((await dialer.dial({ count: 5 })).retrieved).toHaveLength(5);
  });

  it("the connection ends before the answer: the record goes back and its handle is void", async () => {
    const dialer = validated();
    await dialer.announce();
    validator.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? "hang up" : { status: 200 });
    const { retrieved, held } = await dialer.dial({ count: 1 });
    expect([retrieved, held]).toEqual([[], expect.stringMatching(/ECONNRESET|ended|hang up/)]);
    expect(stateOfHandle(world, 1000)).toBe("void");
    expect((await dialer.dial({ count: 1 })).retrieved.map(({ handle }) => handle)).toEqual([1001]);
  });

  it("a switchover during the validation: the old handle is told to nobody", async () => {
    const dialer = validated();
    validator.answer = ({ body }) => {
      if (body["GSW_RECORD_HANDLE"] === 1000) world.db.transaction(() => { beginRun(world); });
      return { status: 200 };
    };
    expect((await dialer.dial({ count: 1 })).retrieved).toEqual([]);
    expect(dialer.log.last()).toBe(0);
    expect((await dialer.dial({ count: 2 })).retrieved.map(({ handle }) => handle)).toEqual([1, 2]);
  });

  it("is told of the handles that are out before the first record is dialed", async () => {
    await validated().dial({ count: 1 });
    const handles = validator.posts.map(({ body }) => body["GSW_RECORD_HANDLE"]);
    expect(handles).toEqual(handedOut(world).map(({ handle }) => handle));
    expect(handles).toEqual(expect.arrayContaining([15, 16, 41, 42, 43, 44]));
    expect(validator.posts.find(({ body }) => body["GSW_RECORD_HANDLE"] === 41)!.body).toMatchObject({ GSW_CAMPAIGN_GROUP_DBID: 208, GSW_CALLING_LIST: "Beta List" });
  });
});

describeIf(process.platform === "linux", "every address of 127.0.0.0/8, as Linux has", "the address that OCS speaks from", () => {
  it("is that of the instance that answers", async () => {
    const froms: (string | undefined)[] = [];
    validator.answer = ({ from }) => (froms.push(from), { status: 200 });
    let active = "127.0.0.1";
    const dialer = createDialer(world, { recordBase: "http://gateway:8080" }, { from: () => active });
    dialers.push(dialer);
    await dialer.dial({ count: 1 });
    dialer.configure({ validationUri: validator.url });
    await dialer.dial({ count: 1 });
    active = "127.0.0.2";
    await dialer.dial({ count: 1 });
    expect([froms.at(-2), froms.at(-1)]).toEqual(["127.0.0.1", "127.0.0.2"]);
  });
});

describe("a switchover", () => {
  it("begins a run that counts from 1, so that old numbers come again for other records", async () => {
    const dialer = make();
    const [before] = (await dialer.dial({ count: 1 })).retrieved;
    world.db.transaction(() => { beginRun(world); });
    const after = (await dialer.dial({ count: 44 })).retrieved;
    expect(after.map(({ handle }) => handle)).toEqual(after.map((_, index) => index + 1));
    expect(attemptGuid(world, after[0]!)).not.toBe(attemptGuid(world, before!));
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("200");
    expect(verdict(await post(world, "/records/1000?req=RecordProcessed"))).toBe("410/112");
  });
});

describe("call reports", () => {
  const reports = (): Record<string, unknown>[] => validator.posts.map(({ body }) => body);

  it("one at the attempt, one at the end with the result, both of one attempt", async () => {
    const dialer = make({ historyUri: validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    await post(world, "/records/1000?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    dialer.settled();
    await until(() => reports().length === 2);
    const [first, second] = reports();
    expect(first).toMatchObject({
      GSW_HIST_SEQUENCE_NUM: 0, GSW_TENANT_NAME: "Alpha Tenant", GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Alpha Agents",
      GSW_CALLING_LIST: "Alpha List", GSW_CALLING_LIST_DBID: 301, GSW_PHONE: recordOfHandle(world, 1000).contact_info,
    });
    expect(first).not.toHaveProperty("GSW_CALL_RESULT");
    expect(second).toEqual({ ...first, GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_RESULT: 33 });
  });

  it("the last is sent until it is taken", async () => {
    const dialer = make({ historyUri: validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    let refused = 0;
    validator.answer = () => ({ status: ++refused < 3 ? 503 : 200 });
    await post(world, "/records/1000?req=RecordReject");
    for (let more = 0; more < 3; more++) {
      dialer.settled();
      await until(() => reports().length === 2 + more);
    }
    await until(() => world.db.get("SELECT 1 FROM record_handle WHERE handle = 1000 AND reports = 2") !== undefined);
    expect(reports().slice(1).map((report) => report["GSW_HIST_SEQUENCE_NUM"])).toEqual([1, 1, 1]);
  });

  it("a call that goes stale is reported by itself", async () => {
    const dialer = make({ historyUri: validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    now += world.staleTimeout;
    await until(() => reports().length === 2);
    expect(reports()[1]).toMatchObject({ GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_RESULT: 46 });
  });
});

describe("at a rate", () => {
  it("dials by itself, about so many a second, and stops at 0", async () => {
    const dialer = make();
    dialer.configure({ rate: 200 });
    await until(() => dialer.log.last() >= 10);
    dialer.configure({ rate: 0 });
    await until(() => true);
    const count = dialer.log.last();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(dialer.log.last()).toBe(count);
  });

  it("leaves nothing behind when closed in the middle of a validation", async () => {
    validator.answer = () => "nothing";
    const dialer = make({ validationUri: validator.url, rate: 100 });
    await until(() => validator.posts.length > 0);
    await dialer.close();
    expect(dialer.log.last()).toBe(0);
  });
});

describe("the webhook", () => {
  it("gets every event, again when it was not taken", async () => {
    let refused = 0;
    validator.answer = () => ({ status: refused++ === 0 ? 500 : 204 });
    const dialer = make({ webhook: `${validator.url}/all` });
    await dialer.dial({ count: 1 });
    await until(() => validator.posts.length === 2);
    expect(validator.posts[1]!.body).toEqual(validator.posts[0]!.body);
    expect(validator.posts[0]).toMatchObject({ path: "/validate/all", body: { id: 1, type: "record.dialed", udata: { GSW_RECORD_HANDLE: 1000 } } });
  });

  it("of one wish gets the events of that wish alone", async () => {
    const dialer = make();
    await dialer.dial({ count: 1 });
    await dialer.dial({ count: 1, to: validator.url });
    await until(() => validator.posts.length === 1);
    expect(validator.posts[0]!.body).toMatchObject({ id: 2, udata: { GSW_RECORD_HANDLE: 1001 } });
  });
});

describe("a state directory", () => {
  it("keeps handles, run and events over a restart", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ocsgw-dialer-"));
    world.close();
    world = aWorld({ stateDir: directory, now: () => now });
    await make().dial({ count: 2 });
    world.db.transaction(() => { beginRun(world); });
    await make().dial({ count: 1 });
    for (const dialer of dialers.splice(0)) await dialer.close();
    world.close();
    world = aWorld({ stateDir: directory, now: () => now });
    const again = make();
    expect(again.log.after(0).map(({ id, type }) => [id, type])).toEqual([[1, "record.dialed"], [2, "record.dialed"], [3, "record.dialed"]]);
    expect((await again.dial({ count: 1 })).retrieved.map(({ run, handle }) => [run, handle])).toEqual([[2, 2]]);
    rmSync(directory, { recursive: true });
  });

  it("of another version is refused by its name", () => {
    const directory = mkdtempSync(join(tmpdir(), "ocsgw-dialer-"));
    const old = aWorld({ stateDir: directory });
    old.db.script("PRAGMA user_version = 1");
    old.close();
    expect(() => aWorld({ stateDir: directory })).toThrow(join(directory, "sandbox.sqlite"));
    rmSync(directory, { recursive: true });
  });
});

describe("a list by name", () => {
  it("is the only one that is dialed", async () => {
    await post(world, "/campaigngroups/208?req=StartDialing", { GSW_CM_AttrDialMode: 2 });
    const { retrieved } = await make().dial({ lists: [listByName(world, "Beta List")!], count: 3 });
    expect(retrieved.map(({ tenant }) => tenant.dbid)).toEqual([102, 102, 102]);
  });
});
