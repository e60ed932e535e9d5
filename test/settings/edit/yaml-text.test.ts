import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { YamlText, literal } from "../../../src/settings/edit/yaml-text.ts";
import { unifiedDiff } from "../../../src/settings/edit/unified-diff.ts";
import { parseYaml } from "../../../src/settings/yaml.ts";
import { interpolate } from "../../../src/settings/interpolate.ts";

const SAMPLE = readFileSync(new URL("../../../config/ocsgw.yaml", import.meta.url), "utf8");

const edited = (text: string, edit: (yaml: YamlText) => void): string => {
  const yaml = new YamlText("a.yaml", text);
  edit(yaml);
  return yaml.toString();
};

/** The removed and added lines. */
const changes = (before: string, after: string): string[] =>
  unifiedDiff(before, after, { file: "a", context: 0 })
    .split("\n")
    .filter((line) => /^[-+](?![-+]{2} )/.test(line));

describe("an edited YAML text", () => {
  it("is the same text where nothing was edited", () => {
    const odd = "# a\na:   [1,2]   # b\r\nb: {x: 1}\r\n";
    expect(edited(odd, (yaml) => yaml.set(["b", "x"], 1))).toBe(odd);
  });

  it("changes one line of the sample for one value", () => {
    const after = edited(SAMPLE, (yaml) => yaml.set(["tenants", 1, "lists"], ["Beta List", "Beta Winback List"]));
    expect(changes(SAMPLE, after)).toEqual(["-    lists: [Beta List]", "+    lists: [Beta List, Beta Winback List]"]);
  });

  it("adds a tenant in the layout of the sample, before the comments of the next section", () => {
    const after = edited(SAMPLE, (yaml) =>
      yaml.append(
        ["tenants"],
        {
          name: "Gamma Tenant",
          dbid: 103,
          clients: { "gamma-crm": { actions: ["AddRecord"] } },
          campaign_groups: [{ dbid: 301, name: "Gamma@Agents" }],
          lists: [],
        },
        { block: true },
      ),
    );
    expect(changes(SAMPLE, after)).toEqual([
      "+  - name: Gamma Tenant",
      "+    dbid: 103",
      "+    clients:",
      "+      gamma-crm: { actions: [AddRecord] }",
      "+    campaign_groups:",
      "+      - { dbid: 301, name: Gamma@Agents }",
      "+    lists: []",
    ]);
  });

  it.each<[string, string, (yaml: YamlText) => void, string]>([
    ["a missing section", "a: 1\n", (yaml) => yaml.set(["b", "c"], 2), "a: 1\nb:\n  c: 2\n"],
    ["an empty section", "a:\nb: 1\n", (yaml) => yaml.set(["a", "x"], [1]), "a:\n  x: [1]\nb: 1\n"],
    [
      "a value that was missing",
      "a: # why\n\n# of b\nb:\n\n# of c\nc:\n  d:\n  # of e\n  e:\n",
      (yaml) => {
        yaml.set(["a"], 1);
        yaml.append(["b"], { x: 1 });
        yaml.set(["c", "d"], 2);
        yaml.set(["c", "e"], 3);
      },
      "a: 1 # why\n\n# of b\nb:\n  - { x: 1 }\n\n# of c\nc:\n  d: 2\n  # of e\n  e: 3\n",
    ],
    [
      "what is empty elsewhere",
      "a:\n\n# of b\nb:\n-\n- {c}\nd: 1\n",
      (yaml) => yaml.set(["d"], 2),
      "a:\n\n# of b\nb:\n-\n- {c}\nd: 2\n",
    ],
    ["a list", "a: []\n", (yaml) => yaml.append(["a"], "x"), "a: [x]\n"],
    ["the last key before end", "a: 1\nend: true\n", (yaml) => yaml.set(["b"], 2), "a: 1\nb: 2\nend: true\n"],
    [
      "a key that reads as a number",
      "m:\n  12: { a: 1 }\n",
      (yaml) => yaml.set(["m", "12", "a"], 2),
      "m:\n  12: { a: 2 }\n",
    ],
    ["a comment above", "a: 1\n", (yaml) => yaml.set(["b"], 2, { comment: "why" }), "a: 1\n# why\nb: 2\n"],
    ["a removal", "a: 1 # x\nb: 2 # y\n", (yaml) => yaml.remove(["a"]), "b: 2 # y\n"],
    ["a value with a comment", "a: [x, y] # z\n", (yaml) => yaml.set(["a"], ["y"]), "a: [y] # z\n"],
    [
      "a list with comments",
      "a:\n  - x # one\n  # two\n  - y\n",
      (yaml) => yaml.set(["a"], ["x", "y", "z"]),
      "a:\n  - x # one\n  # two\n  - y\n  - z\n",
    ],
    ["lines that end as on Windows", "a: 1\r\n\r\nb:  2\r\n", (yaml) => yaml.set(["a"], 3), "a: 3\r\n\r\nb:  2\r\n"],
    ["a text without a last line end", "b:  2\na: 1", (yaml) => yaml.set(["b"], 3), "b: 3\na: 1"],
    [
      "a layout of somebody else",
      "b:   { x:  1 }   # one\nc:\n- 1\n- 2\nd:   [1,2]\ne: 1\n",
      (yaml) => yaml.set(["e"], 2),
      "b:   { x:  1 }   # one\nc:\n- 1\n- 2\nd:   [1,2]\ne: 2\n",
    ],
  ])("keeps the rest around %s", (_, text, edit, wanted) => {
    expect(edited(text, edit)).toBe(wanted);
  });

  it.each([
    ["aliases", "a: &x 1\nb: *x\n", "aliases"],
    ["duplicate keys", "a: 1\na: 2\n", "duplicate key"],
    ["what is not YAML", "a: [1\n", "not YAML"],
  ])("is refused for %s", (_, text, why) => {
    expect(() => new YamlText("a.yaml", text)).toThrow("a.yaml is not valid");
    try {
      new YamlText("a.yaml", text);
    } catch (error) {
      expect(JSON.stringify((error as { problems: unknown }).problems)).toContain(why);
    }
  });

  it("refuses to add to what is no section", () => {
    expect(() => edited("a: 1\n", (yaml) => yaml.set(["a", "b"], 1))).toThrow("a is not a map");
  });

  it("gives back every name that OCS may have", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
        const after = edited("a: [x] # c\nb: {}\n", (yaml) => {
          yaml.set(["b", "name"], literal(name));
          yaml.append(["a"], literal(name));
        });
        const { value, broken } = parseYaml(after);
        expect(broken).toEqual([]);
        const { a, b } = value as { a: string[]; b: { name: string } };
        for (const found of [a[1]!, b.name])
          expect(interpolate(found, { env: {}, readFile: () => "" })).toEqual({ ok: true, value: name });
      }),
    );
  });
});

