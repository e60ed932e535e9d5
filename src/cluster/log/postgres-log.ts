/**
 * The log of ownership in PostgreSQL. A writer holds the lock of the log's row in `log_head` until its commit, so the
 * numbers follow the order of commits and have no gaps: who reads up to a number has read everything before it.
 */
import type { SharedDatabase } from "../database.ts";
import type { Acknowledgement, LogRow, LogSnapshot, NewEvent, SharedLog } from "./shared-log.ts";

type Writer = { readonly node: string; readonly instance: string };

/** Of all schemas of a database: the payload names the schema. */
const CHANNEL = "ocsgw_ownership";
const MOST_ROWS = 2000;
/** Parts of a snapshot that one statement writes. */
const MOST_PARTS = 2;
const UNIQUE_VIOLATION = "23505";

/** The name of an upstream's log in `log_head`. */
export const ownershipLogOf = (upstream: string): string => `ownership:${upstream}`;

export class PostgresLog implements SharedLog {
  readonly #database: SharedDatabase;
  readonly #writer: Writer;
  /** Logs that have a row in `log_head`. */
  readonly #begun = new Set<string>();

  constructor(database: SharedDatabase, writer: Writer) {
    [this.#database, this.#writer] = [database, writer];
  }

  readonly append = async (upstream: string, events: readonly NewEvent[]): Promise<readonly LogRow[]> => {
    await this.#begin(upstream);
    try {
      return await this.#append(upstream, events);
    } catch (error) {
      // An earlier attempt has committed one of the events since this statement began, so the next one sees it.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      return this.#append(upstream, events);
    }
  };

  readonly read = async (
    upstream: string,
    from: number,
  ): Promise<{ readonly rows: readonly LogRow[]; readonly head: number }> => {
    const found = await this.#database.query<Found>({
      name: "ownership-read",
      text: `SELECT h.head::text, l.* FROM (SELECT coalesce((SELECT seq FROM log_head WHERE log = $2), 0) AS head) h
        LEFT JOIN LATERAL (
          SELECT seq::text, id::text, node, instance::text, ${MILLISECONDS}, event FROM ownership_log
          WHERE upstream = $1 AND seq >= $3 ORDER BY ownership_log.seq LIMIT ${MOST_ROWS}) l ON true
        ORDER BY l.seq::bigint`,
      values: [upstream, ownershipLogOf(upstream), from],
    });
    return { rows: found.filter(isRow).map(toRow), head: Number(found[0]!.head) };
  };

  readonly snapshot = async (upstream: string): Promise<LogSnapshot | undefined> => {
    const parts = await this.#database.query<{ seq: string; data: unknown }>({
      text: `SELECT seq::text, data FROM ownership_snapshot WHERE upstream = $1
        AND seq = (SELECT max(seq) FROM ownership_snapshot WHERE upstream = $1) ORDER BY part`,
      values: [upstream],
    });
    return parts.length === 0 ? undefined : { seq: Number(parts[0]!.seq), parts: parts.map(({ data }) => data) };
  };

  readonly putSnapshot = (upstream: string, { seq, parts }: LogSnapshot, keepFrom: number): Promise<boolean> =>
    this.#database.transaction(async (query) => {
      const [lock] = await query<{ isFree: boolean }>({
        text: `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "isFree"`,
        values: [`${this.#database.schema} ${ownershipLogOf(upstream)}`],
      });
      if (!lock!.isFree) return false;
      const newer = {
        text: "SELECT FROM ownership_snapshot WHERE upstream = $1 AND seq >= $2",
        values: [upstream, seq],
      };
      if ((await query(newer)).length > 0) return false;
      for (let at = 0; at < parts.length; at += MOST_PARTS)
        await query({
          text: `INSERT INTO ownership_snapshot (upstream, seq, part, data)
            SELECT $1, $2, $3::int + n, data::json FROM unnest($4::text[]) WITH ORDINALITY AS p(data, n)`,
          values: [upstream, seq, at, parts.slice(at, at + MOST_PARTS).map((part) => JSON.stringify(part))],
        });
      await query({ text: "DELETE FROM ownership_snapshot WHERE upstream = $1 AND seq < $2", values: [upstream, seq] });
      await query({
        text: "DELETE FROM ownership_log WHERE upstream = $1 AND seq < $2",
        values: [upstream, Math.min(seq, keepFrom)],
      });
      return true;
    });

  readonly acknowledge = async (acknowledgement: Acknowledgement): Promise<void> => {
    const payload = JSON.stringify({ schema: this.#database.schema, ...acknowledgement });
    await this.#database.query({
      name: "ownership-ack",
      text: `SELECT pg_notify('${CHANNEL}', $1)`,
      values: [payload],
    });
  };

  readonly listen: SharedLog["listen"] = ({ onAppended, onAcknowledged }) =>
    this.#database.listen(
      CHANNEL,
      (text) => {
        const payload = payloadIn(text);
        if (payload?.schema !== this.#database.schema || payload.log === undefined) return;
        const { log, by, instance, seq } = payload;
        if (instance !== undefined && seq !== undefined) onAcknowledged({ log, instance, seq });
        else if (by !== this.#writer.instance) onAppended(log);
      },
      () => onAppended(undefined),
    );

  /** The index of the gateway's own journal up to which its outcomes are in the log; undefined for a new gateway. */
  readonly mark = async (): Promise<number | undefined> => {
    const [row] = await this.#database.query<{ mark: string }>({
      text: "SELECT mark::text FROM ownership_mark WHERE node = $1",
      values: [this.#writer.node],
    });
    return row && Number(row.mark);
  };

  readonly putMark = async (mark: number): Promise<void> => {
    await this.#database.query({
      name: "ownership-mark",
      text: `INSERT INTO ownership_mark (node, mark) VALUES ($1, $2)
        ON CONFLICT (node) DO UPDATE SET mark = excluded.mark`,
      values: [this.#writer.node, mark],
    });
  };

  async #append(upstream: string, events: readonly NewEvent[]): Promise<readonly LogRow[]> {
    const { node, instance } = this.#writer;
    const rows = await this.#database.query<Row>({
      name: "ownership-append",
      text: APPEND,
      values: [
        upstream,
        ownershipLogOf(upstream),
        events.map(({ id }) => id),
        events.map(({ event }) => JSON.stringify(event)),
        node,
        instance,
        JSON.stringify({ schema: this.#database.schema, log: upstream, by: instance }),
      ],
    });
    return rows.map(toRow);
  }

  async #begin(upstream: string): Promise<void> {
    if (this.#begun.has(upstream)) return;
    await this.#database.query({
      text: "INSERT INTO log_head (log) VALUES ($1) ON CONFLICT DO NOTHING",
      values: [ownershipLogOf(upstream)],
    });
    this.#begun.add(upstream);
  }
}

