import { MESSAGE_TYPES } from "../../ocs/answer-tables.ts";
import { allGroups, groupByDbid, type CampaignGroup } from "../world/groups.ts";
import { GROUP_STATUS } from "../world/codes.ts";
import { refuse } from "../refusal.ts";
import { APPLICATION_DBID } from "../world/seed.ts";
import type { Act } from "./act.ts";

/** GET of one campaign group, or of all configured groups, active or not. */
export const readStatus: Act = (world, { identifier }) => {
  if (identifier === undefined) {
    const groups = allGroups(world).map((group) => [group.name, statusOf(group)]);
    return {
      body: {
        GSW_CM_MessageType: MESSAGE_TYPES.allGroups,
        CampaignGroups: Object.fromEntries(groups),
        GSW_CM_AttrOriginAppID: APPLICATION_DBID,
      },
    };
  }
  const group = groupByDbid(world, Number(identifier)) ?? refuse("group-not-found");
  return {
    body: { GSW_CM_MessageType: MESSAGE_TYPES.oneGroup, ...statusOf(group), GSW_CM_AttrOriginAppID: APPLICATION_DBID },
  };
};

/** Members in the order of the manual's example, which does not contain the group's own DBID. */
const statusOf = (group: CampaignGroup): object => ({
  GSW_CM_AttrCampaignID: group.campaign_dbid,
  GSW_CM_AttrGroupID: group.group_dbid,
  // The dial mode is defined for running groups only.
  ...(group.status === GROUP_STATUS.running && { GSW_CM_AttrDialMode: group.dial_mode }),
  ...(group.optimize_by !== null && { GSW_CM_AttrOptimizeBy: group.optimize_by }),
  ...(group.optimize_goal !== null && { GSW_CM_AttrOptimizeGoal: group.optimize_goal }),
  GSW_CM_AttrGroupCampStatus: group.status,
  ...(group.status !== GROUP_STATUS.notLoaded && {
    GSW_CM_AttrProperties: { camp_group_data: {} },
    GSW_SWITCH_DBID: group.switch_dbid,
  }),
});
