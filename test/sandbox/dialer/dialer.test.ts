import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptGuid } from "../../../src/sandbox/dialer/attached-data.ts";
import { createDialer } from "../../../src/sandbox/dialer/dialer.ts";
import { listByName } from "../../../src/sandbox/world/directory.ts";
import { beginRun } from "../../../src/sandbox/world/handles.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aSetting, EVENING, phonesOf, eventsOf, until, type Setting } from "./kit.ts";
import { aWorld, post, recordAt, recordOfHandle, verdict } from "../support.ts";

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

describe("dialing one record", () => {
  it("opens a handle and emits the data that a client would get with the call", async () => {
    const [event] = eventsOf(await make().dial({ count: 1 }));
    const record = recordOfHandle(world, 1000);
    expect(record).toMatchObject({ record_status: 2, attempt: 1 });
    expect(event).toMatchObject({
      type: "record.dialed",
      tenant: { dbid: 101, name: "Alpha Tenant" },
      list: "Alpha List",
      group: 106,
      expects: { finalize: true, before: new Date(now + world.staleTimeout).toISOString() },
      udata: {
        GSW_RECORD_HANDLE: 1000,
        GSW_RECORD_URI: "http://gateway:8080/records/1000",
        GSW_APPLICATION_ID: 398,
        GSW_CAMPAIGN_NAME: "Alpha Campaign",
        GSW_CALLING_LIST: "Alpha List",
        GSW_CALLING_LIST_DBID: 301,
        GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Alpha Agents",
        GSW_CAMPAIGN_GROUP_DBID: 106,
        GSW_PHONE: record.contact_info,
        GSW_CHAIN_ID: record.chain_id,
        GSW_ATTEMPTS: 1,
        GSW_SWITCH_DBID: 105,
        GSW_CUSTOMER_ID: record.customer_id,
      },
    });
    expect(event!.udata["GSW_CALL_ATTEMPT_GUID"]).toMatch(/^[0-9A-F]{32}$/);
    expect([-28_800, -25_200, -21_600, -18_000]).toContain(event!.udata["GSW_TZ_OFFSET"]);
    // Whose it is a client learns from the campaign; OCS attaches no tenant.
    expect(Object.keys(event!.udata).filter((key) => /TENANT/.test(key))).toEqual([]);
  });

  it("gives every call a new handle and a new attempt id", async () => {
    const { retrieved } = await make().dial({ count: 20 });
    expect(retrieved.map(({ handle }) => handle)).toEqual(retrieved.map((_, index) => 1000 + index));
    expect(new Set(retrieved.map((one) => attemptGuid(world, one))).size).toBe(20);
  });

  it("takes records from the lists in turn", async () => {
    await post(world, "/campaigngroups/208?req=StartDialing", { GSW_CM_AttrDialMode: 2 });
    const { retrieved } = await make().dial({ count: 6 });
    expect(retrieved.map(({ list }) => list.name)).toEqual([
      "Alpha List",
      "Beta List",
      "Alpha List",
      "Beta List",
      "Alpha List",
      "Beta List",
    ]);
    expect(retrieved.map(({ tenant }) => tenant.dbid)).toEqual([101, 102, 101, 102, 101, 102]);
  });

  it("stops records on the do-not-call list, with an event for each", async () => {
    const dialed = await make().dial({ count: 1000 });
    const stopped = eventsOf(dialed).filter(({ type }) => type === "record.stopped");
    expect(new Set(stopped.map(({ phone }) => phone))).toEqual(
      new Set(["4155550190", "4155550191", "4155550192", "4155550193", "4155550194"]),
    );
    for (const { phone, call_result, because } of stopped) {
      expect([call_result, because]).toEqual([51, "on the do-not-call list"]);
      expect(recordAt(world, 301, phone!)).toMatchObject({ record_type: 7, record_status: 3 });
    }
    expect(phonesOf(dialed).filter((phone) => stopped.some((each) => each.phone === phone))).toEqual([]);
  });
});

