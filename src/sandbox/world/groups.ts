/** Campaign groups: their rows, and what happens to them by itself. */
import { secondsOf } from "./clock.ts";
import { countHeld, sweepStale } from "./handles.ts";
import { GROUP_STATUS, RECORD_STATUS } from "./numbers.ts";
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

/** A group of the campaign that is active or running. */
export const activeGroupOf = ({ db }: World, campaign: number): CampaignGroup | undefined =>
  db.get<CampaignGroup>(
    `SELECT * FROM campaign_group WHERE campaign_dbid = ? AND status IN (${GROUP_STATUS.active}, ${GROUP_STATUS.running}) ORDER BY dbid`,
    campaign,
  );

export const runningGroupOfList = ({ db }: World, list: number): CampaignGroup | undefined =>
  db.get<CampaignGroup>(
    `SELECT campaign_group.* FROM campaign_group JOIN campaign_list USING (campaign_dbid) WHERE list_dbid = ? AND status = ${GROUP_STATUS.running} ORDER BY dbid`,
    list,
  );

type GroupChanges = Partial<
  Pick<CampaignGroup, "status" | "dial_mode" | "optimize_by" | "optimize_goal" | "auto_completion" | "unload_due">
>;

/** Writes the columns and, because the state changed, a new Etag. */
export const changeGroup = (world: World, { dbid }: CampaignGroup, changes: GroupChanges): void => {
  const columns = Object.entries(changes);
  world.db.run(
    `UPDATE campaign_group SET ${columns.map(([name]) => `${name} = ?`).join(", ")} WHERE dbid = ?`,
    ...columns.map(([, value]) => value),
    dbid,
  );
  setCounter(world, "groups_changed_at", Math.max(groupsChangedAt(world) + 1, secondsOf(world.clock)));
};

/** The Etag of both GETs: UTC seconds of the last change, always greater than the one before. */
export const groupsChangedAt = (world: World): number => valueOf(world, "groups_changed_at");

/** A graceful unload waits for the group's open handles first. */
export const beginUnload = (world: World, group: CampaignGroup): void => {
  changeGroup(world, group, { status: GROUP_STATUS.waitingUnload });
  settle(world);
};

/** Lets time do its work: stale handles, automatic completion, unloads that can go on. Called around every request. */
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
  if (group.status === GROUP_STATUS.waitingUnload && countHeld(world, dbid) === 0) {
    changeGroup(world, group, { status: GROUP_STATUS.unloadInProgress, unload_due: now + world.unloadDelay });
  }
  const { status, unload_due } = groupByDbid(world, dbid)!;
  if (status === GROUP_STATUS.unloadInProgress && (unload_due ?? 0) <= now) changeGroup(world, group, UNLOADED);
};

/** What a group forgets when it is unloaded. */
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
      WHERE campaign_dbid = ? AND record_status IN (${RECORD_STATUS.ready}, ${RECORD_STATUS.retrieved}, ${RECORD_STATUS.chainReady})`,
    group.campaign_dbid,
  ) === undefined;
