import { describe, expect, it } from "vitest";
import { showProgress, type ProgressOptions } from "../../../src/cli/process/progress.ts";

const ERASE = "\r\u001b[K";

/** A screen whose texts are kept, and a clock that the test sets. */
const terminal = (
  { isTTY = true, columns = 120 }: { readonly isTTY?: boolean; readonly columns?: number } = {},
  env: ProgressOptions["env"] = {},
) => {
  const written: string[] = [];
  const clock = { at: 1000 };
  const options = { screen: { isTTY, columns, write: (text: string) => written.push(text) }, now: () => clock.at, env };
  return { written, clock, options };
};

describe("progress", () => {
  it("is not shown in the first two seconds", () => {
    const { written, clock, options } = terminal();
    const { reach, end } = showProgress("verifying", 100, options);
    for (clock.at = 1000; clock.at < 3000; clock.at += 50) reach(10);
    end();
    expect(written).toEqual([]);
  });

  it("shows a bar, the share, the amount and the time left after that", () => {
    const { written, clock, options } = terminal();
    const { reach } = showProgress("verifying", 4_000_000, { ...options, unit: "entries" });
    reach(0);
    clock.at += 4000;
    reach(1_000_000);
    expect(written).toEqual([`${ERASE}verifying  [#####---------------]  25 %  1,000,000 entries  12 s left`]);
  });

  it("is drawn at most five times a second", () => {
    const { written, clock, options } = terminal();
    const { reach } = showProgress("verifying", 1000, options);
    clock.at += 2000;
    for (let done = 0; done < 1000; done++, clock.at++) reach(done);
    expect(written).toHaveLength(5);
  });

  it("removes its line at the end", () => {
    const { written, clock, options } = terminal();
    const { reach, end } = showProgress("verifying", 100, options);
    clock.at += 2000;
    reach(50);
    end();
    end();
    expect(written.slice(1)).toEqual([ERASE]);
  });

  it.each([
    ["standard error is not a terminal", terminal({ isTTY: false })],
    ["the terminal is dumb", terminal({}, { TERM: "dumb" })],
  ])("shows nothing when %s", (_, { written, clock, options }) => {
    const { reach, end } = showProgress("verifying", 100, options);
    clock.at += 10_000;
    reach(50);
    end();
    expect(written).toEqual([]);
  });

  it.each([
    { of: "less than a minute", seconds: 59, left: "59 s left" },
    { of: "minutes", seconds: 125, left: "2 min 5 s left" },
    { of: "hours", seconds: 3780, left: "1 h 3 min left" },
  ])("states $of left", ({ seconds, left }) => {
    const { written, clock, options } = terminal();
    const { reach } = showProgress("indexing", 2 * seconds, options);
    reach(0);
    clock.at += seconds * 1000;
    reach(seconds);
    expect(written.at(-1)).toContain(left);
  });

  it("counts the time left from what this run did, not from what was there before", () => {
    const { written, clock, options } = terminal();
    const { reach } = showProgress("indexing", 1000, options);
    reach(900);
    clock.at += 5000;
    reach(950);
    expect(written.at(-1)).toContain("5 s left");
  });

  it.each([
    { of: "no total", total: undefined, done: 1234, line: "indexing  1,234 entries" },
    { of: "nothing to do", total: 0, done: 0, line: "indexing  [####################]  100 %  0 entries" },
    { of: "more than the total", total: 10, done: 12, line: "indexing  [####################]  100 %  12 entries" },
    { of: "no second reading", total: 10, done: 5, line: "indexing  [##########----------]  50 %  5 entries" },
  ])("states no time left with $of", ({ total, done, line }) => {
    const { written, clock, options } = terminal();
    const { reach } = showProgress("indexing", total, { ...options, unit: "entries" });
    clock.at += 2000;
    reach(done);
    expect(written.at(-1)!.replace(ERASE, "")).toBe(line);
  });

  it("fits a narrow terminal, so that a line is never wrapped", () => {
    const { written, clock, options } = terminal({ columns: 20 });
    const { reach } = showProgress("verifying", 100, options);
    clock.at += 2000;
    reach(50);
    expect(written.at(-1)!.slice(ERASE.length)).toHaveLength(19);
  });
});
