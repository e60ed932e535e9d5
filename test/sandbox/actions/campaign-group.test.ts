import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupByDbid } from "../../../src/sandbox/world/groups.ts";
import { TRANSITIONS } from "../../../src/sandbox/actions/transitions.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, ask, NOON, post, recordOfHandle, stateOfHandle, verdict } from "../support.ts";

const DIALING = { GSW_CM_AttrDialMode: 1, GSW_CM_AttrOptimizeBy: 1, GSW_CM_AttrOptimizeGoal: 80 };
const WANTS_MODE = ["StartDialing", "SetDialingMode", "Launch"];
const REQUESTS = [
  "Load",
  "StartDialing",
  "SetDialingMode",
  "StopDialing",
  "Unload",
  "ForceUnload",
  "Launch",
  "Stage",
  "Complete",
];

/**
 * Section 4 of the protocol notes: the new status, or HTTP status/Warning. No handle is open, so an unload ends at
 * once.
 */
const LIFE: Record<number, string[]> = {
  0: ["4", "410/4", "410/4", "410/4", "410/4", "410/4", "5", "4", "410/4"],
  4: ["409/5", "5", "409/6", "409/6", "0", "0", "5", "4", "0"],
  5: ["409/5", "409/7", "5", "4", "0", "0", "409/7", "4", "0"],
  1: ["409/5", "409/6", "409/6", "409/6", "409", "0", "409/5", "409/5", "409"],
  2: ["409/5", "409/6", "409/6", "409/6", "409", "0", "409/5", "409/5", "409"],
};
const CELLS = Object.entries(LIFE).flatMap(([status, row]) =>
  row.map((outcome, index) => ({ status: Number(status), request: REQUESTS[index]!, outcome })),
);

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

const statusOf = (dbid: number): number => groupByDbid(world, dbid)!.status;
const bodyFor = (request: string): object | undefined => (WANTS_MODE.includes(request) ? DIALING : undefined);

/** Group 115 has no open handle, 106 has some: a waiting unload needs those. */
const groupIn = (status: number): number => {
  const dbid = status === 1 ? 106 : 115;
  world.db.run(
    "UPDATE campaign_group SET status = ?, dial_mode = ?, unload_due = ? WHERE dbid = ?",
    status,
    status === 5 ? 1 : null,
    status === 2 ? NOON + 60_000 : null,
    dbid,
  );
  return dbid;
};

describe("a campaign group", () => {
  it.each(CELLS)("answers $request in status $status with $outcome", async ({ status, request, outcome }) => {
    const dbid = groupIn(status);
    const answer = await post(world, `/campaigngroups/${dbid}?req=${request}`, bodyFor(request));
    if (/^\d$/.test(outcome)) {
      expect(verdict(answer)).toBe("200");
      expect(answer.text).toBe("");
      expect(statusOf(dbid)).toBe(Number(outcome));
    } else {
      expect(verdict(answer)).toBe(outcome);
      expect(statusOf(dbid)).toBe(status);
    }
  });

  it.each(REQUESTS)("answers %s with 404/9 if it is not configured", async (request) => {
    expect(verdict(await post(world, `/campaigngroups/999?req=${request}`, bodyFor(request)))).toBe("404/9");
  });

  it("has a defined answer to every request in every state", () => {
    for (const row of Object.values(TRANSITIONS)) expect(Object.keys(row)).toEqual(REQUESTS);
  });

  it("answers Load without a body when it is loaded, like the manual's example", async () => {
    const answer = await post(world, "/campaigngroups/106?req=Load");
    expect(answer.headers).toEqual([
      ["Server", "OCS/8.1.524.04"],
      ["Warning", "5"],
      ["Content-length", "0"],
    ]);
  });
});

describe("a graceful unload", () => {
  it("waits until the group has no open handles", async () => {
    await post(world, "/campaigngroups/208?req=Unload");
    expect(statusOf(208)).toBe(1);
    for (const handle of [41, 42, 43]) await post(world, `/records/${handle}?req=RecordProcessed`);
    expect(statusOf(208)).toBe(1);
    await post(world, "/records/44?req=RecordReject");
    expect(statusOf(208)).toBe(0);
  });

  it("continues when the last handles go stale", async () => {
    await post(world, "/campaigngroups/208?req=Unload");
    world.clock.advance(world.staleTimeout);
    await ask(world, "GET", "/campaigngroups/208");
    expect(statusOf(208)).toBe(0);
  });

  it("stays in UnloadInProgress for the configured delay", async () => {
    world.close();
    world = aWorld({ unloadDelay: 5000 });
    await post(world, "/campaigngroups/115?req=Load");
    await post(world, "/campaigngroups/115?req=Unload");
    expect(statusOf(115)).toBe(2);
    world.clock.advance(4999);
    await ask(world, "GET", "/campaigngroups/115");
    expect(statusOf(115)).toBe(2);
    world.clock.advance(1);
    await ask(world, "GET", "/campaigngroups/115");
    expect(statusOf(115)).toBe(0);
  });
});

