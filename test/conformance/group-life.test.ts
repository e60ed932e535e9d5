import { describe, expect, it } from "vitest";
import { answersIn, stateAfter, stateOf, type GroupState } from "../../src/cli/conformance/group-life.ts";
import type { ActionName } from "../../src/ocs/catalog.ts";

/** State and request → every answer that is right, with the state behind it. */
const LIFE: readonly [GroupState, ActionName, string][] = [
  ["unloaded", "Load", "200 loaded"],
  ["loaded", "Load", "409/5 loaded"],
  ["running", "Load", "409/5 running"],
  ["unloading", "Load", "409/5 unloading, 200 loaded"],
  ["unloaded", "StartDialing", "410 unloaded"],
  ["loaded", "StartDialing", "200 running"],
  ["running", "StartDialing", "409 running"],
  ["unloading", "StartDialing", "409 unloading, 410 unloaded"],
  ["unloaded", "SetDialingMode", "410 unloaded"],
  ["loaded", "SetDialingMode", "409 loaded"],
  ["running", "SetDialingMode", "200 running"],
  ["unloading", "SetDialingMode", "409 unloading, 410 unloaded"],
  ["unloaded", "StopDialing", "410 unloaded"],
  ["loaded", "StopDialing", "409 loaded"],
  ["running", "StopDialing", "200 loaded"],
  ["unloading", "StopDialing", "409 unloading, 410 unloaded"],
  ["unloaded", "Unload", "410 unloaded"],
  ["loaded", "Unload", "200 unloading"],
  ["running", "Unload", "200 unloading"],
  ["unloading", "Unload", "409 unloading, 410 unloaded"],
  ["unloaded", "ForceUnload", "410 unloaded"],
  ["loaded", "ForceUnload", "200 unloaded"],
  ["running", "ForceUnload", "200 unloaded"],
  ["unloading", "ForceUnload", "200 unloaded, 410 unloaded"],
  ["unloaded", "Launch", "200 running"],
  ["loaded", "Launch", "200 running"],
  ["running", "Launch", "409 running"],
  ["unloading", "Launch", "409 unloading, 200 running"],
  ["unloaded", "Stage", "200 loaded"],
  ["loaded", "Stage", "200 loaded"],
  ["running", "Stage", "200 loaded"],
  ["unloading", "Stage", "409 unloading, 200 loaded"],
  ["unloaded", "Complete", "410 unloaded"],
  ["loaded", "Complete", "200 unloading"],
  ["running", "Complete", "200 unloading"],
  ["unloading", "Complete", "409 unloading, 410 unloaded"],
];

describe("the life of a campaign group", () => {
  it.each(LIFE)("%s, asked to %s: %s", (state, action, expected) => {
    const answers = answersIn(state, action).map(
      ({ status, warning }) =>
        `${status}${warning === undefined ? "" : `/${warning}`} ${stateAfter(state, action, status)}`,
    );
    expect(answers.join(", ")).toBe(expected);
  });

  it("stays where it is after an answer that nobody expected", () => {
    expect(stateAfter("running", "StopDialing", 500)).toBe("running");
  });

  it.each([
    [0, "unloaded"],
    [1, "unloading"],
    [2, "unloading"],
    [3, "loaded"],
    [4, "loaded"],
    [5, "running"],
  ])("reads GSW_CM_AttrGroupCampStatus %i as %s", (status, state) => {
    expect(stateOf(status)).toBe(state);
  });
});
