/** How many stories fit a filter, without reading them: by their facets, and where that does not tell, by their rows. */
import type { DatabaseSync } from "node:sqlite";
import type { Expression } from "../filter.ts";
import type { Known } from "../filter/keys.ts";
import { askedOfAll, groupsOf, spanOf } from "./candidates.ts";
import { askedOf } from "./conditions.ts";
import type { Facets } from "./facets.ts";

/** `refused`: those of them that the gateway refused. */
export type Count = { readonly count: number; readonly refused: number };

/** Undefined when only the lines can tell. `without`: facts that have no column. */
export const countIn = (
  database: DatabaseSync,
  facets: Facets,
  expression: Expression,
  without?: ReadonlySet<Known>,
): Count | undefined => {
  const span = spanOf(database, expression, Number.MAX_SAFE_INTEGER);
  let [count, refused] = [0, 0];
  if (!span) return { count, refused };
  for (const { facet } of facets.all()) {
    const asked = askedOf(expression, facet, without);
    if (asked === undefined || (typeof asked === "object" && !asked.exact)) return undefined;
  }
  const asked = askedOfAll(groupsOf(facets, expression, without));
  if (!asked) return { count, refused };
  const found = database
    .prepare(`SELECT facet, count(*) AS count FROM stories WHERE at BETWEEN ? AND ? AND ${asked.sql} GROUP BY facet`)
    .iterate(span.from, span.to, ...asked.given);
  for (const row of found) {
    count += Number(row["count"]);
    if (facets.read(Number(row["facet"])).state === "refused") refused += Number(row["count"]);
  }
  return { count, refused };
};
