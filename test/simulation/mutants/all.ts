/** Every mutant by name. Each name begins with the letter of the fault that it shows. */
import { NONE, type Mutant } from "./mutant.ts";
import { OWNERSHIP_MUTANTS } from "./ownership.ts";
import { SHARED_MUTANTS } from "./shared.ts";
import { STORE_MUTANTS } from "./store.ts";
import { UPSTREAM_MUTANTS } from "./upstream.ts";

export const MUTANTS: readonly Mutant[] = [
  ...OWNERSHIP_MUTANTS,
  ...STORE_MUTANTS,
  ...UPSTREAM_MUTANTS,
  ...SHARED_MUTANTS,
];

/** Throws for a name that there is not. */
export const mutantBy = (name: string): Mutant => {
  const found = [NONE, ...MUTANTS].find((mutant) => mutant.name === name);
  if (!found) throw new Error(`no mutant is called ${name}`);
  return found;
};
