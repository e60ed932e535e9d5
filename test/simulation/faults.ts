/** Each kind of fault, and how it is brought about. A fault ends by itself, or with the calm. */
import type { Ocs } from "./ocs.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export type FaultKind = "kill";
export type Scene = { readonly world: World; readonly pair: readonly [Ocs, Ocs]; readonly lasts: number; readonly random: Random; readonly isCalm: () => boolean };

export const FAULTS: Readonly<Record<FaultKind, (scene: Scene) => void>> = {
  kill: ({ world, lasts }) => world.kill(false, lasts),
};
