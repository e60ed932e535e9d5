/** `node src/settings/write-schema.ts` writes config/ocsgw.schema.json, the JSON Schema for editors. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { jsonSchema } from "./outline.ts";

export const schemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`;

export const SCHEMA_FILE = fileURLToPath(new URL("../../config/ocsgw.schema.json", import.meta.url));

export const writeSchema = (file: string = SCHEMA_FILE): Promise<void> => writeFile(file, schemaText());

if (import.meta.main) await writeSchema();
