/**
 * The statements on the outbox of several gateways. A change takes the row lock of the log's head, so that all gateways
 * see all changes in one order: the number `seq`.
 */
import type { Query, SharedDatabase } from "../../cluster/database.ts";
import type { OutboxItem } from "../item.ts";

/** One run of a gateway. */
export type Holder = { readonly node: string; readonly instance: string };

/** `age`: milliseconds since it was accepted, by the clock of the database. */
export type OutboxRow = Holder & { readonly seq: number; readonly item: OutboxItem; readonly age: number };

const CHANNEL = "ocsgw_outbox";
/** Rows of one page, and of one takeover. */
export const PAGE = 1000;

type Raw = Holder & { readonly seq: string; readonly item: string; readonly age: string };

const COLUMNS = `seq::text, node, instance, item,
  (extract(epoch FROM clock_timestamp() - accepted) * 1000)::text AS age`;

/** Raises the head by the number of rows in `changes`, if there are any. Results in `seq`, the last number. */
const HEAD = (changes: string): string => `INSERT INTO log_head AS h (log, seq)
  SELECT 'outbox', count(*) FROM ${changes} HAVING count(*) > 0
  ON CONFLICT (log) DO UPDATE SET seq = h.seq + EXCLUDED.seq RETURNING seq`;

const GIVEN = `SELECT * FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (id text, state text, item text))
  WITH ORDINALITY AS g (id, state, item, nth)`;

export class OutboxRows {
  readonly #query: Query;
  readonly #listen: SharedDatabase["listen"];
  readonly #schema: string;

  constructor(database: Pick<SharedDatabase, "query" | "listen" | "schema">) {
    this.#query = database.query;
    this.#listen = database.listen.bind(database);
    this.#schema = database.schema;
  }

  /** Resolves when the new items are in the database. One that is there already stays as it is. */
  async add({ node, instance }: Holder, items: readonly OutboxItem[]): Promise<void> {
    await this.#query({
      name: "outbox-add",
      text: `WITH given AS (${GIVEN}), head AS (${HEAD("given")}), put AS (
          INSERT INTO outbox (id, seq, node, instance, state, item)
          SELECT id, head.seq - (SELECT count(*) FROM given) + nth, $2, $3, state, item FROM given, head
          ON CONFLICT (id) DO NOTHING)
        SELECT pg_notify('${CHANNEL}', $4)`,
      values: [given(items), node, instance, this.#schema],
    });
  }

  /** Only the gateway that sends an item may change it; any gateway may close an alarm. */
  async change({ node, instance }: Holder, items: readonly OutboxItem[]): Promise<void> {
    await this.#query({
      name: "outbox-change",
      text: `WITH given AS (${GIVEN}), head AS (${HEAD("given")}), put AS (
          UPDATE outbox AS o SET seq = head.seq - (SELECT count(*) FROM given) + nth, state = g.state, item = g.item
          FROM given AS g, head WHERE o.id = g.id
            AND ((o.state = 'pending' AND o.node = $2 AND o.instance = $3)
              OR (o.state = 'alarm' AND g.state = 'closed')))
        SELECT pg_notify('${CHANNEL}', $4)`,
      values: [given(items), node, instance, this.#schema],
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#query({ name: "outbox-remove", text: "DELETE FROM outbox WHERE id = ANY ($1)", values: [ids] });
  }

  /**
   * Takes pending items of gateways that do not live any more; not the newest, whose gateway may have begun to live
   * since `live` was read. `live`: all runs that live, this one included. Resolves
   * to the number of items taken.
   */
  async takeOver({ node, instance }: Holder, live: readonly Holder[]): Promise<number> {
    const rows = await this.#query<{ readonly id: string }>({
      name: "outbox-take-over",
      text: `WITH dead AS (
          SELECT id, row_number() OVER (ORDER BY id) AS nth FROM (
            SELECT id FROM outbox
            WHERE state = 'pending' AND accepted < clock_timestamp() - interval '2 s' AND NOT EXISTS (
              SELECT FROM jsonb_to_recordset($1::jsonb) AS l (node text, instance text)
              WHERE l.node = outbox.node AND l.instance = outbox.instance)
            ORDER BY id LIMIT ${PAGE} FOR UPDATE SKIP LOCKED) AS locked),
        head AS (${HEAD("dead")}),
        taken AS (
          UPDATE outbox AS o SET seq = head.seq - (SELECT count(*) FROM dead) + nth, node = $2, instance = $3
          FROM dead, head WHERE o.id = dead.id RETURNING o.id)
        SELECT taken.id, pg_notify('${CHANNEL}', $4) FROM taken`,
      values: [JSON.stringify(live), node, instance, this.#schema],
    });
    return rows.length;
  }

  /** Rows with a higher number, in order; at most `PAGE`. */
  async read(after: number): Promise<readonly OutboxRow[]> {
    const rows = await this.#query<Raw>({
      name: "outbox-read",
      text: `SELECT ${COLUMNS} FROM outbox WHERE seq > $1 ORDER BY seq LIMIT ${PAGE}`,
      values: [after],
    });
    return rows.map(({ seq, item, age, ...holder }) => ({
      ...holder,
      seq: Number(seq),
      item: JSON.parse(item) as OutboxItem,
      age: Number(age),
    }));
  }

  /** Calls `onChange` after each change, and when changes may have been missed. Returns the function that ends it. */
  watch(onChange: () => void): () => void {
    const ofThis = (schema: string): void => {
      if (schema === this.#schema) onChange();
    };
    return this.#listen(CHANNEL, ofThis, onChange);
  }
}

const given = (items: readonly OutboxItem[]): string =>
  JSON.stringify(items.map((item) => ({ id: item.id, state: item.state, item: JSON.stringify(item) })));
