/** Campaign groups as state machines: the present state, and what each request would do now. */
import { DIAL_MODES } from "../../ocs/enumerations.ts";
import { ACTION_NAMES } from "../../ocs/catalog.ts";
import {
  stateOf,
  TRANSITIONS,
  type Effect,
  type GroupRequest,
  type GroupState,
  type Transition,
} from "../actions/transitions.ts";
import { NEGATIVE_ANSWERS, type ConditionRow } from "../negative-answers.ts";
import { tenantOfGroup } from "../world/directory.ts";
import { allGroups, type CampaignGroup } from "../world/groups.ts";
import { countOpenHandles } from "../world/handles.ts";
import type { World } from "../world/world.ts";

export type GroupView = {
  readonly dbid: number;
  readonly name: string;
  readonly tenant: string;
  readonly state: GroupState;
  readonly dial_mode: string | null;
  readonly open_handles: number;
  readonly requests: RequestView[];
  /** The transition without a request; null if this state has none. */
  readonly automatic: { readonly to: GroupState; readonly when: Trigger } | null;
};

export type RequestView = {
  readonly request: string;
  /** The state after it; null if OCS refuses it. */
  readonly to: GroupState | null;
  /** OCS's answer. */
  readonly status: number;
  readonly warning: number | null;
};

export const TRIGGERS = ["no-handles", "unload-delay", "no-records"] as const;
export type Trigger = (typeof TRIGGERS)[number];

export const groupViews = (world: World): GroupView[] => allGroups(world).map((group) => viewOf(world, group));

const viewOf = (world: World, group: CampaignGroup): GroupView => {
  const state = stateOf(group.status);
  return {
    dbid: group.dbid,
    name: group.name,
    tenant: tenantOfGroup(world, group.dbid)!.name,
    state,
    dial_mode: group.dial_mode === null ? null : (DIAL_MODES.get(group.dial_mode) ?? String(group.dial_mode)),
    open_handles: countOpenHandles(world, group.dbid),
    requests: requestsIn(state),
    automatic: automaticIn(state, group.auto_completion === 1),
  };
};

/** In the order of the catalog. */
export const requestsIn = (state: GroupState): RequestView[] =>
  ACTION_NAMES.filter((name): name is GroupRequest => Object.hasOwn(TRANSITIONS[state], name)).map((request) => ({
    request,
    ...answerTo(state, TRANSITIONS[state][request]),
  }));

const answerTo = (state: GroupState, transition: Transition): Omit<RequestView, "request"> => {
  if (!("refused" in transition)) return { to: after(state, transition.effect), status: 200, warning: null };
  const { status, warning }: ConditionRow = NEGATIVE_ANSWERS[transition.refused];
  return { to: null, status, warning: warning ?? null };
};

const AFTER: Readonly<Record<Exclude<Effect, "change mode" | "nothing">, GroupState>> = {
  load: "active",
  start: "running",
  stop: "active",
  unload: "waitingUnload",
  "force unload": "notLoaded",
};

const after = (state: GroupState, effect: Effect): GroupState =>
  effect === "change mode" || effect === "nothing" ? state : AFTER[effect];

export const automaticIn = (state: GroupState, completes: boolean): GroupView["automatic"] => {
  switch (state) {
    case "waitingUnload":
      return { to: "unloadInProgress", when: "no-handles" };
    case "unloadInProgress":
      return { to: "notLoaded", when: "unload-delay" };
    case "running":
      return completes ? { to: "waitingUnload", when: "no-records" } : null;
    default:
      return null;
  }
};
