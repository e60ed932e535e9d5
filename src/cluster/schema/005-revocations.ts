/** Revocations that count on all gateways: one row for each credential or client, with its last state. */
import type { Migration } from "./migrate.ts";

export const revocations: Migration = {
  version: 5,
  name: "revocations",
  sql: `
    CREATE TABLE revocation (
      kind text NOT NULL,
      credential text NOT NULL,
      -- From log_head: rises with each change, in the order of the commits, without gaps.
      seq bigint NOT NULL UNIQUE,
      -- True: it is reinstated.
      lifted boolean NOT NULL,
      -- RFC 3339 in UTC with milliseconds, so that texts compare like times; null: never.
      until text COLLATE "C",
      -- True: the last change sets this state whatever it was before. False: a revocation, which never shortens one.
      reduces boolean NOT NULL,
      -- The gateway that wrote the last change.
      node text NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (kind, credential)
    );
  `,
};
