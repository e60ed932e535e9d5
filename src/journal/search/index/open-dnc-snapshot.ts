/** The open Do-Not-Calls of the index for the counter in memory: each subject and scope once, with all its attempts. */
import type { DatabaseSync } from "node:sqlite";
import type { Scope } from "../../open-dnc/dnc-scope.ts";
import { isSame } from "../../open-dnc/open-dnc-counter.ts";
import { writeRow, type Ended, type Open, type Snapshot, type TenantCount } from "../../open-dnc/open-dnc-rows.ts";

const COUNTS = `SELECT tenant, count(*) AS open, min(first) AS oldest FROM
  (SELECT subject, scope, tenant, min(first) AS first FROM open_dnc GROUP BY subject, scope) GROUP BY tenant`;
const ROWS = "SELECT * FROM open_dnc ORDER BY at";

/** Call it within a database transaction. */
export const readSnapshot = (database: DatabaseSync, most: number): Snapshot => {
  const size = Number(database.prepare("SELECT size FROM open_dnc_state").get()!["size"]);
  const tenants = database.prepare(COUNTS).all() as unknown as readonly TenantCount[];
  const count = tenants.reduce((sum, { open }) => sum + open, 0);
  if (count > most) return { size, count, tenants, rows: undefined };
  const found = new Map<string, Open[]>();
  for (const row of database.prepare(ROWS).iterate() as unknown as Iterable<Row>) {
    const open: Open = {
      scope: JSON.parse(row.scope) as Scope,
      from: row.at,
      at: row.at,
      id: row.id,
      tenant: row.tenant,
      clients: JSON.parse(row.clients) as string[],
      first: row.first,
      last: row.last,
      tries: row.tries,
      ended: JSON.parse(row.ended) as Ended,
    };
    const same = found.get(row.subject)?.find((each) => isSame(each, open));
    if (!same) found.set(row.subject, [...(found.get(row.subject) ?? []), open]);
    else
      Object.assign(same, {
        ...open,
        clients: [...new Set([...same.clients, ...open.clients])],
        from: same.from,
        first: same.first,
        tries: same.tries + open.tries,
      });
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
  readonly id: string;
  readonly tries: number;
  readonly ended: string;
};
