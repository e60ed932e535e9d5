/**
 * Makes a failing run smaller: without the faults, clients and steps that it does not need to break the same
 * invariant.
 */
import { simulate, type Outcome, type RunOptions } from "./simulate.ts";
import type { Plan } from "./nemesis.ts";

const MOST_RUNS = 80;

export const shrink = async (run: RunOptions, failed: Outcome): Promise<Outcome> => {
  let best = failed;
  let runs = 0;
  const invariant = failed.violations[0]!.invariant;
  /** True when the smaller plan fails in the same way, and then it is the best. */
  const attempt = async (change: Partial<Plan>): Promise<boolean> => {
    if (runs++ >= MOST_RUNS) return false;
    const outcome = await simulate({ ...run, plan: { ...best.plan, ...change } });
    if (outcome.violations[0]?.invariant !== invariant) return false;
    best = outcome;
    return true;
  };
  for (
    let size = Math.ceil(best.plan.faults.length / 2);
    size >= 1 && best.plan.faults.length > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.plan.faults.length;) {
      const faults = best.plan.faults.filter((_, index) => index < at || index >= at + size);
      if (!(await attempt({ faults }))) at += size;
    }
  }
  const { agents } = best.plan;
  if (agents.strays) await attempt({ agents: { ...best.plan.agents, strays: false } });
  if (agents.abandons) await attempt({ agents: { ...best.plan.agents, abandons: false } });
  for (let clients = agents.clients - 1; clients > 0; clients--)
    if (!(await attempt({ agents: { ...best.plan.agents, clients } }))) break;
  if (best.plan.validator) await attempt({ validator: false });
  return best;
};
