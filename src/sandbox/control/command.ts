/** The arguments of a command of the control API. */
import type { Dialer } from "../dialer/dialer.ts";
import type { Faults } from "../faults/faults.ts";
import type { Pair } from "../server/warm-standby.ts";
import type { World } from "../world/world.ts";

export type ControlParts = {
  readonly world: World;
  readonly pair: Pair;
  readonly faults: Faults;
  readonly dialer: Dialer;
};

/** `id`: the last segment of the path, for a command whose path ends in <id>. Throws ControlError. */
export type Command = (parts: ControlParts, body: unknown, id: string) => unknown;
