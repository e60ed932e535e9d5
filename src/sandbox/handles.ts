/** Record handles: given out when a record is retrieved, gone after a final request, a timeout, a forced unload or a switchover. Never reused. */
import { ASSUMED } from "./assumptions.ts";
import { secondsOf } from "./clock.ts";
import { CALL_RESULT, RECORD_STATUS } from "./numbers.ts";
import { changeRecord, processRecord, recordById } from "./records.ts";
import type { CallingRecord } from "./schema.ts";
import { APPLICATION_DBID } from "./seed.ts";
import type { CampaignGroup } from "./groups.ts";
import { nextOf, type World } from "./world.ts";

/** A handle that is open, with its record. */
export type Held = { readonly handle: number; readonly group: number; readonly record: CallingRecord };
type HandleRow = { readonly handle: number; readonly record_id: number; readonly group_dbid: number; readonly opened_at: number };
type Ending = "finalized" | "stale" | "void";

export const findHeld = (world: World, handle: number): Held | undefined => {
  const row = world.db.get<HandleRow>("SELECT * FROM record_handle WHERE handle = ? AND state = 'open'", handle);
  return row && { handle, group: row.group_dbid, record: recordById(world, row.record_id) };
};

/** Takes a record into memory for a group: status Retrieved, one more attempt. Returns its new handle. */
export const openHandle = (world: World, record: CallingRecord, group: CampaignGroup): number => {
  const handle = nextOf(world.db, "next_handle");
  processRecord(world, record.record_id, {
    record_status: RECORD_STATUS.retrieved, attempt: record.attempt + 1, campaign_id: group.campaign_dbid, group_id: group.group_dbid,
    switch_id: group.switch_dbid, app_id: APPLICATION_DBID,
  });
  world.db.run("INSERT INTO record_handle VALUES (?, ?, ?, ?, 'open')", handle, record.record_id, group.dbid, secondsOf(world.clock));
  return handle;
};

/** Ends the open handle of a record, when it has one. */
export const endHandle = ({ db }: World, record: CallingRecord, ending: Ending = "finalized"): void => {
  db.run("UPDATE record_handle SET state = ? WHERE record_id = ? AND state = 'open'", ending, record.record_id);
};

export const countHeld = ({ db }: World, group: number): number =>
  db.get<{ count: number }>("SELECT count(*) AS count FROM record_handle WHERE group_dbid = ? AND state = 'open'", group)!.count;

/** Every handle of the group, or of all groups, is void; the records go back. */
export const voidHandles = (world: World, group?: number): void => {
  const rows = world.db.all<HandleRow>("SELECT * FROM record_handle WHERE state = 'open' AND group_dbid = coalesce(?, group_dbid)", group ?? null);
  for (const { handle, record_id } of rows) {
    world.db.run("UPDATE record_handle SET state = 'void' WHERE handle = ?", handle);
    changeRecord(world, record_id, { record_status: ASSUMED.releasedStatus.value });
  }
};

/** Handles that were out for longer than the timeout are stale, and so are their records. */
export const sweepStale = (world: World): void => {
  const before = Math.floor((world.clock.now() - world.staleTimeout) / 1000);
  const rows = world.db.all<HandleRow>("SELECT * FROM record_handle WHERE state = 'open' AND opened_at <= ?", before);
  for (const row of rows) goStale(world, row);
};

/** The same before its time, for one handle that is open. */
export const expireHandle = (world: World, { handle, record }: Held): void => {
  goStale(world, { handle, record_id: record.record_id });
};

const goStale = (world: World, { handle, record_id }: Pick<HandleRow, "handle" | "record_id">): void => {
  world.db.run("UPDATE record_handle SET state = 'stale' WHERE handle = ?", handle);
  processRecord(world, record_id, { record_status: RECORD_STATUS.stale, call_result: CALL_RESULT.stale });
};
