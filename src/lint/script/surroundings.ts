/** Where in a program a call stands: in a branch for errors, in a loop that repeats it, in a function. */
import type { Range } from "../calls.ts";
import { calleeName, isFunction, isLoop, lastName, nodeIn, nodesIn, walk, type Node } from "./node.ts";

const RETRY_WORDS = /retr|attempt|tries|backoff|\bok\b|success|succeeded|sent|done|fail|status/i;
const ERROR_CALLBACK = /^(?:on)?(?:error|fail(?:ure|ed)?|catch|rejected)$/i;

/** The parts of the program whose failure leads to the node. */
export const failuresBefore = (node: Node, above: readonly Node[], text: string): readonly Range[] =>
  above.flatMap((outer, at): readonly Range[] => {
    const inner = above[at + 1] ?? node;
    if (outer.type === "TryStatement" && inner.type === "CatchClause") return [rangeOf(nodeIn(outer, "block")!)];
    if (outer.type === "IfStatement") return afterFailedTest(outer, inner, above, text);
    if (outer.type === "CallExpression") return inCallback(outer, inner);
    if (outer.type === "Property" && ERROR_CALLBACK.test(lastName(nodeIn(outer, "key")) ?? ""))
      return [{ start: 0, end: outer.start }];
    return outer.type === "AssignmentExpression" && ERROR_CALLBACK.test(lastName(nodeIn(outer, "left")) ?? "")
      ? [{ start: 0, end: text.length }]
      : [];
  });

const rangeOf = ({ start, end }: Node): Range => ({ start, end });

/** `promise.catch(() => …)`, and the second function of `then`. */
const inCallback = (outer: Node, inner: Node): readonly Range[] => {
  const given = nodesIn(outer, "arguments");
  const callee = nodeIn(outer, "callee");
  const name = calleeName(outer) ?? "";
  const isFailure =
    (/^(?:catch|fail|exceptionally|onErrorResume|error)$/i.test(name) && given.includes(inner)) ||
    (name === "then" && given[1] === inner);
  return isFailure && callee ? [rangeOf(callee)] : [];
};

const FAILED = new RegExp(
  String.raw`![\s(]*[\w.]*(?:ok|isSuccess\w*|success|successful)\b|` +
    String.raw`(?:!==?|>=?)\s*["']?(?:200|299|300|400|500)|\bstatus\w*\s*!=`,
  "i",
);
const SUCCEEDED = /(?:^|[^!\w.])[\w.]*\b(?:ok|isSuccess\w*|success)\b|===?\s*["']?200/i;

/** `if (!reply.ok) …`, `if (status !== 200) …`, and what stands behind `else` of the opposite. */
const afterFailedTest = (outer: Node, inner: Node, above: readonly Node[], text: string): readonly Range[] => {
  const test = nodeIn(outer, "test");
  if (!test || inner === test) return [];
  const written = text.slice(test.start, Math.min(test.end, test.start + 300));
  const isFailure = inner === nodeIn(outer, "alternate") ? SUCCEEDED.test(written) : FAILED.test(written);
  if (!isFailure) return [];
  const around = above.findLast((each) => isFunction(each) && each.start < outer.start);
  return [{ start: around?.start ?? 0, end: inner.start }];
};

/** The call is repeated until it succeeds: by a loop, or because its function calls itself after an error. */
export const isRetried = (node: Node, above: readonly Node[], text: string): boolean =>
  above.some((outer, at) => {
    if (isLoop(outer)) return repeatsUntilSuccess(outer, above.slice(at + 1), node, text);
    return isFunction(outer) && callsItselfAfterError(outer, above[at - 1], text);
  });

const repeatsUntilSuccess = (loop: Node, inside: readonly Node[], node: Node, text: string): boolean => {
  const body = nodeIn(loop, "body");
  if (!body || (inside[0] ?? node) !== body) return false;
  if (loop.type === "ForOfStatement" || loop.type === "ForInStatement") return endsOnSuccess(inside);
  const head = loop.type === "DoWhileStatement" ? text.slice(body.end, loop.end) : text.slice(loop.start, body.start);
  return RETRY_WORDS.test(head.slice(0, 300)) || endsOnSuccess(inside);
};

/** A try block in the loop that leaves the loop when nothing failed. */
const endsOnSuccess = (inside: readonly Node[]): boolean => {
  const attempt = inside.findLast(({ type }) => type === "TryStatement");
  const block = attempt && nodeIn(attempt, "block");
  return block !== undefined && nodesIn(block, "body").some(({ type }) => /^(?:Break|Return)Statement$/.test(type));
};

const RECURSIVE = new WeakMap<Node, boolean>();

const callsItselfAfterError = (itself: Node, parent: Node | undefined, text: string): boolean => {
  const before = RECURSIVE.get(itself);
  const found = before ?? looksForItself(itself, parent, text);
  RECURSIVE.set(itself, found);
  return found;
};

const looksForItself = (itself: Node, parent: Node | undefined, text: string): boolean => {
  const named = nodeIn(itself, "id") ?? (parent && (nodeIn(parent, "id") ?? nodeIn(parent, "key")));
  const name = lastName(named);
  if (name === undefined) return false;
  for (const { node, above } of walk(itself))
    if (node.type === "CallExpression" && calleeName(node) === name && failuresBefore(node, above, text).length > 0)
      return true;
  return false;
};
