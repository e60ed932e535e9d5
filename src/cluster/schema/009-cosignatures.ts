/** Checkpoints that gateways ask each other to cosign: the last request of each gateway to each other one. */
import type { Migration } from "./migrate.ts";

export const cosignatures: Migration = {
  version: 9,
  name: "cosignatures",
  sql: `
    CREATE TABLE cosignature_request (
      -- The gateway that asks, and the one that shall cosign.
      node text NOT NULL,
      witness text NOT NULL,
      id uuid NOT NULL,
      asked timestamptz NOT NULL DEFAULT clock_timestamp(),
      -- As in add-checkpoint of C2SP tlog-witness: request, status, type and body of the reply.
      request text NOT NULL,
      status integer,
      type text,
      reply text,
      PRIMARY KEY (node, witness)
    );
  `,
};
