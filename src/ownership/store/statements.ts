/** The SQL of the ownership database. Only a later generation replaces or removes a row. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const UPSERT_EPOCH = `INSERT INTO epoch (upstream, number, endpoint, highest, generation, highest_at) VALUES (?1, ?2,
    ?3, ?4, ?5, ?6)
  ON CONFLICT (upstream) DO UPDATE SET
  highest_at = CASE WHEN number < ?2 OR (number = ?2 AND highest < ?4) THEN ?6 WHEN number = ?2 AND highest = ?4
  THEN max(highest_at, ?6) ELSE highest_at END,
  highest = CASE WHEN number < ?2 THEN ?4 WHEN number = ?2 THEN max(highest, ?4) ELSE highest END,
  generation = max(generation, ?5),
  endpoint = CASE WHEN number < ?2 THEN ?3 ELSE endpoint END, number = max(number, ?2)`;

/** Does not depend on the epoch, because generations continue over epochs. */
const DOUBT = "UPDATE epoch SET doubt_up_to = max(doubt_up_to, ?2) WHERE upstream = ?1";

const REACH = `UPDATE epoch SET highest = ?3, highest_at = ?4
  WHERE upstream = ?1 AND number = ?2 AND (highest < ?3 OR (highest = ?3 AND highest_at < ?4))`;

type StatementName =
  | "put"
  | "remove"
  | "epoch"
  | "keep"
  | "clear"
  | "attempt"
  | "alive"
  | "number"
  | "page"
  | "drop"
  | "unpage"
  | "handles"
  | "reach"
  | "doubt";
export type Statements = Readonly<Record<StatementName, StatementSync>>;

export const prepare = (db: DatabaseSync): Statements => ({
  put: db.prepare(`INSERT INTO owned
    (upstream, epoch, handle, tenant, since, campaign, campaign_group, list, phone, attempt, generation, among,
    customer)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (upstream, handle) DO UPDATE SET epoch = excluded.epoch, tenant = excluded.tenant,
    since = excluded.since, campaign = excluded.campaign,
      campaign_group = excluded.campaign_group, list = excluded.list, phone = excluded.phone,
      attempt = excluded.attempt, generation = excluded.generation, among = excluded.among,
      customer = excluded.customer
    WHERE excluded.generation >= owned.generation`),
  remove: db.prepare("DELETE FROM owned WHERE upstream = ? AND handle = ? AND generation <= ?"),
  epoch: db.prepare(UPSERT_EPOCH),
  keep: db.prepare("UPDATE owned SET epoch = ?2 WHERE upstream = ?1 AND epoch < ?2 AND generation >= ?3"),
  clear: db.prepare("DELETE FROM owned WHERE upstream = ? AND epoch < ?"),
  attempt: db.prepare("SELECT handle FROM owned WHERE attempt = ? AND upstream = ?"),
  number: db.prepare("SELECT number FROM epoch WHERE upstream = ?"),
  page: db.prepare("INSERT INTO announced VALUES (?1, ?2, ?3) ON CONFLICT (upstream, page) DO UPDATE SET bits = ?3"),
  drop: db.prepare("DELETE FROM announced WHERE upstream = ? AND page = ?"),
  unpage: db.prepare("DELETE FROM announced WHERE upstream = ?"),
  handles: db.prepare("SELECT handle FROM owned WHERE upstream = ?"),
  reach: db.prepare(REACH),
  doubt: db.prepare(DOUBT),
  alive: db.prepare("UPDATE alive SET boot = ?, uptime = ?, mark = ?"),
});
