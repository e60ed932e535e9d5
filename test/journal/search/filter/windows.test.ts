import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, parseFilter } from "../../../../src/journal/search/filter/filter.ts";
import { timeWindow } from "../../../../src/journal/search/filter/windows.ts";
import type { Fields } from "../../../../src/journal/search/transaction.ts";

const NOW = Date.parse("2026-11-22T12:30:00Z");
const HOUR = 3_600_000_000;
const MIDNIGHT = Date.parse("2026-11-22T00:00:00Z") * 1000;

/** Filters of hours of one day. */
const filters = fc.letrec<{ one: string }>((tie) => ({
  one: fc.oneof(
    { depthSize: "small" },
    fc.integer({ min: 0, max: 23 }).map((hour) => `since:${hour}:00`),
    fc.integer({ min: 0, max: 23 }).map((hour) => `until:${hour}:00`),
    fc.integer({ min: 0, max: 22 }).map((hour) => `time:${hour}:00..${hour + 1}:00`),
    fc.tuple(tie("one"), tie("one")).map(([left, right]) => `(${left} ${right})`),
    fc.tuple(tie("one"), tie("one")).map(([left, right]) => `(${left} OR ${right})`),
    tie("one").map((inner) => `-(${inner})`),
  ),
})).one;

const moments = Array.from({ length: 48 }, (_, half) => MIDNIGHT + (half * HOUR) / 2);
const takes = (text: string): number[] => {
  const { expression } = parseFilter(text, NOW);
  return moments.filter((time) => evaluate(expression, { time } as Fields));
};

describe("the time window of a filter", () => {
  it("contains exactly the times that the filter matches", () => {
    fc.assert(
      fc.property(filters, (text) => {
        let window;
        try {
          window = timeWindow(parseFilter(text, NOW).expression, (_place, message) => new Error(message));
        } catch {
          return;
        }
        expect([text, moments.filter((time) => window.some(([from, to]) => time >= from && time <= to))]).toEqual([
          text,
          takes(text),
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  it("is empty only if no time matches: a refused filter without OR matches nothing", () => {
    const conjunctions = fc.array(
      fc
        .constantFrom("since:", "-until:", "until:", "-since:")
        .chain((key) => fc.integer({ min: 0, max: 23 }).map((hour) => `${key}${hour}:00`)),
      { minLength: 2, maxLength: 4 },
    );
    fc.assert(
      fc.property(conjunctions, (parts) => {
        const [from, to] = parts.reduce(
          ([least, most], part) => {
            const hour = Number(/(\d+):00/.exec(part)![1]);
            if (part.startsWith("since")) return [Math.max(least, hour), most];
            if (part.startsWith("-until")) return [Math.max(least, hour + 1 / 60), most];
            return part.startsWith("until")
              ? [least, Math.min(most, hour + 1 / 60 - 1e-9)]
              : [least, Math.min(most, hour - 1e-9)];
          },
          [-Infinity, Infinity],
        );
        const parse = (): unknown => parseFilter(parts.join(" "), NOW);
        if (from > to) expect(parse).toThrow(/no entry can fit/);
        else expect(parse).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
