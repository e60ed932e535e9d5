/** Who takes part: one row for each gateway, and the ends of the shared logs. */
import type { Migration } from "./migrate.ts";

export const nodes: Migration = {
  version: 1,
  name: "nodes",
  sql: `
    CREATE TABLE node (
      name text PRIMARY KEY,
      -- Of one run of the gateway.
      instance uuid NOT NULL,
      version text NOT NULL,
      started timestamptz NOT NULL DEFAULT clock_timestamp(),
      -- Counts up while the gateway lives. Other gateways measure with their own monotonic clocks how long it stands.
      beat bigint NOT NULL DEFAULT 0,
      seen timestamptz NOT NULL DEFAULT clock_timestamp(),
      -- Set by a gateway that stopped in order.
      stopped timestamptz,
      details jsonb NOT NULL DEFAULT '{}'
    );
    -- The last number of each shared log, read with every beat.
    CREATE TABLE log_head (
      log text PRIMARY KEY,
      seq bigint NOT NULL DEFAULT 0
    );
  `,
};
