/**
 * One export on every node: each makes a file of its own journal, which its own verifier key verifies. The answer
 * about all of them is their manifest: it names every node, its file, and why a file is missing.
 */
import { z } from "zod";
import type { ExportGroup, GroupMember } from "../../peers/export-groups.ts";
import type { NodeAnswer, NodeQuestion } from "../../peers/nodes.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { texts, time } from "../../schemas/basics.ts";
import { Export } from "../evidence/exports.ts";
import { ExportRequest } from "../evidence/export-query.ts";
import { user } from "../parameters.ts";
import { noAnswerFrom, readAnswer, type Read } from "./answers.ts";
import { namedBy, NO_SHARED, noShared, type NodeDeps } from "./node-deps.ts";

export const NodeExports = z
  .strictObject({
    id: z.string().describe("Of the exports together"),
    by: z.string().describe("Who started them"),
    started: time(),
    state: z.enum(["running", "done"]).describe("done: none of them is running any more"),
    complete: z
      .boolean()
      .describe("True if every node made its file, and no file lacks entries; not_covered says what is missing"),
    not_covered: texts(),
    nodes: z.array(
      z.strictObject({
        node: z.string(),
        export: Export.nullable().describe("Null if none began, or the node does not answer any more"),
        reason: z.string().nullable().describe("Why there is no export of this node"),
        file: z.string().nullable().describe("A name for its file, such as gw-a.zip; null until the export has one"),
      }),
    ),
  })
  .meta({ id: "NodeExports", description: "The manifest of exports on all nodes" });
export type NodeExports = z.infer<typeof NodeExports>;

