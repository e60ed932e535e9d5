/**
 * The simulation's own tests: a thousand seeds break no invariant, a seed decides everything, and those that failed
 * once stay fixed.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explore, seedsFrom } from "./explore.ts";
import { often } from "./mutants/mutant.ts";
import { TWO_GATEWAYS } from "./mutants/shared.ts";
import type { Outcome } from "./simulate.ts";

const STEPS = 2000;
const TWO = { ...TWO_GATEWAYS, faults: often("cutFromDatabase") };
/** Only a run that hangs takes so long. */
const LIMIT_MS = 900_000;

const inWords = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap(({ seed, violations: [first] }) =>
    first ? [`seed ${seed}, step ${first.step}: ${first.invariant}: ${first.what}`] : [],
  );

describe("the simulation", () => {
  it(
    "finds no broken invariant in 1,000 seeds of 2,000 steps",
    async () => {
      expect(inWords(await explore({ seeds: seedsFrom(1, 1000), steps: STEPS }))).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    "finds no broken invariant in the seeds that failed once",
    async () => {
      const kept = readFileSync(new URL("seeds.txt", import.meta.url), "utf8")
        .split("\n")
        .filter((line) => /^\d/.test(line))
        .map((line) => line.split(" ", 1)[0]!);
      expect(kept.length).toBeGreaterThan(0);
      expect(inWords(await explore({ seeds: kept, steps: STEPS }))).toEqual([]);
    },
    LIMIT_MS,
  );

  it.each([
    ["of all kinds", { gateways: 2 }],
    ["that meet while handles are given out again", TWO],
  ])(
    "finds no broken invariant in 36 seeds of two gateways with faults %s",
    async (_kinds, plan) => {
      expect(inWords(await explore({ seeds: seedsFrom(1, 36), steps: STEPS, plan }))).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    "runs a seed the same way each time",
    async () => {
      const seeds = seedsFrom(1, 4);
      const twice = async (): Promise<number[]> =>
        (await explore({ seeds: ["1"], steps: 1200, plan: TWO, tellsAll: true })).map(({ digest }) => digest);
      expect(await twice()).toEqual(await twice());
      const digests = async (): Promise<number[]> =>
        (await explore({ seeds, steps: 1200, threads: 1, tellsAll: true })).map(({ digest }) => digest);
      const first = await digests();
      expect(first).toHaveLength(seeds.length);
      expect(await digests()).toEqual(first);
      expect(
        (await explore({ seeds: seeds.toReversed(), steps: 1200, threads: 1, tellsAll: true }))
          .map(({ digest }) => digest)
          .toReversed(),
      ).toEqual(first);
    },
    LIMIT_MS,
  );
});
