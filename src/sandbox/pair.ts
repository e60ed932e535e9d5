/** Primary and backup over one world: warm standby. Who answers is said in one place, and a switchover changes it. */
import type { Handler } from "../message.ts";
import { voidHandles } from "./handles.ts";
import { createRecorder, type Instance, type Recorder } from "./recorder.ts";
import { createWire, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

export type Pair = {
  readonly primary: Wire;
  readonly backup: Wire;
  readonly recorder: Recorder;
  /** Which instance answers now. */
  readonly active: () => Instance;
  /** The other instance answers from now on; connections of the one that becomes backup are closed, and no record handle survives. */
  readonly switchover: () => Instance;
  /** The roles of the start. */
  readonly resetRoles: () => void;
};

export const createPair = (world: World, handler: Handler): Pair => {
  const recorder = createRecorder();
  let active: Instance = "primary";
  const wireFor = (instance: Instance): Wire =>
    createWire({ instance, handler, recorder, isPrimary: () => active === instance, now: world.clock.now });
  const wires = { primary: wireFor("primary"), backup: wireFor("backup") };
  const activate = (instance: Instance): void => {
    if (active === instance) return;
    wires[active].closeConnections();
    active = instance;
  };
  return {
    ...wires,
    recorder,
    active: () => active,
    switchover: () => {
      activate(active === "primary" ? "backup" : "primary");
      world.db.transaction(() => { voidHandles(world); });
      return active;
    },
    resetRoles: () => { activate("primary"); },
  };
};
