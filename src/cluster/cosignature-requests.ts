/**
 * The exchange of `add-checkpoint` between gateways, over the shared database instead of HTTP: gateways need no address
 * of each other. Who can write to the database can lose and replay requests, and forge none: checkpoints and
 * cosignatures are signed, and each gateway remembers in its own directory what it has cosigned.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { SharedDatabase } from "./database.ts";

export type CosignatureReply = { readonly status: number; readonly type: string; readonly text: string };

/** `node`: the gateway that asks. */
export type CosignatureRequest = { readonly id: string; readonly node: string; readonly request: string };

const CHANNEL = "ocsgw_cosignatures";
const EVERY_MS = 100;

type Database = Pick<SharedDatabase, "query" | "listen" | "schema">;

export class CosignatureRequests {
  readonly #database: Database;
  readonly #node: string;

  constructor(database: Database, node: string) {
    this.#database = database;
    this.#node = node;
  }

  /** Resolves to the reply of that gateway. Rejects when the signal is aborted, or with DatabaseUnavailable. */
  async ask(witness: string, request: string, signal: AbortSignal): Promise<CosignatureReply> {
    const { query, schema } = this.#database;
    const id = crypto.randomUUID();
    await query({
      text: `WITH asked AS (
          INSERT INTO cosignature_request AS c (node, witness, id, request) VALUES ($1, $2, $3, $4)
          ON CONFLICT (node, witness) DO UPDATE SET id = EXCLUDED.id, request = EXCLUDED.request,
            asked = EXCLUDED.asked, status = NULL, type = NULL, reply = NULL RETURNING 1)
        SELECT pg_notify('${CHANNEL}', $5) FROM asked`,
      values: [this.#node, witness, id, request, schema],
    });
    for (;;) {
      await wait(EVERY_MS, undefined, { signal });
      const [row] = await query<{ status: number; type: string; reply: string }>({
        name: "cosignature-reply",
        text: `SELECT status, type, reply FROM cosignature_request
          WHERE node = $1 AND witness = $2 AND id = $3 AND status IS NOT NULL`,
        values: [this.#node, witness, id],
      });
      if (row) return { status: row.status, type: row.type, text: row.reply };
    }
  }

  /** The requests that this gateway has not answered. */
  waiting(): Promise<readonly CosignatureRequest[]> {
    return this.#database.query<CosignatureRequest>({
      name: "cosignatures-waiting",
      text: `SELECT id::text, node, request FROM cosignature_request
        WHERE witness = $1 AND status IS NULL AND length(request) <= 65536 ORDER BY asked`,
      values: [this.#node],
    });
  }

  async answer(id: string, { status, type, text }: CosignatureReply): Promise<void> {
    await this.#database.query({
      text: `UPDATE cosignature_request SET status = $3, type = $4, reply = $5
        WHERE witness = $1 AND id = $2 AND status IS NULL`,
      values: [this.#node, id, status, type, text],
    });
  }

  listen(onRequest: () => void): () => void {
    const { listen, schema } = this.#database;
    return listen.call(this.#database, CHANNEL, (payload) => payload === schema && onRequest(), onRequest);
  }
}
