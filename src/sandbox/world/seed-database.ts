/** Writes the seed into empty tables. */
import type { Database } from "./database.ts";
import { APPLICATION_DBID, FIRST_RUN, NEXT_HANDLE, type SeedRecord, type WorldData } from "./seed.ts";
import { CALL_RESULT, RECORD_STATUS, RECORD_TYPE } from "./codes.ts";
import { TIME_ZONES } from "./time-zones.ts";

/** `now`: UTC seconds; the time of issue of the handles and of the groups' last change. */
export const seedDatabase = (db: Database, data: WorldData, { seed, now }: { seed: number; now: number }): void => {
  for (const { dbid, name } of data.tenants) db.run("INSERT INTO tenant VALUES (?, ?)", dbid, name);
  for (const { dbid, name, zone } of TIME_ZONES) db.run("INSERT INTO time_zone VALUES (?, ?, ?)", dbid, name, zone);
  for (const { dbid, name, tenant } of data.campaigns)
    db.run("INSERT INTO campaign VALUES (?, ?, ?)", dbid, name, tenant);
  fillGroups(db, data);
  for (const { dbid, name, tenant } of data.lists)
    db.run("INSERT INTO calling_list VALUES (?, ?, ?)", dbid, name, tenant);
  for (const { campaign, list } of data.campaignLists)
    db.run("INSERT INTO campaign_list VALUES (?, ?)", campaign, list);
  for (const record of data.records) fillRecord(db, record);
  fillDoNotCall(db, data, now);
  fillHandles(db, data, now);
  for (const [name, value] of [
    ["seed", seed],
    ["run", FIRST_RUN],
    ["next_handle", NEXT_HANDLE],
    ["groups_changed_at", now],
  ] as const)
    db.run("INSERT INTO counter VALUES (?, ?)", name, value);
};

const fillGroups = (db: Database, { groups }: Pick<WorldData, "groups">): void => {
  for (const { dbid, name, campaign, group, switch: switchDbid, status, dialing } of groups) {
    db.run(
      "INSERT INTO campaign_group (dbid, name, campaign_dbid, group_dbid, switch_dbid, status, dial_mode, " +
        "optimize_by, optimize_goal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      dbid,
      name,
      campaign,
      group,
      switchDbid,
      status,
      dialing?.mode ?? null,
      dialing?.optimizeBy ?? null,
      dialing?.goal ?? null,
    );
  }
};

const fillRecord = (db: Database, record: SeedRecord): void => {
  db.run(
    `INSERT INTO record (list_dbid, contact_info, contact_info_type, record_type, record_status, call_result, attempt,
      daily_from, daily_till, tz_dbid,
      chain_id, chain_n, customer_id, customer_code, date_last_served, status_code, customer_status) VALUES (?, ?, ?,
      ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, 'New', ?)`,
    record.list,
    record.phone,
    record.phoneType,
    RECORD_TYPE.general,
    RECORD_STATUS.ready,
    CALL_RESULT.unknown,
    ...record.window,
    record.timeZone,
    record.chain,
    record.chainPosition,
    record.customerId,
    record.customerCode,
    record.lastServed,
    record.customerStatus,
  );
};

const fillDoNotCall = (db: Database, { doNotCall }: Pick<WorldData, "doNotCall">, now: number): void => {
  for (const { tenant, phone } of doNotCall) {
    db.run(
      "INSERT INTO do_not_call_list (phone, tenant_dbid, is_internal, time_stamp) VALUES (?, ?, 1, ?)",
      phone,
      tenant,
      now,
    );
  }
};

const fillHandles = (db: Database, { handles }: Pick<WorldData, "handles">, now: number): void => {
  for (const { handle, group, list, position, state } of handles) {
    const { id } = db.get<{ id: number }>(
      "SELECT record_id AS id FROM record WHERE list_dbid = ? ORDER BY record_id LIMIT 1 OFFSET ?",
      list,
      position - 1,
    )!;
    db.run(
      "INSERT INTO record_handle (run, handle, record_id, group_dbid, opened_at, state) VALUES (?, ?, ?, ?, ?, ?)",
      FIRST_RUN,
      handle,
      id,
      group,
      now,
      state,
    );
    const stale = state === "stale";
    db.run(
      `UPDATE record SET record_status = ?, call_result = ?, attempt = 1, call_time = ?, app_id = ${APPLICATION_DBID},
        (campaign_id, group_id, switch_id) = (SELECT campaign_dbid, group_dbid, switch_dbid FROM campaign_group
        WHERE dbid = ?) WHERE record_id = ?`,
      stale ? RECORD_STATUS.stale : RECORD_STATUS.retrieved,
      stale ? CALL_RESULT.stale : CALL_RESULT.unknown,
      now,
      group,
      id,
    );
  }
};
