/** Retrieving records as a dialer does: the due ones, each checked against the do-not-call list before its dial, each with a handle. */
import { isBanned, stopRecord } from "./do-not-call-list.ts";
import type { CallingList } from "./directory.ts";
import { runningGroupOfList, type CampaignGroup } from "./groups.ts";
import { openHandle } from "./handles.ts";
import { GROUP_STATUS } from "./numbers.ts";
import { nextToDial } from "./records.ts";
import type { World } from "./world.ts";

export type Opened = { readonly handle: number; readonly phone: string; readonly list: string; readonly campaign: string; readonly tenant: string; readonly group: number };

/** Up to `count` records of a list, fewer when no more are due; undefined when no group that uses the list is running. */
export const openRecords = (world: World, list: CallingList, count: number): Opened[] | undefined => {
  const group = runningGroupOfList(world, list.dbid);
  if (!group) return undefined;
  const opened: Opened[] = [];
  while (opened.length < count) {
    const record = nextToDial(world, list.dbid);
    if (!record) break;
    if (isBanned(world, list.tenant_dbid, record)) stopRecord(world, record);
    else opened.push({ handle: openHandle(world, record, group), phone: record.contact_info, list: list.name, ...placeOf(world, group) });
  }
  return opened;
};

const placeOf = ({ db }: World, group: CampaignGroup): { campaign: string; tenant: string; group: number } => ({
  ...db.get<{ campaign: string; tenant: string }>(
    "SELECT campaign.name AS campaign, tenant.name AS tenant FROM campaign JOIN tenant ON tenant.dbid = tenant_dbid WHERE campaign.dbid = ?", group.campaign_dbid,
  )!,
  group: group.dbid,
});

/** The lists that a running group dials. */
export const diallingLists = ({ db }: World): CallingList[] =>
  db.all<CallingList>(
    `SELECT DISTINCT calling_list.* FROM calling_list JOIN campaign_list ON list_dbid = calling_list.dbid JOIN campaign_group USING (campaign_dbid)
      WHERE status = ? ORDER BY calling_list.dbid`,
    GROUP_STATUS.running,
  );
