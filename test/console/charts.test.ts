/** What charts compute: places of labels, the shared cursor, rates, and texts of numbers. */
import { afterEach, describe, expect, it } from "vitest";
import type { Series, Tenant } from "../../src/admin/api/now-schema.ts";
import { chartsOf as tenantCharts } from "../../src/console/pages/tenants/charts.ts";
import { chartsOf as upstreamCharts } from "../../src/console/pages/upstreams/charts.ts";
import { cursor, moveCursor, placeOf } from "../../src/console/parts/chart/cursor.ts";
import { APART, apart, levelsOf } from "../../src/console/parts/chart/layout.ts";
import { codeLines, label, outcomeLines, ratesIn, wholeSteps } from "../../src/console/parts/chart/request-lines.ts";
import { edgesOf } from "../../src/console/parts/chart/plot.ts";
import { hasNothing, shortNumber, valueOf } from "../../src/console/parts/chart/values.ts";

afterEach(() => (cursor.value = undefined));

describe("labels", () => {
  it.each([
    [[10, 60, 95], 120, [10, 60, 95]],
    [[50, 50, 50], 120, [50, 67, 84]],
    [[115, 115], 120, [86, 103]],
    [[0, 0, 0, 0], 60, [0, 9, 26, 43]],
  ])("that want the places %j in %i pixels stand at %j", (wanted, room, places) => {
    expect(apart(wanted, room)).toEqual(places);
  });

  it("keep the order of their lines, and never overlap where there is room", () => {
    const tops = apart([80, 20, 79, 21, 78], 120);
    const sorted = tops.toSorted((one, other) => one - other);
    expect(sorted.slice(1).every((top, index) => top - sorted[index]! >= APART)).toBe(true);
    expect([tops[1]! < tops[3]!, tops[4]! < tops[2]!, tops[2]! < tops[0]!]).toEqual([true, true, true]);
  });
});

describe("marks of events", () => {
  it.each([
    [
      [10, 100, 200],
      [0, 0, 0],
    ],
    [
      [10, 10, 10],
      [0, 1, 2],
    ],
    [
      [10, 16, 22, 28],
      [0, 1, 2, 0],
    ],
    [
      [10, 22, 23],
      [0, 1, 0],
    ],
    [
      [5, 5, 5, 5, 5, 5, 5],
      [0, 1, 2, 3, 4, 5, 0],
    ],
  ])("at the places %j stand in the rows %j, so that none covers another", (places, levels) => {
    expect(levelsOf(places)).toEqual(levels);
  });
});

describe("the cursor", () => {
  const times = [100, 110, 120];

  it.each([
    [undefined, 2],
    [0, 0],
    [104, 0],
    [106, 1],
    [999, 2],
  ])("at %s is at place %i", (at, place) => expect(placeOf(times, at)).toBe(place));

  it("moves by keys, stops at the oldest value, and lets go after the newest", () => {
    const moved = [-1, -1, -1, 1, 1, 1].map((by) => {
      moveCursor(times, by);
      return cursor.value;
    });
    expect(moved).toEqual([110, 100, 100, 110, 120, undefined]);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.0042, "0.004"],
    [0.4, "0.4"],
    [9.876, "9.88"],
    [41.23, "41.2"],
    [1204.4, "1,204"],
  ])("%f is written %s", (value, text) => expect(shortNumber(value)).toBe(text));

  it("that are not known are written as a dash, not as 0", () => {
    expect([valueOf(null, shortNumber), valueOf(undefined, shortNumber), valueOf(0, shortNumber)]).toEqual([
      "–",
      "–",
      "0",
    ]);
  });
});

const aSeries = (over: Partial<Series> = {}): Series => {
  const zeros = [0, 0, 0];
  return {
    step_s: 60,
    times: [0, 60, 120],
    seconds: [30, 60, 60],
    ok: [30, 120, 60],
    ocs_no: zeros,
    refused: zeros,
    no_answer: zeros,
    queue_p50_ms: [null, 1, 1],
    queue_p95_ms: [null, 1, 1],
    queue_p99_ms: [null, 1, 1],
    ocs_p50_ms: [null, 1, 1],
    ocs_p95_ms: [null, 1, 1],
    lanes_used: zeros,
    dnc_asked: zeros,
    dnc_confirmed: zeros,
    dnc_open: [null, 0, 0],
    gone: zeros,
    would_refuse: zeros,
    codes: { refused: [{ code: "OCSGW-2103", total: 2, counts: [0, 1, 1] }], no_answer: [], would_refuse: [] },
    ...over,
  };
};

