/** The faults that stand: which strike where, how often they did, and until when. A fault that is taken away is gone at once. */
import type { ActionName } from "../ocs/catalog.ts";
import type { Tenant } from "./directory.ts";
import { kindOf, type FaultKind, type Firing } from "./fault-kinds.ts";
import { lapse } from "./lapse.ts";
import { mulberry32 } from "./random.ts";
import type { Instance } from "./recorder.ts";
import type { Subject } from "./subject.ts";
import type { World } from "./world.ts";

export type FaultSpec = {
  readonly kind: FaultKind;
  /** As it was given, and read: milliseconds, bytes or a status. */
  readonly value?: { readonly given: string | number; readonly read: number };
  readonly action?: ActionName;
  readonly tenant?: Tenant;
  readonly count?: number;
  /** From 0, never, to 1, always. */
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
  /** spent: it struck as often as it may, what it holds it still holds. over: its time is up, or it was an event. */
  readonly state: "on" | "spent" | "over";
  readonly fired: number;
  readonly remaining?: number;
  /** The last hundred. */
  readonly firings: readonly FiringNote[];
  readonly sees: string;
};

/** Where a fault may strike; what is not known there is left out. */
export type Place = { readonly instance?: Instance; readonly connection?: number; readonly subject?: () => Subject };
export type Strike = Firing & { readonly id: string };

export type Faults = {
  /** `atOnce`: it is struck by no request; it begins now, and its value says how long it goes on. */
  readonly add: (spec: FaultSpec, atOnce: boolean) => { readonly id: string; readonly firing?: Firing };
  /** The first standing fault of the kind that fits the place and draws it; it has then fired. */
  readonly strike: (kind: FaultKind, place: Place) => Strike | undefined;
  readonly list: () => Fault[];
  /** False when there is none of that id. */
  readonly remove: (id: string) => boolean;
  /** How many were taken away. */
  readonly clear: () => number;
};

type Standing = {
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
  const standing = new Map<string, Standing>();
  let numbered = 0;

  const fire = (fault: Standing, place: Place): Strike => {
    fault.fired++;
    fault.firings.push(noteOf(place, world.clock.now()));
    if (fault.firings.length > NOTES) fault.firings.shift();
    return { id: fault.id, value: fault.spec.value?.read, over: fault.over.signal };
  };

  const add: Faults["add"] = (spec, atOnce) => {
    const fault: Standing = {
      id: `f${++numbered}`,
      spec,
      atOnce,
      over: new AbortController(),
      draw: drawOf(spec),
      firings: [],
      fired: 0,
    };
    standing.set(fault.id, fault);
    const life = lifeOf(fault);
    if (life === 0) fault.over.abort();
    else if (life !== undefined)
      lapse(life, fault.over.signal, () => {
        fault.over.abort();
      });
    return { id: fault.id, ...(atOnce && { firing: fire(fault, {}) }) };
  };

  const strike: Faults["strike"] = (kind, place) => {
    for (const fault of standing.values()) {
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
    standing.get(id)?.over.abort();
    return standing.delete(id);
  };

  return {
    add,
    strike,
    remove,
    list: () => [...standing.values()].map(shown),
    clear: () => [...standing.keys()].filter(remove).length,
  };
};

/** Milliseconds until it is over by itself; undefined: never. */
const lifeOf = ({ spec, atOnce }: Standing): number | undefined => {
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

const stateOf = ({ spec, over, fired }: Standing): Fault["state"] =>
  over.signal.aborted ? "over" : fired >= (spec.count ?? Infinity) ? "spent" : "on";

const fits = (world: World, { kind, action, tenant }: FaultSpec, { subject }: Place): boolean => {
  const kindFits = kindOf(kind).fits;
  if (action !== undefined && subject?.().action?.name !== action) return false;
  if (tenant !== undefined && subject?.().tenant?.dbid !== tenant.dbid) return false;
  return !kindFits || (subject !== undefined && kindFits(world, subject()));
};

const noteOf = ({ instance, connection, subject }: Place, now: number): FiringNote => {
  const { action, tenant } = subject?.() ?? {};
  return {
    time: new Date(now).toISOString(),
    ...(instance && { instance }),
    ...(connection !== undefined && { connection }),
    ...(action && { action: action.name }),
    ...(tenant && { tenant: tenant.name }),
  };
};

const shown = (fault: Standing): Fault => {
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
