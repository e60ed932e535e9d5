/** Open Do-Not-Calls, and the ledger of a month, of all nodes. */
import { z } from "zod";
import { MONTH } from "../../../journal/search/dnc/ledger.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { texts } from "../../schemas/basics.ts";
import { NodeOpenDncs } from "../../schemas/nodes.ts";
import { Ledger } from "../dnc/dnc.ts";
import { limit, text, user } from "../parameters.ts";
import { readAnswer, stateOf, wholeOf } from "./answers.ts";
import { namedBy, NO_SHARED, noShared, type NodeDeps } from "./node-deps.ts";

const MOST_OPEN = 1000;
const FAILED = "the own journal cannot be searched";

const Open = z.looseObject({
  open: z.array(z.looseObject({ first: z.string() })),
  total: z.number(),
  handled: z.number(),
  complete: z.boolean(),
  not_covered: z.array(z.string()),
});
type Open = z.infer<typeof Open>;

const lacksOf = ({ complete, not_covered: notCovered }: Open): readonly string[] =>
  complete || notCovered.length > 0 ? notCovered : ["further ones may be open"];

const open = route({
  method: "GET",
  path: "/api/nodes/dnc/open",
  summary: "Do-Not-Calls of all nodes that OCS has not confirmed, oldest first",
  roles: ["auditor"],
  scope: "by-tenant",
  query: z.strictObject({ limit: limit().default(MOST_OPEN), user: user() }),
  reply: NodeOpenDncs,
  others: { 404: NO_SHARED, 503: FAILED },
  answer: async ({ nodes, here }: NodeDeps, { viewer: asker, query, gone }) => {
    if (!nodes) return noShared();
    const viewer = namedBy(asker, query.user);
    const question = { method: "GET", target: `/api/dnc/open?limit=${query.limit}` } as const;
    const answered = await nodes.askAll(here, () => question, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const reads = answered.answers.map(readAnswer(Open));
    const values = reads.flatMap((read) => ("value" in read ? [{ node: read.node, ...read.value }] : []));
    const rows = values.flatMap((each) =>
      each.open.map((item) => ({ ...(item as unknown as NodeOpenDncs["open"][number]), node: each.node })),
    );
    return json(200, {
      open: rows.toSorted((one, other) => (one.first < other.first ? -1 : 1)).slice(0, query.limit),
      total: values.reduce((sum, { total }) => sum + total, 0),
      handled: values.reduce((sum, { handled }) => sum + handled, 0),
      ...wholeOf(reads, answered.trouble, lacksOf),
      nodes: reads.map((read) => ({
        ...stateOf(read, ({ complete }) => complete),
        total: "value" in read ? read.value.total : null,
        not_covered: "value" in read ? [...lacksOf(read.value)] : [],
      })),
    } satisfies NodeOpenDncs);
  },
});

/** Of what a node answers, what says whether it is complete. */
const OneLedger = z.looseObject({
  month: z.string(),
  rows: z.array(z.looseObject({ sequence: z.string().nullable(), complete: z.string() })),
  gaps: z.array(z.looseObject({ from: z.string(), to: z.string(), reason: z.string() })),
});
type OneLedger = z.infer<typeof OneLedger>;

const gapsOf = ({ rows, gaps }: OneLedger): string[] => [
  ...rows
    .filter(({ complete }) => complete !== "yes")
    .map(({ sequence, complete }) =>
      complete === "no"
        ? `numbers of the sequence ${sequence ?? "–"} have no entry`
        : `cannot tell whether the sequence ${sequence ?? "–"} is complete`,
    ),
  ...gaps.map(({ from, to, reason }) => `from ${from} to ${to}: ${reason}`),
];

const NodeLedgers = z
  .strictObject({
    month: z.string(),
    complete: z.boolean().describe("True if every node answered and its numbers are complete"),
    not_covered: texts(),
    nodes: z
      .array(
        z.strictObject({
          node: z.string(),
          answered: z.boolean(),
          reason: z.string().nullable(),
          complete: z.boolean(),
          ledger: Ledger.nullable(),
        }),
      )
      .describe("Each node numbers its Do-Not-Calls by itself, so each has a ledger of its own"),
  })
  .meta({ id: "NodeLedgers" });
export type NodeLedgers = z.infer<typeof NodeLedgers>;

const ledger = route({
  method: "GET",
  path: "/api/nodes/dnc/ledger",
  summary: "The Do-Not-Calls of a month on each node, and whether its numbers are complete",
  roles: ["auditor"],
  scope: "by-tenant",
  query: z.strictObject({
    month: text().regex(MONTH, "expected a month, for example 2026-11").describe("UTC; default: this month").optional(),
    user: user(),
  }),
  reply: NodeLedgers,
  others: { 404: NO_SHARED, 503: FAILED },
  answer: async ({ nodes, here }: NodeDeps, { viewer: asker, query, gone }) => {
    if (!nodes) return noShared();
    const viewer = namedBy(asker, query.user);
    const { month = new Date().toISOString().slice(0, 7) } = query;
    const question = { method: "GET", target: `/api/dnc/ledger?month=${month}` } as const;
    const answered = await nodes.askAll(here, () => question, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const reads = answered.answers.map(readAnswer(OneLedger));
    return json(200, {
      month,
      ...wholeOf(reads, answered.trouble, gapsOf),
      nodes: reads.map((read) => ({
        ...stateOf(read, (value) => gapsOf(value).length === 0),
        ledger: "value" in read ? (read.value as unknown as Ledger) : null,
      })),
    } satisfies NodeLedgers);
  },
});

export const NODE_DNC_ROUTES: readonly Route<NodeDeps>[] = [open, ledger];
