/**
 * The settings in force, one leaf for each value, in the order of the schema: as the file has it, or its default. Which
 * values are shown is decided in `hidden-because.ts`.
 */
import type { Path } from "../problems/problem.ts";
import { branches, isOfKind, root, spell, step, type Node } from "../schema/schema-tree.ts";
import { HIDDEN, shownUrl, withoutCredentials } from "./hidden.ts";
import { hiddenBecause, type HiddenBecause } from "./hidden-because.ts";
import { memberOf, namesShown, sourcesIn, textsIn, type Source } from "./sources.ts";

export type Leaf = {
  readonly path: Path;
  /** The key as `check --explain` names it: `tenants[].clients.<name>.actions`. */
  readonly rule: string;
  /** As written in a file, masked. */
  readonly value: string;
  readonly hidden: HiddenBecause | undefined;
  readonly isDefault: boolean;
  readonly sources: readonly Source[];
  readonly explanation: string;
  /** The name of the nearest tenant, listener or other named entry around it. */
  readonly entry: string | undefined;
};

type Env = Readonly<Record<string, string | undefined>>;

/** `raw`: as parsed; `value`: the same after interpolation of variables. */
export type Written = {
  readonly raw: unknown;
  readonly value: unknown;
  readonly env: Env;
  /** Shows variables and named files by their names, instead of what they are. */
  readonly names?: boolean;
};

type At = Written & {
  readonly nodes: readonly Node[];
  readonly path: Path;
  readonly rule: string;
  readonly explanation: string;
  readonly entry: string | undefined;
};

export const leavesOf = (written: Written): Generator<Leaf> =>
  leavesAt({ ...written, nodes: [root()], path: [], rule: "", explanation: "", entry: undefined });

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* leavesAt(at: At): Generator<Leaf> {
  const { nodes, path, raw, value } = at;
  if (hiddenBecause(nodes, raw) === "secret" || path[0] === "tests") return yield leafOf(at);
  if (isMap(value) || (value === undefined && isSection(nodes))) return yield* membersOf(at);
  if (Array.isArray(value) && value.some((each) => typeof each === "object" && each !== null))
    return yield* itemsOf(at, value);
  if (value === undefined && defaultOf(nodes) === undefined) return;
  yield leafOf(at);
}

/** True for a map whose members have defaults of their own. */
const isSection = (nodes: readonly Node[]): boolean =>
  nodes.some((node) => node.properties && (node.default === undefined || JSON.stringify(node.default) === "{}"));

const defaultOf = (nodes: readonly Node[]): unknown => nodes.find((node) => node.default !== undefined)?.default;

function* membersOf(at: At): Generator<Leaf> {
  const maps = at.nodes.flatMap(branches).filter((node) => node.properties || node.additionalProperties);
  const known = maps.flatMap((node) => Object.keys(node.properties ?? {}));
  const given = isMap(at.value) ? Object.keys(at.value) : [];
  const entry = nameIn(at) ?? at.entry;
  for (const key of new Set([...known, ...given])) {
    const nodes = step(maps, key);
    if (nodes.length === 0) continue;
    const isOwn = known.includes(key);
    const isAction = maps.some(({ propertyNames }) => propertyNames?.enum);
    const name = isOwn ? key : isAction ? "<action>" : "<name>";
    yield* leavesAt({
      ...at,
      nodes,
      path: [...at.path, key],
      raw: memberOf(at.raw, key),
      value: memberOf(at.value, key),
      rule: at.rule === "" ? name : `${at.rule}.${name}`,
      explanation: nodes.find(({ description }) => description !== undefined)?.description ?? at.explanation,
      entry,
    });
  }
}

function* itemsOf(at: At, items: readonly unknown[]): Generator<Leaf> {
  const nodes = step(at.nodes, 0);
  for (const [index, value] of items.entries())
    yield* leavesAt({
      ...at,
      nodes,
      path: [...at.path, index],
      raw: memberOf(at.raw, index),
      value,
      rule: `${at.rule}[]`,
    });
}

/** Names that come from elsewhere are hidden like other texts. */
const nameIn = ({ raw, path }: At): string | undefined => {
  const name = typeof path.at(-1) === "number" ? memberOf(raw, "name") : undefined;
  return typeof name === "string" && !name.includes("${") ? name : undefined;
};

const leafOf = (at: At): Leaf => {
  const { nodes, path, rule, raw, value, env, explanation, entry } = at;
  const isDefault = value === undefined;
  const sources = textsIn(raw).flatMap((text) => sourcesIn(text, env));
  const common = { path, rule, isDefault, sources, explanation, entry };
  const isSecret = hiddenBecause(nodes, raw) === "secret";
  if (at.names && typeof raw === "string" && sources.length > 0)
    return {
      ...common,
      value: namesShown(raw, (rest) => (isSecret ? HIDDEN : withoutCredentials(rest))),
      hidden: undefined,
    };
  if (isSecret) return { ...common, value: HIDDEN, hidden: "secret" };
  if (path[0] === "tests")
    return { ...common, value: String(Array.isArray(value) ? value.length : 0), hidden: "personal" };
  if (isDefault) return { ...common, value: spell(defaultOf(nodes)), hidden: undefined };
  return { ...common, ...shown(nodes, { raw, value }) };
};

type Shown = Pick<Leaf, "value" | "hidden">;

const shown = (nodes: readonly Node[], { raw, value }: Pick<Written, "raw" | "value">): Shown => {
  if (value === null) return { value: "~", hidden: undefined };
  if (Array.isArray(value)) {
    const items = value.map((each: unknown, at) => shown(step(nodes, at), { raw: memberOf(raw, at), value: each }));
    return {
      value: `[${items.map((each) => each.value).join(", ")}]`,
      hidden: items.find(({ hidden }) => hidden !== undefined)?.hidden,
    };
  }
  const hidden = hiddenBecause(nodes, raw);
  if (hidden !== undefined) return { value: HIDDEN, hidden };
  const text = String(value as string | number | boolean);
  return { value: shownText(nodes, text), hidden: undefined };
};

/** Other kinds have no place for a credential, but somebody may have put one there. */
export const shownText = (nodes: readonly Node[], text: string): string =>
  isOfKind(nodes, "url") ? shownUrl(text) : withoutCredentials(text);
