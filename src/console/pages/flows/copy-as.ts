/** Flows as text to paste: for a terminal, a ticket, a program. Masked values and credentials are placeholders. */
import type { FlowRow } from "./flow-list.ts";
import { actionOf, outcomeOf, subjectOf, waitOf } from "./row-text.ts";
import { S } from "../../strings.ts";

const cellsOf = (row: FlowRow): readonly string[] => [
  row.time,
  row.status === undefined ? "" : String(row.status),
  S.outcome[outcomeOf(row)],
  row.tenant?.name ?? "",
  row.client ?? "",
  actionOf(row),
  subjectOf(row),
  row.code ?? "",
  waitOf(row.total),
  row.id ?? "",
];

/** One line for each flow, the columns aligned. */
export const asText = (rows: readonly FlowRow[]): string => {
  const lines = rows.map((row) => cellsOf(row).map(oneLine));
  const widths = lines[0]?.map((_cell, at) => Math.max(...lines.map((cells) => cells[at]!.length))) ?? [];
  return lines
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
};

export const asJsonLines = (rows: readonly FlowRow[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

export const asMarkdown = (rows: readonly FlowRow[]): string => {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const head = S.flows.copyHead;
  return [line(head), line(head.map(() => "---")), ...rows.map((row) => line(cellsOf(row)))].join("\n");
};

/** A line break or a control character would begin another row. */
// oxlint-disable-next-line no-control-regex -- these are the characters to replace
const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001F\u007F\u2028\u2029]/g, " ");

export const escaped = (text: string): string => oneLine(text).replaceAll(/[\\`*_{}[\]<>|#]/g, "\\$&");

const quotedForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const MASKED = "·";

/** The request as curl sends it again, with placeholders for what the journal does not keep. Undefined for an event. */
export const asCurl = (row: FlowRow): string | undefined => {
  const { resource, identifier, action, client } = row;
  if (resource === undefined || action === undefined) return undefined;
  const isRead = action === "ReadStatus";
  const named =
    identifier === null
      ? ""
      : identifier.includes(MASKED)
        ? `<${placeholderFor(resource)}>`
        : encodeURIComponent(identifier);
  const path = [resource, ...(named === "" ? [] : [named])].join("/");
  const [asked] = row.entries;
  const body = asked?.kind === "intent" ? withPlaceholders(asked.body as Readonly<Record<string, unknown>>) : {};
  return [
    `curl -i ${isRead ? "" : "-X POST "}"$OCSGW/"${quotedForShell(`${path}${isRead ? "" : `?req=${action}`}`)}`,
    `  -u ${quotedForShell(`${client ?? "<client>"}:<key>`)}`,
    ...(isRead ? [] : [`  -H 'Content-Type: application/json'`, `  -d ${quotedForShell(JSON.stringify(body))}`]),
  ].join(" \\\n");
};

const placeholderFor = (resource: string): string => (resource === "phones" ? "phone" : "customer-id");

const withPlaceholders = (body: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      typeof value === "string" && value.includes(MASKED) ? `<${name}>` : value,
    ]),
  );
