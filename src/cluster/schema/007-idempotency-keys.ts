/** Idempotency keys of all gateways, and check values of the index keys that their HMACs are made with. */
import type { Migration } from "./migrate.ts";

export const idempotencyKeys: Migration = {
  version: 7,
  name: "idempotency keys",
  sql: `
    -- A key has one row for each index key that the gateway had. All of them have the id of the request.
    CREATE TABLE idempotency_key (
      upstream text NOT NULL,
      tenant bigint NOT NULL,
      client text NOT NULL,
      token text NOT NULL,
      fingerprint text NOT NULL,
      id text NOT NULL,
      -- The row of the newest index key.
      is_first boolean NOT NULL,
      -- Milliseconds since 1970.
      at bigint NOT NULL,
      -- The last entry of the node's journal before the request, its time in microseconds, and whether a missing
      -- intent proves that nothing was sent.
      entry bigint NOT NULL,
      entry_time bigint NOT NULL,
      certain boolean NOT NULL,
      -- The gateway that carries out the request, and its run.
      node text NOT NULL,
      instance uuid NOT NULL,
      state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'answered', 'unknown')),
      status integer,
      -- JSON.
      headers text,
      body bytea,
      refusal text,
      detail text,
      PRIMARY KEY (upstream, tenant, client, token)
    );
    CREATE INDEX idempotency_key_id ON idempotency_key (id);
    CREATE INDEX idempotency_key_at ON idempotency_key (at);
    CREATE INDEX idempotency_key_scope ON idempotency_key (upstream, tenant, client) WHERE is_first;
    CREATE INDEX idempotency_key_running ON idempotency_key (node) WHERE state = 'running';
    -- Which index keys each gateway has: all must find what another one has kept.
    CREATE TABLE index_key_check (
      node text NOT NULL,
      epoch text NOT NULL,
      value text NOT NULL,
      PRIMARY KEY (node, epoch)
    );
  `,
};
