import { describe, expect, it } from "vitest";
import { timeInId, timelineOf } from "../../src/console/pages/flow/phases.ts";
import { timeOfUlid, ulid } from "../../src/common/ulid.ts";
import type { TransactionJson } from "../../src/journal/search/to-json.ts";

const id = ulid();
const arrived = timeOfUlid(id);
const flow = (change: object): TransactionJson =>
  ({
    id,
    state: "ok",
    total: 61,
    queue: 12,
    ocs: 45,
    lane: "ocs/4",
    entries: [{ kind: "intent", time: new Date(arrived + 3).toISOString() }],
    ...change,
  }) as unknown as TransactionJson;

const phases = (change: object = {}) =>
  timelineOf(flow(change))!.phases.map(({ name, kind, start, end }) => [name, kind, start, end]);

describe("the time of a request", () => {
  it("is read from its id as the gateway writes it", () => {
    expect(timeInId(id)).toBe(arrived);
    expect([timeInId(""), timeInId("refused-1!")]).toEqual([undefined, undefined]);
  });

  it("is divided into checks, wait, OCS and the end", () => {
    expect(phases()).toEqual([
      ["Checks, intent on disk", "gateway", 0, 3],
      ["Waiting for lane ocs/4", "queue", 3, 15],
      ["OCS", "ocs", 15, 60],
      ["Outcome on disk, reply", "gateway", 60, 61],
    ]);
    expect(timelineOf(flow({}))).toMatchObject({ total: 61, gateway: 4, queue: 12, ocs: 45 });
  });

  it("shows an exchange that OCS did not answer as such", () =>
    expect(phases({ state: "no-answer" })[2]).toEqual(["OCS, without an answer", "lost", 15, 60]));

  it("is one phase for a refusal", () =>
    expect(phases({ state: "refused", total: 1, queue: 0, ocs: 0 })).toEqual([
      ["Checks and refusal", "gateway", 0, 1],
    ]));

  it.each([
    ["whose id has no time", { id: "x" }, 2],
    ["whose clock was set back meanwhile", { entries: [{ kind: "intent", time: "2001-01-01T00:00:00Z" }] }, 0],
    ["whose clock was set forward meanwhile", { entries: [{ kind: "intent", time: "2101-01-01T00:00:00Z" }] }, 4],
  ])("never leaves the total, for a request %s", (_which, change, checks) => {
    const all = phases(change);
    expect([all[0]![3], all.at(-1)![3]]).toEqual([checks, 61]);
  });

  it("is not shown while the request is under way", () =>
    expect(timelineOf(flow({ total: undefined }))).toBeUndefined());
});
