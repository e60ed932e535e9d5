/** CSV for people (RFC 4180). A cell that a spreadsheet would take for a formula is given an apostrophe in front. */
import { factsOf, type Facts, type Story } from "../story.ts";

type Column = readonly [name: string, of: (facts: Facts, story: Story) => string | number | undefined];

const COLUMNS: readonly Column[] = [
  ["index", ({ at }) => at],
  ["time", (_, { entries }) => entries[0]?.time],
  ["kind", ({ kinds }) => kinds.join(" ")],
  ["is", ({ state }) => state],
  ["id", ({ id }) => id],
  ["tenant", ({ tenant }) => tenant?.name],
  ["tenant_dbid", ({ tenant }) => tenant?.dbid],
  ["client", ({ client }) => client],
  ["credential", ({ credential }) => credential],
  ["source", ({ source }) => source],
  ["action", ({ action }) => action],
  ["resource", ({ resource }) => resource],
  [
    "identifier",
    (_, { entries: [first] }) => (first && "identifier" in first ? (first.identifier ?? undefined) : undefined),
  ],
  ["campaign", ({ campaign }) => campaign],
  ["list", ({ list }) => list],
  ["status", ({ status }) => status],
  ["origin", ({ origin }) => origin],
  ["code", ({ code }) => code],
  ["delivery", ({ delivery }) => delivery],
  ["ocs_error", ({ warning }) => warning],
  ["queue_ms", ({ queue }) => queue],
  ["ocs_ms", ({ ocs }) => ocs],
  ["total_ms", ({ total }) => total],
  ["lane", ({ lane }) => lane],
  ["endpoint", ({ endpoint }) => endpoint],
  ["phone_token", ({ phone }) => phone],
  ["customer_token", ({ customer }) => customer],
  ["dnc_sequence", (_, { entries: [first] }) => (first && "dnc_sequence" in first ? first.dnc_sequence : undefined)],
  ["dnc", ({ dnc }) => dnc],
  ["entries", (_, { entries }) => entries.map(({ index }) => index).join(" ")],
];

export const csvHead = (): string => line(COLUMNS.map(([name]) => name));

export const csvRow = (story: Story): string => {
  const facts = factsOf(story);
  return line(COLUMNS.map(([, of]) => of(facts, story)));
};

const line = (cells: readonly (string | number | undefined)[]): string => `${cells.map(cell).join(",")}\r\n`;

const cell = (value: string | number | undefined): string => {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};
