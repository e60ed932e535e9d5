/**
 * Record handles: issued when a record is retrieved; ended by a final request, a timeout, a forced unload or a
 * switchover. They are unique within a run of OCS; the next run starts at 1 again.
 */
import { ASSUMED } from "../assumptions.ts";
import { secondsOf } from "./clock.ts";
import { CALL_RESULT, RECORD_STATUS } from "./codes.ts";
import { changeRecord, processRecord, recordById, type Changes } from "./records.ts";
import type { CallingRecord } from "./schema.ts";
import { APPLICATION_DBID } from "./seed.ts";
import { setCounter, valueOf, type World } from "./world.ts";

/** An open handle with its record. */
export type OpenHandle = { readonly handle: number; readonly group: number; readonly record: CallingRecord };
type HandleRow = {
  readonly run: number;
  readonly handle: number;
  readonly record_id: number;
  readonly group_dbid: number;
  readonly opened_at: number;
};
type Ending = "finalized" | "stale" | "void";

export const findOpenHandle = (world: World, handle: number): OpenHandle | undefined => {
  const row = world.db.get<HandleRow>("SELECT * FROM record_handle WHERE handle = ? AND state = 'open'", handle);
  return row && { handle, group: row.group_dbid, record: recordById(world, row.record_id) };
};

/** The columns of a campaign group that its retrieved records need. */
type HolderGroup = {
  readonly dbid: number;
  readonly campaign_dbid: number;
  readonly group_dbid: number;
  readonly switch_dbid: number;
};

/** Retrieves a record for a group: sets status Retrieved and counts an attempt. Returns the new handle. */
export const openHandle = (world: World, record: CallingRecord, group: HolderGroup): number => {
  const handle = valueOf(world, "next_handle");
  setCounter(world, "next_handle", handle + 1);
  processRecord(world, record.record_id, {
    record_status: RECORD_STATUS.retrieved,
    attempt: record.attempt + 1,
    campaign_id: group.campaign_dbid,
    group_id: group.group_dbid,
    switch_id: group.switch_dbid,
    app_id: APPLICATION_DBID,
  });
  world.db.run(
    "INSERT INTO record_handle (run, handle, record_id, group_dbid, opened_at, state) VALUES (?, ?, ?, ?, ?, 'open')",
    valueOf(world, "run"),
    handle,
    record.record_id,
    group.dbid,
    secondsOf(world.clock),
  );
  return handle;
};

/** Ends the open handle of a record, if it has one. */
export const endHandle = ({ db }: World, record: CallingRecord, ending: Ending = "finalized"): void => {
  db.run("UPDATE record_handle SET state = ? WHERE record_id = ? AND state = 'open'", ending, record.record_id);
};

export const countOpenHandles = ({ db }: World, group: number): number =>
  db.get<{ count: number }>(
    "SELECT count(*) AS count FROM record_handle WHERE group_dbid = ? AND state = 'open'",
    group,
  )!.count;

/** Voids the open handles of one group, or of all, and puts their records back. */
export const voidHandles = (world: World, group?: number): void => {
  const rows = world.db.all<HandleRow>(
    "SELECT * FROM record_handle WHERE state = 'open' AND group_dbid = coalesce(?, group_dbid)",
    group ?? null,
  );
  for (const { record_id } of rows) releaseRecord(world, record_id);
};

/** Voids the handle of a record and puts the record back, ready to be retrieved again. */
export const releaseRecord = (world: World, record: number, changes: Changes = {}): void => {
  world.db.run("UPDATE record_handle SET state = 'void' WHERE record_id = ? AND state = 'open'", record);
  changeRecord(world, record, { ...changes, record_status: ASSUMED.releasedStatus.value });
};

/** Begins the run of another OCS instance: it does not know the old handles and issues its own from 1. */
export const beginRun = (world: World): void => {
  voidHandles(world);
  setCounter(world, "run", valueOf(world, "run") + 1);
  setCounter(world, "next_handle", 1);
};

/** Marks handles that are open longer than the timeout, and their records, as stale. */
export const sweepStale = (world: World): void => {
  const before = Math.floor((world.clock.now() - world.staleTimeout) / 1000);
  const rows = world.db.all<HandleRow>("SELECT * FROM record_handle WHERE state = 'open' AND opened_at <= ?", before);
  for (const row of rows) goStale(world, row);
};

/** Marks one open handle as stale before its timeout. */
export const expireHandle = (world: World, { record }: OpenHandle): void => {
  goStale(world, record);
};

const goStale = (world: World, { record_id }: Pick<HandleRow, "record_id">): void => {
  world.db.run("UPDATE record_handle SET state = 'stale' WHERE record_id = ? AND state = 'open'", record_id);
  processRecord(world, record_id, { record_status: RECORD_STATUS.stale, call_result: CALL_RESULT.stale });
};
