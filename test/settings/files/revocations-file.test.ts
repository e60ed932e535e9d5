/** For how long what somebody revokes is remembered. */
import { describe, expect, it } from "vitest";
import { readDecision, type Decision } from "../../../src/settings/files/revocations-file.ts";
import { lifetime, LONGEST_TOKEN_MS } from "../../../src/settings/schema/units.ts";

const NOW = Date.UTC(2026, 10, 29);
const until = (value: object): number | null => {
  const { until: end } = readDecision(value, NOW) as Decision;
  return end === null ? null : Date.parse(end) - NOW;
};

describe("a revocation that never expires", () => {
  it("of a token lasts longer than any token that a config can accept", () => {
    expect(until({ kind: "token", id: "jti" })).toBeGreaterThan(LONGEST_TOKEN_MS);
    expect([lifetime.safeParse("30d").data, lifetime.safeParse("31d").success]).toEqual([LONGEST_TOKEN_MS, false]);
  });

  it.each(["key", "client"])("of a %s never expires", (kind) => expect(until({ kind, id: "x" })).toBeNull());
});
