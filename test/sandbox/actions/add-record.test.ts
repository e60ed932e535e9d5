import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, lastRecord, post, verdict } from "../support.ts";

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

const LIST = "/lists/Alpha%20List?req=AddRecord";
const GENERAL = { GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155670000", GSW_TZ_NAME: "PST" };

describe("AddRecord to a list", () => {
  it("adds the manual's example record with the default column values", async () => {
    const answer = await post(world, LIST, GENERAL);
    expect([verdict(answer), answer.text]).toEqual(["200", ""]);
    expect(lastRecord(world)).toMatchObject({
      list_dbid: 301,
      contact_info: "4155670000",
      contact_info_type: 0,
      record_type: 2,
      record_status: 1,
      call_result: 28,
      attempt: 0,
      dial_sched_time: null,
      daily_from: 28_800,
      daily_till: 64_800,
      tz_dbid: 510,
      chain_id: 95,
      chain_n: 0,
      app_id: null,
    });
  });

  it("adds the manual's rescheduled record, whose body has a duplicate key", async () => {
    const body = `{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155670000","GSW_PHONE_TYPE":4,"GSW_PHONE_TYPE":4,"GSW_TZ_NAME":"PST",
      "GSW_RECORD_TYPE":6,"GSW_DATE_TIME":"12/12/2009 13:00","CUSTOMER_CODE":22,"DATE_LAST_SERVED":"10/30/2008"}`;
    expect(verdict(await post(world, LIST, body))).toBe("200");
    expect(lastRecord(world)).toMatchObject({
      contact_info_type: 4,
      record_type: 6,
      dial_sched_time: Date.UTC(2009, 11, 12, 21) / 1000,
      customer_code: 22,
      date_last_served: "10/30/2008",
    });
  });

  it("sets every column whose key is in the body", async () => {
    const body = {
      ...GENERAL,
      GSW_RECORD_STATUS: 1,
      GSW_CALL_RESULT: "7",
      GSW_ATTEMPTS: 2,
      GSW_CALL_TIME: 1000,
      GSW_FROM: 0,
      GSW_UNTIL: 86_339,
      GSW_AGENT_ID: "agent7",
      GSW_CUSTOMER_ID: "A-0001",
      GSW_CHAIN_ID: 1,
    };
    expect(verdict(await post(world, LIST, body))).toBe("200");
    expect(lastRecord(world)).toMatchObject({
      call_result: 7,
      attempt: 2,
      call_time: 1000,
      daily_from: 0,
      daily_till: 86_339,
      agent_id: "agent7",
      customer_id: "A-0001",
      chain_id: 1,
      chain_n: 3,
    });
  });

  it.each([
    ["an unknown list", "/lists/Gamma%20List?req=AddRecord", {}, "404/9010"],
    ["an unknown campaign", LIST, { GSW_CAMPAIGN_NAME: "Gamma" }, "404/9011"],
    ["a campaign that does not use the list", LIST, { GSW_CAMPAIGN_NAME: "Alpha Winback" }, "404/9012"],
    [
      "a campaign that is not loaded",
      "/lists/Alpha%20Winback%20List?req=AddRecord",
      { GSW_CAMPAIGN_NAME: "Alpha Winback" },
      "409/9013",
    ],
    ["an occupied position in a chain", LIST, { GSW_CHAIN_ID: 1, GSW_CHAIN_N: 2 }, "409/9014"],
    ["an unknown time zone", LIST, { GSW_TZ_NAME: "XYZ" }, "400/9006"],
    ["a list of another tenant than the one named", LIST, { GSW_TENANT_DBID: 102 }, "404/9010"],
    ["a callback without its time", LIST, { GSW_RECORD_TYPE: 5 }, "400/9003"],
    ["a name for a number", LIST, { GSW_PHONE_TYPE: "Mobile" }, "400/9003"],
    ["letters in an integer column", LIST, { CUSTOMER_CODE: "twenty" }, "400/9003"],
  ])("refuses %s", async (_, target, body, outcome) => {
    const before = lastRecord(world).record_id;
    expect(verdict(await post(world, target, { ...GENERAL, ...body }))).toBe(outcome);
    expect(lastRecord(world).record_id).toBe(before);
  });

  it("succeeds for a campaign that is loaded but not dialing", async () => {
    expect(
      verdict(
        await post(world, "/lists/Beta%20List?req=AddRecord", { ...GENERAL, GSW_CAMPAIGN_NAME: "Beta Campaign" }),
      ),
    ).toBe("200");
  });

  it("adds a second record when the request is repeated", async () => {
    const before = lastRecord(world).record_id;
    for (let time = 0; time < 2; time++) await post(world, LIST, GENERAL);
    expect(lastRecord(world).record_id).toBe(before + 2);
  });
});
