import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SCHEMA_FILE, schemaText, writeSchema } from "../../../src/settings/schema/write-schema.ts";
import { SAMPLE } from "../kit.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-schema-"));
afterAll(() => rm(directory, { recursive: true }));

describe("config/ocsgw.schema.json", () => {
  it("matches the schema; after a change: node src/settings/schema/write-schema.ts", async () => {
    expect(await readFile(SCHEMA_FILE, "utf8")).toBe(schemaText());
  });

  it("equals the output of writeSchema", async () => {
    const file = join(directory, "s.json");
    await writeSchema(file);
    expect(await readFile(file, "utf8")).toBe(schemaText());
  });

  it("has explanations and defaults, and allows no unknown keys", () => {
    const schema = JSON.parse(schemaText()) as {
      properties: Record<string, unknown>;
      additionalProperties: boolean;
      required: string[];
    };
    expect(schema).toMatchObject({
      additionalProperties: false,
      required: ["listeners", "upstreams", "audit"],
      properties: {
        upstreams: {
          additionalProperties: {
            additionalProperties: false,
            properties: {
              connections: { default: 4, minimum: 1, maximum: 256, description: expect.any(String) as string },
            },
          },
        },
      },
    });
  });

  it("accepts interpolation in values wherever check does, but not in keys", () => {
    type Node = {
      properties: Record<string, Node>;
      items: Node;
      additionalProperties: Node;
      propertyNames: Node;
      pattern?: string;
      anyOf?: Node[];
    };
    const { listeners, tenants } = (JSON.parse(schemaText()) as Node).properties;
    const takes = ({ pattern, anyOf = [] }: Node, value: string): boolean =>
      [pattern, ...anyOf.map((each) => each.pattern)].some(
        (each) => each !== undefined && new RegExp(each, "u").test(value),
      );
    const { bind, errors, tls } = listeners!.items.properties;
    for (const node of [bind!, errors!, tls!.anyOf![0]!])
      expect([takes(node, "${VAR:-x}"), takes(node, "other")]).toEqual([true, false]);
    expect(takes(bind!, "127.0.0.1:8443")).toBe(true);
    expect(takes(tenants!.items.properties["clients"]!.propertyNames, "${VAR:-x}")).toBe(false);
  });

  it("is named in the sample's first line", () =>
    expect(SAMPLE.split("\n")[0]).toBe("# yaml-language-server: $schema=./ocsgw.schema.json"));
});
