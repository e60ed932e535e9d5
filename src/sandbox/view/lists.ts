/** Calling lists with their records by status, and pages of records, chain by chain. Numbers are masked. */
import { CALL_RESULTS, RECORD_STATUS as STATUS_NAMES, RECORD_TYPES } from "../../ocs/enumerations.ts";
import { lastFour, maskNumbers } from "../../common/mask.ts";
import { listByDbid, tenantOfList, timeZoneByDbid } from "../world/directory.ts";
import { runningGroupOfList } from "../world/groups.ts";
import type { CallingRecord } from "../world/schema.ts";
import type { World } from "../world/world.ts";

export type ListView = {
  readonly dbid: number;
  readonly name: string;
  readonly tenant: string;
  /** DBID of the running campaign group that dials it; null: none does. */
  readonly dialed_by: number | null;
  readonly records: number;
  readonly by_status: { readonly status: string; readonly count: number }[];
};

export const listViews = (world: World): ListView[] => {
  const counts = Map.groupBy(
    world.db.all<{ list_dbid: number; record_status: number; count: number }>(
      "SELECT list_dbid, record_status, count(*) AS count FROM record GROUP BY list_dbid, record_status",
    ),
    ({ list_dbid: list }) => list,
  );
  return world.db
    .all<{ dbid: number; name: string; tenant: string }>(
      "SELECT calling_list.dbid, calling_list.name, tenant.name AS tenant FROM calling_list JOIN tenant ON " +
        "tenant.dbid = tenant_dbid ORDER BY calling_list.dbid",
    )
    .map((list) => {
      const own = counts.get(list.dbid) ?? [];
      return {
        ...list,
        dialed_by: runningGroupOfList(world, list.dbid)?.dbid ?? null,
        records: own.reduce((sum, { count }) => sum + count, 0),
        by_status: own.map(({ record_status: status, count }) => ({ status: named(STATUS_NAMES, status), count })),
      };
    });
};

export type RecordView = {
  readonly record: number;
  readonly chain: number;
  /** The place in the chain, from 0. */
  readonly place: number;
  readonly phone: string;
  readonly customer: string | null;
  readonly type: string;
  readonly status: string;
  readonly result: string | null;
  readonly attempts: number;
  /** The open record handle. */
  readonly handle: number | null;
  /** ISO 8601; null: at any time in its hours. */
  readonly scheduled: string | null;
  /** Daily calling hours, such as 08:00 and 18:00, in `zone`. */
  readonly from: string;
  readonly till: string;
  readonly zone: string;
};

export type RecordsPage = {
  readonly dbid: number;
  readonly name: string;
  readonly tenant: string;
  readonly total: number;
  readonly offset: number;
  readonly records: RecordView[];
};

type Row = CallingRecord & { readonly handle: number | null };

/** Undefined: there is no such list. */
export const recordsPage = (
  world: World,
  dbid: number,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): RecordsPage | undefined => {
  const list = listByDbid(world, dbid);
  if (!list) return undefined;
  const { total } = world.db.get<{ total: number }>("SELECT count(*) AS total FROM record WHERE list_dbid = ?", dbid)!;
  const rows = world.db.all<Row>(
    `SELECT record.*, (SELECT handle FROM record_handle WHERE state = 'open' AND
      record_handle.record_id = record.record_id) AS handle
      FROM record WHERE list_dbid = ? ORDER BY chain_id, chain_n LIMIT ? OFFSET ?`,
    dbid,
    limit,
    offset,
  );
  return {
    dbid,
    name: list.name,
    tenant: tenantOfList(world, list).name,
    total,
    offset,
    records: rows.map((row) => viewOf(world, row)),
  };
};

const viewOf = (world: World, row: Row): RecordView => ({
  record: row.record_id,
  chain: row.chain_id,
  place: row.chain_n,
  phone: lastFour(row.contact_info),
  customer: row.customer_id === null ? null : lastFour(String(row.customer_id)),
  type: named(RECORD_TYPES, row.record_type),
  status: named(STATUS_NAMES, row.record_status),
  result: row.call_result === null ? null : named(CALL_RESULTS, row.call_result),
  attempts: row.attempt,
  handle: row.handle,
  scheduled: row.dial_sched_time === null ? null : new Date(row.dial_sched_time * 1000).toISOString(),
  from: hours(row.daily_from),
  till: hours(row.daily_till),
  zone: maskNumbers(timeZoneByDbid(world, row.tz_dbid).name),
});

const named = (names: ReadonlyMap<number, string>, number: number): string => names.get(number) ?? String(number);

/** 28800 is 08:00. */
const hours = (seconds: number): string =>
  [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
