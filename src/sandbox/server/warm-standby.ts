/** Primary and backup in warm standby, over one world: one instance is active, and a switchover changes which. */
import type { Events, Firing } from "../faults/kinds.ts";
import type { Faults } from "../faults/faults.ts";
import { beginRun } from "../world/handles.ts";
import { callAfter } from "../faults/cancellable-wait.ts";
import type { Ocs } from "../ocs.ts";
import { createRecorder, type Instance, type Recorder } from "./recorder.ts";
import { createWire, type FlowOf, type Wire } from "./listeners.ts";
import type { World } from "../world/world.ts";

export type Pair = {
  readonly primary: Wire;
  readonly backup: Wire;
  readonly recorder: Recorder;
  readonly events: Events;
  /** The instance that answers now, or after the gap of a switchover. */
  readonly active: () => Instance;
  /** False during the gap of a switchover, and while both instances are down. */
  readonly answers: () => boolean;
  /**
   * Makes the other instance active and returns it. Closes the connections of the new backup and voids all record
   * handles.
   */
  readonly switchover: (gap?: Firing) => Instance;
  /** Makes the primary active, as at the start. */
  readonly resetRoles: () => void;
  /** Aborts at the next resetRoles. */
  readonly untilReset: () => AbortSignal;
  /** Resolves when the listeners are in their new state. */
  readonly settled: () => Promise<unknown>;
};

export const createPair = (world: World, ocs: Ocs, faults: Faults, flowOf?: FlowOf): Pair => {
  const recorder = createRecorder();
  let active: Instance = "primary";
  const gaps = new Set<object>();
  const outages = new Set<object>();
  const standby = { refuses: new Set<object>(), accepts: new Set<object>() };
  let rising: Promise<unknown> = Promise.resolve();
  let era = new AbortController();

  const switchover = (gap?: Firing): Instance => {
    activate(active === "primary" ? "backup" : "primary");
    world.db.transaction(() => {
      beginRun(world);
    });
    if (gap?.value !== undefined) hold(gaps, gap, () => {});
    return active;
  };
  const fall = (outage: Firing): void => {
    for (const wire of both) wire.fall();
    hold(outages, outage, arrange);
  };
  /** Opens or closes the listeners of each instance to match the active faults. */
  const arrange = (): void => {
    const refuses = (instance: Instance): boolean =>
      outages.size > 0 || (standby.refuses.size > 0 && instance !== active);
    const listens = instances.filter((instance) => !refuses(instance));
    for (const instance of instances) if (refuses(instance)) wires[instance].refuse();
    rising = Promise.all(listens.map((instance) => wires[instance].listenAgain()));
  };
  const events: Events = {
    switchover,
    fall,
    closeIdle: () => {
      for (const wire of both) wire.closeIdle();
    },
    standby: (does, firing) => {
      hold(standby[does], firing, arrange);
      arrange();
    },
  };

  const wireFor = (instance: Instance): Wire =>
    createWire({
      instance,
      world,
      ocs,
      faults,
      events,
      recorder,
      flowOf,
      isPrimary: () => active === instance && gaps.size === 0,
      isSilent: () => standby.accepts.size > 0 && active !== instance,
    });
  const instances = ["primary", "backup"] as const;
  const wires = { primary: wireFor("primary"), backup: wireFor("backup") };
  const both = [wires.primary, wires.backup];
  const activate = (instance: Instance): void => {
    if (active === instance) return;
    wires[active].closeConnections();
    active = instance;
    arrange();
  };
  const resetRoles = (): void => {
    era.abort();
    era = new AbortController();
    activate("primary");
  };
  return {
    ...wires,
    recorder,
    events,
    active: () => active,
    answers: () => gaps.size === 0 && outages.size === 0,
    switchover,
    resetRoles,
    untilReset: () => era.signal,
    settled: () => rising,
  };
};

/** Keeps an entry in the set until the firing expires or is removed. Calls `ended` when the set becomes empty. */
const hold = (holding: Set<object>, { value, over }: Firing, ended: () => void): void => {
  const one = {};
  holding.add(one);
  callAfter(value, over, () => {
    holding.delete(one);
    if (holding.size === 0) ended();
  });
};
