/** Answers of all nodes that share one database: what each has, which did not answer, and whether that is all. */
import { z } from "zod";
import { OpenItem } from "../api/dnc/dnc.ts";
import { count, texts } from "./basics.ts";
import { Evidence, Flow, FoundFlow, Searched } from "./flow.ts";

const node = () => z.string().describe("The name of the node");

/** Members of every answer. */
const all = {
  complete: z
    .boolean()
    .describe("True if every node answered and said that its answer is complete; not_covered says why it is not"),
  not_covered: texts().describe("Why the answer is not complete, one sentence for each reason"),
};

const state = {
  node: node(),
  answered: z.boolean(),
  reason: z.string().nullable().describe("Why it did not answer"),
  complete: z.boolean().describe("It answered, and its journal lacks nothing of what was asked"),
};

export const KnownNodes = z
  .strictObject({
    own: z.string().nullable().describe("The name of this node; null if the config has no `shared`"),
    nodes: z
      .array(
        z.strictObject({
          node: node(),
          state: z
            .enum(["live", "dead", "stopped"])
            .describe("dead: it does not run, or the database does not hear it"),
          asked: z.boolean().describe("It tells an address at which it can be asked, or is this node"),
        }),
      )
      .describe("All that the shared database knows, this node included"),
    trouble: z.string().nullable().describe("Why nodes may be missing from the list"),
  })
  .meta({ id: "KnownNodes" });
export type KnownNodes = z.infer<typeof KnownNodes>;

const row = Flow.extend({ node: node() }).meta({ id: "NodeFlow", description: "A flow, and whose journal has it" });

export const NodeFlows = z
  .strictObject({
    requests: z.array(row).describe("Newest first, by the clocks of the nodes"),
    next: z.string().nullable().describe("The cursor of the next page: it has the places in all journals"),
    ...all,
    nodes: z.array(z.strictObject({ ...state, searched: Searched.nullable(), warnings: texts() })),
  })
  .meta({ id: "NodeFlows" });
export type NodeFlows = z.infer<typeof NodeFlows>;

export const NodeLookUp = z
  .strictObject({
    requests: z.array(row).describe("Newest first, by the clocks of the nodes"),
    next: z.string().nullable(),
    ...all,
    nodes: z.array(z.strictObject({ ...state, evidence: Evidence.nullable(), warnings: texts() })),
  })
  .meta({ id: "NodeLookUp" });
export type NodeLookUp = z.infer<typeof NodeLookUp>;

export const NodeFoundFlow = z
  .strictObject({
    found: z.array(FoundFlow.extend({ node: node() })).describe("What those nodes have that have it"),
    ...all,
    nodes: z.array(
      z.strictObject({
        ...state,
        absent: z.string().nullable().describe("What it says if it has no such request"),
      }),
    ),
  })
  .meta({ id: "NodeFoundFlow" });
export type NodeFoundFlow = z.infer<typeof NodeFoundFlow>;

export const NodeOpenDncs = z
  .strictObject({
    open: z.array(OpenItem.extend({ node: node() })).describe("Oldest first"),
    total: count(),
    handled: count(),
    ...all,
    nodes: z.array(z.strictObject({ ...state, total: count().nullable(), not_covered: texts() })),
  })
  .meta({ id: "NodeOpenDncs" });
export type NodeOpenDncs = z.infer<typeof NodeOpenDncs>;
