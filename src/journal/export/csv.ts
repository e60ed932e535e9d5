/** CSV (RFC 4180). Cells that a spreadsheet could interpret as formulas get a leading apostrophe. */
import { fieldsOf, type Fields, type Transaction } from "../search/transaction.ts";

type Column = readonly [name: string, of: (fields: Fields, transaction: Transaction) => string | number | undefined];

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

/** Where the entries are in the journal. */
const POSITIONS: ReadonlySet<string> = new Set(["index", "entries"]);
const PARTIAL = COLUMNS.filter(([name]) => !POSITIONS.has(name));

/** `isPartial`: without the positions in the journal. */
export const csvHead = (isPartial = false): string => line((isPartial ? PARTIAL : COLUMNS).map(([name]) => name));

export const csvRow = (transaction: Transaction, isPartial = false): string => {
  const fields = fieldsOf(transaction);
  return line((isPartial ? PARTIAL : COLUMNS).map(([, of]) => of(fields, transaction)));
};

const line = (cells: readonly (string | number | undefined)[]): string => `${cells.map(cell).join(",")}\r\n`;

/** The full-width forms are read as the plain ones in some locales. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

const cell = (value: string | number | undefined): string => {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};
