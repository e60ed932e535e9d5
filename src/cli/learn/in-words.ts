/** What `ocsgw learn` prints for people: the diff, then what each change is based on, and what is left open. */
import type { Evidence } from "../../dry-run/learn/evidence.ts";
import type { LearnedTenant } from "../../dry-run/learn/learn.ts";
import type { Change, Rare, RefusedName } from "../../dry-run/learn/proposal.ts";
import type { NeverAllowed } from "../../dry-run/learn/refused.ts";
import { visible } from "../../settings/problems/visible.ts";
import { inShell } from "../../common/shell-word.ts";
import type { LearnCommandOptions, LearnReport } from "./report.ts";

const MOST_ROWS = 20;

export const inWords = (report: LearnReport, options: LearnCommandOptions): string =>
  [
    headline(report),
    ...(report.diff === "" ? [] : ["", report.diff.trimEnd()]),
    ...[...report.tenants.flatMap((tenant) => ofTenant(tenant, report)), ...ofNever(report), ...passedOver(report)].map(
      onOneLine,
    ),
    "",
    next(report, options),
  ].join("\n");

/** Clients chose some of the names. */
const onOneLine = (line: string): string => visible(line.replaceAll("\n", "\\n"));

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const headline = ({ requests, since, oldest, missing, tenants }: LearnReport): string =>
  [
    `${counted(requests, "request")} of ${counted(tenants.length, "observing tenant")} since ${since.slice(0, 19)}Z` +
      (oldest !== null && oldest.slice(0, 13) > since.slice(0, 13)
        ? `; the journal begins at ${oldest.slice(0, 19)}Z`
        : ""),
    ...missing.map((each) => `not complete: ${each}`),
  ].join("\n");

const ofTenant = (tenant: LearnedTenant, { min_requests: least }: LearnReport): readonly string[] => {
  const lines = [
    ...tenant.changes.map(ofChange),
    ...section(
      `seen fewer than ${least} times, so not granted (--min-requests sets the number)`,
      tenant.rare.map(ofRare),
    ),
    ...section("lists, campaigns and groups that were refused (OCSGW-2104)", tenant.names.map(ofName)),
    ...section(
      "left as it is",
      tenant.notes.map((note) => `  ${note}`),
    ),
  ];
  return [
    "",
    `${tenant.tenant} (${tenant.dbid}): ${counted(tenant.requests, "request")}`,
    ...(lines.length === 0 ? ["  the config allows exactly what was seen"] : lines.map((line) => `  ${line}`)),
  ];
};

const section = (title: string, rows: readonly string[]): readonly string[] =>
  rows.length === 0
    ? []
    : [
        `${title}:`,
        ...rows.slice(0, MOST_ROWS),
        ...(rows.length > MOST_ROWS ? [`  and ${rows.length - MOST_ROWS} more; --json lists all`] : []),
      ];

const SIGNS: Readonly<Record<Change["change"], string>> = { add: "+", remove: "-", set: "=" };

const ofChange = ({ change, key, value, evidence, why }: Change): string =>
  `${SIGNS[change]} ${key}: ${value}  (${[
    ...(evidence ? [inText(evidence)] : why === undefined ? ["not seen"] : []),
    ...(why === undefined ? [] : [why]),
  ].join("; ")})`;

const inText = ({ requests, first, last, ids }: Evidence): string =>
  `${counted(requests, "request")}, ${first.slice(0, 19)}Z` +
  (last.slice(0, 19) === first.slice(0, 19) ? "" : ` to ${last.slice(0, 19)}Z`) +
  (ids.length === 0 ? "" : `, e.g. ${ids.join(" ")}`);

const ofRare = ({ key, value, evidence }: Rare): string => `  ${key}: ${value}  (${inText(evidence)})`;

const VERDICTS: Readonly<Record<RefusedName["verdict"], string>> = {
  "may be added": "no tenant has it. If it is this tenant's, --accept-names adds it",
  added: "added",
  rare: "too few requests",
  "another tenant's": "CONFLICT: it belongs to",
  "two tenants use it": "CONFLICT: several tenants ask for it, so none gets it:",
  "spelled differently": "spelled differently:",
  "unknown group": "no tenant has this group;",
  masked: "cannot tell:",
  "not a name": "not valid:",
};

const ofName = ({ kind, name, evidence, verdict, detail }: RefusedName): string =>
  `  ${kind} ${name}: ${[VERDICTS[verdict], detail].filter((part) => part !== "").join(" ")}  (${inText(evidence)})`;

const ofNever = ({ never, never_uncounted: more }: LearnReport): readonly string[] => {
  const [policy, others] = [
    never.filter(({ kind }) => kind === "policy"),
    never.filter(({ kind }) => kind !== "policy"),
  ];
  const rows = [
    ...section("No policy can allow these requests", others.map(ofRefusal)),
    ...section("Not learned, because the tenant enforced its policy and refused them", policy.map(ofRefusal)),
    ...(more > 0 ? [`  ${counted(more, "request")} of further kinds`] : []),
  ];
  return rows.length === 0 ? [] : ["", ...rows];
};

const ofRefusal = (row: NeverAllowed): string => {
  const who = row.client === null ? "unknown client" : row.claimed ? `${row.client} (claimed)` : row.client;
  const what = [row.action, row.resource].filter((each) => each !== null).join(" on ");
  const of = row.tenant === null ? "" : ` of ${row.tenant}`;
  return (
    `  ${String(row.evidence.requests).padStart(6)}  ${row.code} ${row.kind}: ${row.title}; ` +
    `${[who, what].filter((each) => each !== "").join(" ")}${of}` +
    (row.evidence.ids.length === 0 ? "" : `, e.g. ${row.evidence.ids.join(" ")}`)
  );
};

const passedOver = ({ passed_over: { otherTenants, otherClients, ambiguous } }: LearnReport): readonly string[] => {
  const lines = [
    ...(otherTenants > 0 ? [`${counted(otherTenants, "request")} of tenants that are not learned`] : []),
    ...(otherClients > 0 ? [`${counted(otherClients, "request")} of clients that the tenant no longer lists`] : []),
    ...(ambiguous > 0 ? [`${counted(ambiguous, "request")} of two tenants with one name and DBID`] : []),
  ];
  return lines.length === 0 ? [] : ["", `Not used: ${lines.join("; ")}.`];
};

const next = ({ diff, written, config, problems }: LearnReport, { since }: LearnCommandOptions): string => {
  if (problems.length > 0) return "The proposed config is not valid; see the problems below.";
  const [file] = written;
  if (file !== undefined)
    return (
      `Written: ${written.join(", ")}. Next: ocsgw simulate -c ${inShell(file === config ? config : file)} ` +
      `--since ${since}, then ocsgw reload -c ${inShell(config)}.`
    );
  return diff === ""
    ? "No change."
    : "Nothing was written. --write applies the diff; --out FILE writes the proposed config to a new file.";
};
