import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SCHEMA_FILE, schemaText, writeSchema } from "../../src/settings/write-schema.ts";
import { SAMPLE } from "./kit.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-schema-"));
afterAll(() => rm(directory, { recursive: true }));

describe("config/ocsgw.schema.json", () => {
  it("is what the schema gives; after a change: node src/settings/write-schema.ts", async () => {
    expect(await readFile(SCHEMA_FILE, "utf8")).toBe(schemaText());
  });

  it("is what writeSchema writes", async () => {
    const file = join(directory, "s.json");
    await writeSchema(file);
    expect(await readFile(file, "utf8")).toBe(schemaText());
  });

  it("explains, gives defaults and closes every map", () => {
    const schema = JSON.parse(schemaText()) as { properties: Record<string, unknown>; additionalProperties: boolean; required: string[] };
    expect(schema).toMatchObject({
      additionalProperties: false, required: ["listeners", "upstreams", "tenants", "audit"],
      properties: { upstreams: { additionalProperties: { additionalProperties: false, properties: { connections: { default: 4, minimum: 1, maximum: 256, description: expect.any(String) as string } } } } },
    });
  });

  it("is named in the sample's first line", () => expect(SAMPLE.split("\n")[0]).toBe("# yaml-language-server: $schema=./ocsgw.schema.json"));
});
