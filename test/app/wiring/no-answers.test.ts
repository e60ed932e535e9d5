/**
 * Requests without a complete answer: each one gets a log line or is counted in one, and a warning covers the last
 * minute.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createNoAnswers, type NoAnswers } from "../../../src/app/wiring/no-answers.ts";
import { events } from "../../../src/common/log/events.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";

let now: number;
let said: unknown[];
let leftOut: unknown[];
let noAnswers: NoAnswers;

beforeEach(() => {
  vi.useFakeTimers();
  [now, said, leftOut] = [1_000_000, [], []];
  vi.spyOn(events, "noAnswer").mockImplementation((line) => void said.push(line));
  vi.spyOn(events, "noAnswersSuppressed").mockImplementation((line) => void leftOut.push(line));
  noAnswers = createNoAnswers(() => now);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms: number): void => {
  now += ms;
  vi.advanceTimersByTime(ms);
};
let request = 0;
const observe = (code: string | undefined, { tenant = "Alpha Tenant", upstream = "ocs" } = {}): void =>
  noAnswers.observe(
    {
      arrival: { id: `01K${request++}` },
      tenant: { name: tenant, upstream },
      operation: { action: { name: "AddRecord" } },
      waits: { queue: 3, ocs: 15_000.4 },
      lane: `${upstream}/2`,
    },
    { ...(code !== undefined && { code }) },
  );
const times = (count: number, ...given: Parameters<typeof observe>): void => {
  for (let at = 0; at < count; at++) observe(...given);
};

describe("a request without a complete answer", () => {
  it.each(["OCSGW-4101", "OCSGW-4102", "OCSGW-4103"])(
    "has a log line with every field that an operator needs: %s",
    (code) => {
      noAnswers.observe(
        {
          arrival: { id: "01K" },
          tenant: { name: "Alpha Tenant", upstream: "ocs" },
          operation: { action: { name: "AddRecord" } },
          waits: { queue: 3, ocs: 15_000.4 },
          lane: "ocs/2",
        },
        { code },
      );
      expect(said).toEqual([
        { id: "01K", upstream: "ocs", tenant: "Alpha Tenant", action: "AddRecord", code, lane: "ocs/2", ms: 15_000 },
      ]);
    },
  );

  it("is one with these codes only", () => {
    for (const { code } of Object.values(REFUSALS)) if (!code.startsWith("OCSGW-41")) observe(code);
    observe(undefined);
    expect([said, noAnswers.warnings()]).toEqual([[], []]);
    expect(
      Object.values(REFUSALS)
        .filter(({ delivery }) => delivery === "sent-no-answer")
        .every(({ code }) => code.startsWith("OCSGW-41")),
    ).toBe(true);
  });

  it("is only counted after three log lines in ten seconds", () => {
    times(50, "OCSGW-4101");
    expect([said.length, leftOut]).toEqual([3, []]);
    pass(10_000);
    expect(leftOut).toEqual([{ upstream: "ocs", tenant: "Alpha Tenant", code: "OCSGW-4101", left_out: 47 }]);
    times(2, "OCSGW-4101");
    pass(10_000);
    expect([said.length, leftOut.length]).toEqual([5, 1]);
  });

  it("is logged whatever other upstreams, tenants or codes have logged", () => {
    times(10, "OCSGW-4101");
    observe("OCSGW-4102");
    observe("OCSGW-4101", { tenant: "Beta Tenant" });
    observe("OCSGW-4101", { upstream: "other" });
    expect(said.length).toBe(6);
  });

  it("is counted in a line when the gateway stops", () => {
    times(4, "OCSGW-4103");
    noAnswers.flush();
    noAnswers.flush();
    expect(leftOut).toEqual([{ upstream: "ocs", tenant: "Alpha Tenant", code: "OCSGW-4103", left_out: 1 }]);
    pass(20_000);
    expect(leftOut.length).toBe(1);
  });
});

describe("the warning about requests without an answer", () => {
  it("gives their number in the last minute, by upstream and cause", () => {
    times(2, "OCSGW-4101");
    observe("OCSGW-4102", { tenant: "Beta Tenant" });
    observe("OCSGW-4103", { upstream: "other" });
    expect(noAnswers.warnings()).toEqual([
      "3 requests without an answer in the last minute at upstream ocs: 2 timed out (OCSGW-4101), 1 lost their " +
        "connection (OCSGW-4102); OCS may have carried them out",
      "1 request without an answer in the last minute at upstream other: 1 got a malformed answer (OCSGW-4103); OCS " +
        "may have carried them out",
    ]);
  });

  it("ends after a minute", () => {
    observe("OCSGW-4101");
    pass(30_000);
    observe("OCSGW-4101");
    expect(noAnswers.warnings()[0]).toMatch(/^2 requests/);
    pass(31_000);
    expect(noAnswers.warnings()[0]).toMatch(/^1 request /);
    pass(30_000);
    expect(noAnswers.warnings()).toEqual([]);
  });
});
