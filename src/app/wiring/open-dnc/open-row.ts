/** An open Do-Not-Call of the counter as a row of the shared database. */
import type { OpenRow } from "../../../cluster/dnc/dnc-rows.ts";
import type { Open } from "../../../journal/open-dnc/open-dnc-rows.ts";
import { writeMicros } from "../../../journal/time.ts";

/** `subject`: as `dnc-scope.ts` writes it, which begins with upstream and DBID, or with "?" for no tenant. */
export const rowOf = (subject: string, { scope, id, at, first, last, tries, ended }: Open): OpenRow => {
  const [upstream, dbid] = JSON.parse(subject) as [string, number | string];
  return {
    subject,
    scope: JSON.stringify(scope),
    request: id,
    at,
    upstream: typeof dbid === "number" ? upstream : null,
    dbid: typeof dbid === "number" ? dbid : null,
    first: writeMicros(first),
    last: writeMicros(last),
    tries,
    state: ended.state,
  };
};
