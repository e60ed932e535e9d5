/** The bundle for people: a table that any browser shows, without script and without anything from elsewhere. */
import { lastFour } from "../../mask.ts";
import { factsOf, type Story } from "../story.ts";

/** Rows beyond it are in the other files alone. */
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

/** `head`: HTML that stands before the table. */
export const summaryHead = (title: string, says: readonly string[], head = ""): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font:14px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left;white-space:nowrap}</style></head>
<body><h1>${escaped(title)}</h1>
${says.map((line) => `<p>${escaped(line)}</p>`).join("\n")}
${head}<table><caption>Requests, oldest first</caption><thead><tr>${HEAD.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>
`;

export const summaryRow = (story: Story): string => {
  const { at, state, kinds, status, tenant, client, action, code, dnc, id } = factsOf(story);
  const [first] = story.entries;
  const on =
    first && "resource" in first && first.resource
      ? `${first.resource}${"identifier" in first && first.identifier ? `/${first.resource === "phones" ? lastFour(first.identifier) : first.identifier}` : ""}`
      : "";
  return `<tr>${[at, first?.time, state ?? kinds.join(" "), status, tenant?.name, client, action, on, code, dnc, id].map((value) => `<td>${escaped(String(value ?? ""))}</td>`).join("")}</tr>\n`;
};

/** `says`: what is only known when all rows are there. */
export const summaryEnd = (left: number, says: readonly string[] = []): string =>
  `</tbody></table>${left > 0 ? `<p>${left} more are in events.ndjson.</p>` : ""}${says.map((line) => `<p><strong>${escaped(line)}</strong></p>`).join("")}</body></html>\n`;

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
