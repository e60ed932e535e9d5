/** What people see of a node: `ocsgw nodes` and the admin API. */
import type { ClusterNode } from "./membership.ts";

export type DescribedNode = {
  readonly node: string;
  readonly state: ClusterNode["state"];
  readonly version: string;
  /** RFC 3339; start of its run, and its last beat, by the database's clock. */
  readonly since: string;
  readonly seen: string;
  /** Lanes to OCS that it has now; undefined if it does not say. */
  readonly lanes: number | undefined;
  /** Entries of shared logs that it has not acknowledged; undefined if it does not say, or does not live. */
  readonly lag: number | undefined;
  /** Address of its admin listener; undefined if it has none or does not say. */
  readonly admin: string | undefined;
};

/** The parts of a node's details that are shown, and who writes them. */
type Shown = {
  /** Its admin listener. */
  readonly admin?: { readonly address?: unknown };
  /** The last acknowledged entry of each upstream's log of ownership. */
  readonly ownership?: Readonly<Record<string, unknown>>;
  /** Its lanes, by upstream. */
  readonly lanes?: Readonly<Record<string, unknown>>;
};

const OWNERSHIP_LOG = /^ownership:(.*)$/s;

export const describeNode = (node: ClusterNode, heads: ReadonlyMap<string, bigint>): DescribedNode => {
  const { admin, ownership, lanes } = node.details as Shown;
  return {
    node: node.name,
    state: node.state,
    version: node.version,
    since: node.started.toISOString(),
    seen: node.seen.toISOString(),
    lanes: node.state === "live" ? sumOf(lanes) : undefined,
    lag: node.state === "live" ? lagOf(ownership, heads) : undefined,
    admin: typeof admin?.address === "string" ? admin.address : undefined,
  };
};

const sumOf = (counts: Shown["lanes"]): number | undefined => {
  const all = Object.values(counts ?? {});
  return all.length > 0 && all.every((each) => typeof each === "number")
    ? (all as number[]).reduce((sum, each) => sum + each, 0)
    : undefined;
};

/** The largest lag of its logs. Unknown as soon as one of them is. */
const lagOf = (ownership: Shown["ownership"], heads: ReadonlyMap<string, bigint>): number | undefined => {
  const logs = [...heads].flatMap(([log, head]) => {
    const upstream = OWNERSHIP_LOG.exec(log)?.[1];
    return upstream === undefined ? [] : [{ head: Number(head), acknowledged: ownership?.[upstream] }];
  });
  if (logs.length === 0 || !logs.every(({ acknowledged }) => typeof acknowledged === "number")) return undefined;
  return Math.max(...logs.map(({ head, acknowledged }) => Math.max(0, head - (acknowledged as number))));
};
