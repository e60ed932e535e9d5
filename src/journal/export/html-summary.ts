/** The table of a bundle for people: one HTML file without scripts or external resources. */
import { escapeHtml } from "../../common/html.ts";
import { lastFour } from "../../common/mask.ts";
import { fieldsOf, type Transaction } from "../search/transaction.ts";

/** Further transactions are only in the other files. */
export const MOST_ROWS = 5000;

const HEAD = [
  "index",
  "time (UTC)",
  "how it ended",
  "status",
  "tenant",
  "client",
  "action",
  "on",
  "code",
  "Do-Not-Call no.",
  "request id",
];

/** On paper the table is as wide as a page, and its head is on each page. */
const STYLE = [
  "body{font:14px system-ui,sans-serif;margin:2rem}",
  "table{border-collapse:collapse}",
  "th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left;white-space:nowrap}",
  "@media print{@page{size:landscape;margin:1cm}body{font-size:8px;margin:0}",
  "th,td{padding:1px 3px;white-space:normal;overflow-wrap:anywhere}tr{break-inside:avoid}}",
].join("");

/** Who made an export, when and why, as sentences for its beginning. */
export const madeBy = ({ by, purpose }: { readonly by: string; readonly purpose: string | undefined }): string[] => [
  `Exported ${new Date().toISOString()} by ${by}`,
  ...(purpose === undefined ? [] : [`Purpose: ${purpose}`]),
];

type HeadOptions = {
  /** HTML before the table. */
  readonly html?: string | undefined;
  /** Without the positions in the journal. */
  readonly isPartial?: boolean;
};

export const summaryHead = (
  title: string,
  lines: readonly string[],
  { html = "", isPartial = false }: HeadOptions = {},
): string =>
  [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style></head>`,
    `<body><h1>${escapeHtml(title)}</h1>`,
    ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
    `${html}<table><caption>Requests, oldest first</caption>`,
    `<thead><tr>${HEAD.slice(isPartial ? 1 : 0)
      .map((name) => `<th scope="col">${name}</th>`)
      .join("")}</tr></thead><tbody>\n`,
  ].join("\n");

export const summaryRow = (transaction: Transaction, isPartial = false): string => {
  const { at, state, kinds, status, tenant, client, action, code, dnc, id } = fieldsOf(transaction);
  const time = transaction.entries[0]?.time;
  const cells = [time, state ?? kinds.join(" "), status, tenant?.name, client, action, targetOf(transaction)];
  const html = [...(isPartial ? [] : [at]), ...cells, code, dnc, id]
    .map((value) => `<td>${escapeHtml(String(value ?? ""))}</td>`)
    .join("");
  return `<tr>${html}</tr>\n`;
};

const targetOf = ({ entries: [first] }: Transaction): string => {
  if (!first || !("resource" in first) || !first.resource) return "";
  if (!("identifier" in first) || !first.identifier) return first.resource;
  return `${first.resource}/${first.resource === "phones" ? lastFour(first.identifier) : first.identifier}`;
};

/** `warnings`: known only after the last row. */
export const summaryEnd = (left: number, warnings: readonly string[] = []): string =>
  [
    "</tbody></table>",
    left > 0 ? `<p>${left} more are in events.ndjson.</p>` : "",
    ...warnings.map((line) => `<p><strong>${escapeHtml(line)}</strong></p>`),
    "</body></html>\n",
  ].join("");
