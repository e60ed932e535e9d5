/**
 * `ocsgw outbox`: Do-Not-Calls that the running gateway accepted with 202 and OCS has not carried out. `outbox close`
 * closes the alarm about one, with a note.
 */
import type { OutboxItem } from "../admin/api/dnc/outbox.ts";
import { askAs, type AdminOptions } from "./admin-client.ts";
import { whoAsks } from "./audit/access/who-asks.ts";
import { DONE, FAILED } from "./exit-codes.ts";

export type OutboxOptions = AdminOptions & { readonly json?: boolean };
export type CloseOptions = OutboxOptions & { readonly id: string; readonly note: string };

type Listed = { readonly items: readonly OutboxItem[]; readonly pending: number; readonly alarms: number };

export const outbox = async ({ json, ...options }: OutboxOptions): Promise<number> => {
  const listed = await list(options);
  if (typeof listed === "number") return listed;
  console.log(json ? JSON.stringify(listed, undefined, 2) : tableOf(listed));
  return DONE;
};

export const closeAlarm = async ({ id, note, json, ...options }: CloseOptions): Promise<number> => {
  const listed = await list(options);
  if (typeof listed === "number") return listed;
  const found = listed.items.filter((each) => each.state === "alarm" && each.id.startsWith(id.toUpperCase()));
  const [item, another] = found;
  if (!item || another) {
    console.error(
      another
        ? `the ids of ${found.length} alarms begin with ${id}: ${found.map((each) => each.id).join(", ")}`
        : `no open alarm has an id that begins with ${JSON.stringify(id)}; to list them: ocsgw outbox -c FILE`,
    );
    return FAILED;
  }
  const body = { note, user: (await whoAsks()).user };
  const answer = await askAs(options, { path: `/api/outbox/${item.id}/close`, method: "POST", body });
  if (typeof answer === "number") return answer;
  if (answer.status !== 200) {
    console.error((answer.value as { readonly error: string }).error);
    return FAILED;
  }
  console.log(
    json
      ? JSON.stringify(answer.value)
      : `closed: ${item.id} of ${item.tenant}. Records with its number are accepted again; the Do-Not-Call stays in ` +
          "ocsgw audit dnc until OCS answers 200 for it",
  );
  return DONE;
};

const list = async (options: AdminOptions): Promise<Listed | number> => {
  const answer = await askAs(options, { path: "/api/outbox?limit=1000" });
  return typeof answer === "number" ? answer : (answer.value as Listed);
};

const HEAD = ["state", "tenant", "OCS", "by", "client", "accepted (UTC)", "attempts", "last result", "request id"];

const tableOf = ({ items, pending, alarms }: Listed): string => {
  if (items.length === 0) return "The outbox is empty: OCS has carried out every accepted Do-Not-Call";
  const rows = [
    HEAD,
    ...items.map((item) => [
      item.state === "alarm" ? `ALARM: ${item.cause}` : "pending",
      item.tenant,
      item.upstream,
      item.resource,
      item.client,
      `${item.accepted.slice(0, 10)} ${item.accepted.slice(11, 19)}`,
      String(item.attempts),
      item.last_result ?? "–",
      item.id,
    ]),
  ];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const left = pending + alarms - items.length;
  return [
    `${pending} pending, ${alarms} alarm${alarms === 1 ? "" : "s"}${left > 0 ? `; ${left} more are not shown` : ""}`,
    "",
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
};
