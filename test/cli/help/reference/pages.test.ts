/** The pages made from tables are current, and the table of environment variables has what the code reads. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../../../src/cli/commands/program.ts";
import { referencePages } from "../../../../src/cli/help/reference/pages.ts";
import { ENVIRONMENT } from "../../../../src/cli/process/environment.ts";
import { root } from "../../../kit/command.ts";

const src = join(root, "src");
const pages = referencePages(createProgram());

describe("src/docs/reference", () => {
  it.each(Object.entries(pages))("%s is as write-reference.ts makes it", (name, text) => {
    expect(readFileSync(join(src, "docs/reference", `${name}.md`), "utf8")).toBe(text);
  });

  it.each([
    ["config", "`tenants[].clients.<name>.actions`"],
    ["command-options", "## audit verify"],
    ["command-options", "`--require-witnesses"],
    ["exit-codes", "| 8 | cannot tell"],
    ["environment", "| `OCSGW_LOG` |"],
    ["filters", "| `ocs.error` |"],
    ["journal-entries", "## set-aside"],
  ])("%s has %s", (name, part) => expect(pages[name]).toContain(part));
});

describe("the environment variables", () => {
  it("that the code reads are those of the table", () => {
    const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
      (name) =>
        /\.(?:ts|js)$/.test(name) && !/^(?:console|contract|docs)\//.test(name) && !name.endsWith("environment.ts"),
    );
    const asked = /\benv(?:\["(\w+)"\]|\.([A-Z][A-Z_]{3,})\b|\("([A-Z_]+)"\))/g;
    const read = files
      .flatMap((name) => [...readFileSync(join(src, name), "utf8").matchAll(asked)])
      .map(([, one, two, three]) => (one ?? two ?? three)!);
    const known = new Set(ENVIRONMENT.map(({ name }) => name));
    // Of npm and Node, and what is taken away from a library.
    const others = new Set(["npm_lifecycle_event", "npm_command", "FORCE_FETCH_PATH", "PATH"]);
    expect(new Set(read).size).toBeGreaterThan(8);
    expect([...new Set(read)].filter((name) => !known.has(name) && !others.has(name))).toEqual([]);
    expect(new Set(ENVIRONMENT.map(({ name }) => name)).size).toBe(ENVIRONMENT.length);
  });
});
