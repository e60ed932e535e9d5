/** Do-Not-Calls that the gateways accepted with 202 and deliver by themselves. */
import type { Migration } from "./migrate.ts";

export const outbox: Migration = {
  version: 8,
  name: "outbox",
  sql: `
    CREATE TABLE outbox (
      -- Request id of the client's request.
      id text PRIMARY KEY,
      -- From log_head: rises with each change, in the order of the commits, without gaps.
      seq bigint NOT NULL UNIQUE,
      -- The gateway that sends it, and that gateway's run.
      node text NOT NULL,
      instance text NOT NULL,
      -- pending, answered, alarm or closed; item has it too.
      state text NOT NULL,
      -- JSON. It has the person's number until OCS has answered 200, or until the alarm is closed.
      item text NOT NULL,
      accepted timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX outbox_pending ON outbox (node, instance) WHERE state = 'pending';
  `,
};