describe("rates", () => {
  it("are by the seconds that were counted, not by the whole step", () => {
    expect(ratesIn(aSeries().ok, aSeries())).toEqual([1, 2, 1]);
  });

  it.each([
    [3, 2],
    [15, 3],
    [60, 3],
  ])("with a last step of %i of 60 seconds are drawn for %i steps", (seconds, steps) => {
    const { times, ok, codes } = wholeSteps(aSeries({ seconds: [30, 60, seconds] }));
    expect([times.length, ok.length, codes.refused[0]!.counts.length]).toEqual([steps, steps, steps]);
  });

  it("of a first step that has only begun are drawn, because there is nothing else", () => {
    const short = aSeries({ times: [0], seconds: [1], ok: [1] });
    expect(wholeSteps(short).times).toEqual([0]);
  });
});

describe("lines of a chart", () => {
  it("differ in dash and pattern, not in hue alone", () => {
    const six = Array.from({ length: 6 }, (_, index) => ({ code: `OCSGW-210${index}`, total: 1, counts: [1, 1, 1] }));
    for (const lines of [
      outcomeLines(aSeries()),
      codeLines(aSeries({ codes: { refused: six, no_answer: [], would_refuse: [] } }), "refused", 101),
    ]) {
      expect(new Set(lines.map(({ hue, dash = "solid" }) => `${hue} ${dash}`)).size).toBe(lines.length);
      expect(new Set(lines.map(({ pattern }) => pattern)).size).toBe(lines.length);
    }
  });

  it("of codes lead to the flows of the tenant", () => {
    const one = [{ code: "OCSGW-2103", total: 1, counts: [1, 0, 0] }];
    const series = aSeries({ codes: { refused: one, no_answer: [], would_refuse: one } });
    expect((["refused", "would_refuse"] as const).map((as) => codeLines(series, as, 101)[0]!.href)).toEqual([
      "/flows?filter=tenant%3A101+code%3AOCSGW-2103+since%3A1h",
      "/flows?filter=tenant%3A101+would%3AOCSGW-2103+since%3A1h",
    ]);
  });

  it("have a name also for all other codes together", () => {
    const codes = { refused: [{ code: null, total: 1, counts: [1, 0, 0] }], no_answer: [], would_refuse: [] };
    expect(codeLines(aSeries({ codes }), "refused", 101).map((line) => [line.label, line.href])).toEqual([
      ["other codes", undefined],
    ]);
  });
});

describe("a chart of lines that are all 0", () => {
  const upstream = { name: "ocs", queue: { max: 10, max_wait_ms: 5000 }, connections: 4, switchovers: [] };
  const tenant = { name: "Alpha", dbid: 101, upstream: "ocs", mode: "enforce", lanes_entitled: null, lanes_max: 4 };
  const unused = [null, null, null];

  it.each([
    ["says so when no request was sent", unused, true],
    ["draws 0 when requests were sent, in so short a time that their lanes are 0 on average", [null, 2, 2], false],
  ])("%s", (_what, ocs_p95_ms, isEmpty) => {
    const series = aSeries({ ocs_p95_ms, ocs_p50_ms: ocs_p95_ms });
    const ofTenant = { tenant, queue: upstream.queue, markers: [], probing_per_minute: 1, series };
    const lanes = [
      upstreamCharts(upstream as unknown as Parameters<typeof upstreamCharts>[0], series).at(-1)!,
      tenantCharts({ ...ofTenant, counted_since: "2026-01-01T00:00:00Z" } as unknown as Tenant)[3]!,
    ];
    expect(lanes.map((each) => [each.title, hasNothing(each)])).toEqual([
      ["Lanes in use, on average", isEmpty],
      ["Lanes in use, on average", isEmpty],
    ]);
  });

  it.each([
    [[0, null], undefined, true],
    [[0, 0.1], undefined, false],
    [[0, null], true, false],
    [[null, null], true, true],
  ])("with the values %j, and drawsZero %s, is empty: %s", (values, drawsZero, isEmpty) => {
    expect(hasNothing({ lines: [{ values }], ...(drawsZero !== undefined && { drawsZero }) })).toBe(isEmpty);
  });
});

describe("the edges of a stacked chart", () => {
  const edges = (...columns: (number | null)[][]) =>
    edgesOf({
      times: columns[0]!.map((_, place) => 60 * place),
      lines: columns.map((values, line) => ({ label: `${line}`, values, hue: "ok" })),
      stacked: true,
      limit: undefined,
      format: String,
      clock: String,
    });

  it("are absent for a layer that is 0, above which the next one stands", () => {
    expect(edges([1, 3, 1], [0, 0, 0], [2, 2, 2])).toEqual([
      [1, 3, 1],
      [null, null, null],
      [3, 5, 3],
    ]);
  });

  it("begin and end on the layer below, next to the values that are not 0", () => {
    expect(edges([5, 5, 5, 5, 5], [0, 0, 1, 0, 0])[1]).toEqual([null, 5, 6, 5, null]);
  });
});

describe("a label in PromQL", () => {
  it.each([
    ["Alpha Tenant", '"Alpha Tenant"'],
    ['A "quoted" \\ name', '"A \\"quoted\\" \\\\ name"'],
  ])("%s is %s", (name, text) => expect(label(name)).toBe(text));
});