/** Of what a node answers, what is read here. */
const Started = z.looseObject({ id: z.string().regex(/^[\w-]{1,64}$/) });
const Made = z.looseObject({
  id: z.string(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  error: z.string().nullable(),
  file: z.looseObject({ name: z.string() }).nullable(),
  found: z
    .looseObject({ not_covered: z.array(z.string()), warnings: z.array(z.string()), complete: z.boolean().nullable() })
    .nullable(),
});
type Made = z.infer<typeof Made>;

const PATH = "/api/nodes/exports";
const UNKNOWN = "there is no such export on all nodes, or not any more";
const FAILED = "too many exports are running here, there is no room, or the export cannot be journaled";

const start = route({
  method: "POST",
  path: PATH,
  summary: "Exports everything that matches a filter, or everything about a person, on every node",
  roles: ["auditor"],
  scope: "by-tenant",
  body: ExportRequest,
  reply: NodeExports,
  status: 202,
  others: {
    404: NO_SHARED,
    409: "the config has another index key than the journal",
    429: "too many look-ups",
    503: FAILED,
  },
  answer: async ({ nodes, here }: NodeDeps, { viewer: asker, body: { user: claimed, ...asked }, gone }) => {
    if (!nodes) return noShared();
    const viewer = namedBy(asker, claimed);
    const question = { method: "POST", target: "/api/audit/exports", body: asked } as const;
    const answered = await nodes.askAll(here, () => question, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const members = answered.answers.map((answer) => memberOf(readAnswer(Started, 202)(answer)));
    const { name: by, tenants } = viewer;
    const group = nodes.exports.add({ by, tenants, trouble: answered.trouble, members });
    return json(202, manifestOf(group, answered.answers.map(readAnswer(Made, 202))));
  },
});

const memberOf = (read: Read<z.infer<typeof Started>>): GroupMember => {
  if ("value" in read) return { node: read.node, id: read.value.id };
  return { node: read.node, reason: "reason" in read ? read.reason : read.absent.says };
};

const manifestOf = ({ id, by, started, trouble, members }: ExportGroup, reads: readonly Read<Made>[]): NodeExports => {
  const rows = members.map((member) =>
    rowOf(
      member,
      reads.find(({ node }) => node === member.node),
    ),
  );
  const isRunning = rows.some((row) => row.export?.state === "running");
  const notCovered = [...(trouble === undefined ? [] : [trouble]), ...rows.flatMap(lacksOf)];
  return {
    id,
    by,
    started,
    state: isRunning ? "running" : "done",
    complete: !isRunning && notCovered.length === 0,
    not_covered: notCovered,
    nodes: rows,
  };
};

type Row = NodeExports["nodes"][number];

const rowOf = (member: GroupMember, read: Read<Made> | undefined): Row => {
  const { node } = member;
  if ("reason" in member) return { node, export: null, reason: member.reason, file: null };
  if (!read || "reason" in read) return { node, export: null, reason: read?.reason ?? "it was not asked", file: null };
  if ("absent" in read) return { node, export: null, reason: read.absent.says, file: null };
  const made = read.value as unknown as Export;
  return { node, export: made, reason: null, file: made.file && `${node}${endingOf(made.file.name)}` };
};

const endingOf = (name: string): string => /\.\w{1,8}$/.exec(name)?.[0] ?? "";

const lacksOf = ({ node, export: made, reason }: Row): string[] => {
  if (!made) return [noAnswerFrom({ node, reason: reason ?? "" })];
  if (made.state === "failed" || made.state === "cancelled") {
    const ended = made.state === "failed" ? "failed" : "was cancelled";
    return [`${node}: the export ${ended}${made.error === null ? "" : `: ${made.error}`}`];
  }
  if (made.state === "done" && made.file === null) return [`${node}: its file was removed`];
  const { not_covered: missing = [], complete = null } = made.found ?? {};
  return [
    ...missing.map((says) => `${node}: ${says}`),
    ...(complete === false && missing.length === 0 ? [`${node}: requests of this person may be missing`] : []),
  ];
};

const questionOf = (member: GroupMember, ending = ""): NodeQuestion | undefined =>
  "id" in member ? { method: "GET", target: `/api/audit/exports/${member.id}${ending}` } : undefined;

const look = route({
  method: "GET",
  path: `${PATH}/{id}`,
  summary: "The exports on all nodes together: which are done, and why one is missing; their manifest once all ended",
  roles: ["auditor"],
  scope: "by-tenant",
  query: z.strictObject({ user: user() }),
  reply: NodeExports,
  others: { 404: UNKNOWN },
  answer: async ({ nodes, here }: NodeDeps, { viewer: asker, params: { id }, query, gone }) => {
    const group = nodes?.exports.get(id, asker);
    if (!nodes || !group) return json(404, { error: nodes ? UNKNOWN : NO_SHARED });
    const asked = { viewer: namedBy(asker, query.user), gone };
    const answers = await Promise.all(
      group.members.map(async (member) => {
        const question = questionOf(member);
        return question && (await nodes.askOne(here, member.node, question, asked));
      }),
    );
    const known = answers.filter((answer): answer is NodeAnswer => answer !== undefined);
    return json(200, manifestOf(group, known.map(readAnswer(Made))));
  },
});

const file = route({
  method: "GET",
  path: `${PATH}/{id}/{node}/file`,
  summary: "The file of one node, whole",
  roles: ["auditor"],
  scope: "by-tenant",
  query: z.strictObject({ user: user() }),
  reply: { media: "application/octet-stream", is: "The whole file, with Content-Disposition and ETag" },
  others: {
    404: UNKNOWN,
    409: "the export is not done",
    502: "the node does not answer, or not with the file",
    503: "the access cannot be journaled",
  },
  answer: async ({ nodes, here }: NodeDeps, { viewer: asker, params: { id, node }, query, gone }) => {
    const member = nodes?.exports.get(id, asker)?.members.find((each) => each.node === node);
    const question = member && questionOf(member, "/file");
    if (!nodes || !question) return json(404, { error: nodes ? UNKNOWN : NO_SHARED });
    const reply = await nodes.file(here, node, question.target, { viewer: namedBy(asker, query.user), gone });
    return "reason" in reply ? json(502, { error: noAnswerFrom({ node, reason: reply.reason }) }) : reply;
  },
});

export const NODE_EXPORT_ROUTES: readonly Route<NodeDeps>[] = [start, look, file];
