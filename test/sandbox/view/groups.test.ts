/** What the view says about a campaign group is what OCS then does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateOf, TRANSITIONS, type GroupState } from "../../../src/sandbox/actions/transitions.ts";
import { automaticIn, groupViews, requestsIn } from "../../../src/sandbox/view/groups.ts";
import { GROUP_STATUS } from "../../../src/sandbox/world/codes.ts";
import { changeGroup, groupByDbid, settle } from "../../../src/sandbox/world/groups.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aWorld, NOON, post } from "../support.ts";

/** It has open handles, so an unload waits. */
const GROUP = 106;
const STATES = Object.keys(GROUP_STATUS) as GroupState[];
const DIALING = { GSW_CM_AttrDialMode: 1, GSW_CM_AttrOptimizeBy: 1, GSW_CM_AttrOptimizeGoal: 80 };
const ROWS = STATES.flatMap((state) => requestsIn(state).map((row) => ({ state, ...row })));

let world: World;
let now: number;
beforeEach(() => {
  now = NOON;
  world = aWorld({ now: () => now, unloadDelay: 60_000 });
});
afterEach(() => world.close());

const enter = (state: GroupState): void =>
  changeGroup(world, groupByDbid(world, GROUP)!, {
    status: GROUP_STATUS[state],
    dial_mode: state === "running" ? 1 : null,
    unload_due: state === "unloadInProgress" ? now + 60_000 : null,
  });
const present = (): GroupState => stateOf(groupByDbid(world, GROUP)!.status);

describe("the view of a campaign group", () => {
  it.each(ROWS)("says of $state what OCS does with $request", async ({ state, request, to, status, warning }) => {
    enter(state);
    const wantsMode = ["StartDialing", "SetDialingMode", "Launch"].includes(request);
    const answer = await post(world, `/campaigngroups/${GROUP}?req=${request}`, wantsMode ? DIALING : undefined);
    expect([answer.status, answer.warning]).toEqual([status, warning === null ? undefined : String(warning)]);
    expect(present()).toBe(to ?? state);
  });

  it("has every request of every state", () => {
    expect(ROWS.length).toBe(STATES.length * 9);
    for (const state of STATES)
      expect(
        requestsIn(state)
          .map(({ request }) => request)
          .toSorted(),
      ).toEqual(Object.keys(TRANSITIONS[state]).toSorted());
  });

  it("says which transitions need no request", () => {
    const view = () => groupViews(world).find(({ dbid }) => dbid === GROUP)!;
    enter("waitingUnload");
    expect(view().automatic).toEqual({ to: "unloadInProgress", when: "no-handles" });
    world.db.run("UPDATE record_handle SET state = 'finalized' WHERE group_dbid = ?", GROUP);
    settle(world);
    expect(view()).toMatchObject({ state: "unloadInProgress", automatic: { to: "notLoaded", when: "unload-delay" } });
    now += 60_000;
    settle(world);
    expect(view()).toMatchObject({ state: "notLoaded", automatic: null });
  });

  it("says that a running group with automatic completion ends when no record is left", () => {
    expect([automaticIn("running", true), automaticIn("running", false)]).toEqual([
      { to: "waitingUnload", when: "no-records" },
      null,
    ]);
  });
});
