import { afterEach, describe, expect, it, vi } from "vitest";
import { createAlarms, type Alarms, type Raised } from "../../../src/app/wiring/alarms.ts";
import { Counts } from "../../../src/admin/counters.ts";
import { events } from "../../../src/common/log/events.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { Ownership } from "../../../src/ownership/ownership.ts";
import { aTenant, beta } from "../../kit/line.ts";

const MINUTE = 60_000;
type Desk = {
  readonly alarms: Alarms;
  readonly entries: Entry[];
  readonly logged: Parameters<typeof events.alarm>[0][];
  readonly counts: Counts;
  readonly wait: (ms: number) => void;
};

const desk = (): Desk => {
  let now = 1000;
  const [entries, logged, counts]: [Entry[], Desk["logged"][number][], Counts] = [[], [], new Counts()];
  vi.spyOn(events, "alarm").mockImplementation((fields) => void logged.push(fields));
  return {
    alarms: createAlarms({ note: (entry) => void entries.push(entry) }, counts, () => now),
    entries,
    logged,
    counts,
    wait: (ms) => void (now += ms),
  };
};
afterEach(() => vi.restoreAllMocks());

const ADVICE = "Compare the config with OCS";

/** The journal's entry about an alarm: without the advice, which is for the log. */
const entryOf = ({ advice: _advice, ...alarm }: Raised): Entry => ({ kind: "alarm", ...alarm });

/** Each kind of conflict, for many handles or lanes. */
const CONFLICTS = [
  [
    "a handle that two tenants used",
    (at: number) => ({
      reason: "one record handle was used by two tenants",
      upstream: "ocs",
      tenant: { dbid: 102, name: "Beta Tenant" },
      identifier: String(at),
      advice: ADVICE,
    }),
  ],
  [
    "a handle in dispute",
    (at: number) => ({
      reason: "a record handle in use was announced for another tenant",
      upstream: "ocs",
      advice: ADVICE,
      identifier: String(at),
    }),
  ],
  [
    "an announcement that contradicts itself",
    (at: number) => ({
      reason: "an announced record belongs to two tenants",
      upstream: "ocs",
      identifier: String(at),
      advice: ADVICE,
    }),
  ],
  [
    "repeated suspected answers on one lane",
    () => ({
      reason: "OCS sent an answer while nothing was asked",
      upstream: "ocs",
      detail: "lane ocs/1",
      advice: ADVICE,
    }),
  ],
] as const;

describe("alarms", () => {
  it.each(CONFLICTS)("about %s have one journal entry each, and one log line a minute", (_what, conflict) => {
    const { alarms, entries, logged, counts, wait } = desk();
    for (let at = 1; at <= 30; at++) alarms.raise(conflict(at));
    expect(entries).toEqual(Array.from({ length: 30 }, (_, at) => entryOf(conflict(at + 1))));
    expect([counts.alarms.get("ocs"), logged]).toEqual([30, [expect.objectContaining({ advice: ADVICE })]]);
    wait(MINUTE);
    alarms.raise(conflict(31));
    expect([entries.length, logged.length, logged[1]!.suppressed]).toEqual([31, 2, 29]);
  });

  it("about an ongoing condition have one entry a minute, with the number of further alarms", () => {
    const { alarms, entries, logged, counts, wait } = desk();
    const goesOn = {
      reason: "the validator does not answer",
      upstream: "ocs",
      detail: "no answer within 10 ms",
      advice: ADVICE,
    };
    for (let at = 0; at < 30; at++) alarms.raiseOngoing(goesOn);
    wait(MINUTE);
    alarms.raiseOngoing(goesOn);
    expect(entries).toEqual([
      entryOf(goesOn),
      entryOf({ ...goesOn, detail: "no answer within 10 ms; 29 more since the last one" }),
    ]);
    expect([counts.alarms.get("ocs"), logged.length]).toEqual([2, 2]);
  });

  it("about one upstream or tenant do not suppress log lines about another", () => {
    const { alarms, logged } = desk();
    for (const upstream of ["one", "two"])
      for (const dbid of [101, 102])
        alarms.raise({ reason: "r", advice: ADVICE, upstream, tenant: { dbid, name: `${dbid}` } });
    expect(logged.length).toBe(4);
  });
});

describe("two tenants that use the same handles under unscoped", () => {
  it("raise one event for each of 30 handles, however often they use them", async () => {
    const raised: unknown[] = [];
    const ownership = new Ownership({ staleAfter: () => MINUTE, onEvent: (news) => void raised.push(news) });
    const tenants = [aTenant({ records: "unscoped" }), beta({ records: "unscoped" })];
    for (let round = 0; round < 3; round++)
      for (let handle = 1; handle <= 30; handle++)
        for (const tenant of tenants) ownership.requestLease(tenant, String(handle), false);
    expect(raised).toMatchObject(
      Array.from({ length: 30 }, (_, at) => ({ kind: "shared-use", handle: String(at + 1) })),
    );
    await ownership.close();
  });
});
