/**
 * Exports of the Genesys configuration as CSV. The columns say what a file holds: tenants, campaign groups, calling
 * lists or campaigns. Rows that contradict each other or what is known are refused with file and line.
 */
import { dbid, name } from "../../../settings/schema/units.ts";
import { isListName } from "../../../ocs/identifiers.ts";
import { readBytes } from "../../../common/small-file/small-file.ts";
import { reason } from "../../../common/system-error.ts";
import { CsvFault, readCsv, type Csv, type CsvRow } from "./read-csv.ts";

/** `where`: file and line, for messages. */
type Stated = { readonly tenant: string; readonly where: string };
export type StatedTenant = { readonly name: string; readonly dbid: number; readonly where: string };
export type StatedGroup = Stated & {
  readonly name: string;
  readonly dbid: number | undefined;
  readonly campaignId: number | undefined;
  readonly groupId: number | undefined;
};
export type StatedName = Stated & { readonly name: string };

export type Exports = {
  readonly tenants: readonly StatedTenant[];
  readonly groups: readonly StatedGroup[];
  readonly lists: readonly StatedName[];
  readonly campaigns: readonly StatedName[];
};

export const NO_EXPORTS: Exports = { tenants: [], groups: [], lists: [], campaigns: [] };

/** Why the files are refused, one line for each reason. */
export class ExportsFault extends Error {}

type Kind = keyof Exports;

/** The columns of each kind; the first that is not `tenant` tells the kind. */
const COLUMNS: Readonly<Record<Kind, { readonly needed: readonly string[]; readonly more: readonly string[] }>> = {
  tenants: { needed: ["tenant", "tenant_dbid"], more: [] },
  groups: {
    needed: ["tenant", "campaign_group"],
    more: ["campaign_group_dbid", "campaign_dbid", "agent_group_dbid"],
  },
  lists: { needed: ["tenant", "calling_list"], more: [] },
  campaigns: { needed: ["tenant", "campaign"], more: [] },
};

const MOST_BYTES = 64 << 20;

/** `known`: names of the tenants that the config has. Rejects with ExportsFault. */
export const readExports = async (files: readonly string[], known: readonly string[]): Promise<Exports> => {
  const faults: string[] = [];
  const all: Exports[] = [];
  for (const file of files) {
    try {
      all.push(exportsIn(file, readCsv(await readBytes(file, MOST_BYTES).catch(unreadable))));
    } catch (error) {
      if (error instanceof CsvFault) faults.push(`${file}:${error.line}: ${error.message}`);
      else if (error instanceof ExportsFault)
        faults.push(...error.message.split("\n").map((line) => withFile(file, line)));
      else throw error;
    }
  }
  const found: Exports = {
    tenants: all.flatMap(({ tenants }) => tenants),
    groups: all.flatMap(({ groups }) => groups),
    lists: all.flatMap(({ lists }) => lists),
    campaigns: all.flatMap(({ campaigns }) => campaigns),
  };
  faults.push(...duplicates(found), ...unknownTenants(found, known));
  if (faults.length > 0) throw new ExportsFault(faults.join("\n"));
  return found;
};

const unreadable = (error: unknown): never => {
  throw new ExportsFault(`cannot be read: ${reason(error)}`);
};

const withFile = (file: string, line: string): string => (line.startsWith(`${file}:`) ? line : `${file}: ${line}`);

const exportsIn = (file: string, { columns, rows }: Csv): Exports => {
  const kind = kindOf(columns);
  const faults: string[] = [];
  const taken = rows.flatMap((row) => {
    try {
      return [readers[kind](row, `${file}:${row.line}`)];
    } catch (error) {
      if (!(error instanceof CsvFault)) throw error;
      faults.push(`${file}:${error.line}: ${error.message}`);
      return [];
    }
  });
  if (faults.length > 0) throw new ExportsFault(faults.join("\n"));
  return { ...NO_EXPORTS, [kind]: taken };
};

const kindOf = (columns: readonly string[]): Kind => {
  const kinds = (Object.keys(COLUMNS) as Kind[]).filter((kind) => columns.includes(COLUMNS[kind].needed[1]!));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const all = Object.values(COLUMNS).map(({ needed }) => needed.join(","));
    throw new CsvFault(
      1,
      `the columns ${columns.join(", ")} ${kind === undefined ? "tell none" : "tell more than one"} of the kinds of ` +
        `files: ${all.join("; ")}`,
    );
  }
  const { needed, more } = COLUMNS[kind];
  const missing = needed.filter((name) => !columns.includes(name));
  const unknown = columns.filter((name) => !needed.includes(name) && !more.includes(name));
  if (missing.length > 0) throw new CsvFault(1, `the column ${missing.join(", ")} is missing`);
  if (unknown.length > 0)
    throw new CsvFault(
      1,
      `unknown column ${unknown.join(", ")}; a file of ${kind} has ${[...needed, ...more].join(", ")}`,
    );
  return kind;
};

