/** Transactions as lines for a terminal, one line each, in columns. */
import type { Recorded } from "../../../journal/entry.ts";
import { fieldsOf, type State, type Transaction } from "../../../journal/search/transaction.ts";

const SIGNS: Readonly<Record<State, string>> = {
  ok: "●",
  "ocs-no": "▲",
  refused: "✖",
  "no-answer": "?",
  abandoned: "–",
  "in-doubt": "?",
  open: "…",
  replayed: "=",
  accepted: "→",
};

/** The column of the target and further details; the id follows it. */
const DETAILS = 7;

/**
 * One line for each transaction, without line breaks. `widths`: the least width of each column, which grows with the
 * rows, so that lines printed later stay in columns.
 */
export const linesOf = (transactions: readonly Transaction[], widths: number[] = []): string[] => {
  const rows = transactions.map((transaction) => rowOf(transaction).map(printable));
  // The details of an event are long and end its line, so they do not widen the column.
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      if (column < DETAILS || row[column + 1] !== "") widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
};

/** Control and direction characters of a client's text would move the cursor of a terminal, or reorder the line. */
const printable = (cell: string): string =>
  cell.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "·");

/** `2026-11-22T12:04:31.218Z`, a form that filters accept. */
export const shortTime = (time: string): string => (time === "" ? "" : `${time.slice(0, 23)}Z`);

const rowOf = (transaction: Transaction): string[] => {
  const { state, status, tenant, client, action, code, reason, id, queue, ocs, warning } = fieldsOf(transaction);
  const [first] = transaction.entries;
  const time = shortTime(first?.time ?? "");
  if (state === undefined) return [time, "", "", first?.kind ?? "", "", "", "", membersText(first!), ""];
  const claimed = client === undefined ? claimedIn(first!) : undefined;
  const why = client === undefined && code !== undefined ? reason?.split(":")[0] : undefined;
  const waits = ocs === undefined || ocs === 0 ? "" : `queue ${queue} ocs ${ocs} ms`;
  return [
    time,
    SIGNS[state],
    String(status ?? "–"),
    state,
    tenant?.name ?? "–",
    client ?? "–",
    action ?? "–",
    (
      `${targetOf(first!)}  ` +
      `${[code, why, claimed, warning, waits].filter((part) => part !== undefined && part !== "").join("  ")}`
    ).trimEnd(),
    id ?? "",
  ];
};

/** `claims alpha-crm`: the name that an unauthenticated client claimed. */
const claimedIn = (entry: Recorded): string | undefined =>
  entry.kind === "refusal" && entry.presented?.client !== undefined ? `claims ${entry.presented.client}` : undefined;

/** `phones/······0100` */
export const targetOf = (entry: Recorded): string => {
  if (!("resource" in entry) || !entry.resource) return "–";
  return `${entry.resource}${"identifier" in entry && entry.identifier ? `/${entry.identifier}` : ""}`;
};

/** The members of an event's entry. */
const membersText = (entry: Recorded): string =>
  Object.entries(entry)
    .filter(
      ([name, value]) =>
        !["index", "time", "kind", "tokens", "crc"].includes(name) && value !== null && value !== undefined,
    )
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
