/** The state diagram of a campaign group has what OCS has. */
import { describe, expect, it } from "vitest";
import { EDGES, NODES } from "../../src/console/pages/sandbox/group-edges.ts";
import type { GroupState } from "../../src/sandbox/actions/transitions.ts";
import { automaticIn, requestsIn } from "../../src/sandbox/view/groups.ts";
import { GROUP_STATUS } from "../../src/sandbox/world/codes.ts";

const STATES = Object.keys(GROUP_STATUS) as GroupState[];

describe("the state diagram of a campaign group", () => {
  it("draws every state", () => {
    expect(Object.keys(NODES).toSorted()).toEqual(STATES.toSorted());
  });

  it("draws every transition that there is, and no other", () => {
    const wanted = STATES.flatMap((state) => [
      ...requestsIn(state).flatMap(({ to }) => (to === null ? [] : [`${state}>${to}`])),
      ...[automaticIn(state, true)].flatMap((each) => (each ? [`${state}>${each.to}`] : [])),
    ]);
    expect(Object.keys(EDGES).toSorted()).toEqual([...new Set(wanted)].toSorted());
  });
});
