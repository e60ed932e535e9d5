/** The open Do-Not-Calls that the index knows of, for the counter in memory: each subject and scope once, with all of its tries. */
import type { DatabaseSync } from "node:sqlite";
import type { Scope } from "../do-not-call.ts";
import { isSame, writeRow, type Open, type Snapshot, type TenantCount } from "../open-do-not-calls.ts";
import type { Facets } from "./facets.ts";

type Asked = { readonly size: number; readonly most: number };

const COUNTS = `SELECT tenant, count(*) AS open, min(first) AS oldest FROM
  (SELECT subject, scope, tenant, min(first) AS first FROM duties GROUP BY subject, scope) GROUP BY tenant`;
const ROWS = "SELECT duties.*, stories.facet, stories.id FROM duties JOIN stories ON stories.at = duties.at ORDER BY duties.at";

/** To be called within a transaction. */
export const readSnapshot = (database: DatabaseSync, facets: Facets, { size, most }: Asked): Snapshot => {
  const tenants = database.prepare(COUNTS).all() as unknown as readonly TenantCount[];
  const count = tenants.reduce((sum, { open }) => sum + open, 0);
  if (count > most) return { size, count, tenants, rows: undefined };
  const found = new Map<string, Open[]>();
  for (const row of database.prepare(ROWS).iterate() as unknown as Iterable<Row>) {
    const { state = "open", status, code } = facets.read(row.facet);
    const open: Open = {
      scope: JSON.parse(row.scope) as Scope, from: row.at, at: row.at, id: row.id ?? "", tenant: row.tenant, clients: JSON.parse(row.clients) as string[],
      first: row.first, last: row.last, tries: row.tries,
      ended: { state, ...(status !== undefined && { status }), ...(code !== undefined && { code }) },
    };
    const same = found.get(row.subject)?.find((each) => isSame(each, open));
    if (!same) found.set(row.subject, [...(found.get(row.subject) ?? []), open]);
    else Object.assign(same, { ...open, clients: [...new Set([...same.clients, ...open.clients])], from: same.from, first: same.first, tries: same.tries + open.tries });
  }
  const rows = [...found].flatMap(([subject, opens]) => opens.map((open) => writeRow(subject, open)));
  return { size, count, tenants, rows: rows.join("\n") };
};

type Row = {
  readonly at: number;
  readonly subject: string;
  readonly scope: string;
  readonly tenant: string | null;
  readonly clients: string;
  readonly first: number;
  readonly last: number;
  readonly id: string | null;
  readonly tries: number;
  readonly facet: number;
};
