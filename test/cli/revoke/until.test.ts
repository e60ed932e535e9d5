import { describe, expect, it } from "vitest";
import { momentOf } from "../../../src/cli/revoke/revoke.ts";

describe("the expiry of a revocation", () => {
  it.each([
    ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.000Z"],
    ["2026-11-22T14:00:00+02:00", "2026-11-22T12:00:00.000Z"],
    ["2026-11-22T12:00:00", "2026-11-22T12:00:00.000Z"],
    ["2026-11-22T07:00-0500", "2026-11-22T12:00:00.000Z"],
    ["2026-11-23", "2026-11-23T00:00:00.000Z"],
    ["2026-02-31T12:00:00Z", undefined],
    ["2026-11-22T12:00:00+25:00", undefined],
    ["tomorrow", undefined],
    ["12:00", undefined],
  ])("is read from %s as %s", (text, moment) => expect(momentOf(text)).toBe(moment));

  it("may be a duration from now", () => {
    const at = Date.parse(momentOf("2h")!);
    expect(Math.abs(at - Date.now() - 7_200_000)).toBeLessThan(10_000);
    expect(momentOf("2h")).toMatch(/Z$/);
  });
});
