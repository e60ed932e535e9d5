import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, ask, post, verdict } from "../support.ts";

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

describe("the status of one campaign group", () => {
  it("has the manual's members in the manual's order while the group runs", async () => {
    const answer = await ask(world, "GET", "/campaigngroups/106");
    const expected = {
      GSW_CM_MessageType: 24,
      GSW_CM_AttrCampaignID: 139,
      GSW_CM_AttrGroupID: 234,
      GSW_CM_AttrDialMode: 1,
      GSW_CM_AttrOptimizeBy: 1,
      GSW_CM_AttrOptimizeGoal: 80,
      GSW_CM_AttrGroupCampStatus: 5,
      GSW_CM_AttrProperties: { camp_group_data: {} },
      GSW_SWITCH_DBID: 105,
      GSW_CM_AttrOriginAppID: 398,
    };
    expect(answer.text).toBe(JSON.stringify(expected, null, 2));
    expect(answer.headers.map(([name]) => name)).toEqual([
      "Server",
      "Cache-control",
      "Etag",
      "Content-type",
      "Content-length",
    ]);
    expect(answer.headers).toContainEqual(["Cache-control", "private"]);
    expect(answer.headers).toContainEqual(["Content-length", String(Buffer.byteLength(answer.text))]);
  });

  it("is status 0 with a 200 for a configured group that is not loaded", async () => {
    const answer = await ask(world, "GET", "/campaigngroups/115");
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      GSW_CM_MessageType: 24,
      GSW_CM_AttrCampaignID: 140,
      GSW_CM_AttrGroupID: 234,
      GSW_CM_AttrGroupCampStatus: 0,
      GSW_CM_AttrOriginAppID: 398,
    });
  });

  it("has no dial mode while the group is active but not running", async () => {
    const body = JSON.parse((await ask(world, "GET", "/campaigngroups/208")).text) as object;
    expect(body).toMatchObject({ GSW_CM_AttrGroupCampStatus: 4, GSW_SWITCH_DBID: 105 });
    expect(body).not.toHaveProperty("GSW_CM_AttrDialMode");
  });

  it("is 404/9 for a group that is not configured", async () => {
    expect(verdict(await ask(world, "GET", "/campaigngroups/999"))).toBe("404/9");
  });
});

describe("the status of all campaign groups", () => {
  it("contains every configured group, active or not", async () => {
    const body = JSON.parse((await ask(world, "GET", "/campaigngroups")).text) as { CampaignGroups: object };
    expect(body).toMatchObject({ GSW_CM_MessageType: 46, GSW_CM_AttrOriginAppID: 398 });
    expect(Object.keys(body.CampaignGroups)).toEqual([
      "Alpha Campaign@Alpha Agents",
      "Alpha Winback@Alpha Agents",
      "Beta Campaign@Beta Agents",
    ]);
    expect(body.CampaignGroups).toHaveProperty(["Alpha Winback@Alpha Agents"], {
      GSW_CM_AttrCampaignID: 140,
      GSW_CM_AttrGroupID: 234,
      GSW_CM_AttrGroupCampStatus: 0,
    });
  });
});

describe("the Etag", () => {
  it("is an unquoted integer that changes only when a group's state changes", async () => {
    const etag = async (): Promise<number> => {
      const value = (await ask(world, "GET", "/campaigngroups")).etag!;
      expect(value).toMatch(/^[1-9][0-9]{9}$/);
      return Number(value);
    };
    const first = await etag();
    expect(await etag()).toBe(first);
    await post(world, "/campaigngroups/115?req=Load");
    const second = await etag();
    expect(second).toBeGreaterThan(first);
    await post(world, "/campaigngroups/115?req=Load");
    expect(await etag()).toBe(second);
    world.clock.advance(60_000);
    await post(world, "/campaigngroups/115?req=Unload");
    const third = await etag();
    expect(third).toBeGreaterThan(second);
    expect(third).toBeGreaterThanOrEqual(Math.floor(world.clock.now() / 1000));
  });
});
