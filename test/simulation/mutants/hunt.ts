/**
 * Looks for a seed that shows a mutant: it breaks one of the invariants that it is said to break, and the real parts
 * pass the same seed with the same faults.
 */
import { explore } from "../explore.ts";
import type { Outcome } from "../simulate.ts";
import type { Mutant } from "./mutant.ts";

/** Seeds that are tried at a time. */
const SHARE = 20;

export const hunt = async (
  { name, breaks, plan = {}, besides }: Mutant,
  seeds: readonly string[],
  steps: number,
): Promise<Outcome | undefined> => {
  const passes = async (seed: string, mutant?: string): Promise<boolean> =>
    (await explore({ seeds: [seed], steps, plan, ...(mutant !== undefined && { mutant }) })).length === 0;
  // The first one alone: it is known to show it.
  for (let at = 0; at < seeds.length; at += at === 0 ? 1 : SHARE) {
    const failed = await explore({ seeds: seeds.slice(at, at === 0 ? 1 : at + SHARE), steps, mutant: name, plan });
    for (const outcome of failed) {
      if (!breaks.includes(outcome.violations[0]!.invariant) || !(await passes(outcome.seed))) continue;
      if (besides === undefined || (await passes(outcome.seed, besides))) return outcome;
    }
  }
  return undefined;
};
