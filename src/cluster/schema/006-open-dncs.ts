/** Do-Not-Calls that are open at some gateway, with what closed them at another, and how far each gateway has come. */
import type { Migration } from "./migrate.ts";

export const openDncs: Migration = {
  version: 6,
  name: "open Do-Not-Calls",
  sql: `
    CREATE TABLE open_dnc (
      -- The gateway whose journal has it.
      node text NOT NULL,
      -- JSON: the tenant by upstream and DBID, then the token of the person, or the record handle.
      subject text NOT NULL,
      -- JSON: campaign, list, chain.
      scope text NOT NULL,
      -- Of the last attempt, and its index in that journal.
      request text NOT NULL,
      at bigint NOT NULL,
      -- From log_head, in the order of the commits: when the database learned of that attempt.
      seq bigint NOT NULL,
      -- Check value of the index key.
      key text NOT NULL,
      upstream text,
      dbid bigint,
      -- Of the first and the last attempt, by the clock of the gateway.
      first timestamptz NOT NULL,
      last timestamptz NOT NULL,
      tries integer NOT NULL,
      -- How the last attempt ended.
      state text NOT NULL,
      -- The gateway and the request that OCS confirmed later, and when the database learned of that.
      closed_node text,
      closed_request text,
      closed_seq bigint,
      PRIMARY KEY (node, subject, scope)
    );
    CREATE INDEX open_dnc_subject ON open_dnc (subject);
    CREATE INDEX open_dnc_closed ON open_dnc (node) WHERE closed_node IS NOT NULL;
    CREATE TABLE dnc_position (
      node text PRIMARY KEY,
      -- All entries below this index are in the database.
      up_to bigint NOT NULL,
      -- Where the gateway goes on reading its journal after a crash, and the last seq that it knew by then.
      resume bigint NOT NULL,
      seen bigint NOT NULL,
      key text NOT NULL,
      open integer NOT NULL,
      told timestamptz NOT NULL DEFAULT clock_timestamp(),
      -- It stopped in order, with all entries in the database.
      stopped boolean NOT NULL
    );
  `,
};
