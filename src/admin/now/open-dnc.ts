/** The open Do-Not-Calls of the tenants that a person may see. */
import { sees, seesAll, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";

type Source = Pick<NowSources, "openDoNotCalls">;

export type OpenDoNotCalls = { readonly open: number; readonly oldest_ms: number | null };

/** Includes entries of format 1, which do not name the OCS. Undefined while unknown. */
export const openDoNotCallsOf = (
  { openDoNotCalls }: Source,
  { upstream, dbid }: Pick<TenantFacts, "upstream" | "dbid">,
): OpenDoNotCalls | undefined => {
  const own = openDoNotCalls()?.filter((each) => each.dbid === dbid && [upstream, ""].includes(each.upstream ?? "?"));
  if (!own) return undefined;
  const oldest = Math.min(...own.map((each) => each.oldest));
  return {
    open: own.reduce((sum, { open }) => sum + open, 0),
    oldest_ms: own.length === 0 ? null : Math.max(0, Math.round(Date.now() - oldest / 1000)),
  };
};

/** Of all visible tenants together; null while unknown. */
export const allOpenDoNotCalls = (sight: Sight, { openDoNotCalls }: Source): number | null =>
  openDoNotCalls()
    ?.filter(({ dbid }) => seesAll(sight) || sees(sight, dbid ?? undefined))
    .reduce((sum, { open }) => sum + open, 0) ?? null;