describe("ForceUnload", () => {
  it("voids the group's handles, releases their records, and does not affect other groups", async () => {
    expect(verdict(await post(world, "/campaigngroups/106?req=ForceUnload"))).toBe("200");
    expect(stateOfHandle(world, 15)).toBe("void");
    expect(recordOfHandle(world, 15).record_status).toBe(1);
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("410/112");
    expect(stateOfHandle(world, 41)).toBe("open");
  });
});

describe("dialing parameters", () => {
  it.each([
    [1, 2, "200"],
    [1, 3, "200"],
    [1, 6, "200"],
    [1, 4, "409/11"],
    [1, 8, "409/11"],
    [1, 9, "409/11"],
    [4, 7, "200"],
    [4, 1, "409/11"],
    [4, 9, "409/11"],
    [8, 8, "200"],
    [8, 2, "409/11"],
    [9, 10, "200"],
    [11, 6, "409/11"],
  ])("changing the mode from %i to %i gives %s", async (from, to, outcome) => {
    world.db.run("UPDATE campaign_group SET dial_mode = ? WHERE dbid = 106", from);
    expect(
      verdict(await post(world, "/campaigngroups/106?req=SetDialingMode", { ...DIALING, GSW_CM_AttrDialMode: to })),
    ).toBe(outcome);
    expect(groupByDbid(world, 106)!.dial_mode).toBe(outcome === "200" ? to : from);
  });

  it.each([
    ["no body", undefined, "400/10"],
    ["no dial mode", { GSW_CM_AttrOptimizeBy: 1 }, "400/10"],
    ["dial mode 0", { ...DIALING, GSW_CM_AttrDialMode: 0 }, "400/11"],
    ["dial mode 12", { ...DIALING, GSW_CM_AttrDialMode: 12 }, "400/11"],
    ["a predictive mode without a goal", { GSW_CM_AttrDialMode: 1, GSW_CM_AttrOptimizeBy: 1 }, "400/10"],
    ["an optimization that does not exist", { ...DIALING, GSW_CM_AttrOptimizeBy: 6 }, "400/10"],
  ])("are refused with %s", async (_, body, outcome) => {
    expect(verdict(await post(world, "/campaigngroups/106?req=SetDialingMode", body))).toBe(outcome);
  });

  it("may use the manual's other spelling GSW_CM_AttrOptimizedBy", async () => {
    await post(world, "/campaigngroups/106?req=SetDialingMode", {
      GSW_CM_AttrDialMode: 1,
      GSW_CM_AttrOptimizedBy: 2,
      GSW_CM_AttrOptimizeGoal: 5,
    });
    expect(groupByDbid(world, 106)).toMatchObject({ dial_mode: 1, optimize_by: 2, optimize_goal: 5 });
  });

  it("do not need the optimization pair in modes that are not predictive", async () => {
    expect(verdict(await post(world, "/campaigngroups/208?req=StartDialing", { GSW_CM_AttrDialMode: 2 }))).toBe("200");
    expect(groupByDbid(world, 208)).toMatchObject({ status: 5, dial_mode: 2, optimize_by: null, optimize_goal: null });
  });
});

describe("automatic completion", () => {
  it.each([
    ["at the top level", { GSW_AUTO_COMPLETION: 1 }, 1],
    ["inside GSW_CM_AttrProperties", { GSW_CM_AttrProperties: { GSW_AUTO_COMPLETION: "1" } }, 1],
    ["absent", {}, 0],
  ])("is stored when GSW_AUTO_COMPLETION is %s", async (_, body, flag) => {
    await post(world, "/campaigngroups/115?req=Load", body);
    expect(groupByDbid(world, 115)!.auto_completion).toBe(flag);
  });

  it("is off by default, so a group without records keeps running", async () => {
    await post(world, "/campaigngroups/115?req=Launch", { GSW_CM_AttrDialMode: 2 });
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 302");
    await ask(world, "GET", "/campaigngroups");
    expect(statusOf(115)).toBe(5);
  });

  it("unloads a running group when it has no records left", async () => {
    await post(world, "/campaigngroups/115?req=Launch", { GSW_CM_AttrDialMode: 2, GSW_AUTO_COMPLETION: 1 });
    world.db.run("UPDATE record SET record_status = 3 WHERE list_dbid = 302 AND contact_info <> '4155550140'");
    await ask(world, "GET", "/campaigngroups");
    expect(statusOf(115)).toBe(5);
    await post(world, "/phones/4155550140?req=RequestRecordCancel", { GSW_TENANT_DBID: 101 });
    expect(statusOf(115)).toBe(0);
  });
});
