/**
 * The statements on Do-Not-Calls that are open at some gateway. Who changes rows holds the lock of the log's head, so
 * that all gateways see all changes in one order: the number `seq`. A number that was read is one whose row is there.
 */
import type { Query, SharedDatabase } from "../database.ts";

/** `subject`, `scope`: JSON as the journal's rules write them; compared as texts. */
export type DncKey = { readonly subject: string; readonly scope: string };

/** Times: RFC 3339. */
export type OpenRow = DncKey & {
  /** Of the last attempt. */
  readonly request: string;
  readonly at: number;
  readonly upstream: string | null;
  readonly dbid: number | null;
  readonly first: string;
  readonly last: string;
  readonly tries: number;
  readonly state: string;
};

/** One that is open at another gateway. `seq`: when the database learned of its last attempt. */
export type OpenElsewhere = DncKey & { readonly node: string; readonly request: string; readonly seq: number };

/** `by`: the request that OCS confirmed. */
export type Closed = { readonly open: OpenElsewhere; readonly by: string };

/** An own one that another gateway closed: the last attempt, and the confirmed request. */
export type ClosedElsewhere = DncKey & {
  readonly request: string;
  readonly node: string;
  readonly by: string;
  readonly seq: number;
};

/** How far a gateway has come; see the table. */
export type Position = {
  readonly upTo: number;
  readonly resume: number;
  readonly seen: number;
  readonly key: string;
  readonly open: number;
  readonly isStopped: boolean;
};

/**
 * Null: it has told nothing. `age`: milliseconds since `told`, both by the clock of the database. `isStopped`: in
 * order, with all it had.
 */
export type NodePosition = {
  readonly node: string;
  readonly isStopped: boolean;
  readonly upTo: number | null;
  readonly key: string | null;
  readonly told: string | null;
  readonly age: number | null;
};

export type DncChanges = {
  /** All own open ones of these subjects are `open`. */
  readonly subjects: readonly string[];
  readonly open: readonly OpenRow[];
  /** Subjects that OCS's answers close, and what of the rows with these subjects they close. */
  readonly closing: readonly string[];
  readonly close: (open: readonly OpenElsewhere[]) => readonly Closed[];
  /** Undefined: it stays. */
  readonly position: Position | undefined;
};

const LOG = "open-dncs";
const CHANNEL = "ocsgw_open_dncs";

export class DncRows {
  readonly #database: Pick<SharedDatabase, "query" | "transaction" | "listen" | "schema">;

  constructor(database: Pick<SharedDatabase, "query" | "transaction" | "listen" | "schema">) {
    this.#database = database;
  }

  /** Where the gateway goes on after a crash, and the last number it knew. Undefined: it has told nothing. */
  async position(node: string): Promise<Pick<Position, "resume" | "seen"> | undefined> {
    const [row] = await this.#database.query<{ resume: string; seen: string }>({
      text: "SELECT resume::text, seen::text FROM dnc_position WHERE node = $1",
      values: [node],
    });
    return row && { resume: Number(row.resume), seen: Number(row.seen) };
  }

  /** The subjects that have rows of the gateway. */
  async subjects(node: string): Promise<readonly string[]> {
    const rows = await this.#database.query<{ subject: string }>({
      text: "SELECT DISTINCT subject FROM open_dnc WHERE node = $1",
      values: [node],
    });
    return rows.map(({ subject }) => subject);
  }

  /** All in one transaction. */
  async write(node: string, { subjects, open, closing, close, position, ...rest }: DncChanges & Keyed): Promise<void> {
    await this.#database.transaction(async (query) => {
      if (subjects.length > 0 || closing.length > 0) {
        const seq = await nextSeq(query);
        await replaceOwn(query, { node, subjects, open, seq, key: rest.key });
        await closeOthers(query, { node, closing, close, seq, key: rest.key });
        await query({ text: "SELECT pg_notify($1, $2)", values: [CHANNEL, this.#database.schema] });
      }
      if (position) await putPosition(query, node, position);
    });
  }

  /** `head`: the last number. `closed`: own ones that others closed. */
  async read(node: string): Promise<{ readonly head: number; readonly closed: readonly ClosedElsewhere[] }> {
    const [row] = await this.#database.query<{ head: string | null; closed: readonly ClosedElsewhere[] }>({
      name: "open-dncs-read",
      text: `SELECT (SELECT seq::text FROM log_head WHERE log = '${LOG}') AS head,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('subject', subject, 'scope', scope, 'request', request,
            'node', closed_node, 'by', closed_request, 'seq', closed_seq) ORDER BY closed_seq), '[]')
          FROM (SELECT * FROM open_dnc WHERE node = $1 AND closed_node IS NOT NULL ORDER BY closed_seq LIMIT ${PAGE})
            AS page) AS closed`,
      values: [node],
    });
    return { head: Number(row!.head ?? 0), closed: row!.closed };
  }

  /** Of all gateways but this one, except those that stopped and never told anything. */
  async others(node: string): Promise<readonly NodePosition[]> {
    const rows = await this.#database.query<Omit<NodePosition, "upTo"> & { readonly upTo: string | null }>({
      name: "open-dncs-others",
      text: `SELECT n.name AS node, coalesce(p.stopped, false) AND n.stopped IS NOT NULL AS "isStopped",
          p.up_to::text AS "upTo", p.key,
          to_char(p.told AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS told,
          (extract(epoch FROM clock_timestamp() - p.told) * 1000)::float8 AS age
        FROM node n LEFT JOIN dnc_position p ON p.node = n.name
        WHERE n.name <> $1 AND (p.node IS NOT NULL OR n.stopped IS NULL) ORDER BY n.name`,
      values: [node],
    });
    return rows.map(({ upTo, ...row }) => ({ ...row, upTo: upTo === null ? null : Number(upTo) }));
  }

  /** Calls `onChange` after each change, and when changes may have been missed. */
  listen(onChange: () => void): () => void {
    return this.#database.listen(CHANNEL, (schema) => schema === this.#database.schema && onChange(), onChange);
  }
}

