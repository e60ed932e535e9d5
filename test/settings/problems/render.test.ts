import { describe, expect, it } from "vitest";
import type { Problem } from "../../../src/settings/problems/problem.ts";
import { renderProblem } from "../../../src/settings/problems/render.ts";
import { mutated, problemsIn } from "../kit.ts";

const problem: Problem = {
  severity: "error",
  code: "OCSGW-6101",
  file: "c.yaml",
  line: 2,
  column: 3,
  path: "a.b",
  message: "unknown key `b`",
  help: "did you mean `c`?",
};
const plain = (of: Problem, text: string | undefined): string => renderProblem(of, text, { colour: false });

describe("a rendered problem", () => {
  it("shows the line, a caret under the value, the path and the help", () => {
    expect(plain(problem, "a:\n  bad: 1\n")).toBe(
      [
        "error[OCSGW-6101]: unknown key `b`",
        " --> c.yaml:2:3",
        "2 |   bad: 1",
        "  |   ^^^",
        "  = note: a.b",
        "help: did you mean `c`?",
      ].join("\n"),
    );
  });

  it("shows the other place first if it precedes, with dots between", () => {
    const text = `a: one\n${"x: 1\n".repeat(9)}b: one\n`;
    expect(
      plain({ ...problem, line: 11, column: 4, also: { line: 1, column: 4, message: "first here" } }, text),
    ).toContain(
      ["  --> c.yaml:11:4", " 1 | a: one", "   |    --- first here", "...", "11 | b: one", "   |    ^^^"].join("\n"),
    );
  });

  it("shows a line once if both places are in it", () => {
    expect(
      plain(
        { ...problem, line: 1, column: 13, also: { line: 1, column: 6, message: "the rate" } },
        "a: { 50/s, b: 1 }",
      ),
    ).toContain(["1 | a: { 50/s, b: 1 }", "  |      ---- the rate", "  |             ^", "  = note"].join("\n"));
  });

  it("hides secrets, but shows their source", () => {
    const shown = (line: string): string => plain({ ...problem, line: 1, column: 1 }, line).split("\n")[2] ?? "";
    expect(shown("index_key: hunter2-hunter2 # x")).toBe("1 | index_key: ••••••••••••••• # x");
    expect(shown('x: { redis: "redis://u:hunter2@h", b: 1 }')).not.toContain("hunter2");
    expect(shown("index_key: ${KEY:-hunter2}")).not.toContain("hunter2");
    expect(shown("index_key: ${file:secrets/k}")).toBe("1 | index_key: ${file:secrets/k}");
    for (const key of ["postgres", "redis"]) expect(shown(`${key}: host=db password=hunter2`)).not.toContain("hunter2");
    expect(shown("postgres: ~")).toBe("1 | postgres: ~");
    for (const line of [
      "index_key: some hunter2",
      "index_key: a,hunter2",
      "- secret: a#hunter2",
      'index_key: "a\\"hunter2"',
      "index_key: 'a''hunter2'",
      "[{ epoch: t1, secret: a hunter2 }]",
    ])
      expect(shown(line)).not.toContain("hunter2");
  });

  it("hides a secret on a separate line", () => {
    const text = mutated([
      "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
      "index_key:\n    hunter2-hunter2-hunter2",
    ]);
    expect(
      problemsIn(text)
        .map((each) => plain(each, text))
        .join("\n"),
    ).toContain("|     •••••••••••••••••••••••\n");
    const lacking = mutated(["  index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}\n", ""]);
    expect(
      problemsIn(lacking)
        .map((each) => plain(each, lacking))
        .join("\n"),
    ).toContain("| audit:\n");
  });

  it("cuts a long line around the mark", () => {
    const [, , line = "", mark = ""] = plain(
      { ...problem, line: 1, column: 5001 },
      `${"x".repeat(5000)} bad${"y".repeat(5000)}`,
    ).split("\n");
    expect(line.length).toBeLessThan(180);
    expect(line.startsWith("1 | …x") && line.endsWith("y…")).toBe(true);
    expect(line[mark.indexOf("^")]).toBe(" ");
  });

  it("contains no control character", () => {
    expect(plain({ ...problem, line: 1, column: 1 }, "a: \u001B[31m\u202Ered")).toContain("1 | a: \uFFFD[31m\uFFFDred");
    const hostile = "x\u001B[31m\u202Ey\u2067\u2028z";
    const everywhere = { ...problem, message: hostile, file: hostile, path: hostile, help: hostile };
    const also = { line: 1, column: 1, message: hostile };
    for (const other of [also, { ...also, file: hostile + "2" }])
      // eslint-disable-next-line no-control-regex
      expect(plain({ ...everywhere, also: other }, "a: 1\nb: 2")).not.toMatch(/[^\n\P{C}]|[\u2028\u2029]/u);
    expect(plain(problem, undefined)).toBe(
      "error[OCSGW-6101]: unknown key `b`\n--> c.yaml:2:3\n = note: a.b\nhelp: did you mean `c`?",
    );
  });

  it("has colours if requested", () => {
    expect(renderProblem(problem, "a:\n  bad: 1\n", { colour: true })).toContain(
      "\u001B[31merror[OCSGW-6101]\u001B[0m",
    );
  });

  it("never contains a secret of a malformed file", () => {
    const text = mutated([
      "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
      "index_key: [hunter2hunter2]\n  index_key: hunter2hunter2",
    ]);
    expect(
      problemsIn(text)
        .map((each) => plain(each, text))
        .join("\n"),
    ).not.toContain("hunter2");
  });
});
