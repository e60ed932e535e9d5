/** The statements on the rows of gateways. */
import type { SharedDatabase } from "./database.ts";

type Database = Pick<SharedDatabase, "query">;
type Node = { readonly name: string; readonly instance: string; readonly version: string };

/** What other parts of a gateway tell about it, by part; JSON. */
export type NodeDetails = Readonly<Record<string, unknown>>;

export type NodeRow = Node & {
  readonly started: Date;
  /** A bigint as text. */
  readonly beat: string;
  readonly seen: Date;
  readonly stopped: Date | null;
  readonly details: NodeDetails;
};

/** The run that holds a name, and how often it has beaten. */
export type Holder = { readonly instance: string; readonly beat: string };

/**
 * Takes the name for this run, if no run holds it, its run stopped in order, or it is still `dead` as read before.
 * Resolves to the holder if another run keeps it.
 */
export const takeRow = async (
  { query }: Database,
  { name, instance, version }: Node,
  dead: Holder | undefined,
): Promise<Holder | undefined> => {
  const taken = await query({
    text: `INSERT INTO node AS n (name, instance, version) VALUES ($1, $2, $3)
      ON CONFLICT (name) DO UPDATE SET instance = $2, version = $3, started = clock_timestamp(),
        beat = n.beat + 1, seen = clock_timestamp(), stopped = NULL, details = '{}'
      WHERE n.stopped IS NOT NULL OR (n.instance = $4::uuid AND n.beat = $5::bigint) OR n.instance = $2
      RETURNING n.name`,
    values: [name, instance, version, dead?.instance ?? null, dead?.beat ?? null],
  });
  if (taken.length > 0) return undefined;
  const [holder] = await query<Holder>({
    text: "SELECT instance::text, beat::text FROM node WHERE name = $1",
    values: [name],
  });
  return holder;
};

export const leaveRow = async ({ query }: Database, name: string, instance: string): Promise<void> => {
  await query({
    text: "UPDATE node SET stopped = clock_timestamp() WHERE name = $1 AND instance = $2",
    values: [name, instance],
  });
};

/** Raises the beat alone. Resolves to false if this run has no row. */
export const comeBack = async (
  { query }: Database,
  { node, instance }: { readonly node: string; readonly instance: string },
): Promise<boolean> => {
  const raised = await query({
    name: "come-back",
    text: `UPDATE node SET beat = beat + 1, seen = clock_timestamp()
      WHERE name = $1 AND instance = $2 AND stopped IS NULL RETURNING 1`,
    values: [node, instance],
  });
  return raised.length > 0;
};

/** Removes a row whose run does not live: it is still that run, and its beat still that one. */
export const forgetRow = async (
  { query }: Database,
  { name, instance, beat }: Pick<NodeRow, "name" | "instance" | "beat">,
): Promise<boolean> => {
  const removed = await query({
    text: "DELETE FROM node WHERE name = $1 AND instance = $2 AND beat = $3 RETURNING 1",
    values: [name, instance, beat],
  });
  return removed.length > 0;
};

type Read = {
  /** The run that has the name; undefined if there is no such row. */
  readonly holder: string | undefined;
  readonly nodes: readonly NodeRow[];
  readonly heads: ReadonlyMap<string, bigint>;
};

/** Raises the beat, and reads all rows and the ends of the shared logs in the same statement. */
export const readOrRaiseBeat = async (
  { query }: Database,
  { node, instance }: { readonly node: string; readonly instance: string },
  details: NodeDetails,
): Promise<Read> => {
  const [row] = await query<{ raised: number } & RowsRead>({
    name: "beat",
    text: `WITH raised AS (
        UPDATE node SET beat = beat + 1, seen = clock_timestamp(), details = $3::jsonb
        WHERE name = $1 AND instance = $2 AND stopped IS NULL RETURNING 1)
      SELECT (SELECT count(*)::int FROM raised) AS raised, ${ROWS}`,
    values: [node, instance, JSON.stringify(details)],
  });
  const { raised } = row!;
  const nodes = nodesIn(row!);
  const holder = raised > 0 ? instance : nodes.find(({ name }) => name === node)?.instance;
  return {
    // A row of this run that cannot be raised was marked as stopped by somebody else.
    holder: raised === 0 && holder === instance ? "" : holder,
    nodes,
    heads: headsIn(row!),
  };
};

/** All rows of nodes, and the ends of the shared logs, without a row of one's own. */
export const readNodes = async ({
  query,
}: Database): Promise<{ readonly nodes: readonly NodeRow[]; readonly heads: ReadonlyMap<string, bigint> }> => {
  const [row] = await query<RowsRead>({ text: `SELECT ${ROWS}` });
  return {
    nodes: nodesIn(row!),
    heads: headsIn(row!),
  };
};

const ROWS = `
  (SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'instance', instance, 'version', version,
    'started', started, 'beat', beat::text, 'seen', seen, 'stopped', stopped, 'details', details) ORDER BY name), '[]')
    FROM node) AS nodes,
  (SELECT coalesce(jsonb_object_agg(log, seq::text), '{}') FROM log_head) AS heads`;

type Times = { readonly started: string; readonly seen: string; readonly stopped: string | null };
type RowsRead = {
  readonly nodes: readonly (Omit<NodeRow, "started" | "seen" | "stopped"> & Times)[];
  readonly heads: Readonly<Record<string, string>>;
};

const headsIn = ({ heads }: RowsRead): ReadonlyMap<string, bigint> =>
  new Map(Object.entries(heads).map(([log, seq]) => [log, BigInt(seq)]));

const nodesIn = ({ nodes }: RowsRead): readonly NodeRow[] =>
  nodes.map(({ started, seen, stopped, ...rest }) => ({
    ...rest,
    started: new Date(started),
    seen: new Date(seen),
    stopped: stopped === null ? null : new Date(stopped),
  }));
