/** The active faults: which requests they strike, how often they have struck, and when they expire. */
import type { ActionName } from "../../ocs/catalog.ts";
import type { Tenant } from "../world/directory.ts";
import { kindOf, type FaultKind, type Firing } from "./kinds.ts";
import { callAfter } from "./cancellable-wait.ts";
import { mulberry32 } from "../world/random.ts";
import type { Instance } from "../server/recorder.ts";
import type { Subject } from "./subject.ts";
import type { World } from "../world/world.ts";

export type FaultSpec = {
  readonly kind: FaultKind;
  /** `given`: as the user wrote it. `read`: milliseconds, bytes or a status. */
  readonly value?: { readonly given: string | number; readonly read: number };
  readonly action?: ActionName;
  readonly tenant?: Tenant;
  readonly count?: number;
  /** `of`: from 0 (never) to 1 (always). */
  readonly probability?: { readonly of: number; readonly seed: number };
  readonly for?: { readonly given: string; readonly ms: number };
};

export type FiringNote = {
  /** ISO 8601, by the sandbox's clock. */
  readonly time: string;
  readonly instance?: Instance;
  readonly connection?: number;
  readonly action?: ActionName;
  readonly tenant?: string;
  /** The id of the gateway's request, if a gateway of this process sent it. */
  readonly flow?: string;
};

export type Fault = {
  readonly id: string;
  readonly kind: FaultKind;
  readonly value?: string | number;
  readonly action?: ActionName;
  readonly tenant?: string;
  readonly count?: number;
  readonly probability?: number;
  readonly seed?: number;
  readonly for?: string;
  /** spent: it has struck `count` times; what it stalls stays stalled. over: it expired, or was an event. */
  readonly state: "on" | "spent" | "over";
  readonly fired: number;
  readonly remaining?: number;
  /** The last 100, oldest first. */
  readonly firings: readonly FiringNote[];
  readonly sees: string;
};

/** Where a fault may strike; members that are not known yet are absent. */
export type Place = {
  readonly instance?: Instance;
  readonly connection?: number;
  readonly subject?: () => Subject;
  readonly flow?: string;
};
export type Strike = Firing & { readonly id: string };

/** Called when a fault is added. */
export type FaultListener = (fault: Pick<Fault, "id" | "kind">) => void;

export type Faults = {
  readonly follow: (listener: FaultListener) => void;
  /** `atOnce`: the fault begins now, without a request; its value is its duration. */
  readonly add: (spec: FaultSpec, atOnce: boolean) => { readonly id: string; readonly firing?: Firing };
  /** Fires the first active fault of the kind that matches the place and its probability. */
  readonly strike: (kind: FaultKind, place: Place) => Strike | undefined;
  readonly list: () => Fault[];
  /** False when the id is unknown. */
  readonly remove: (id: string) => boolean;
  /** Removes all. Returns how many were removed. */
  readonly clear: () => number;
};

type ActiveFault = {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly atOnce: boolean;
  readonly over: AbortController;
  readonly draw: () => boolean;
  readonly firings: FiringNote[];
  fired: number;
};

const NOTES = 100;
const RESOLUTION = 2 ** 32;

export const createFaults = (world: World): Faults => {
  const active = new Map<string, ActiveFault>();
  const listeners: FaultListener[] = [];
  let numbered = 0;

  const fire = (fault: ActiveFault, place: Place): Strike => {
    fault.fired++;
    fault.firings.push(noteOf(place, world.clock.now()));
    if (fault.firings.length > NOTES) fault.firings.shift();
    return { id: fault.id, value: fault.spec.value?.read, over: fault.over.signal };
  };

  const add: Faults["add"] = (spec, atOnce) => {
    const fault: ActiveFault = {
      id: `f${++numbered}`,
      spec,
      atOnce,
      over: new AbortController(),
      draw: drawOf(spec),
      firings: [],
      fired: 0,
    };
    active.set(fault.id, fault);
    for (const listener of listeners) listener({ id: fault.id, kind: spec.kind });
    const lifetime = lifetimeOf(fault);
    if (lifetime === 0) fault.over.abort();
    else if (lifetime !== undefined)
      callAfter(lifetime, fault.over.signal, () => {
        fault.over.abort();
      });
    return { id: fault.id, ...(atOnce && { firing: fire(fault, {}) }) };
  };

  const strike: Faults["strike"] = (kind, place) => {
    for (const fault of active.values()) {
      if (
        fault.spec.kind === kind &&
        !fault.atOnce &&
        stateOf(fault) === "on" &&
        fits(world, fault.spec, place) &&
        fault.draw()
      )
        return fire(fault, place);
    }
    return undefined;
  };

  const remove = (id: string): boolean => {
    active.get(id)?.over.abort();
    return active.delete(id);
  };

  return {
    add,
    strike,
    remove,
    list: () => [...active.values()].map(shown),
    clear: () => [...active.keys()].filter(remove).length,
    follow: (listener) => void listeners.push(listener),
  };
};

/** Milliseconds until the fault expires; undefined: never. */
const lifetimeOf = ({ spec, atOnce }: ActiveFault): number | undefined => {
  const bounds = [
    spec.for?.ms,
    atOnce ? (spec.value?.read ?? (kindOf(spec.kind).endless ? undefined : 0)) : undefined,
  ].filter((bound) => bound !== undefined);
  return bounds.length > 0 ? Math.min(...bounds) : undefined;
};

const drawOf = ({ probability }: FaultSpec): (() => boolean) => {
  if (!probability) return () => true;
  const random = mulberry32(probability.seed);
  return () => random(RESOLUTION) < probability.of * RESOLUTION;
};

const stateOf = ({ spec, over, fired }: ActiveFault): Fault["state"] =>
  over.signal.aborted ? "over" : fired >= (spec.count ?? Infinity) ? "spent" : "on";

const fits = (world: World, { kind, action, tenant }: FaultSpec, { subject }: Place): boolean => {
  const kindFits = kindOf(kind).fits;
  if (action !== undefined && subject?.().action?.name !== action) return false;
  if (tenant !== undefined && subject?.().tenant?.dbid !== tenant.dbid) return false;
  return !kindFits || (subject !== undefined && kindFits(world, subject()));
};

const noteOf = ({ instance, connection, subject, flow }: Place, now: number): FiringNote => {
  const { action, tenant } = subject?.() ?? {};
  return {
    time: new Date(now).toISOString(),
    ...(instance && { instance }),
    ...(connection !== undefined && { connection }),
    ...(action && { action: action.name }),
    ...(tenant && { tenant: tenant.name }),
    ...(flow !== undefined && { flow }),
  };
};

const shown = (fault: ActiveFault): Fault => {
  const { id, spec, fired, firings } = fault;
  const { kind, value, action, tenant, count, probability, for: time } = spec;
  return {
    id,
    kind,
    ...(value && { value: value.given }),
    ...(action && { action }),
    ...(tenant && { tenant: tenant.name }),
    ...(count !== undefined && { count }),
    ...(probability && { probability: probability.of, seed: probability.seed }),
    ...(time && { for: time.given }),
    state: stateOf(fault),
    fired,
    ...(count !== undefined && { remaining: count - fired }),
    firings: [...firings],
    sees: kindOf(kind).sees,
  };
};
