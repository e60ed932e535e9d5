/** Finds, changes and adds rows of calling lists. */
import { secondsOf } from "./clock.ts";
import type { Column } from "./database.ts";
import { RECORD_STATUS, RECORD_TYPE } from "./codes.ts";
import type { CallingRecord } from "./schema.ts";
import { TIME_ZONES, secondsOfDay } from "./time-zones.ts";
import type { World } from "./world.ts";

/** Columns to set. */
export type Changes = { readonly [Name in keyof CallingRecord]?: CallingRecord[Name] };
export type NewRecord = Changes &
  Pick<CallingRecord, "list_dbid" | "contact_info" | "tz_dbid" | "chain_id" | "chain_n">;

/** True for records whose processing has not ended. */
const UNFINISHED = `record_status IN (${RECORD_STATUS.ready}, ${RECORD_STATUS.retrieved}, ${RECORD_STATUS.chainReady})`;

export const recordById = ({ db }: World, id: number): CallingRecord =>
  db.get<CallingRecord>("SELECT * FROM record WHERE record_id = ?", id)!;

/** The unfinished records of a record's chain, including the record itself. */
export const unfinishedChain = ({ db }: World, { list_dbid, chain_id }: CallingRecord): CallingRecord[] =>
  db.all<CallingRecord>(
    `SELECT * FROM record WHERE list_dbid = ? AND chain_id = ? AND ${UNFINISHED} ORDER BY chain_n`,
    list_dbid,
    chain_id,
  );

export type Search = {
  readonly tenant: number;
  readonly phone?: string | undefined;
  readonly customerId?: string | undefined;
  readonly campaign?: number | undefined;
  readonly list?: number | undefined;
};

/** A tenant's unfinished records by phone or customer id, in lists of loaded campaigns. */
export const findUnfinished = ({ db }: World, search: Search): CallingRecord[] =>
  db.all<CallingRecord>(
    `SELECT record.* FROM record JOIN calling_list ON calling_list.dbid = list_dbid
      WHERE tenant_dbid = ? AND (contact_info = ? OR customer_id = ?) AND list_dbid = coalesce(?, list_dbid)
      AND ${UNFINISHED}
      AND EXISTS (SELECT 1 FROM campaign_list JOIN campaign_group USING (campaign_dbid)
        WHERE campaign_list.list_dbid = record.list_dbid AND campaign_dbid = coalesce(?, campaign_dbid) AND status > 0)
      ORDER BY record_id`,
    search.tenant,
    search.phone ?? null,
    search.customerId ?? null,
    search.list ?? null,
    search.campaign ?? null,
  );

export const changeRecord = ({ db }: World, id: number, changes: Changes): void => {
  const columns = Object.entries(changes);
  if (columns.length === 0) return;
  db.run(
    `UPDATE record SET ${columns.map(([name]) => `${name} = ?`).join(", ")} WHERE record_id = ?`,
    ...columns.map(([, value]) => value as Column),
    id,
  );
};

/** Sets the columns and `call_time`. */
export const processRecord = (world: World, id: number, changes: Changes): void => {
  changeRecord(world, id, { ...changes, call_time: secondsOf(world.clock) });
};

/** Adds a row. Throws the database's error when a constraint is violated. */
export const insertRecord = ({ db }: World, record: NewRecord): void => {
  const columns = Object.entries(record);
  db.run(
    `INSERT INTO record (${columns.map(([name]) => name).join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...columns.map(([, value]) => value as Column),
  );
};

/** The id for a new chain in the list. */
export const newChain = ({ db }: World, list: number): number =>
  db.get<{ id: number }>("SELECT coalesce(max(chain_id), 0) + 1 AS id FROM record WHERE list_dbid = ?", list)!.id;

/** The next free position in a chain; 0 when the chain is new. */
export const endOfChain = ({ db }: World, list: number, chain: number): number =>
  db.get<{ place: number }>(
    "SELECT coalesce(max(chain_n) + 1, 0) AS place FROM record WHERE list_dbid = ? AND chain_id = ?",
    list,
    chain,
  )!.place;

/** "any" ignores the daily calling hours of records. */
export type Hours = "daily" | "any";

/**
 * The record that may be dialed next: due, not marked NoCall, inside its calling hours, first of its chain, and no
 * other record of the chain in process. A record scheduled for later delays the rest of its chain; a record outside its
 * calling hours does not, because each phone number has its own hours.
 */
export const nextToDial = (world: World, list: number, hours: Hours): CallingRecord | undefined =>
  world.db.get<CallingRecord>(NEXT_TO_DIAL, list, secondsOf(world.clock), hours === "any" ? 1 : 0, secondsShown(world));

/**
 * ?2: the time in UTC seconds. ?3: 1 to ignore calling hours. ?4: local times, see secondsShown. A window that ends
 * before it begins spans midnight.
 */
const isWaiting = (row: string): string =>
  `${row}.record_status = ${RECORD_STATUS.ready} AND ${row}.record_type <> ${RECORD_TYPE.noCall}`;
const isDue = (row: string): string => `coalesce(${row}.dial_sched_time, 0) <= ?2`;
const isInHours = (row: string): string => {
  const second = `json_extract(?4, '$."' || ${row}.tz_dbid || '"')`;
  return `(?3 OR CASE WHEN ${row}.daily_from <= ${row}.daily_till
    THEN ${second} BETWEEN ${row}.daily_from AND ${row}.daily_till
    ELSE ${second} >= ${row}.daily_from OR ${second} <= ${row}.daily_till END)`;
};

const NEXT_TO_DIAL = `SELECT * FROM record AS candidate WHERE list_dbid = ?1 AND ${isWaiting("candidate")}
    AND ${isDue("candidate")} AND ${isInHours("candidate")}
  AND NOT EXISTS (SELECT 1 FROM record AS other WHERE other.list_dbid = candidate.list_dbid
  AND other.chain_id = candidate.chain_id
    AND (other.record_status = ${RECORD_STATUS.retrieved}
      OR (${isWaiting("other")} AND other.chain_n < candidate.chain_n AND NOT (${isDue("other")}
      AND NOT ${isInHours("other")}))))
  ORDER BY record_id LIMIT 1`;

export type Waiting = { readonly scheduled: number; readonly outsideHours: number; readonly behindTheirChain: number };

/** Counts the list's ready records by the reason why nextToDial does not return them. */
export const countWaiting = (world: World, list: number): Waiting =>
  world.db.get<Waiting>(
    `SELECT count(*) FILTER (WHERE NOT ${isDue("record")}) AS scheduled, count(*) FILTER (WHERE ${isDue("record")}
      AND NOT ${isInHours("record")}) AS outsideHours,
      count(*) FILTER (WHERE ${isDue("record")} AND ${isInHours("record")}) AS behindTheirChain FROM record
      WHERE list_dbid = ?1 AND ${isWaiting("record")}`,
    list,
    secondsOf(world.clock),
    0,
    secondsShown(world),
  )!;

let shown = { at: Number.NaN, json: "{}" };

/** JSON object: time zone DBID → local time in seconds since midnight. Computed once a second. */
const secondsShown = ({ clock }: World): string => {
  const at = secondsOf(clock);
  if (at !== shown.at)
    shown = {
      at,
      json: JSON.stringify(
        Object.fromEntries(TIME_ZONES.map(({ dbid, zone }) => [dbid, secondsOfDay(at * 1000, zone)])),
      ),
    };
  return shown.json;
};
