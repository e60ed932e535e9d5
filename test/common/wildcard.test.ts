import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wildcard } from "../../src/common/wildcard.ts";

/** The same as a regular expression, which says what is meant and may take very long. */
const meant = (pattern: string, least: number): RegExp => {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(`[^]{${least},}`)}$`);
};

describe("a pattern with *", () => {
  it.each([
    ["ivr-*", "ivr-bank", true],
    ["ivr-*", "ivr-", true],
    ["ivr-*", "ivr", false],
    ["*-bank", "ivr-bank", true],
    ["*", "", true],
    ["**", "x", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["ab*bc", "abc", false],
    ["*b*b*", "b", false],
    ["*a*b", "bab", true],
    ["a.c", "abc", false],
    ["a*\n*c", "a\nc", true],
    ["", "", true],
    ["", "a", false],
  ])("matches: %j with %j gives %s", (pattern, text, taken) => expect(wildcard(pattern)(text)).toBe(taken));

  it.each([
    ["ors-*", "ors-", false],
    ["ors-*", "ors-1", true],
    ["*a*", "bab", true],
    ["*a*", "aab", true],
    ["*a*", "ab", false],
    ["a**a", "aba", false],
    ["a**a", "abca", true],
  ])("with at least one character per star matches: %j with %j gives %s", (pattern, text, taken) =>
    expect(wildcard(pattern, 1)(text)).toBe(taken),
  );

  it("matches the same texts as the equivalent regular expression", () => {
    const texts = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 9 }).map((signs) => signs.join(""));
    fc.assert(
      fc.property(texts, texts, fc.constantFrom(0, 1), (pattern, text, least) => {
        expect(wildcard(pattern, least)(text)).toBe(meant(pattern, least).test(text));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ["six stars and no end", "*a*a*a*a*a*a", 140],
    ["a star after every letter", `${"a*".repeat(60)}b`, 140],
    ["a hundred stars", `${"*a".repeat(100)}*b`, 20_000],
  ])("is matched in linear time: %s", (_what, pattern, length) => {
    const takes = wildcard(pattern);
    const text = `${"a".repeat(length)}c`;
    const start = process.threadCpuUsage();
    for (let round = 0; round < 100; round++) expect(takes(text)).toBe(false);
    expect(process.threadCpuUsage(start).user / 1000).toBeLessThan(500);
  });
});
