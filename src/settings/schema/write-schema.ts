/** `node src/settings/schema/write-schema.ts` writes config/ocsgw.schema.json, the JSON Schema for editors. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { jsonSchema } from "./schema-tree.ts";

export const schemaText = (): string => `${JSON.stringify(withoutTenants(jsonSchema()), fillable, 2)}\n`;

/** Makes `tenants` optional, because all of them may be in tenants.d. */
const withoutTenants = ({ required, ...rest }: ReturnType<typeof jsonSchema>): object => ({
  ...rest,
  required: (required as readonly string[]).filter((key) => key !== "tenants"),
});

const FILLED = String.raw`\$\{`;

/** Allows `${VAR}` for every text except keys, because an editor does not know its value. */
const fillable = (key: string, node: unknown): unknown => {
  if (key === "propertyNames" || !isText(node)) return node;
  const { pattern, enum: words, const: word, type, ...rest } = node;
  if (pattern !== undefined) return pattern === FILLED ? node : { ...node, pattern: `${pattern}|${FILLED}` };
  if (words === undefined && word === undefined) return node;
  return { ...rest, anyOf: [{ enum: words ?? [word] }, { type, pattern: FILLED }] };
};

type Text = {
  readonly type: "string";
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
};
const isText = (node: unknown): node is Text =>
  typeof node === "object" && node !== null && "type" in node && node.type === "string";

export const SCHEMA_FILE = fileURLToPath(new URL("../../../config/ocsgw.schema.json", import.meta.url));

export const writeSchema = (file: string = SCHEMA_FILE): Promise<void> => writeFile(file, schemaText());

if (import.meta.main) await writeSchema();
