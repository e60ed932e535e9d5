/** The schema as a tree: the keys of each section, which values are paths or secrets, defaults, explanations. */
import { z } from "zod";
import type { Path } from "../problems/problem.ts";
import { settingsSchema } from "./schema.ts";

/** The part of JSON Schema that zod generates for these settings. */
export type Node = {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly "x-kind"?: "path" | "secret" | "duration" | "size" | "address" | "url";
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | false;
  readonly propertyNames?: Node;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
};

type Kind = NonNullable<Node["x-kind"]>;

/** A line of `check --explain`. */
export type ExplainRow = {
  /** For example `tenants[].clients.<name>.actions`. */
  readonly key: string;
  readonly required: boolean;
  /** As written in a file; undefined for required keys and for sections. */
  readonly default: string | undefined;
  readonly explanation: string;
};

/** JSON Schema of the config file, before defaults and conversions. */
export const jsonSchema = (): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(settingsSchema, { io: "input" }),
  title: "ocsgw.yaml",
});

let tree: Node | undefined;
export const root = (): Node => (tree ??= jsonSchema() as Node);

/** The alternatives of a node, itself if there is only one. */
export const branches = (node: Node): readonly Node[] => (node.anyOf ? node.anyOf.flatMap(branches) : [node]);

/** The nodes one step below these. */
export const step = (nodes: readonly Node[], part: string | number): readonly Node[] =>
  nodes.flatMap(branches).flatMap((node) => {
    if (typeof part === "number") return node.items ?? [];
    const named = Object.hasOwn(node.properties ?? {}, part) ? node.properties?.[part] : undefined;
    return named ?? (node.additionalProperties || []);
  });

/** The nodes at this path; an index stands for any item of its list. */
export const nodesAt = (path: Path): readonly Node[] => path.reduce<readonly Node[]>(step, [root()]);

/** The keys that the map at this path may have. */
export const keysAt = (path: Path): readonly string[] =>
  nodesAt(path)
    .flatMap(branches)
    .flatMap((node) => [...Object.keys(node.properties ?? {}), ...((node.propertyNames?.enum ?? []) as string[])]);

/** True if a value of one of these nodes can be of this kind. */
export const isOfKind = (nodes: readonly Node[], kind: Kind): boolean =>
  nodes.some((node) => node["x-kind"] === kind || branches(node).some((each) => each["x-kind"] === kind));

/** True for a secret and everything below it, because a user may have put the secret there by mistake. */
export const isSecret = (path: Path): boolean =>
  path.some((_, depth) => isOfKind(nodesAt(path.slice(0, depth + 1)), "secret"));

let secrets: readonly string[] | undefined;

/**
 * The last parts of the paths of all secrets, for lines of a file whose path is not known. Another key of the same name
 * is masked too.
 */
export const secretKeys = (): readonly string[] => (secrets ??= [...new Set(keysIn(root(), "", "secret"))]);

const keysIn = (node: Node, key: string, kind: Kind): readonly string[] =>
  branches(node).flatMap((branch) => [
    ...(branch["x-kind"] === kind || node["x-kind"] === kind ? [key] : []),
    ...Object.entries(branch.properties ?? {}).flatMap(([name, child]) => keysIn(child, name, kind)),
    ...(branch.items ? keysIn(branch.items, key, kind) : []),
    ...(branch.additionalProperties ? keysIn(branch.additionalProperties, key, kind) : []),
  ]);

/** The same value with every path made absolute by `resolve`. */
export const mapPaths = (value: unknown, resolve: (path: string) => string): unknown => walk(value, [root()], resolve);

const pathHolders = new WeakMap<Node, boolean>();

/** True if the node or its children may be paths. Skips tenants, which have none and fill most of a large file. */
const mayHoldPath = (node: Node): boolean => {
  const known = pathHolders.get(node);
  if (known !== undefined) return known;
  const below = [
    node.items,
    node.additionalProperties || undefined,
    ...Object.values(node.properties ?? {}),
    ...(node.anyOf ?? []),
  ];
  const found = node["x-kind"] === "path" || below.some((child) => child !== undefined && mayHoldPath(child));
  pathHolders.set(node, found);
  return found;
};

const walk = (value: unknown, nodes: readonly Node[], resolve: (path: string) => string): unknown => {
  if (!nodes.some(mayHoldPath)) return value;
  if (typeof value === "string") return isOfKind(nodes, "path") ? resolve(value) : value;
  if (Array.isArray(value)) return value.map((item) => walk(item, step(nodes, 0), resolve));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, step(nodes, key), resolve)]));
};

/** Every key with its default and explanation, in the order of the schema. */
export const explainRows = (): readonly ExplainRow[] => rowsOf(root(), "");

/** The sections that have this key, as rows write them, without the key; the top of the file is "". */
export const homesOf = (key: string): readonly string[] =>
  explainRows()
    .filter((each) => each.key === key || each.key.endsWith(`.${key}`))
    .map((each) => each.key.slice(0, -key.length).replace(/\.$/, ""));

const rowsOf = (node: Node, prefix: string): readonly ExplainRow[] =>
  branches(node).flatMap((branch) =>
    Object.entries(branch.properties ?? {}).flatMap(([key, child]) => [
      row(`${prefix}${key}`, child, branch.required?.includes(key) ?? false),
      ...below(child, `${prefix}${key}`),
    ]),
  );

const below = (node: Node, key: string): readonly ExplainRow[] =>
  branches(node).flatMap((branch) => {
    if (branch.items) return below(branch.items, `${key}[]`);
    if (branch.additionalProperties)
      return below(branch.additionalProperties, `${key}.${branch.propertyNames?.enum ? "<action>" : "<name>"}`);
    return rowsOf({ ...branch, properties: branch.properties ?? {} }, `${key}.`);
  });

const row = (key: string, node: Node, required: boolean): ExplainRow => {
  const isSection = branches(node).some((branch) => branch.properties) && JSON.stringify(node.default) === "{}";
  return {
    key,
    required,
    default: required || isSection || node.default === undefined ? undefined : spell(node.default),
    explanation: node.description ?? "",
  };
};

/** A default as it would be written in a file. */
export const spell = (value: unknown): string => {
  if (value === null) return "~";
  if (Array.isArray(value)) return `[${value.map(spell).join(", ")}]`;
  return typeof value === "string" ? value : JSON.stringify(value);
};
