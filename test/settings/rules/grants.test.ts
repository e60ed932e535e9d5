import { describe, expect, it } from "vitest";
import { mutated, problemsIn } from "../kit.ts";

const EMPTY = [
  "beta-ops: { actions: [Load, StartDialing, SetDialingMode, StopDialing, Unload, ReadStatus] }",
  "beta-ops: { actions: [] }",
] as const;
/** The policy tests of the sample ask for what is removed here; they are not run by this reading. */
const found = (...changes: readonly (readonly [from: string, to: string])[]): string[] =>
  problemsIn(mutated(EMPTY, ...changes)).flatMap(({ code, path }) => (code === "OCSGW-6366" ? [path] : []));

describe("a client without actions", () => {
  it("is an error where the tenant enforces its policy", () => {
    expect(found()).toEqual(["tenants[1].clients.beta-ops.actions"]);
  });

  it("is allowed where the tenant observes, to learn its actions", () => {
    expect(found(["lists: [Beta List]\n", "lists: [Beta List]\n    mode: observe\n"])).toEqual([]);
  });

  it("is not reported where the mode is misspelled, because the tenant may mean to observe", () => {
    expect(found(["lists: [Beta List]\n", "lists: [Beta List]\n    mod: observe\n"])).toEqual([]);
  });
});
