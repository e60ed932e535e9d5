/** How many lanes each gateway holds, by upstream. */
import type { Migration } from "./migrate.ts";

export const lanes: Migration = {
  version: 3,
  name: "lanes",
  sql: `
    CREATE TABLE lane_lease (
      upstream text PRIMARY KEY,
      -- Raised with each change. A gateway replaces what it has read, or nothing.
      version bigint NOT NULL,
      -- An array of Holder (src/cluster/leases/lanes/holder.ts).
      holders jsonb NOT NULL
    );
  `,
};
