import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listByName } from "../../../src/sandbox/world/directory.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, banned, post, recordAt, recordOfHandle, stateOfHandle, verdict, openRecords } from "../support.ts";

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

const ALPHA = { GSW_TENANT_NAME: "Alpha Tenant" };
const BETA = { GSW_TENANT_DBID: 102 };

describe.each(["phones/4155550150", "customer_ids/A-0045"])("the tenant of /%s", (path) => {
  it.each(["DoNotCall", "RequestRecordCancel"])("is required in the body of %s", async (action) => {
    expect(verdict(await post(world, `/${path}?req=${action}`, {}))).toBe("400/9004");
    expect(verdict(await post(world, `/${path}?req=${action}`, { GSW_TENANT_NAME: "Gamma Tenant" }))).toBe("400/9005");
  });
});

describe("DoNotCall by phone", () => {
  it("adds a number that is in no calling list to the do-not-call list", async () => {
    expect(verdict(await post(world, "/phones/4155555555?req=DoNotCall", ALPHA))).toBe("200");
    expect(banned(world, "phone")).toContainEqual({ value: "4155555555", tenant: 101 });
  });

  it("prefers the tenant's DBID over its name, and adds a number only once", async () => {
    for (let time = 0; time < 2; time++) await post(world, "/phones/4155555555?req=DoNotCall", { ...ALPHA, ...BETA });
    expect(banned(world, "phone").filter(({ value }) => value === "4155555555")).toEqual([
      { value: "4155555555", tenant: 102 },
    ]);
  });

  it("stops only that tenant's retrieved records, and leaves waiting records until they are dialed", async () => {
    // 4155550100 is the head of a chain in Alpha List (handle 17) and a record of Beta List (handle 41).
    await post(world, "/phones/4155550100?req=DoNotCall", ALPHA);
    expect(recordOfHandle(world, 17)).toMatchObject({ record_type: 7, call_result: 51, record_status: 3 });
    expect(stateOfHandle(world, 17)).toBe("finalized");
    expect(recordOfHandle(world, 41)).toMatchObject({ record_type: 2, record_status: 2 });
    await post(world, "/phones/4155550101?req=DoNotCall", ALPHA);
    expect(recordAt(world, 301, "4155550101")).toMatchObject({ record_type: 2, record_status: 1 });
  });

  it("with AllChain, lists and stops the whole chain of a retrieved record", async () => {
    await post(world, "/phones/4155550100?req=DoNotCall", { ...ALPHA, GSW_CHAIN_ATTR: "AllChain" });
    for (const phone of ["4155550100", "4155550101", "4155550102"]) {
      expect(banned(world, "phone")).toContainEqual({ value: phone, tenant: 101 });
      expect(recordAt(world, 301, phone).record_type).toBe(7);
    }
  });

  it("stores the body's campaign and list in the entry", async () => {
    await post(world, "/phones/4155555555?req=DoNotCall", {
      ...ALPHA,
      GSW_CAMPAIGN_NAME: "Alpha Winback",
      GSW_CALLING_LIST: "Alpha List",
    });
    expect(
      world.db.get("SELECT campaign_dbid, list_dbid, is_internal FROM do_not_call_list WHERE phone = '4155555555'"),
    ).toEqual({ campaign_dbid: 140, list_dbid: 301, is_internal: 1 });
    expect(
      verdict(await post(world, "/phones/4155555555?req=DoNotCall", { ...ALPHA, GSW_CAMPAIGN_NAME: "Beta Campaign" })),
    ).toBe("400/9007");
  });
});

describe("DoNotCall by customer id", () => {
  it("adds the id without a phone, and stops the customer's retrieved records", async () => {
    const phones = banned(world, "phone").length;
    expect(verdict(await post(world, "/customer_ids/A-0001?req=DoNotCall", ALPHA))).toBe("200");
    expect(banned(world, "customer_id")).toEqual([{ value: "A-0001", tenant: 101 }]);
    expect(banned(world, "phone")).toHaveLength(phones);
    expect(recordOfHandle(world, 17).record_type).toBe(7);
  });
});