const nameIn = ({ fields, line }: CsvRow, column: string): string => {
  const text = fields[column]!;
  if (text === "") throw new CsvFault(line, `${column} is empty`);
  const result = name.safeParse(text);
  if (!result.success)
    throw new CsvFault(line, `${column}: ${result.error.issues[0]!.message}, found ${JSON.stringify(text)}`);
  return text;
};

const dbidIn = ({ fields, line }: CsvRow, column: string): number => {
  const text = fields[column]!;
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  if (number === undefined || !dbid.safeParse(number).success)
    throw new CsvFault(line, `${column}: expected a DBID: a whole number from 1, found ${JSON.stringify(text)}`);
  return number;
};

const optionalDbid = (row: CsvRow, column: string): number | undefined =>
  (row.fields[column] ?? "") === "" ? undefined : dbidIn(row, column);

const readers = {
  tenants: (row: CsvRow, where: string): StatedTenant => ({
    name: nameIn(row, "tenant"),
    dbid: dbidIn(row, "tenant_dbid"),
    where,
  }),
  groups: (row: CsvRow, where: string): StatedGroup => ({
    tenant: nameIn(row, "tenant"),
    name: nameIn(row, "campaign_group"),
    dbid: optionalDbid(row, "campaign_group_dbid"),
    campaignId: optionalDbid(row, "campaign_dbid"),
    groupId: optionalDbid(row, "agent_group_dbid"),
    where,
  }),
  lists: (row: CsvRow, where: string): StatedName => {
    const list = nameIn(row, "calling_list");
    if (!isListName(list))
      throw new CsvFault(row.line, `calling_list: a name with / \\ % ? or # cannot stand in OCS's URIs, found ${list}`);
    return { tenant: nameIn(row, "tenant"), name: list, where };
  },
  campaigns: (row: CsvRow, where: string): StatedName => ({
    tenant: nameIn(row, "tenant"),
    name: nameIn(row, "campaign"),
    where,
  }),
} as const;

type Key = { readonly what: string; readonly key: string; readonly where: string };

const keysOf = ({ tenants, groups, lists, campaigns }: Exports): readonly Key[] => [
  ...tenants.flatMap(({ name: called, dbid: id, where }) => [
    { what: `the tenant ${called}`, key: `tenant ${called}`, where },
    { what: `a tenant with the DBID ${id}`, key: `tenant dbid ${id}`, where },
  ]),
  ...groups.flatMap(({ name: called, dbid: id, where }) => [
    { what: `the campaign group ${called}`, key: `group ${called}`, where },
    ...(id === undefined ? [] : [{ what: `a campaign group with the DBID ${id}`, key: `group dbid ${id}`, where }]),
  ]),
  ...lists.map(({ tenant, name: called, where }) => ({
    what: `the calling list ${called} of ${tenant}`,
    key: JSON.stringify(["list", tenant, called]),
    where,
  })),
  ...campaigns.map(({ tenant, name: called, where }) => ({
    what: `the campaign ${called} of ${tenant}`,
    key: JSON.stringify(["campaign", tenant, called]),
    where,
  })),
];

const duplicates = (found: Exports): readonly string[] => {
  const first = new Map<string, string>();
  return keysOf(found).flatMap(({ what, key, where }) => {
    const before = first.get(key);
    if (before === undefined) first.set(key, where);
    return before === undefined ? [] : [`${where}: ${what} is already in ${before}`];
  });
};

const unknownTenants = (
  { tenants, groups, lists, campaigns }: Exports,
  known: readonly string[],
): readonly string[] => {
  const names = new Set([...known, ...tenants.map((tenant) => tenant.name)]);
  return [...groups, ...lists, ...campaigns]
    .filter(({ tenant }) => !names.has(tenant))
    .map(
      ({ tenant, where }) =>
        `${where}: unknown tenant ${JSON.stringify(tenant)}; add a file of tenants (tenant,tenant_dbid) that has it`,
    );
};
