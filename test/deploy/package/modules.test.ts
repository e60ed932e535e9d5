import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesBelow, reachedModules, toJavaScript } from "../../../deploy/package/modules.ts";

describe("toJavaScript", () => {
  it.each([
    ["a static import", 'import { a } from "./a.ts";', 'import { a } from "./a.js";'],
    ["an export", 'export * from "../b/a.ts";', 'export * from "../b/a.js";'],
    ["a dynamic import", 'await import("./a.ts");', 'await import("./a.js");'],
    ["a thread's file", 'new URL("./worker.ts", import.meta.url)', 'new URL("./worker.js", import.meta.url)'],
    ["a thread's file beside it", 'new URL("worker.ts", import.meta.url)', 'new URL("worker.js", import.meta.url)'],
    ["a text that is no import", 'const page = "see a.ts";', 'const page = "see a.ts";'],
  ])("renames the file of %s", (_, source, expected) => {
    expect(toJavaScript(source)).toBe(expected);
  });

  it("keeps each token at its line and column", () => {
    const source = 'type A = {\n  a: string;\n};\nconst f = (a: A): string =>\n  a.a;\nthrow new Error("here");\n';
    const made = toJavaScript(source);
    const place = (text: string): number[] => [text.split("\n").length, text.indexOf("throw"), text.indexOf("=>")];
    expect(place(made)).toEqual(place(source));
    expect(made).not.toMatch(/type A|: string/);
  });

  it("refuses syntax that needs more than the removal of types", () => {
    expect(() => toJavaScript("enum A { B }")).toThrow(/enum/);
  });
});

describe("reachedModules", () => {
  let src: string;
  beforeAll(() => {
    src = mkdtempSync(join(tmpdir(), "ocsgw-modules-"));
    const files = {
      "cli/main.ts": 'import type { T } from "../types.ts";\nimport { b } from "../b/b.ts";\nexport const a: T = b;\n',
      "b/b.ts": 'export const b = () => import("./c.ts");\n',
      "b/c.ts": 'export const c = new URL("worker.ts", import.meta.url);\n',
      "b/worker.ts": 'import { b } from "./b.ts";\nb();\n',
      "types.ts": "export type T = unknown;\n",
      "write-pages.ts": "console.log(1);\n",
      "broken.ts": 'import "./none.ts";\n',
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(src, name)), { recursive: true });
      writeFileSync(join(src, name), text);
    }
  });
  afterAll(() => rmSync(src, { recursive: true }));

  it("finds imports, dynamic imports and threads, and neither types nor what only development needs", () => {
    const found = [...reachedModules(src, ["cli/main.ts"]).keys()];
    expect(found.toSorted()).toEqual(["b/b.js", "b/c.js", "b/worker.js", "cli/main.js"]);
  });

  it("fails when a module names a file that does not exist", () => {
    expect(() => reachedModules(src, ["broken.ts"])).toThrow(/none\.ts/);
  });

  it("lists the files of a folder by their paths, sorted", () => {
    const files = ["b/b.ts", "b/c.ts", "b/worker.ts", "broken.ts", "cli/main.ts", "types.ts", "write-pages.ts"];
    expect(filesBelow(src)).toEqual(files);
  });
});
