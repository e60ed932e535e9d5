import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CASES } from "./cases.ts";
import { RULES, VECTORS } from "./vectors.ts";

const root = new URL("../../", import.meta.url).pathname;
const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

/** Which of the named tests there are not: a file that is not there, or no such title in it. */
const missing = (tests: readonly string[]): string[] =>
  tests.filter((named) => {
    const [, file = "", title = ""] = /^(\S+): (.*)$/.exec(named) ?? [];
    try {
      return !readFileSync(`${root}${file}`, "utf8").includes(title);
    } catch {
      return true;
    }
  });

const tried = new Set(CASES.flatMap(({ vectors }) => vectors));

describe("the list of ways and rules", () => {
  it("has every number, and the table of cases none besides", () => {
    expect(Object.keys(VECTORS)).toEqual([...numbered("W", 27), ...numbered("D", 8), ...numbered("I", 9)]);
    expect(Object.keys(RULES)).toEqual(numbered("R", 30));
    expect([...tried].filter((vector) => VECTORS[vector] === undefined)).toEqual([]);
  });

  it.each(Object.entries(VECTORS))("%s is tried, or the contract says why not", (vector, { tests = [], replaced }) => {
    expect(missing(tests)).toEqual([]);
    if (replaced === undefined) expect(tried.has(vector) || tests.length > 0).toBe(true);
    else expect(replaced.length).toBeGreaterThan(40);
  });

  it.each(Object.entries(RULES))(
    "%s is at work in tests, or the contract says why not",
    (_rule, { by = [], replaced }) => {
      expect(by.filter((vector) => VECTORS[vector] === undefined || VECTORS[vector].replaced !== undefined)).toEqual(
        [],
      );
      if (replaced === undefined) expect(by.length).toBeGreaterThan(0);
      else expect(replaced.length).toBeGreaterThan(40);
    },
  );
});
