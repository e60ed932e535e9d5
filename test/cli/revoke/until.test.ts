import { describe, expect, it } from "vitest";
import { outcomeOf } from "../../../src/cli/revoke/apply-revocation.ts";
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

describe("the answer of a gateway that shares a database", () => {
  const decided = { kind: "client", id: "acme", lifted: false, until: null, kept: true, journalled: true };
  const node = (name: string, state: string) => ({ node: name, state });
  it.each([
    ["no other gateway", {}, undefined, 0, "client acme is revoked: applied by the running gateway"],
    [
      "all others",
      {},
      { trouble: null, nodes: [node("gw-b", "applied"), node("gw-c", "applied")] },
      0,
      "client acme is revoked: applied by the running gateway; also applied by gw-b, gw-c",
    ],
    [
      "one that runs and has not applied it",
      {},
      { trouble: null, nodes: [node("gw-b", "applied"), node("gw-c", "waiting")] },
      8,
      "gateway; also applied by gw-b; NOT YET applied by gw-c, which runs: see its status",
    ],
    [
      "those that do not run",
      {},
      { trouble: null, nodes: [node("gw-b", "dead"), node("gw-c", "stopped")] },
      0,
      "gateway; applied by gw-b, gw-c when it starts again",
    ],
    [
      "no database",
      {},
      { trouble: "cut off", nodes: [] },
      8,
      "the shared database does not answer (cut off): the other gateways do not have it, and get it once",
    ],
    [
      "no database for a reinstatement",
      { lifted: true, kept: false, journalled: false },
      { trouble: "cut off", nodes: [] },
      1,
      "client acme is reinstated: not done: it could not be stored, so nothing has changed; the shared database does",
    ],
  ])("says how far it has come: %s", (_, of, shared, code, says) => {
    const outcome = outcomeOf({ ...decided, ...of, ...(shared && { shared }) }, 200);
    expect([outcome.code, outcome.says.includes(says) ? says : outcome.says]).toEqual([code, says]);
  });
});