describe("a text in any layout", () => {
  const blank = fc.constantFrom("", "\n", "# c\n", "  \n");
  const entry = (name: string) =>
    fc.constantFrom(
      `${name}: 1\n`,
      `${name}:   1   # x\n`,
      `${name}: [1,2,  3]\n`,
      `${name}:\n- 1\n-   2 # y\n`,
      `${name}:\n    k:  1\n    l: {a:  1}\n`,
      `"${name}": 'x'\n`,
      `${name}: |\n    two\n    lines\n`,
    );
  const text = fc
    .tuple(...["a", "b", "c", "d", "e"].flatMap((name) => [blank, entry(name)]))
    .map((parts) => parts.join(""));

  it("means the same but for the edit, and keeps the entries that the edit does not touch", () => {
    fc.assert(
      fc.property(text, fc.constantFrom("a", "b", "c", "d", "e", "f"), (before, key) => {
        const after = edited(before, (yaml) => yaml.set([key], "new"));
        expect(parseYaml(after).value).toEqual({ ...(parseYaml(before).value as object), [key]: "new" });
        for (const line of before.split("\n").filter((each) => /^[a-f]:  /.test(each) && !each.startsWith(`${key}:`)))
          expect(after.split("\n")).toContain(line);
      }),
      { numRuns: 300 },
    );
  });
});
