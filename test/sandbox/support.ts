/** A world of one's own with a clock that stands still, and requests to its OCS without a socket. */
import { bytesOf, headerOf, type Arrival, type HeaderLine } from "../../src/common/message.ts";
import { createOcs } from "../../src/sandbox/ocs.ts";
import { retrieveNext } from "../../src/sandbox/dialer/retrieve-records.ts";
import type { CallingList } from "../../src/sandbox/world/directory.ts";
import { runningGroupOfList } from "../../src/sandbox/world/groups.ts";
import type { CallingRecord } from "../../src/sandbox/world/schema.ts";
import { createWorld, type World, type WorldOptions } from "../../src/sandbox/world/world.ts";

/** 2026-03-01T12:00:00Z */
export const NOON = Date.UTC(2026, 2, 1, 12);

export const aWorld = (options: WorldOptions = {}): World => createWorld({ now: () => NOON, ...options });

export const anArrival = (
  method: string,
  target: string,
  { body = "", headers = [] }: { body?: string; headers?: readonly HeaderLine[] } = {},
): Arrival => ({
  id: "01JD0000000000000000000000",
  at: 0,
  method,
  target,
  headers,
  source: "127.0.0.1",
  listener: "test",
  body: () => Promise.resolve(bytesOf(body)),
  surplus: () => Promise.resolve(false),
  gone: new AbortController().signal,
});

export type Answered = {
  readonly status: number;
  readonly warning: string | undefined;
  readonly etag: string | undefined;
  readonly text: string;
  readonly headers: readonly HeaderLine[];
};

export const ask = async (
  world: World,
  method: string,
  target: string,
  body?: object | string,
  headers: readonly HeaderLine[] = [["Content-type", "application/json"]],
): Promise<Answered> => {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const reply = await createOcs(world)(anArrival(method, target, { body: text, headers: text === "" ? [] : headers }));
  return {
    status: reply.status,
    warning: headerOf(reply.headers, "warning"),
    etag: headerOf(reply.headers, "etag"),
    text: Buffer.from(reply.body).toString("utf8"),
    headers: reply.headers,
  };
};

export const post = (world: World, target: string, body?: object | string): Promise<Answered> =>
  ask(world, "POST", target, body);

/** The status and Warning of an answer, as `409/5`; the status alone when there is no Warning. */
export const verdict = ({ status, warning }: Answered): string =>
  warning === undefined ? String(status) : `${status}/${warning}`;

export const recordOfHandle = ({ db }: World, handle: number): CallingRecord =>
  db.get<CallingRecord>("SELECT record.* FROM record JOIN record_handle USING (record_id) WHERE handle = ?", handle)!;

export const recordAt = ({ db }: World, list: number, phone: string): CallingRecord =>
  db.get<CallingRecord>("SELECT * FROM record WHERE list_dbid = ? AND contact_info = ?", list, phone)!;

export const chainOf = ({ db }: World, { list_dbid, chain_id }: CallingRecord): CallingRecord[] =>
  db.all<CallingRecord>(
    "SELECT * FROM record WHERE list_dbid = ? AND chain_id = ? ORDER BY chain_n",
    list_dbid,
    chain_id,
  );

export const banned = ({ db }: World, column: "phone" | "customer_id"): { value: string; tenant: number }[] =>
  db.all(`SELECT ${column} AS value, tenant_dbid AS tenant FROM do_not_call_list WHERE ${column} IS NOT NULL`);

export const stateOfHandle = ({ db }: World, handle: number): string | undefined =>
  db.get<{ state: string }>("SELECT state FROM record_handle WHERE handle = ?", handle)?.state;

export const lastRecord = ({ db }: World): CallingRecord =>
  db.get<CallingRecord>("SELECT * FROM record ORDER BY record_id DESC")!;

export type Opened = {
  readonly handle: number;
  readonly phone: string;
  readonly list: string;
  readonly campaign: string;
  readonly tenant: string;
  readonly group: number;
};

/**
 * Up to `count` records of a list at whatever hour, fewer when no more are due; undefined when no group that uses the
 * list is running.
 */
export const openRecords = (world: World, list: CallingList, count: number): Opened[] | undefined => {
  if (!runningGroupOfList(world, list.dbid)) return undefined;
  const opened: Opened[] = [];
  for (
    let one = retrieveNext(world, list, "any", () => {});
    one;
    one = opened.length < count ? retrieveNext(world, list, "any", () => {}) : undefined
  ) {
    opened.push({
      handle: one.handle,
      phone: one.record.contact_info,
      list: list.name,
      campaign: one.campaign.name,
      tenant: one.tenant.name,
      group: one.group.dbid,
    });
  }
  return opened;
};
