/** Primary and backup over one world: warm standby. Who answers is said in one place, and a switchover changes it. */
import type { Events, Firing } from "./fault-kinds.ts";
import type { Faults } from "./faults.ts";
import { beginRun } from "./handles.ts";
import { lapse } from "./lapse.ts";
import type { Ocs } from "./ocs.ts";
import { createRecorder, type Instance, type Recorder } from "./recorder.ts";
import { createWire, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

export type Pair = {
  readonly primary: Wire;
  readonly backup: Wire;
  readonly recorder: Recorder;
  readonly events: Events;
  /** Which instance answers now, or will when the gap of a switchover is over. */
  readonly active: () => Instance;
  /** The other instance answers from now on; connections of the one that becomes backup are closed, and no record handle survives. */
  readonly switchover: (gap?: Firing) => Instance;
  /** The roles of the start. */
  readonly resetRoles: () => void;
  /** Aborts with the next resetRoles. */
  readonly untilReset: () => AbortSignal;
  /** Resolves when the listeners are as they should be. */
  readonly settled: () => Promise<unknown>;
};

export const createPair = (world: World, ocs: Ocs, faults: Faults): Pair => {
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
  /** Who does not refuse connections listens. */
  const arrange = (): void => {
    const refuses = (instance: Instance): boolean =>
      outages.size > 0 || (standby.refuses.size > 0 && instance !== active);
    const listens = instances.filter((instance) => !refuses(instance));
    for (const instance of instances) if (refuses(instance)) wires[instance].refuse();
    rising = Promise.all(listens.map((instance) => wires[instance].rise()));
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
    switchover,
    resetRoles,
    untilReset: () => era.signal,
    settled: () => rising,
  };
};

/** Stands in the set until its time is up or its fault is gone; the last one out ends what they held. */
const hold = (holding: Set<object>, { value, over }: Firing, ended: () => void): void => {
  const one = {};
  holding.add(one);
  lapse(value, over, () => {
    holding.delete(one);
    if (holding.size === 0) ended();
  });
};
