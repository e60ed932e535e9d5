/** The statements on the rows of lane leases. */
import type { SharedDatabase } from "../../database.ts";
import type { Holder } from "./holder.ts";

export type LaneRows = {
  /** By upstream. `version`: a bigint as text, "0" for a row that does not exist. */
  readonly leases: ReadonlyMap<string, { readonly version: string; readonly holders: readonly Holder[] }>;
  /** By name, the gateways that the database knows. */
  readonly nodes: ReadonlyMap<string, { readonly instance: string; readonly isStopped: boolean }>;
};

/** Both reject with DatabaseUnavailable. */
export type LaneStore = {
  readonly read: (upstreams: readonly string[]) => Promise<LaneRows>;
  /** Resolves to false if the row has another version meanwhile: nothing was written then. */
  readonly replace: (upstream: string, version: string, holders: readonly Holder[]) => Promise<boolean>;
};

type Read = {
  leases: Record<string, { version: string; holders: Holder[] }>;
  nodes: Record<string, { instance: string; isStopped: boolean }>;
};

export const laneStore = ({ query }: Pick<SharedDatabase, "query">): LaneStore => ({
  read: async (upstreams) => {
    const [row] = await query<Read>({
      name: "read-lanes",
      text: `SELECT
          (SELECT coalesce(jsonb_object_agg(upstream,
              jsonb_build_object('version', version::text, 'holders', holders)), '{}')
            FROM lane_lease WHERE upstream = ANY($1)) AS leases,
          (SELECT coalesce(jsonb_object_agg(name,
              jsonb_build_object('instance', instance, 'isStopped', stopped IS NOT NULL)), '{}') FROM node) AS nodes`,
      values: [upstreams],
    });
    const { leases, nodes } = row!;
    return { leases: new Map(Object.entries(leases)), nodes: new Map(Object.entries(nodes)) };
  },
  replace: async (upstream, version, holders) => {
    const written = await query({
      name: "write-lanes",
      text: `INSERT INTO lane_lease AS l (upstream, version, holders) VALUES ($1, $2::bigint + 1, $3::jsonb)
        ON CONFLICT (upstream) DO UPDATE SET version = l.version + 1, holders = $3::jsonb
        WHERE l.version = $2::bigint RETURNING 1`,
      values: [upstream, version, JSON.stringify(holders)],
    });
    return written.length > 0;
  },
});
