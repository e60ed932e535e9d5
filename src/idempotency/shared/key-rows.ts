/**
 * The statements on the rows of keys in the shared database. Each one is committed by itself, and has the same result
 * when it is carried out twice.
 */
import type { Query } from "../../cluster/database.ts";
import type { HeaderLine } from "../../common/message.ts";
import type { KeptKey, KeyEnd, KeyScope, NewKey, RunningKey } from "../types.ts";

/** The gateway that carries out a request, and its run. */
export type Runner = { readonly node: string; readonly instance: string };

/** `isKnown`: the database still knows that gateway. `end`: undefined while the request has none. */
export type FoundRow = KeptKey & Runner & { readonly isKnown: boolean };

const columns = (keys: readonly (readonly unknown[])[]): readonly unknown[][] =>
  keys.length === 0 ? [] : keys[0]!.map((_, column) => keys.map((row) => row[column]));

/**
 * Claims all tokens that nobody has, and resolves to the ids of the keys that got all of theirs. Locks are taken in the
 * order of tokens, so that two gateways never wait for each other.
 */
export const insertKeys = async (
  query: Query,
  keys: readonly NewKey[],
  { node, instance }: Runner,
): Promise<ReadonlySet<string>> => {
  const rows = keys.flatMap(({ tokens, upstream, tenant, client, id, at, entry, entryTime, certain }) =>
    tokens.map(({ token, fingerprint }, place) => [
      upstream,
      tenant,
      client,
      token,
      fingerprint,
      id,
      place === 0,
      at,
      entry,
      entryTime,
      certain,
    ]),
  );
  if (rows.length === 0) return new Set();
  const inserted = await query<{ id: string; rows: number }>({
    name: "claim-keys",
    text: `WITH inserted AS (
        INSERT INTO idempotency_key
          (upstream, tenant, client, token, fingerprint, id, is_first, at, entry, entry_time, certain, node, instance)
        SELECT g.upstream, g.tenant, g.client, g.token, g.fingerprint, g.id, g.is_first, g.at, g.entry, g.entry_time,
          g.certain, $12, $13::uuid
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
          $8::bigint[], $9::bigint[], $10::bigint[], $11::boolean[])
          WITH ORDINALITY AS g
            (upstream, tenant, client, token, fingerprint, id, is_first, at, entry, entry_time, certain, place)
        ORDER BY g.upstream, g.tenant, g.client, g.token, g.place
        ON CONFLICT DO NOTHING RETURNING id)
      SELECT id, count(*)::int AS rows FROM inserted GROUP BY id`,
    values: [...columns(rows), node, instance],
  });
  const most = new Map(keys.map(({ id, tokens }) => [id, tokens.length]));
  return new Set(inserted.filter((row) => row.rows === most.get(row.id)).map(({ id }) => id));
};

/** The rows of each key's tokens, in the order of the keys; each in the order of its tokens. */
export const findKeys = async (query: Query, keys: readonly NewKey[]): Promise<readonly (readonly FoundRow[])[]> => {
  const asked = keys.flatMap(({ upstream, tenant, client, tokens }, place) =>
    tokens.map(({ token }, order) => [upstream, tenant, client, token, place, order]),
  );
  const found: FoundRow[][] = keys.map(() => []);
  if (asked.length === 0) return found;
  const rows = await query<Row & { place: number }>({
    name: "find-keys",
    text: `SELECT g.place, k.token, k.fingerprint, k.id, k.node, k.instance::text, k.state, k.status, k.headers, k.body,
        k.refusal, k.detail, n.name IS NOT NULL AS known
      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::int[])
        AS g(upstream, tenant, client, token, place, token_order)
      JOIN idempotency_key k USING (upstream, tenant, client, token) LEFT JOIN node n ON n.name = k.node
      ORDER BY g.place, g.token_order`,
    values: [...columns(asked)],
  });
  for (const row of rows) found[row.place]!.push(foundIn(row));
  return found;
};

type Row = {
  readonly token: string;
  readonly fingerprint: string;
  readonly id: string;
  readonly node: string;
  readonly instance: string;
  readonly known: boolean;
} & (
  | { readonly state: "running" }
  | { readonly state: "answered"; readonly status: number; readonly headers: string; readonly body: Uint8Array }
  | { readonly state: "unknown"; readonly refusal: string; readonly detail: string }
);

const foundIn = (row: Row): FoundRow => {
  const { token, fingerprint, id, node, instance, known: isKnown } = row;
  return { token, fingerprint, id, node, instance, isKnown, end: endIn(row) };
};

