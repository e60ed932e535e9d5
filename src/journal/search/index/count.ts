/** Counts the transactions that match a filter without reading them: by their facets, or else by their rows. */
import type { DatabaseSync } from "node:sqlite";
import type { Expression } from "../filter/keys.ts";
import type { FieldName } from "../filter/keys.ts";
import { conditionOfGroups, groupFacets, spanOf } from "./candidates.ts";
import { conditionFor } from "./sql-conditions.ts";
import type { Facets } from "./facets.ts";

/** `refused`: how many of them the gateway refused. */
export type Count = { readonly count: number; readonly refused: number };

/** Undefined if only the lines can tell. `without`: fields without a column. */
export const countIn = (
  database: DatabaseSync,
  facets: Facets,
  expression: Expression,
  without?: ReadonlySet<FieldName>,
): Count | undefined => {
  const span = spanOf(database, expression, Number.MAX_SAFE_INTEGER);
  let [count, refused] = [0, 0];
  if (!span) return { count, refused };
  for (const { facet } of facets.all()) {
    const asked = conditionFor(expression, facet, without);
    if (asked === undefined || (typeof asked === "object" && !asked.exact)) return undefined;
  }
  const asked = conditionOfGroups(groupFacets(facets, expression, without));
  if (!asked) return { count, refused };
  const found = database
    .prepare(
      `SELECT facet, count(*) AS count FROM transactions WHERE at BETWEEN ? AND ? AND ${asked.sql} GROUP BY facet`,
    )
    .iterate(span.from, span.to, ...asked.parameters);
  for (const row of found) {
    count += Number(row["count"]);
    if (facets.read(Number(row["facet"])).state === "refused") refused += Number(row["count"]);
  }
  return { count, refused };
};
