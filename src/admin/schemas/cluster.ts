/** The reply about the database that gateways share. */
import { z } from "zod";
import { count, time } from "./basics.ts";

const Node = z
  .strictObject({
    node: z.string().describe("Its name"),
    state: z
      .enum(["live", "dead", "stopped"])
      .describe("dead: its lease has ended without an orderly stop. stopped: it stopped in order"),
    version: z.string(),
    since: time().describe("Start of its run, by the database's clock; RFC 3339, UTC"),
    seen: time().describe("Its last beat, by the database's clock; RFC 3339, UTC"),
    lanes: count().optional().describe("Lanes to OCS that it has now"),
    lag: count().optional().describe("Entries of shared logs that it has not acknowledged"),
    admin: z.string().optional().describe("Address of its admin listener"),
  })
  .meta({ id: "ClusterNode" });

export const ClusterState = z
  .strictObject({
    self: z.string().nullable().describe("The node that answers; null if the config has no `shared`: it is alone"),
    leased: z
      .boolean()
      .nullable()
      .describe("Whether it has its lease. Without it, the states of other nodes may be out of date"),
    database: z.boolean().nullable().describe("Whether the database has answered its last beat"),
    nodes: z.array(Node),
  })
  .meta({ id: "ClusterState" });

export type ClusterState = z.infer<typeof ClusterState>;
