/** Retrieves due records for the dialer: checks each against the do-not-call list and gives it a handle. */
import { isBanned, stopRecord } from "../world/do-not-call-list.ts";
import { campaignByDbid, tenantOfList, type Campaign, type CallingList, type Tenant } from "../world/directory.ts";
import { runningGroupOfList, type CampaignGroup } from "../world/groups.ts";
import { openHandle } from "../world/handles.ts";
import { GROUP_STATUS } from "../world/codes.ts";
import { nextToDial, recordById, type Hours } from "../world/records.ts";
import type { CallingRecord } from "../world/schema.ts";
import { valueOf, type World } from "../world/world.ts";

/** A record in OCS's memory with its handle, group, list, campaign and tenant. */
export type Retrieved = {
  readonly run: number;
  readonly handle: number;
  /** When the handle was issued, in UTC seconds since 1970. */
  readonly since: number;
  readonly record: CallingRecord;
  readonly group: CampaignGroup;
  readonly list: CallingList;
  readonly campaign: Campaign;
  readonly tenant: Tenant;
};

/**
 * Retrieves the list's next record that may be dialed; undefined when there is none. Calls `stopped` for each record
 * that the do-not-call list stops on the way.
 */
export const retrieveNext = (
  world: World,
  list: CallingList,
  hours: Hours,
  stopped: (record: CallingRecord) => void,
): Retrieved | undefined => {
  const group = runningGroupOfList(world, list.dbid);
  if (!group) return undefined;
  for (let record = nextToDial(world, list.dbid, hours); record; record = nextToDial(world, list.dbid, hours)) {
    if (!isBanned(world, list.tenant_dbid, record)) return retrievedBy(world, openHandle(world, record, group))!;
    stopRecord(world, record);
    stopped(recordById(world, record.record_id));
  }
  return undefined;
};

type Row = {
  readonly run: number;
  readonly handle: number;
  readonly record_id: number;
  readonly group_dbid: number;
  readonly opened_at: number;
};

const toRetrieved =
  (world: World) =>
  ({ run, handle, record_id, group_dbid, opened_at }: Row): Retrieved => {
    const record = recordById(world, record_id);
    const group = world.db.get<CampaignGroup>("SELECT * FROM campaign_group WHERE dbid = ?", group_dbid)!;
    const list = world.db.get<CallingList>("SELECT * FROM calling_list WHERE dbid = ?", record.list_dbid)!;
    return {
      run,
      handle,
      since: opened_at,
      record,
      group,
      list,
      campaign: campaignByDbid(world, group.campaign_dbid),
      tenant: tenantOfList(world, list),
    };
  };

/** The record of an open handle of this run. */
export const retrievedBy = (world: World, handle: number): Retrieved | undefined =>
  world.db
    .all<Row>(
      "SELECT * FROM record_handle WHERE run = ? AND handle = ? AND state = 'open'",
      valueOf(world, "run"),
      handle,
    )
    .map(toRetrieved(world))[0];

/** The records of this run whose handles no request has ended: the handles are open or stale. */
export const issuedRecords = (world: World): Retrieved[] =>
  world.db
    .all<Row>(
      "SELECT * FROM record_handle WHERE run = ? AND state IN ('open', 'stale') ORDER BY handle",
      valueOf(world, "run"),
    )
    .map(toRetrieved(world));

/** Up to 100 calls whose attempt was reported and whose handle has ended since. */
export const endedUnreported = (world: World): Retrieved[] =>
  world.db
    .all<Row>("SELECT * FROM record_handle WHERE reports = 1 AND state <> 'open' ORDER BY run, handle LIMIT 100")
    .map(toRetrieved(world));

export const setReports = ({ db }: World, { run, handle }: Retrieved, reports: 1 | 2): void => {
  db.run("UPDATE record_handle SET reports = ? WHERE run = ? AND handle = ?", reports, run, handle);
};

/** The calling lists of all running groups. */
export const diallingLists = ({ db }: World): CallingList[] =>
  db.all<CallingList>(
    `SELECT DISTINCT calling_list.* FROM calling_list JOIN campaign_list ON list_dbid = calling_list.dbid
      JOIN campaign_group USING (campaign_dbid)
      WHERE status = ? ORDER BY calling_list.dbid`,
    GROUP_STATUS.running,
  );
