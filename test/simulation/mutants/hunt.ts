/**
 * Looks for a seed that shows a mutant: it breaks one of the invariants that it is said to break, and the real parts
 * pass the same seed.
 */
import { explore } from "../explore.ts";
import type { Outcome } from "../simulate.ts";
import type { Mutant } from "./mutant.ts";

/** Seeds that are tried at a time. */
const SHARE = 100;

export const hunt = async (
  { name, breaks }: Mutant,
  seeds: readonly string[],
  steps: number,
): Promise<Outcome | undefined> => {
  for (let at = 0; at < seeds.length; at += SHARE) {
    const failed = await explore({ seeds: seeds.slice(at, at + SHARE), steps, mutant: name });
    for (const outcome of failed) {
      const isIts = breaks.includes(outcome.violations[0]!.invariant);
      if (isIts && (await explore({ seeds: [outcome.seed], steps })).length === 0) return outcome;
    }
  }
  return undefined;
};
