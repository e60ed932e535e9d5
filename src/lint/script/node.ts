/**
 * Syntax trees of all languages in the shape of ESTree, which acorn gives for ECMAScript. The reader of Java and C#
 * gives the same types of nodes, so that one evaluation serves them all.
 */
export type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
};

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

export const nodeIn = (node: Node, key: string): Node | undefined => {
  const value = node[key];
  return isNode(value) ? value : undefined;
};

export const nodesIn = (node: Node, key: string): readonly Node[] => {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
};

/** Types of TypeScript, and what else says nothing about values. */
const PASSED_OVER: ReadonlySet<string> = new Set(["typeAnnotation", "typeParameters", "typeArguments", "returnType"]);

export const childrenOf = (node: Node): readonly Node[] =>
  Object.entries(node).flatMap(([key, value]) => {
    if (PASSED_OVER.has(key)) return [];
    if (Array.isArray(value)) return value.filter(isNode);
    return isNode(value) ? [value] : [];
  });

/** The node and all below it, each with its ancestors, nearest last. The array of ancestors is reused. */
export function* walk(root: Node): Generator<{ readonly node: Node; readonly above: readonly Node[] }> {
  const above: Node[] = [];
  const waiting: (Node | undefined)[] = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (!node) {
      above.pop();
      continue;
    }
    yield { node, above };
    above.push(node);
    waiting.push(undefined);
    for (const child of childrenOf(node).toReversed()) waiting.push(child);
  }
}

export const isFunction = ({ type }: Node): boolean =>
  type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";

export const isLoop = ({ type }: Node): boolean => /^(?:For|ForIn|ForOf|While|DoWhile)Statement$/.test(type);

/** What stands behind parentheses, types, await and casts. */
export const bare = (node: Node): Node => {
  let inner = node;
  for (;;) {
    const next =
      /^(?:ParenthesizedExpression|AwaitExpression|ChainExpression|TS(?:As|NonNull|Satisfies|TypeAssertion)\w*)$/.test(
        inner.type,
      ) &&
      (nodeIn(inner, "expression") ?? nodeIn(inner, "argument"));
    if (!next) return inner;
    inner = next;
  }
};

/** The name that a member expression or an identifier ends with: `b` of `a.b`, `a["b"]` and `b`. */
export const lastName = (written: Node | undefined): string | undefined => {
  const node = written && bare(written);
  if (!node) return undefined;
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return String(node["name"]);
  if (node.type === "Literal") return typeof node["value"] === "string" ? node["value"] : undefined;
  if (node.type === "MemberExpression") return lastName(nodeIn(node, "property"));
  // `List<String> url` is read as comparisons.
  if (node.type === "BinaryExpression") return lastName(nodeIn(node, "right"));
  return undefined;
};

/** `a.b.c` of a chain of names; undefined for all else. */
export const pathOf = (written: Node | undefined): string | undefined => {
  const node = written && bare(written);
  if (!node) return undefined;
  if (node.type === "Identifier") return String(node["name"]);
  if (node.type === "ThisExpression") return "this";
  if (node.type === "BinaryExpression") return pathOf(nodeIn(node, "right"));
  if (node.type !== "MemberExpression") return undefined;
  const [object, name] = [pathOf(nodeIn(node, "object")), lastName(nodeIn(node, "property"))];
  return object === undefined || name === undefined ? undefined : `${object}.${name}`;
};

export const calleeName = (node: Node): string | undefined => lastName(nodeIn(node, "callee"));
