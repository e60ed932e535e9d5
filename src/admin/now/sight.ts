/**
 * What a person may see. Who may see some tenants only gets nothing that belongs to another one, and no sum from which
 * another one's part could be computed.
 */
import type { Viewer } from "../viewer.ts";
import type { NowSources, TenantFacts } from "./sources.ts";
import { tenantsWith } from "./tenant-index.ts";

export type Sight = Pick<Viewer, "tenants">;

export const seesAll = ({ tenants }: Sight): boolean => tenants === "all";

export const sees = ({ tenants }: Sight, dbid: number | undefined): boolean =>
  tenants === "all" || (dbid !== undefined && tenants.includes(dbid));

export const visibleTenants = (sight: Sight, { tenants }: Pick<NowSources, "tenants">): readonly TenantFacts[] =>
  sight.tenants === "all" ? tenants() : [...new Set(sight.tenants)].flatMap((dbid) => tenantsWith(tenants(), dbid));

/** For a person of some tenants, the upstreams of these. */
export const seesUpstream = (sight: Sight, visible: readonly TenantFacts[]): ((upstream: string) => boolean) => {
  if (seesAll(sight)) return () => true;
  const own = new Set(visible.map(({ upstream }) => upstream));
  return (upstream) => own.has(upstream);
};
