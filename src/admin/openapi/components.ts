/** JSON Schemas from zod's, with named parts as components. */
import { z } from "zod";

export type JsonSchema = { readonly [key: string]: unknown };

/**
 * `reply`: without `additionalProperties: false`, because later versions may add members to replies. Unknown members of
 * a request are rejected.
 */
export type Direction = "request" | "reply";

export class Components {
  readonly #all = new Map<string, JsonSchema>();

  /** The schema, in which named parts are references. */
  schemaOf(schema: z.ZodType, direction: Direction): JsonSchema {
    const {
      $schema: _,
      $defs = {},
      ...root
    } = z.toJSONSchema(schema, {
      target: "draft-2020-12",
      io: direction === "request" ? "input" : "output",
      override: ({ jsonSchema }) => {
        if (direction === "reply" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      },
    });
    for (const [name, part] of Object.entries($defs)) this.#add(name, placed(part) as JsonSchema);
    return placed(root) as JsonSchema;
  }

  /** By name, in alphabetical order. */
  all(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#all].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  #add(name: string, schema: JsonSchema): void {
    const before = this.#all.get(name);
    if (before && JSON.stringify(before) !== JSON.stringify(schema))
      throw new Error(`two schemas are named ${name}; a request and a reply may not share one with strict members`);
    this.#all.set(name, schema);
  }
}

/** Limits that zod states for every whole number, and the path of each reference. */
const placed = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(placed);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]: [string, unknown]) => {
      if (key === "id") return typeof value === "string" ? [] : [[key, placed(value)]];
      if (key === "maximum" && value === Number.MAX_SAFE_INTEGER) return [];
      if (key === "minimum" && value === Number.MIN_SAFE_INTEGER) return [];
      if (key === "$ref") return [[key, String(value).replace("#/$defs/", "#/components/schemas/")]];
      return [[key, placed(value)]];
    }),
  );
};
