/** Every mutant by name. */
import { NONE, type Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [];

/** Throws for a name that there is not. */
export const mutantBy = (name: string): Mutant => {
  const found = [NONE, ...MUTANTS].find((mutant) => mutant.name === name);
  if (!found) throw new Error(`no mutant is called ${name}`);
  return found;
};