/** False before the first gateway of this version has started. */
export const hasDncTables = async ({ query }: Pick<SharedDatabase, "query">): Promise<boolean> => {
  const [found] = await query<{ is: boolean }>({ text: "SELECT to_regclass('dnc_position') IS NOT NULL AS is" });
  return found!.is;
};

/** Rows of one reading. */
const PAGE = 500;

type Keyed = { /** Check value of the index key. */ readonly key: string };

const nextSeq = async (query: Query): Promise<number> => {
  const [head] = await query<{ seq: string }>({
    text: `INSERT INTO log_head AS h (log, seq) VALUES ('${LOG}', 1)
      ON CONFLICT (log) DO UPDATE SET seq = h.seq + 1 RETURNING seq::text`,
  });
  return Number(head!.seq);
};

type Own = Pick<DncChanges, "subjects" | "open"> & Keyed & { readonly node: string; readonly seq: number };

/** A row whose last attempt is another now is a new row, with a new number. */
const replaceOwn = async (query: Query, { node, subjects, open, seq, key }: Own): Promise<void> => {
  const given = JSON.stringify(open);
  await query({
    name: "open-dncs-delete",
    text: `DELETE FROM open_dnc o WHERE node = $1 AND subject = ANY($2) AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset($3::jsonb) AS g (subject text, scope text, request text)
      WHERE g.subject = o.subject AND g.scope = o.scope AND g.request = o.request)`,
    values: [node, subjects, given],
  });
  await query({
    name: "open-dncs-insert",
    text: `INSERT INTO open_dnc (node, subject, scope, request, at, seq, key, upstream, dbid, first, last, tries, state)
      SELECT $1, subject, scope, request, at, $3, $4, upstream, dbid, first, last, tries, state
      FROM jsonb_to_recordset($2::jsonb) AS g (subject text, scope text, request text, at bigint, upstream text,
        dbid bigint, first timestamptz, last timestamptz, tries integer, state text)
      ON CONFLICT (node, subject, scope) DO UPDATE SET at = EXCLUDED.at, state = EXCLUDED.state,
        first = EXCLUDED.first, last = EXCLUDED.last, tries = EXCLUDED.tries`,
    values: [node, given, seq, key],
  });
};

type Closing = Pick<DncChanges, "closing" | "close"> & Keyed & { readonly node: string; readonly seq: number };

const closeOthers = async (query: Query, { node, closing, close, seq, key }: Closing): Promise<void> => {
  if (closing.length === 0) return;
  const found = await query<Omit<OpenElsewhere, "seq"> & { readonly seq: string }>({
    name: "open-dncs-find",
    text: `SELECT node, subject, scope, request, seq::text FROM open_dnc
      WHERE subject = ANY($1) AND node <> $2 AND key = $3 AND closed_node IS NULL`,
    values: [closing, node, key],
  });
  const closed = close(found.map((open) => ({ ...open, seq: Number(open.seq) })));
  if (closed.length === 0) return;
  await query({
    name: "open-dncs-close",
    text: `UPDATE open_dnc o SET closed_node = $1, closed_request = g.by, closed_seq = $3
      FROM jsonb_to_recordset($2::jsonb) AS g (node text, subject text, scope text, by text)
      WHERE o.node = g.node AND o.subject = g.subject AND o.scope = g.scope`,
    values: [
      node,
      JSON.stringify(closed.map(({ open: { node: at, subject, scope }, by }) => ({ node: at, subject, scope, by }))),
      seq,
    ],
  });
};

const putPosition = async (query: Query, node: string, position: Position): Promise<void> => {
  const { upTo, resume, seen, key, open, isStopped } = position;
  await query({
    name: "open-dncs-position",
    text: `INSERT INTO dnc_position (node, up_to, resume, seen, key, open, stopped) VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (node) DO UPDATE SET up_to = EXCLUDED.up_to, resume = EXCLUDED.resume, seen = EXCLUDED.seen,
        key = EXCLUDED.key, open = EXCLUDED.open, stopped = EXCLUDED.stopped, told = clock_timestamp()`,
    values: [node, upTo, resume, seen, key, open, isStopped],
  });
};
