/** Who owns which record handle: one ordered log for each upstream, and its snapshots. */
import type { Migration } from "./migrate.ts";

export const ownershipLog: Migration = {
  version: 2,
  name: "ownership log",
  sql: `
    CREATE TABLE ownership_log (
      upstream text NOT NULL,
      -- From 1 on without gaps, in the order of commits: the writer holds the lock of the log's row in log_head.
      seq bigint NOT NULL,
      -- Made by the writer, so that an event whose commit got no reply is never written twice.
      id uuid NOT NULL,
      node text NOT NULL,
      instance uuid NOT NULL,
      at timestamptz NOT NULL,
      -- Not jsonb, which refuses some texts that OCS may send.
      event json NOT NULL,
      PRIMARY KEY (upstream, seq),
      UNIQUE (upstream, id)
    );
    -- The state after the event "seq", in parts.
    CREATE TABLE ownership_snapshot (
      upstream text NOT NULL,
      seq bigint NOT NULL,
      part integer NOT NULL,
      data json NOT NULL,
      PRIMARY KEY (upstream, seq, part)
    );
    -- Up to which index of its own journal a gateway has written all outcomes to the log.
    CREATE TABLE ownership_mark (
      node text PRIMARY KEY,
      mark bigint NOT NULL
    );
  `,
};
