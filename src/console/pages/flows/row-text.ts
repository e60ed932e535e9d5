/** What the cells of a flow say, also for copying and filtering. */
import type { FlowRow } from "./flow-list.ts";
import type { Outcome } from "../../parts/outcome.tsx";
import { quoted } from "../../filter-text.ts";

export const outcomeOf = (row: FlowRow): Outcome => row.state ?? "event";

/** The request's resource and identifier, as the journal has it; for an event what it says. */
export const subjectOf = (row: FlowRow): string => {
  if (row.resource !== undefined) return `${row.resource}${row.identifier === null ? "" : `/${row.identifier}`}`;
  const [entry] = row.entries;
  return entry === undefined ? "" : scalarsOf(entry);
};

/** What an event is called. */
export const actionOf = (row: FlowRow): string => {
  const [entry] = row.entries;
  if (row.state !== undefined || entry === undefined) return row.action ?? "";
  return "operation" in entry ? `${entry.kind} ${entry.operation}` : entry.kind;
};

const KNOWN_ELSEWHERE: ReadonlySet<string> = new Set(["index", "time", "kind", "crc", "id", "operation"]);

const scalarsOf = (entry: object): string =>
  Object.entries(entry)
    .flatMap(([name, value]: [string, unknown]) =>
      !KNOWN_ELSEWHERE.has(name) && ["string", "number", "boolean"].includes(typeof value)
        ? [`${name} ${value as string | number | boolean}`]
        : [],
    )
    .join("  ");

/** "0.3 ms", or nothing where it was not measured. */
export const waitOf = (ms: number | undefined): string =>
  ms === undefined
    ? ""
    : ms >= 10_000
      ? `${(ms / 1000).toFixed(1)} s`
      : `${ms < 0.05 ? 0 : ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const PERSONAL_TOKEN = /^(\w+:[0-9a-f]{16})[0-9a-f]*$/;

/** A term of the filter language that selects the value of a cell; undefined where none does. */
export const termFor = (row: FlowRow, column: string): string | undefined => {
  const term = (key: string, value: string | number | undefined | null): string | undefined =>
    value === undefined || value === null || value === "" ? undefined : `${key}:${quoted(String(value))}`;
  switch (column) {
    case "result":
      return row.state === undefined ? term("kind", row.entries[0]?.kind) : term("is", row.state);
    case "origin":
      return term("origin", row.origin);
    case "tenant":
      return term("tenant", row.tenant?.name);
    case "client":
      return term("client", row.client);
    case "action":
      return row.action === undefined ? term("kind", row.entries[0]?.kind) : term("action", row.action);
    case "subject":
      return subjectTerm(row, term);
    case "code":
      return row.code === undefined ? term("would", row.would) : term("code", row.code);
    default:
      return undefined;
  }
};

const subjectTerm = (
  row: FlowRow,
  term: (key: string, value: string | undefined) => string | undefined,
): string | undefined => {
  const token = PERSONAL_TOKEN.exec(row.phone ?? row.customer ?? "")?.[1];
  switch (row.resource) {
    case "records":
      return term("record", row.record);
    case "lists":
      return term("list", row.list);
    case "campaigngroups":
      return term("group", row.group);
    case "phones":
    case "customer_ids":
      return token === undefined ? term("resource", row.resource) : `${row.phone ? "phone" : "customer"}:${token}`;
    default:
      return term("resource", row.resource);
  }
};

const NEAR_MS = 30_000;

/** Filters that find what happened around a flow; undefined parts do not apply to it. */
export const neighbourFilters = (row: FlowRow) => {
  const at = Date.parse(row.time);
  const moment = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  const near = `time:${moment(at - NEAR_MS)}..${moment(at + NEAR_MS)}`;
  const [client, subject] = [termFor(row, "client"), termFor(row, "subject")];
  return {
    client: client && `${client} ${near}`,
    subject,
    lane: row.lane && `lane:${quoted(row.lane)} ${near}`,
    all: near,
  };
};
