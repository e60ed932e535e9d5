import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, banned, chainOf, lastRecord, NOON, post, recordOfHandle, stateOfHandle, verdict } from "../support.ts";

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

/** The chain of three whose first record handle 17 holds. */
const chain = (): { record_status: number; record_type: number; call_result: number | null }[] =>
  chainOf(world, recordOfHandle(world, 17));
const statuses = (): number[] => chain().map(({ record_status }) => record_status);

describe("RecordProcessed", () => {
  it("stores result, fields and treatment, and ends the handle", async () => {
    const body = {
      CUSTOMER_CODE: 22,
      GSW_CALL_RESULT: 33,
      DATE_LAST_SERVED: "10/30/2008",
      GSW_TREATMENT: "RecordTreatCampaign",
      STATUS_CODE: "Grüße",
    };
    expect(verdict(await post(world, "/records/15?req=RecordProcessed", body))).toBe("200");
    expect(recordOfHandle(world, 15)).toMatchObject({
      record_status: 3,
      call_result: 33,
      customer_code: 22,
      date_last_served: "10/30/2008",
      status_code: "Grüße",
      treatments: "RecordTreatCampaign",
      call_time: NOON / 1000,
    });
    expect(stateOfHandle(world, 15)).toBe("finalized");
  });

  it("without result and treatment in the body, keeps the result and adds no treatment", async () => {
    await post(world, "/records/15?req=RecordProcessed");
    expect(recordOfHandle(world, 15)).toMatchObject({ record_status: 3, call_result: 28, treatments: null });
  });

  it("sets the waiting records of the chain to Chain Updated", async () => {
    await post(world, "/records/17?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    expect(statuses()).toEqual([3, 7, 7]);
  });

  it("does not change a record of the chain that another client is processing", async () => {
    world.db.run(
      "UPDATE record SET record_status = 2 WHERE record_id = ?",
      chainOf(world, recordOfHandle(world, 17))[1]!.record_id,
    );
    await post(world, "/records/17?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    expect(statuses()).toEqual([3, 2, 7]);
  });

  it("appends treatments to the history", async () => {
    world.db.run(
      "UPDATE record SET treatments = 'RecordTreatPersonal' WHERE record_id = ?",
      recordOfHandle(world, 15).record_id,
    );
    await post(world, "/records/15?req=RecordProcessed", { GSW_TREATMENT: "RecordTreatCampaign" });
    expect(recordOfHandle(world, 15).treatments).toBe("RecordTreatPersonal;RecordTreatCampaign");
  });
});

describe("UpdateCallCompletionStats", () => {
  it("writes the result and the fields, and keeps the handle open", async () => {
    const body = {
      GSW_CALL_RESULT: 6,
      CUSTOMER_STATUS: "7",
      GSW_PHONE: "4155550199",
      GSW_PHONE_TYPE: 4,
      GSW_TZ_NAME: "GMT",
      GSW_FROM: 0,
      GSW_UNTIL: 86_339,
    };
    expect(verdict(await post(world, "/records/15?req=UpdateCallCompletionStats", body))).toBe("200");
    expect(recordOfHandle(world, 15)).toMatchObject({
      record_status: 2,
      call_result: 6,
      customer_status: 7,
      contact_info: "4155550199",
      contact_info_type: 4,
      tz_dbid: 501,
      daily_from: 0,
      daily_till: 86_339,
    });
    expect(stateOfHandle(world, 15)).toBe("open");
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("200");
  });
});

describe("RecordReject", () => {
  it("releases the record for other clients and ends the handle", async () => {
    expect(verdict(await post(world, "/records/15?req=RecordReject"))).toBe("200");
    expect(recordOfHandle(world, 15)).toMatchObject({ record_status: 1, call_result: 28 });
    expect(stateOfHandle(world, 15)).toBe("finalized");
  });
});

describe("RequestRecordCancel by handle", () => {
  it.each([
    [undefined, [5, 1, 1]],
    ["RecordOnly", [5, 1, 1]],
    ["AllChain", [5, 5, 5]],
  ])("with GSW_CHAIN_ATTR %s, sets the chain's record statuses to %j", async (attribute, expected) => {
    expect(
      verdict(
        await post(
          world,
          "/records/17?req=RequestRecordCancel",
          attribute === undefined ? {} : { GSW_CHAIN_ATTR: attribute },
        ),
      ),
    ).toBe("200");
    expect(statuses()).toEqual(expected);
    expect(chain()[0]!.call_result).toBe(52);
    expect(stateOfHandle(world, 17)).toBe("finalized");
  });

  it("does not cancel a record of the chain that was already processed", async () => {
    world.db.run(
      "UPDATE record SET record_status = 3, call_result = 33 WHERE record_id = ?",
      chainOf(world, recordOfHandle(world, 17))[2]!.record_id,
    );
    await post(world, "/records/17?req=RequestRecordCancel", { GSW_CHAIN_ATTR: "AllChain" });
    expect(statuses()).toEqual([5, 5, 3]);
  });
});

describe("DoNotCall by handle", () => {
  it.each([
    ["RecordOnly", [7, 2, 2], ["4155550100"]],
    ["AllChain", [7, 7, 7], ["4155550100", "4155550101", "4155550102"]],
  ])("with %s, sets the chain's record types to %j and lists %j", async (attribute, types, phones) => {
    const before = banned(world, "phone").length;
    expect(verdict(await post(world, "/records/17?req=DoNotCall", { GSW_CHAIN_ATTR: attribute }))).toBe("200");
    expect(chain().map(({ record_type }) => record_type)).toEqual(types);
    expect(chain()[0]!.call_result).toBe(51);
    expect(banned(world, "phone").slice(before)).toEqual(phones.map((value) => ({ value, tenant: 101 })));
    expect(stateOfHandle(world, 17)).toBe("finalized");
  });

  it("lists the record's own number, not the body's, and the body's customer id", async () => {
    await post(world, "/records/15?req=DoNotCall", { GSW_PHONE: "4155550150", GSW_CUSTOMER_ID: "A-0004" });
    expect(banned(world, "phone").at(-1)).toEqual({ value: "4155550109", tenant: 101 });
    expect(banned(world, "customer_id")).toEqual([{ value: "A-0004", tenant: 101 }]);
  });
});

describe("RecordReschedule", () => {
  it.each([
    ["Personal", 5],
    ["Campaign", 6],
    [undefined, 6],
  ])("of type %s sets record type %i and status Ready, and ends the handle", async (type, recordType) => {
    const body = {
      GSW_DATE_TIME: "07/04/2026 13:00",
      GSW_TZ_NAME: "PST",
      GSW_AGENT_ID: "agent7",
      CUSTOMER_STATUS: 3,
      ...(type !== undefined && { GSW_CALLBACK_TYPE: type }),
    };
    expect(verdict(await post(world, "/records/15?req=RecordReschedule", body))).toBe("200");
    expect(recordOfHandle(world, 15)).toMatchObject({
      record_type: recordType,
      record_status: 1,
      dial_sched_time: Date.UTC(2026, 6, 4, 20) / 1000,
      agent_id: "agent7",
      customer_status: 3,
    });
    expect(stateOfHandle(world, 15)).toBe("finalized");
  });

  it.each([
    ["before", "03/07/2026 13:00", Date.UTC(2026, 2, 7, 21)],
    ["after", "03/08/2026 13:00", Date.UTC(2026, 2, 8, 20)],
  ])("schedules the local time in the record's time zone %s daylight saving begins", async (_, text, instant) => {
    world.db.run(
      "UPDATE record SET tz_dbid = (SELECT dbid FROM time_zone WHERE name = 'PST') WHERE record_id = ?",
      recordOfHandle(world, 15).record_id,
    );
    await post(world, "/records/15?req=RecordReschedule", { GSW_DATE_TIME: text });
    expect(recordOfHandle(world, 15).dial_sched_time).toBe(instant / 1000);
  });

  it.each([
    ["without a date", {}],
    ["with a day that does not exist", { GSW_DATE_TIME: "02/30/2026 10:00" }],
    ["with an unknown time zone", { GSW_DATE_TIME: "02/03/2026 10:00", GSW_TZ_NAME: "XYZ" }],
  ])("is refused %s, and the handle stays open", async (_, body) => {
    expect((await post(world, "/records/15?req=RecordReschedule", body)).status).toBe(400);
    expect(stateOfHandle(world, 15)).toBe("open");
  });
});

describe("AddRecord by handle", () => {
  it("adds a record in a new chain to the list of the handle's record, which stays in process", async () => {
    expect(
      verdict(await post(world, "/records/41?req=AddRecord", { GSW_PHONE: "4155550198", GSW_TZ_NAME: "EST" })),
    ).toBe("200");
    expect(lastRecord(world)).toMatchObject({
      list_dbid: 303,
      contact_info: "4155550198",
      chain_id: 51,
      chain_n: 0,
      record_status: 1,
    });
    expect(stateOfHandle(world, 41)).toBe("open");
  });
});

describe("a record handle", () => {
  it.each([
    "UpdateCallCompletionStats",
    "RecordProcessed",
    "RecordReject",
    "RequestRecordCancel",
    "DoNotCall",
    "RecordReschedule",
    "AddRecord",
  ])("that is stale or was never issued answers %s with 410/112", async (action) => {
    const body = { GSW_DATE_TIME: "07/04/2026 13:00", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" };
    for (const handle of [16, 14, 2_000_000_000])
      expect(verdict(await post(world, `/records/${handle}?req=${action}`, body))).toBe("410/112");
  });

  it.each([["RecordProcessed"], ["RecordReject"], ["RequestRecordCancel"], ["DoNotCall"], ["RecordReschedule"]])(
    "is invalid after %s",
    async (action) => {
      await post(world, `/records/15?req=${action}`, { GSW_DATE_TIME: "07/04/2026 13:00" });
      expect((await post(world, "/records/15?req=RecordProcessed")).text).toBe(
        "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>",
      );
    },
  );

  it("goes stale after the timeout, with record status 4 and result 46", async () => {
    world.clock.advance(world.staleTimeout - 1);
    expect(verdict(await post(world, "/records/15?req=UpdateCallCompletionStats"))).toBe("200");
    world.clock.advance(1);
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("410/112");
    expect(recordOfHandle(world, 15)).toMatchObject({ record_status: 4, call_result: 46 });
    expect(stateOfHandle(world, 15)).toBe("stale");
  });
});
