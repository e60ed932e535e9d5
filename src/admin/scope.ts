/**
 * Narrows answers to the tenants that a viewer may see. Such a viewer sees neither indexes of entries nor counts of
 * the whole journal: they would tell how much other tenants do.
 */
import type { CoverageGap } from "../journal/search/coverage-gaps.ts";
import type { Evidence } from "../journal/search/person-search.ts";
import type { Viewer } from "./viewer.ts";

type Scoped = Pick<Viewer, "tenants">;

/** The DBIDs to which an answer is narrowed; undefined for a viewer of all tenants. */
export const tenantsOf = ({ tenants }: Scoped): readonly number[] | undefined =>
  tenants === "all" ? undefined : tenants;

export const isScoped = ({ tenants }: Scoped): boolean => tenants !== "all";

/** False for what belongs to no known tenant, unless the viewer sees everything. */
export const maySee = ({ tenants }: Scoped, dbid: number | null | undefined): boolean =>
  tenants === "all" || (dbid !== null && dbid !== undefined && tenants.includes(dbid));

/** No tenant has this DBID, so nothing matches. */
const NO_TENANT = "tenant:0 -tenant:0";

/** A filter that also requires one of the viewer's tenants. */
export const narrowed = (filter: string, viewer: Scoped): string => {
  const dbids = tenantsOf(viewer);
  if (dbids === undefined) return filter;
  const own = dbids.length === 0 ? NO_TENANT : `tenant:${dbids.join(",")}`;
  return filter.trim() === "" ? own : `${own} (${filter})`;
};

/** The reasons of gaps name indexes and files of the whole journal. */
export const gapsFor = (viewer: Scoped, gaps: readonly CoverageGap[]): readonly CoverageGap[] =>
  isScoped(viewer)
    ? gaps.map(({ from, to }) => ({ from, to, reason: "the journal has no entries, or not all of them" }))
    : gaps;

/**
 * What a look-up covers, for this viewer. Of some tenants: without the entries of the whole journal and without the
 * times in which index keys were used. That a key made no token yet would tell what other tenants do.
 */
export const evidenceFor = (viewer: Scoped, { searched, ...evidence }: Evidence) => {
  const tenants = tenantsOf(viewer);
  return tenants === undefined
    ? { ...evidence, searched }
    : {
        ...evidence,
        tenants: [...tenants],
        epochs: evidence.epochs.map(({ epoch, held, key }) => ({ epoch, held, key: key === "unused" ? "same" : key })),
        gaps: gapsFor(viewer, evidence.gaps),
      };
};
