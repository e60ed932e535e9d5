/**
 * Decides which values of the config are shown: by their kind in the schema and by where they come from, never by what
 * they look like.
 */
import { branches, isOfKind, root, step, type Node } from "../schema/schema-tree.ts";
import { memberOf, sourcesIn, textsIn } from "./sources.ts";

/**
 * Why a value is not shown. `secret`: by its kind. `file`, `variable`: it comes from there, and its kind is a text, in
 * which anything may stand. `personal`: policy tests may contain phone numbers.
 */
export type HiddenBecause = "secret" | "file" | "variable" | "personal";

/**
 * `raw`: the value as written. All of a secret is hidden, whatever its shape. A file that is named by `${file:}` may be
 * a secret; so may a variable for a text.
 */
export const hiddenBecause = (nodes: readonly Node[], raw: unknown): Exclude<HiddenBecause, "personal"> | undefined => {
  if (isOfKind(nodes, "secret")) return "secret";
  if (typeof raw !== "string") return undefined;
  const sources = sourcesIn(raw, {});
  if (sources.some(({ kind }) => kind === "file")) return "file";
  return sources.length > 0 && !isClosed(nodes) ? "variable" : undefined;
};

const CLOSED = ["duration", "size", "address", "path"] as const;

/** True for kinds in which no credential can stand: numbers, words of a list, addresses. */
const isClosed = (nodes: readonly Node[]): boolean =>
  CLOSED.some((kind) => isOfKind(nodes, kind)) ||
  (nodes.length > 0 &&
    nodes.flatMap(branches).every(({ type, enum: words, const: word }) => {
      const types = type === undefined ? [] : [type].flat();
      return words !== undefined || word !== undefined || (types.length > 0 && !types.includes("string"));
    }));

type Values = { readonly raw: unknown; readonly value: unknown };

/** Every value that is hidden, for a barrier (`scrubber`). `value`: completely interpolated. */
export function* hiddenValues({ raw, value }: Values, nodes: readonly Node[] = [root()]): Generator<string> {
  if (hiddenBecause(nodes, raw) !== undefined) return yield* textsIn(value);
  if (typeof value !== "object" || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    const name = Array.isArray(value) ? Number(key) : key;
    yield* hiddenValues({ raw: memberOf(raw, name), value: each }, step(nodes, name));
  }
}