const MILLISECONDS = "(extract(epoch FROM at) * 1000)::bigint::text AS at";

/** The clock is read after the lock was got, so that it rises with the numbers. */
const APPEND = `WITH given AS (
    SELECT e.id, e.event, row_number() OVER (ORDER BY n) AS n
    FROM unnest($3::uuid[], $4::text[]) WITH ORDINALITY AS e(id, event, n)
    WHERE NOT EXISTS (SELECT FROM ownership_log l WHERE l.upstream = $1 AND l.id = e.id)
  ), head AS (
    UPDATE log_head SET seq = seq + (SELECT count(*) FROM given) WHERE log = $2 RETURNING seq
  ), added AS (
    INSERT INTO ownership_log (upstream, seq, id, node, instance, at, event)
    SELECT $1, head.seq - (SELECT count(*) FROM given) + n, id, $5, $6::uuid, clock_timestamp(), event::json
    FROM head, given RETURNING seq, id, node, instance, at, event
  ), told AS MATERIALIZED (SELECT pg_notify('${CHANNEL}', $7))
  SELECT seq::text, id::text, node, instance::text, ${MILLISECONDS}, event FROM added, told ORDER BY added.seq`;

type Row = {
  readonly seq: string;
  readonly id: string;
  readonly node: string;
  readonly instance: string;
  readonly at: string;
  readonly event: unknown;
};

/** Only the number of the last row, where no row was found. */
type Found = { readonly head: string } & (Row | { readonly seq: null });

const isRow = (found: Found): found is { readonly head: string } & Row => found.seq !== null;

const toRow = ({ seq, id, node, instance, at, event }: Row): LogRow => ({
  seq: Number(seq),
  id,
  node,
  instance,
  at: Number(at),
  event,
});

/** `by`: the run that has appended events. */
type Payload = { readonly schema?: string; readonly by?: string } & Partial<Acknowledgement>;

/** Undefined for a payload of another program. */
const payloadIn = (text: string): Payload | undefined => {
  try {
    return JSON.parse(text) as Payload;
  } catch {
    return undefined;
  }
};
