/**
 * The sandbox's tables. All calling lists are in one table in Genesys's default format, with a column list_dbid; the
 * do-not-call list has the columns of Table Access gsw_donotcall_list.
 */

/** The user-defined columns of calling lists, each with its body key (the Field object's send_attribute). */
export const USER_FIELDS = [
  { column: "customer_id", key: "GSW_CUSTOMER_ID", type: "varchar" },
  { column: "customer_code", key: "CUSTOMER_CODE", type: "int" },
  { column: "date_last_served", key: "DATE_LAST_SERVED", type: "varchar" },
  { column: "status_code", key: "STATUS_CODE", type: "varchar" },
  { column: "customer_status", key: "CUSTOMER_STATUS", type: "int" },
] as const;

export type UserField = (typeof USER_FIELDS)[number];

/** A row of a calling list in the default format. Times: UTC seconds since 1970; hours: seconds since midnight. */
export type CallingRecord = {
  readonly record_id: number;
  readonly list_dbid: number;
  readonly contact_info: string;
  readonly contact_info_type: number;
  readonly record_type: number;
  readonly record_status: number;
  readonly call_result: number | null;
  readonly attempt: number;
  readonly dial_sched_time: number | null;
  readonly call_time: number | null;
  readonly daily_from: number;
  readonly daily_till: number;
  readonly tz_dbid: number;
  readonly campaign_id: number | null;
  readonly agent_id: string | null;
  readonly chain_id: number;
  readonly chain_n: number;
  readonly group_id: number | null;
  readonly app_id: number | null;
  readonly treatments: string | null;
  readonly media_ref: number | null;
  readonly email_subject: string | null;
  readonly email_template_id: number | null;
  readonly switch_id: number | null;
} & { readonly [Field in UserField["column"]]: string | number | null };

/** Increase it when the tables below change; the sandbox refuses a state directory of another version. */
export const SCHEMA_VERSION = 2;

/**
 * `run`: counts switchovers; handles start at 1 in each run. `reports`: number of call reports sent for a handle: 0
 * (not dialed, or no history-uri), 1 (attempt), 2 (end).
 */
export const SCHEMA = `
CREATE TABLE tenant (dbid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE time_zone (dbid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zone TEXT NOT NULL);
CREATE TABLE campaign (dbid INTEGER PRIMARY KEY, name TEXT NOT NULL, tenant_dbid INTEGER NOT NULL REFERENCES tenant,
  UNIQUE (tenant_dbid, name));
CREATE TABLE campaign_group (
  dbid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, campaign_dbid INTEGER NOT NULL REFERENCES campaign,
  group_dbid INTEGER NOT NULL, switch_dbid INTEGER NOT NULL, status INTEGER NOT NULL,
  dial_mode INTEGER, optimize_by INTEGER, optimize_goal INTEGER, auto_completion INTEGER NOT NULL DEFAULT 0,
  unload_due INTEGER
);
CREATE TABLE calling_list (dbid INTEGER PRIMARY KEY, name TEXT NOT NULL, tenant_dbid INTEGER NOT NULL
  REFERENCES tenant, UNIQUE (tenant_dbid, name));
CREATE TABLE campaign_list (campaign_dbid INTEGER NOT NULL REFERENCES campaign, list_dbid INTEGER NOT NULL
  REFERENCES calling_list, UNIQUE (campaign_dbid, list_dbid));
CREATE TABLE record (
  record_id INTEGER PRIMARY KEY AUTOINCREMENT, list_dbid INTEGER NOT NULL REFERENCES calling_list,
  contact_info VARCHAR(128) NOT NULL, contact_info_type INT NOT NULL, record_type INT NOT NULL,
  record_status INT NOT NULL,
  call_result INT, attempt INT NOT NULL, dial_sched_time INT, call_time INT, daily_from INT NOT NULL,
  daily_till INT NOT NULL,
  tz_dbid INT NOT NULL REFERENCES time_zone, campaign_id INT, agent_id VARCHAR(32), chain_id INT NOT NULL,
  chain_n INT NOT NULL,
  group_id INT, app_id INT, treatments VARCHAR(255), media_ref INT, email_subject VARCHAR(255), email_template_id INT,
  switch_id INT,
  ${USER_FIELDS.map(({ column, type }) => `${column} ${type === "int" ? "INT" : "VARCHAR(255)"}`).join(", ")},
  UNIQUE (list_dbid, chain_id, chain_n)
);
CREATE INDEX record_by_phone ON record (contact_info);
CREATE INDEX record_by_customer ON record (customer_id);
CREATE INDEX record_by_status ON record (list_dbid, record_status);
CREATE TABLE do_not_call_list (
  phone VARCHAR(64), customer_id VARCHAR(64), dnc_message VARCHAR(255), tenant_dbid DECIMAL(18,0),
  campaign_dbid DECIMAL(18,0),
  list_dbid DECIMAL(18,0), is_internal INT, time_stamp INT, expires_at INT
);
CREATE INDEX do_not_call_by_phone ON do_not_call_list (phone);
CREATE INDEX do_not_call_by_customer ON do_not_call_list (customer_id);
CREATE TABLE record_handle (
  run INTEGER NOT NULL, handle INTEGER NOT NULL, record_id INTEGER NOT NULL REFERENCES record,
  group_dbid INTEGER NOT NULL REFERENCES campaign_group,
  opened_at INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'finalized', 'stale', 'void')),
  reports INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run, handle)
);
CREATE INDEX record_handle_open ON record_handle (state, record_id);
CREATE INDEX record_handle_unreported ON record_handle (state) WHERE reports = 1;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, tenant_dbid INTEGER NOT NULL,
  data TEXT NOT NULL);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * The tables that a reset empties, children before parents. Events are kept, so that their ids never decrease and
 * clients can resume.
 */
export const TABLES = [
  "record_handle",
  "record",
  "do_not_call_list",
  "campaign_list",
  "calling_list",
  "campaign_group",
  "campaign",
  "time_zone",
  "tenant",
  "counter",
] as const;
