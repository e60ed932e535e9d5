/** The nine requests for a campaign group: `transitions.ts` says when each is allowed, the effects say what it does. */
import type { Attributes } from "../../ocs/body.ts";
import { changeGroup, beginUnload, groupByDbid, UNLOADED, type CampaignGroup } from "../world/groups.ts";
import { voidHandles } from "../world/handles.ts";
import { GROUP_STATUS } from "../world/codes.ts";
import { refuse } from "../refusal.ts";
import type { World } from "../world/world.ts";
import { DONE, integerIn, type Act } from "./act.ts";
import { TRANSITIONS, stateOf, type Effect, type GroupRequest } from "./transitions.ts";

export const groupRequest =
  (name: GroupRequest): Act =>
  (world, { identifier, attributes }) => {
    const group = groupByDbid(world, Number(identifier)) ?? refuse("group-not-found");
    const transition = TRANSITIONS[stateOf(group.status)][name];
    if ("refused" in transition) refuse(transition.refused);
    else EFFECTS[transition.effect](world, group, attributes);
    return DONE;
  };

type Perform = (world: World, group: CampaignGroup, attributes: Attributes) => void;

const EFFECTS: Readonly<Record<Effect, Perform>> = {
  load: (world, group, attributes) => {
    changeGroup(world, group, { status: GROUP_STATUS.active, auto_completion: autoCompletion(attributes) });
  },
  start: (world, group, attributes) => {
    changeGroup(world, group, { status: GROUP_STATUS.running, ...dialing(attributes) });
  },
  "change mode": (world, group, attributes) => {
    if (familyOf(group.dial_mode) !== familyOf(dialing(attributes).dial_mode)) refuse("dial-mode-not-allowed");
    changeGroup(world, group, dialing(attributes));
  },
  stop: (world, group) => {
    changeGroup(world, group, { status: GROUP_STATUS.active });
  },
  unload: (world, group) => {
    beginUnload(world, group);
  },
  "force unload": (world, group) => {
    voidHandles(world, group.dbid);
    changeGroup(world, group, UNLOADED);
  },
  nothing: () => {},
};

const dialing = (
  attributes: Attributes,
): Pick<CampaignGroup, "dial_mode" | "optimize_by" | "optimize_goal" | "auto_completion"> => ({
  dial_mode: integerIn(attributes, "GSW_CM_AttrDialMode") ?? null,
  optimize_by: integerIn(attributes, "GSW_CM_AttrOptimizeBy") ?? null,
  optimize_goal: integerIn(attributes, "GSW_CM_AttrOptimizeGoal") ?? null,
  auto_completion: autoCompletion(attributes),
});

/** GSW_AUTO_COMPLETION, at the top level or inside GSW_CM_AttrProperties; 0 (off) when absent. */
const autoCompletion = (attributes: Attributes): number => {
  const properties = attributes.get("GSW_CM_AttrProperties");
  const nested = properties instanceof Map ? integerIn(properties as Attributes, "GSW_AUTO_COMPLETION") : undefined;
  return integerIn(attributes, "GSW_AUTO_COMPLETION") ?? nested ?? 0;
};

/**
 * A running group cannot change its dial mode from one family to another. 4, 5 and 7 engage the agent, 8 is Push
 * Preview, 9 to 11 are GVP.
 */
const FAMILIES = { engaged: [4, 5, 7], pushPreview: [8], gvp: [9, 10, 11] } as const;

const familyOf = (mode: number | null): string =>
  Object.entries(FAMILIES).find(([, modes]) => (modes as readonly (number | null)[]).includes(mode))?.[0] ?? "plain";