describe("calling hours", () => {
  const only = (columns: string): void => {
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 301 AND record_status = 1");
    world.db.run(
      `UPDATE record SET record_status = 1, ${columns} WHERE list_dbid = 301 AND contact_info = '4155550150'`,
    );
  };
  const PST = 510;
  const at = (time: string): number => Date.parse(`2026-03-01T${time}-08:00`);

  it.each([
    ["a minute before", "07:59:59", 0],
    ["as it opens", "08:00:00", 1],
    ["as it ends", "18:00:00", 1],
    ["a second after", "18:00:01", 0],
  ])("from 08:00 to 18:00 in the record's time zone apply %s", async (_, time, dialed) => {
    only(`tz_dbid = ${PST}, daily_from = 28800, daily_till = 64800`);
    now = at(time);
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(dialed);
  });

  it.each([
    ["23:30:00", 1],
    ["01:00:00", 1],
    ["12:00:00", 0],
  ])("may span midnight, checked at %s", async (time, dialed) => {
    only(`tz_dbid = ${PST}, daily_from = 79200, daily_till = 7200`);
    now = at(time);
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(dialed);
  });

  it("depend on the record's time zone", async () => {
    only("tz_dbid = 516, daily_from = 28800, daily_till = 64800");
    now = at("16:30:00");
    expect((await make().dial({ count: 1 })).retrieved).toHaveLength(1);
  });

  it("are ignored when a user opens records", async () => {
    only(`tz_dbid = ${PST}, daily_from = 28800, daily_till = 64800`);
    now = at("03:00:00");
    expect((await make().dial({ count: 1, hours: "any" })).retrieved).toHaveLength(1);
  });

  it("do not apply before the time of a callback", async () => {
    const dialer = make();
    const due = new Date(now + 3_600_000).toISOString();
    only(`tz_dbid = ${PST}, daily_from = 0, daily_till = 86399, dial_sched_time = ${Date.parse(due) / 1000}`);
    expect((await dialer.dial({ count: 1 })).retrieved).toEqual([]);
    now += 3_600_000;
    expect(phonesOf(await dialer.dial({ count: 1 }))).toEqual(["4155550150"]);
  });
});

