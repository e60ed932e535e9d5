/**
 * A faulty part that is put in the place of a real one, to show that the simulation finds it. Each is a behaviour that
 * the product once had, or that leaves out one of the rules of record ownership.
 */
import type { Records } from "../../../src/app/wiring/ownership.ts";
import type { StoreThread } from "../../../src/ownership/ownership.ts";
import type { Variant } from "../config.ts";
import type { FaultKind } from "../faults.ts";
import type { Fault, Plan } from "../nemesis.ts";
import type { World } from "../world.ts";

export type Mutant = {
  readonly name: string;
  /** The letter of the fault in the list of faults for which the simulation was made. */
  readonly shows: string;
  /** The invariants that it breaks. */
  readonly breaks: readonly string[];
  /** What makes it meet the faults that show it often: a part of the seed's plan. */
  readonly plan?: Partial<Plan>;
  /** Another mutant that is a part of this one, and passes the same seed. */
  readonly besides?: string;
  /** Of the config. */
  readonly variant?: Partial<Variant>;
  readonly storeThread?: (thread: StoreThread) => StoreThread;
  readonly records?: (records: Records) => Records;
  /** Puts faulty methods in for the time of a run. Returns the function that puts the real ones back. */
  readonly install?: (world: World) => () => void;
};

export const NONE: Mutant = { name: "none", shows: "", breaks: [] };

/** These faults by turns, all through the storm. */
export const often = (...kinds: readonly [FaultKind, ...FaultKind[]]): readonly Fault[] =>
  Array.from({ length: 10 }, (_, turn) => ({
    kind: kinds[turn % kinds.length]!,
    at: 150 + turn * 130,
    lasts: 1000,
    dice: String(turn),
  }));

/** A method as it is found on a prototype, to be called with `call`. */
export const methodOf = <Class extends object, Name extends keyof Class>(prototype: Class, name: Name): Class[Name] =>
  prototype[name];

/** The methods of these prototypes for the time of a run. */
export const replaced = <Class extends object>(prototype: Class, methods: Partial<Class>): (() => void) => {
  const before = Object.getOwnPropertyDescriptors(prototype);
  Object.assign(prototype, methods);
  return () => {
    for (const name of Object.keys(methods)) Object.defineProperty(prototype, name, before[name as keyof Class]!);
  };
};
