/**
 * What OCS answers to a request for a campaign group in each state, and the group's next state. The manual gives the
 * statuses: 409 if the state does not allow the request, 410 for a group that is not active, Warning 5 for a group that
 * is already loaded.
 */
import type { ActionName } from "../../ocs/catalog.ts";
import { EXAMPLES, type ExampleAnswer } from "../../ocs/examples.ts";

export type GroupState = "unloaded" | "loaded" | "running" | "unloading";

type Step = ExampleAnswer & { readonly to?: GroupState };
type Life = readonly [unloaded: Step, loaded: Step, running: Step, unloading: Step];

const to = (state: GroupState): Step => ({ status: 200, body: "none", to: state });
const conflict: Step = { status: 409, body: "page" };
const already: Step = EXAMPLES.loadAgain.answer;
const inactive: Step = { status: 410, body: "page", to: "unloaded" };

const STATES: readonly GroupState[] = ["unloaded", "loaded", "running", "unloading"];

const LIFE: Readonly<Partial<Record<ActionName, Life>>> = {
  //               unloaded        loaded           running          unloading
  Load: [to("loaded"), already, already, already],
  StartDialing: [inactive, to("running"), conflict, conflict],
  SetDialingMode: [inactive, conflict, to("running"), conflict],
  StopDialing: [inactive, conflict, to("loaded"), conflict],
  Unload: [inactive, to("unloading"), to("unloading"), conflict],
  ForceUnload: [inactive, to("unloaded"), to("unloaded"), to("unloaded")],
  Launch: [to("running"), to("running"), conflict, conflict],
  Stage: [to("loaded"), to("loaded"), to("loaded"), conflict],
  Complete: [inactive, to("unloading"), to("unloading"), conflict],
};

/**
 * The correct answers in that state. An unload ends by itself, so until it ends the answers of an unloaded group are
 * correct too.
 */
export const answersIn = (state: GroupState, action: ActionName): readonly Step[] => {
  const life = LIFE[action]!;
  const step = life[STATES.indexOf(state)]!;
  return state === "unloading" && step.status !== life[0].status ? [step, life[0]] : [step];
};

/** The group's state after this answer. */
export const stateAfter = (state: GroupState, action: ActionName, status: number): GroupState =>
  answersIn(state, action).find((step) => step.status === status)?.to ?? state;

/** GSW_CM_AttrGroupCampStatus → state. */
export const stateOf = (status: number): GroupState =>
  status === 0 ? "unloaded" : status === 5 ? "running" : status === 1 || status === 2 ? "unloading" : "loaded";