describe("records of a chain", () => {
  beforeEach(() => {
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 301 AND record_status = 1");
    world.db.run(
      "UPDATE record SET record_status = 1, daily_from = 0, daily_till = 86399 WHERE list_dbid = 301 AND " +
        "contact_info IN ('4155550101', '4155550102')",
    );
  });

  it("are dialed in order, one at a time, the next after the previous one was released or stopped", async () => {
    const dialer = make();
    expect((await dialer.dial({ count: 9 })).retrieved).toEqual([]);
    await post(world, "/records/17?req=RequestRecordCancel");
    expect(phonesOf(await dialer.dial({ count: 9 }))).toEqual(["4155550101"]);
    await post(world, "/records/1000?req=RequestRecordCancel");
    expect(phonesOf(await dialer.dial({ count: 9 }))).toEqual(["4155550102"]);
  });

  it("are all set to Chain Updated by RecordProcessed", async () => {
    const dialer = make();
    await post(world, "/records/17?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    expect((await dialer.dial({ count: 9 })).retrieved).toEqual([]);
    for (const phone of ["4155550101", "4155550102"]) expect(recordAt(world, 301, phone).record_status).toBe(7);
  });

  it("wait for a record scheduled for a later day, but not for one outside its calling hours", async () => {
    await post(world, "/records/17?req=RequestRecordCancel");
    world.db.run(
      "UPDATE record SET dial_sched_time = ? WHERE contact_info = '4155550101' AND list_dbid = 301",
      now / 1000 + 60,
    );
    expect((await make().dial({ count: 9 })).retrieved).toEqual([]);
    world.db.run(
      "UPDATE record SET dial_sched_time = NULL, daily_from = 3, daily_till = 4 WHERE contact_info = '4155550101' " +
        "AND list_dbid = 301",
    );
    expect(phonesOf(await make().dial({ count: 9 }))).toEqual(["4155550102"]);
  });
});

describe("a switchover", () => {
  it("starts handles at 1 again, so that other records get old numbers", async () => {
    const dialer = make();
    const [before] = (await dialer.dial({ count: 1 })).retrieved;
    world.db.transaction(() => {
      beginRun(world);
    });
    const after = (await dialer.dial({ count: 44 })).retrieved;
    expect(after.map(({ handle }) => handle)).toEqual(after.map((_, index) => index + 1));
    expect(attemptGuid(world, after[0]!)).not.toBe(attemptGuid(world, before!));
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("200");
    expect(verdict(await post(world, "/records/1000?req=RecordProcessed"))).toBe("410/112");
  });
});

describe("dialing at a rate", () => {
  it("says once why it dials nothing, until it dials again", async () => {
    const dialer = make();
    const said: string[] = [];
    dialer.followIdle((because) => said.push(because));
    dialer.configure({ rate: 1000 });
    await expect
      .poll(() => said, { timeout: 10_000 })
      .toEqual([expect.stringMatching(/^no more records are due: \d+ wait/)]);
    now += 14 * 3_600_000;
    await expect.poll(() => said.length, { timeout: 10_000 }).toBe(2);
  });

  it("dials about that many records a second without requests, and stops at 0", async () => {
    const dialer = make();
    dialer.configure({ rate: 200 });
    await until(() => dialer.log.last() >= 10);
    dialer.configure({ rate: 0 });
    await until(() => true);
    const count = dialer.log.last();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(dialer.log.last()).toBe(count);
  });

  it("leaves nothing running when closed during a validation", async () => {
    setting.validator.answer = () => "nothing";
    const dialer = make({ validationUri: setting.validator.url, rate: 100 });
    await until(() => setting.validator.posts.length > 0);
    await dialer.close();
    expect(dialer.log.last()).toBe(0);
  });
});

describe("a state directory", () => {
  it("keeps handles, run and events over a restart", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ocsgw-dialer-"));
    const first = aWorld({ stateDir: directory, now: () => now });
    const dialer = createDialer(first, {}, { base: () => "http://gateway:8080" });
    await dialer.dial({ count: 2 });
    first.db.transaction(() => {
      beginRun(first);
    });
    await dialer.dial({ count: 1 });
    await dialer.close();
    first.close();
    const second = aWorld({ stateDir: directory, now: () => now });
    const again = createDialer(second, {}, { base: () => "http://gateway:8080" });
    expect(again.log.after(0).map(({ id, type }) => [id, type])).toEqual([
      [1, "record.dialed"],
      [2, "record.dialed"],
      [3, "record.dialed"],
    ]);
    expect((await again.dial({ count: 1 })).retrieved.map(({ run, handle }) => [run, handle])).toEqual([[2, 2]]);
    await again.close();
    second.close();
    rmSync(directory, { recursive: true });
  });

  it("of another version is refused with its path", () => {
    const directory = mkdtempSync(join(tmpdir(), "ocsgw-dialer-"));
    const old = aWorld({ stateDir: directory });
    old.db.script("PRAGMA user_version = 1");
    old.close();
    expect(() => aWorld({ stateDir: directory })).toThrow(join(directory, "sandbox.sqlite"));
    rmSync(directory, { recursive: true });
  });
});

describe("dialing a list by name", () => {
  it("dials no other list", async () => {
    await post(world, "/campaigngroups/208?req=StartDialing", { GSW_CM_AttrDialMode: 2 });
    const { retrieved } = await make().dial({ lists: [listByName(world, "Beta List")!], count: 3 });
    expect(retrieved.map(({ tenant }) => tenant.dbid)).toEqual([102, 102, 102]);
  });
});
