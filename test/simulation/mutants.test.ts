/** Each faulty part that is put back is found by the simulation, which passes the same seed without it. */
import { describe, expect, it } from "vitest";
import { seedsFrom } from "./explore.ts";
import { MUTANTS } from "./mutants/all.ts";
import { hunt } from "./mutants/hunt.ts";
import { SEEDS } from "./mutants/seeds.ts";

const STEPS = 2000;
/** Seeds that a mutant may hide from. */
const BUDGET = 60;

describe("the simulation with a faulty part", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "finds %s",
    async (name, mutant) => {
      const known = SEEDS[name] ?? 1;
      const found = await hunt(mutant, [String(known), ...seedsFrom(known + 1, BUDGET)], STEPS);
      expect(mutant.breaks).toContain(found?.violations[0]?.invariant);
    },
    900_000,
  );

  it("shows each fault that it was made for", () => {
    expect([...new Set(MUTANTS.map(({ shows }) => shows))].toSorted().join("")).toBe("abcdefghjklmno");
  });
});
