/** Campaign groups: their rows, and their changes without a request. */
import { secondsOf } from "./clock.ts";
import { countOpenHandles, sweepStale } from "./handles.ts";
import { GROUP_STATUS, RECORD_STATUS } from "./codes.ts";
import { setCounter, valueOf, type World } from "./world.ts";

export type CampaignGroup = {
  readonly dbid: number;
  /** `<Campaign name>@<Group name>` */
  readonly name: string;
  readonly campaign_dbid: number;
  /** DBID of the agent or place group. */
  readonly group_dbid: number;
  readonly switch_dbid: number;
  /** GSW_CM_AttrGroupCampStatus */
  readonly status: number;
  readonly dial_mode: number | null;
  readonly optimize_by: number | null;
  readonly optimize_goal: number | null;
  readonly auto_completion: number;
  /** Milliseconds since 1970 at which UnloadInProgress ends. */
  readonly unload_due: number | null;
};

export const allGroups = ({ db }: World): CampaignGroup[] =>
  db.all<CampaignGroup>("SELECT * FROM campaign_group ORDER BY dbid");

export const groupByDbid = ({ db }: World, dbid: number): CampaignGroup | undefined =>
  db.get<CampaignGroup>("SELECT * FROM campaign_group WHERE dbid = ?", dbid);

/** The campaign's first group that is active or running. */
export const activeGroupOf = ({ db }: World, campaign: number): CampaignGroup | undefined =>
  db.get<CampaignGroup>(
    `SELECT * FROM campaign_group WHERE campaign_dbid = ? AND status IN (${GROUP_STATUS.active}, ` +
      `${GROUP_STATUS.running}) ORDER BY dbid`,
    campaign,
  );

export const runningGroupOfList = ({ db }: World, list: number): CampaignGroup | undefined =>
  db.get<CampaignGroup>(
    "SELECT campaign_group.* FROM campaign_group JOIN campaign_list USING (campaign_dbid) WHERE list_dbid = ? AND " +
      `status = ${GROUP_STATUS.running} ORDER BY dbid`,
    list,
  );

type GroupChanges = Partial<
  Pick<CampaignGroup, "status" | "dial_mode" | "optimize_by" | "optimize_goal" | "auto_completion" | "unload_due">
>;

/** Writes the columns, and a new Etag because the state has changed. */
export const changeGroup = (world: World, { dbid }: CampaignGroup, changes: GroupChanges): void => {
  const columns = Object.entries(changes);
  world.db.run(
    `UPDATE campaign_group SET ${columns.map(([name]) => `${name} = ?`).join(", ")} WHERE dbid = ?`,
    ...columns.map(([, value]) => value),
    dbid,
  );
  setCounter(world, "groups_changed_at", Math.max(groupsChangedAt(world) + 1, secondsOf(world.clock)));
};

/** The Etag of both GETs: UTC seconds of the last change, always greater than the previous Etag. */
export const groupsChangedAt = (world: World): number => valueOf(world, "groups_changed_at");

/** Begins a graceful unload, which waits until the group has no open handles. */
export const beginUnload = (world: World, group: CampaignGroup): void => {
  changeGroup(world, group, { status: GROUP_STATUS.waitingUnload });
  settle(world);
};

/** Applies changes that are due: stale handles, automatic completion, unloads. Called before and after each request. */
export const settle = (world: World): void => {
  sweepStale(world);
  for (const group of allGroups(world)) {
    if (group.status === GROUP_STATUS.running && group.auto_completion === 1 && hasNothingLeft(world, group))
      changeGroup(world, group, { status: GROUP_STATUS.waitingUnload });
    progressUnload(world, group.dbid);
  }
};

const progressUnload = (world: World, dbid: number): void => {
  const now = world.clock.now();
  const group = groupByDbid(world, dbid)!;
  if (group.status === GROUP_STATUS.waitingUnload && countOpenHandles(world, dbid) === 0) {
    changeGroup(world, group, { status: GROUP_STATUS.unloadInProgress, unload_due: now + world.unloadDelay });
  }
  const { status, unload_due } = groupByDbid(world, dbid)!;
  if (status === GROUP_STATUS.unloadInProgress && (unload_due ?? 0) <= now) changeGroup(world, group, UNLOADED);
};

/** The columns of a group after an unload. */
export const UNLOADED = {
  status: GROUP_STATUS.notLoaded,
  dial_mode: null,
  optimize_by: null,
  optimize_goal: null,
  auto_completion: 0,
  unload_due: null,
} as const;

const hasNothingLeft = ({ db }: World, group: CampaignGroup): boolean =>
  db.get(
    `SELECT 1 FROM record JOIN campaign_list USING (list_dbid)
      WHERE campaign_dbid = ? AND record_status IN (${RECORD_STATUS.ready}, ${RECORD_STATUS.retrieved},
      ${RECORD_STATUS.chainReady})`,
    group.campaign_dbid,
  ) === undefined;