const endIn = (row: Row): KeptKey["end"] => {
  if (row.state === "running") return undefined;
  if (row.state === "unknown") return { state: "unknown", refusal: row.refusal, detail: row.detail };
  const headers = JSON.parse(row.headers) as HeaderLine[];
  return { state: "answered", answer: { status: row.status, headers, body: new Uint8Array(row.body) } };
};

/** Deletes keys of requests that were surely not sent. */
export const deleteKeys = async (query: Query, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await query({
    name: "free-keys",
    text: "DELETE FROM idempotency_key WHERE id = ANY($1) AND state = 'running'",
    values: [ids],
  });
};

/** The first end of a request counts. */
export const endKeys = async (query: Query, ends: readonly (readonly [id: string, end: KeyEnd])[]): Promise<void> => {
  await deleteKeys(
    query,
    ends.flatMap(([id, { state }]) => (state === "free" ? [id] : [])),
  );
  const rows = ends.flatMap(([id, end]) =>
    end.state === "free"
      ? []
      : end.state === "unknown"
        ? [[id, end.state, null, null, null, end.refusal, end.detail]]
        : [
            [
              id,
              end.state,
              end.answer.status,
              JSON.stringify(end.answer.headers),
              Buffer.from(end.answer.body),
              null,
              null,
            ],
          ],
  );
  if (rows.length === 0) return;
  await query({
    name: "end-keys",
    text: `UPDATE idempotency_key k SET state = e.state, status = e.status, headers = e.headers, body = e.body,
        refusal = e.refusal, detail = e.detail
      FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bytea[], $6::text[], $7::text[])
        AS e(id, state, status, headers, body, refusal, detail)
      WHERE k.id = e.id AND k.state = 'running'`,
    values: [...columns(rows)],
  });
};

/** Requests without an end of this run, or of earlier runs of this gateway. */
export const runningKeys = async (
  query: Query,
  { node, instance }: Runner,
  of: "this run" | "earlier runs",
): Promise<readonly RunningKey[]> =>
  query<RunningKey>({
    text: `SELECT id, entry::float8 AS entry, entry_time::float8 AS "entryTime", certain FROM idempotency_key
      WHERE node = $1 AND state = 'running' AND is_first AND (instance = $2::uuid) = $3 ORDER BY entry`,
    values: [node, instance, of === "this run"],
  });

/** Ends the requests of gateways that the database does not know any more: nobody else can tell what became of them. */
export const endForgotten = async (query: Query, end: Extract<KeyEnd, { state: "unknown" }>): Promise<void> => {
  await query({
    text: `UPDATE idempotency_key k SET state = 'unknown', refusal = $1, detail = $2
      WHERE k.state = 'running' AND NOT EXISTS (SELECT 1 FROM node n WHERE n.name = k.node)`,
    values: [end.refusal, end.detail],
  });
};

/** Rows that one statement deletes. */
const MOST_EXPIRED = 1000;

/** Resolves to the number of deleted keys. Gateways that do it at the same time share the work. */
export const expireKeys = async (query: Query, before: number, latest: number | undefined): Promise<number> => {
  if (latest !== undefined) await query({ text: "UPDATE idempotency_key SET at = $1 WHERE at > $1", values: [latest] });
  let sum = 0;
  for (let gone = MOST_EXPIRED; gone === MOST_EXPIRED;) {
    const [row] = await query<{ rows: number; keys: number }>({
      text: `WITH gone AS (DELETE FROM idempotency_key WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_key
          WHERE at < $1 AND state <> 'running' ORDER BY at LIMIT ${MOST_EXPIRED} FOR UPDATE SKIP LOCKED))
          RETURNING is_first)
        SELECT count(*)::int AS rows, (count(*) FILTER (WHERE is_first))::int AS keys FROM gone`,
      values: [before],
    });
    gone = row!.rows;
    sum += row!.keys;
  }
  return sum;
};

export const countKeys = async (query: Query, { upstream, tenant, client }: KeyScope): Promise<number> => {
  const [row] = await query<{ keys: number }>({
    name: "count-keys",
    text: `SELECT count(*)::int AS keys FROM idempotency_key
      WHERE upstream = $1 AND tenant = $2 AND client = $3 AND is_first`,
    values: [upstream, tenant, client],
  });
  return row!.keys;
};

/** Undefined for a scope without keys. */
export const oldestOf = async (query: Query, { upstream, tenant, client }: KeyScope): Promise<number | undefined> => {
  const [row] = await query<{ at: number | null }>({
    text: `SELECT min(at)::float8 AS at FROM idempotency_key
      WHERE upstream = $1 AND tenant = $2 AND client = $3 AND is_first`,
    values: [upstream, tenant, client],
  });
  return row?.at ?? undefined;
};
