/**
 * The states of a campaign group: state × request → the effect, or the condition in OCS's answer. The manual documents
 * Load of a loaded group (409, Warning 5) and the meaning of 404 and 410; the rest is assumed from the names of
 * GSW_CM_AttrError.
 */
import type { ActionName } from "../../ocs/catalog.ts";
import type { NegativeAnswer } from "../negative-answers.ts";
import { GROUP_STATUS } from "../world/codes.ts";

export type GroupRequest = Extract<
  ActionName,
  | "Load"
  | "StartDialing"
  | "SetDialingMode"
  | "StopDialing"
  | "Unload"
  | "ForceUnload"
  | "Launch"
  | "Stage"
  | "Complete"
>;
export type Effect = "load" | "start" | "change mode" | "stop" | "unload" | "force unload" | "nothing";
export type GroupState = keyof typeof GROUP_STATUS;

export type Transition = { readonly effect: Effect } | { readonly refused: NegativeAnswer };

const to = (effect: Effect): Transition => ({ effect });
const no = (refused: NegativeAnswer): Transition => ({ refused });

const unloading: Readonly<Record<GroupRequest, Transition>> = {
  Load: no("already-loaded"),
  StartDialing: no("not-started"),
  SetDialingMode: no("not-started"),
  StopDialing: no("not-started"),
  Unload: no("unloading"),
  ForceUnload: to("force unload"),
  Launch: no("already-loaded"),
  Stage: no("already-loaded"),
  Complete: no("unloading"),
};

export const TRANSITIONS: Readonly<Record<GroupState, Readonly<Record<GroupRequest, Transition>>>> = {
  notLoaded: {
    Load: to("load"),
    StartDialing: no("not-loaded"),
    SetDialingMode: no("not-loaded"),
    StopDialing: no("not-loaded"),
    Unload: no("not-loaded"),
    ForceUnload: no("not-loaded"),
    Launch: to("start"),
    Stage: to("load"),
    Complete: no("not-loaded"),
  },
  active: {
    Load: no("already-loaded"),
    StartDialing: to("start"),
    SetDialingMode: no("not-started"),
    StopDialing: no("not-started"),
    Unload: to("unload"),
    ForceUnload: to("force unload"),
    Launch: to("start"),
    Stage: to("nothing"),
    Complete: to("unload"),
  },
  running: {
    Load: no("already-loaded"),
    StartDialing: no("already-started"),
    SetDialingMode: to("change mode"),
    StopDialing: to("stop"),
    Unload: to("unload"),
    ForceUnload: to("force unload"),
    Launch: no("already-started"),
    Stage: to("stop"),
    Complete: to("unload"),
  },
  waitingUnload: unloading,
  unloadInProgress: unloading,
};

/** The state with this GSW_CM_AttrGroupCampStatus. */
export const stateOf = (status: number): GroupState => {
  for (const [state, number] of Object.entries(GROUP_STATUS)) if (number === status) return state as GroupState;
  throw new Error(`no state of a campaign group: ${status}`);
};
