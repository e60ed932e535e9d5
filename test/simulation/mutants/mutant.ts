/** A faulty part that is put in the place of a real one, to show that the simulation finds it. Each member leaves the part as it is unless a mutant overrides it. */
import type { Records } from "../../../src/assemble/ownership.ts";
import type { StoreThread } from "../../../src/tenants/ownership.ts";

export type Mutant = {
  readonly name: string;
  readonly storeThread: (thread: StoreThread) => StoreThread;
  readonly records: (records: Records) => Records;
};

export const NONE: Mutant = { name: "none", storeThread: (thread) => thread, records: (records) => records };
