/**
 * The statements on revocations of several gateways. A change takes the row lock of the log's head, so that all
 * gateways see all changes in one order: the number `seq`.
 */
import type { Query, SharedDatabase } from "./database.ts";

/** `until`: RFC 3339; null: never. `lifted`: it is reinstated. */
export type RevocationState = {
  readonly kind: string;
  readonly id: string;
  readonly lifted: boolean;
  readonly until: string | null;
};

/** `reduces`: it reinstates, or ends a revocation earlier; without it a revocation never shortens another. */
export type RevocationChange = RevocationState & { readonly reduces: boolean };

/** The state after the change number `seq`, which `node` made. */
export type RevocationRow = RevocationState & { readonly seq: number; readonly node: string };

/** `head`: the number of the last change of any credential. */
export type RevocationPage = { readonly head: number; readonly rows: readonly RevocationRow[] };

const CHANNEL = "ocsgw_revocations";
/** Rows of one page. */
export const PAGE = 2000;
/** An expired revocation is kept this long, for gateways whose clock is behind. */
const KEEP_EXPIRED = "30 days";

type Raw = RevocationState & { readonly seq: string; readonly node: string };

export class RevocationRows {
  readonly #query: Query;
  readonly #listen: SharedDatabase["listen"];
  readonly #schema: string;

  constructor(database: Pick<SharedDatabase, "query" | "listen" | "schema">) {
    this.#query = database.query;
    this.#listen = database.listen.bind(database);
    this.#schema = database.schema;
  }

  /** Resolves to the states after the changes. At most one change for each credential. */
  async put(node: string, changes: readonly RevocationChange[]): Promise<readonly RevocationRow[]> {
    const given = changes.map(({ until, ...change }) => ({
      ...change,
      until: until === null ? null : new Date(until).toISOString(),
    }));
    const rows = await this.#query<Raw>({
      name: "revocations-put",
      text: `WITH given AS (
          SELECT * FROM ROWS FROM (jsonb_to_recordset($2::jsonb)
            AS (kind text, id text, lifted boolean, until text, reduces boolean)) WITH ORDINALITY
            AS g (kind, id, lifted, until, reduces, nth)),
        head AS (
          INSERT INTO log_head AS h (log, seq) SELECT 'revocations', count(*) FROM given
          ON CONFLICT (log) DO UPDATE SET seq = h.seq + EXCLUDED.seq RETURNING seq),
        put AS (
          INSERT INTO revocation AS r (kind, credential, seq, lifted, until, reduces, node)
          SELECT kind, id, head.seq - (SELECT count(*) FROM given) + nth, lifted, until, reduces, $1 FROM given, head
          ON CONFLICT (kind, credential) DO UPDATE SET
            seq = EXCLUDED.seq, node = EXCLUDED.node, at = EXCLUDED.at,
            lifted = EXCLUDED.lifted, reduces = EXCLUDED.reduces,
            until = CASE WHEN EXCLUDED.reduces OR r.lifted THEN EXCLUDED.until
              WHEN r.until IS NULL OR EXCLUDED.until IS NULL THEN NULL
              ELSE greatest(r.until, EXCLUDED.until) END
          RETURNING kind, credential AS id, seq::text, lifted, until, node)
        SELECT put.*, pg_notify('${CHANNEL}', $3) FROM put`,
      values: [node, JSON.stringify(given), this.#schema],
    });
    return rows.map(rowOf);
  }

  /** Rows with a higher number, in order; at most `PAGE`. */
  async read(after: number): Promise<RevocationPage> {
    const [page] = await this.#query<{ readonly head: string | null; readonly rows: readonly Raw[] }>({
      name: "revocations-read",
      text: `SELECT (SELECT seq::text FROM log_head WHERE log = 'revocations') AS head,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'id', credential, 'seq', seq::text,
            'lifted', lifted, 'until', until, 'node', node) ORDER BY seq), '[]')
          FROM (SELECT * FROM revocation WHERE seq > $1 ORDER BY seq LIMIT ${PAGE}) AS page) AS rows`,
      values: [after],
    });
    return { head: Number(page!.head ?? 0), rows: page!.rows.map(rowOf) };
  }

  /** Deletes what expired long ago by the clock of the database. Gateways go on with what they know. */
  async prune(): Promise<void> {
    await this.#query({
      text: `DELETE FROM revocation WHERE NOT lifted AND until::timestamptz < clock_timestamp() - $1::interval`,
      values: [KEEP_EXPIRED],
    });
  }

  /** Calls `onChange` after each change, and `onConnected` when changes may have been missed. */
  listen(onChange: () => void, onConnected: () => void): () => void {
    return this.#listen(CHANNEL, (schema) => schema === this.#schema && onChange(), onConnected);
  }
}

const rowOf = ({ kind, id, lifted, until, node, seq }: Raw): RevocationRow => ({
  kind,
  id,
  lifted,
  until,
  node,
  seq: Number(seq),
});