describe("the do-not-call check before a call", () => {
  it("retrieves no record of a listed phone or customer, and marks these records", async () => {
    await post(world, "/customer_ids/A-0020?req=DoNotCall", ALPHA);
    const opened = openRecords(world, listByName(world, "Alpha List")!, 1000)!;
    const phones = opened.map(({ phone }) => phone);
    expect(phones).not.toContain("4155550190");
    expect(recordAt(world, 301, "4155550190")).toMatchObject({ record_type: 7, call_result: 51, record_status: 3 });
    const customer = world.db.get<{ contact_info: string; record_type: number }>(
      "SELECT * FROM record WHERE customer_id = 'A-0020'",
    )!;
    expect(customer.record_type).toBe(7);
    expect(phones).not.toContain(customer.contact_info);
    expect(phones.length).toBeGreaterThan(50);
  });

  it("uses the list of the record's own tenant only", async () => {
    await post(world, "/phones/4155550150?req=DoNotCall", BETA);
    await post(world, "/customer_ids/A-0060?req=DoNotCall", BETA);
    const phones = openRecords(world, listByName(world, "Alpha List")!, 1000)!.map(({ phone }) => phone);
    expect(phones).toContain("4155550150");
    expect(phones).toContain(
      world.db.get<{ contact_info: string }>("SELECT * FROM record WHERE customer_id = 'A-0060'")!.contact_info,
    );
  });
});

describe("RequestRecordCancel by phone or customer id", () => {
  beforeEach(async () => {
    // 4155550145 stands in Alpha List, in Alpha Winback List and in Beta List.
    await post(world, "/campaigngroups/115?req=Load");
  });
  const cancelled = (): number[] =>
    [301, 302, 303].filter((list) => recordAt(world, list, "4155550145").record_status === 5);

  it.each([
    ["all campaigns of the tenant", ALPHA, [301, 302]],
    ["one campaign", { ...ALPHA, GSW_CAMPAIGN_NAME: "Alpha Winback" }, [302]],
    ["one campaign, in the manual's other spelling", { ...ALPHA, GSW_CAMPAIGN: "Alpha Winback" }, [302]],
    ["one list", { ...ALPHA, GSW_CALLING_LIST: "Alpha List" }, [301]],
    ["the other tenant", BETA, [303]],
  ])("affects %s", async (_, body, lists) => {
    expect(verdict(await post(world, "/phones/4155550145?req=RequestRecordCancel", body))).toBe("200");
    expect(cancelled()).toEqual(lists);
    expect(recordAt(world, lists[0]!, "4155550145").call_result).toBe(52);
  });

  it("does not affect campaigns that are not loaded", async () => {
    await post(world, "/campaigngroups/115?req=ForceUnload");
    await post(world, "/phones/4155550145?req=RequestRecordCancel", ALPHA);
    expect(cancelled()).toEqual([301]);
  });

  it("answers 410 when no record matches", async () => {
    expect(verdict(await post(world, "/phones/4155559999?req=RequestRecordCancel", ALPHA))).toBe("410/9009");
    expect(verdict(await post(world, "/customer_ids/B-0001?req=RequestRecordCancel", ALPHA))).toBe("410/9009");
  });

  it("ends the handle of a retrieved record, and the chain if requested", async () => {
    expect(
      verdict(
        await post(world, "/phones/4155550103?req=RequestRecordCancel", { ...ALPHA, GSW_CHAIN_ATTR: "AllChain" }),
      ),
    ).toBe("200");
    expect(stateOfHandle(world, 18)).toBe("finalized");
    expect(
      ["4155550103", "4155550104", "4155550105"].map((phone) => recordAt(world, 301, phone).record_status),
    ).toEqual([5, 5, 5]);
  });

  it("finds all records of a customer", async () => {
    await post(world, "/customer_ids/A-0002?req=RequestRecordCancel", ALPHA);
    expect(
      ["4155550103", "4155550104", "4155550105"].map((phone) => recordAt(world, 301, phone).record_status),
    ).toEqual([5, 5, 5]);
  });
});
