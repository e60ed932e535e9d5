/** How many stories fit a filter, without reading them: by their facets, and where that does not tell, by their rows. */
import type { DatabaseSync } from "node:sqlite";
import type { Expression } from "../filter.ts";
import { spanOf } from "./candidates.ts";
import { askedOf } from "./conditions.ts";
import type { Facets } from "./facets.ts";

/** `refused`: those of them that the gateway refused. */
export type Count = { readonly count: number; readonly refused: number };

/** Undefined when only the lines can tell. */
export const countIn = (database: DatabaseSync, facets: Facets, expression: Expression): Count | undefined => {
  const span = spanOf(database, expression, Number.MAX_SAFE_INTEGER);
  let [count, refused] = [0, 0];
  if (!span) return { count, refused };
  for (const { number, facet } of facets.all()) {
    const asked = askedOf(expression, facet);
    if (asked === false) continue;
    if (asked === undefined || (asked !== true && !asked.exact)) return undefined;
    const { sql, given } = asked === true ? { sql: "TRUE", given: [] } : asked;
    const found = database
      .prepare(`SELECT count(*) AS count FROM stories WHERE facet = ? AND at BETWEEN ? AND ? AND ${sql}`)
      .get(number, span.from, span.to, ...given);
    count += Number(found!["count"]);
    if (facet.state === "refused") refused += Number(found!["count"]);
  }
  return { count, refused };
};
