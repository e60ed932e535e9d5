/** Reads what each node answered, and says in words why the whole is not complete. */
import { z } from "zod";
import { refusalOf, type NodeAnswer } from "../../peers/nodes.ts";

/** `value`: as the schema reads it. `absent`: it answered 404, with these words. */
export type Read<Value> = { readonly node: string } & (
  | { readonly value: Value }
  | { readonly absent: Absent }
  | { readonly reason: string }
);

/** `certain`: it is certain that the node's journal never had it. */
export type Absent = { readonly says: string; readonly certain: boolean };

const NotFound = z.object({ error: z.string(), certain: z.boolean().optional() });

/** What a node of another version adds is ignored; what it lacks makes its answer none. */
export const readAnswer =
  <Schema extends z.ZodType>(schema: Schema, status = 200) =>
  (answer: NodeAnswer): Read<z.output<Schema>> => {
    const { node } = answer;
    if ("reason" in answer) return { node, reason: answer.reason };
    if (answer.status === 404) return absentIn(answer);
    if (answer.status !== status) return { node, reason: refusalOf(answer) };
    const { success, data, error } = schema.safeParse(answer.value);
    return success ? { node, value: data } : { node, reason: unexpected(error) };
  };

const absentIn = (answer: Extract<NodeAnswer, { status: number }>): Read<never> => {
  const { node, value } = answer;
  const { success, data } = NotFound.safeParse(value);
  // An admin API of a version without the route.
  if (!success || data.error === "unknown path") return { node, reason: "its version does not know this question" };
  return { node, absent: { says: data.error, certain: data.certain ?? false } };
};

const unexpected = ({ issues: [issue] }: z.ZodError): string =>
  `its answer is not as expected (${issue?.path.map(String).join(".") || "no JSON object"})`;

/** `no answer from gw-b (connection refused)` */
export const noAnswerFrom = ({ node, reason }: { readonly node: string; readonly reason: string }): string =>
  `no answer from ${node} (${reason})`;

/** The members that every answer of all nodes has. `ofNode`: why the answer of one is not complete. */
export const wholeOf = <Value>(
  reads: readonly Read<Value>[],
  trouble: string | undefined,
  ofNode: (value: Value) => readonly string[],
): { readonly complete: boolean; readonly not_covered: string[] } => {
  const notCovered = [
    ...(trouble === undefined ? [] : [trouble]),
    ...reads.flatMap((read) => {
      if ("reason" in read) return [noAnswerFrom(read)];
      if ("absent" in read) return read.absent.certain ? [] : [`${read.node}: ${read.absent.says}`];
      return ofNode(read.value).map((says) => `${read.node}: ${says}`);
    }),
  ];
  return { complete: notCovered.length === 0, not_covered: notCovered };
};

/** The members that the row of every node has. */
export const stateOf = <Value>(read: Read<Value>, isComplete: (value: Value) => boolean) => ({
  node: read.node,
  answered: !("reason" in read),
  reason: "reason" in read ? read.reason : null,
  complete: "value" in read ? isComplete(read.value) : "absent" in read && read.absent.certain,
});
