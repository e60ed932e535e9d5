/** Pages as text for a terminal. */
import { describe, expect, it } from "vitest";
import { readLibrary } from "../../../src/documentation/all-pages.ts";
import { pageOf } from "../../../src/documentation/page.ts";
import { tableLines } from "../../../src/documentation/terminal/text-table.ts";
import { toTerminal } from "../../../src/documentation/terminal/to-terminal.ts";
import { cut, wrapped } from "../../../src/documentation/terminal/wrap.ts";

const PLAIN = { width: 40, isStyled: false };

describe("a page for a terminal", () => {
  it("has its headings, texts, lists, code and quotes, wrapped", () => {
    const text = [
      "# A title",
      "Some `code` and **strong** words in a sentence that is long.",
      "- one item that does not fit into a single line\n- two\n\n  more",
      "1. first",
      "```sh\nls    -l a-very-long-command-line-that-is-never-broken\n```",
      "> quoted",
      "---",
    ].join("\n\n");
    expect(toTerminal(pageOf("a.md", text), new Set(["a.md"]), PLAIN)).toBe(
      [
        "A title",
        "",
        "Some `code` and strong words in a",
        "sentence that is long.",
        "",
        "- one item that does not fit into a",
        "  single line",
        "- two",
        "",
        "  more",
        "",
        "1. first",
        "",
        "    ls    -l a-very-long-command-line-that-is-never-broken",
        "",
        "> quoted",
        "",
        "--------------------",
        "",
      ].join("\n"),
    );
  });

  it("names the pages that it links to, each once", () => {
    const files = new Set(["a.md", "x/b.md"]);
    const text = "# A\n\n[b](x/b.md) [again](x/b.md#c) [a](a.md)";
    expect(toTerminal(pageOf("a.md", text), files, PLAIN)).toMatch(/\n\nSee also\n {2}ocsgw help x\/b\n$/);
  });

  it("is bold in its headings only where it may be", () => {
    const page = pageOf("a.md", "# A");
    expect(toTerminal(page, new Set(), { ...PLAIN, isStyled: true })).toContain("\u{1B}[1mA\u{1B}[22m");
    expect(toTerminal(page, new Set(), PLAIN)).not.toContain("\u{1B}");
  });

  it.each([100, 80, 40])("is at most %i wide in every page, but for words and code", async (width) => {
    const library = await readLibrary();
    const wide = library.pages.flatMap((page) =>
      toTerminal(page, library.files, { width, isStyled: false })
        .split("\n")
        .filter((line) => line.length > width && !/^ {4}|^\W*\S+$|^ {2}ocsgw help /.test(line))
        .map((line) => `${page.file}: ${line}`),
    );
    expect(wide).toEqual([]);
  });
});

describe("a table", () => {
  it("is in columns where they fit", () => {
    expect(
      tableLines(
        ["a", "long head"],
        [
          ["1", "2"],
          ["333", ""],
        ],
        40,
      ),
    ).toEqual(["a    long head", "---  ---------", "1    2", "333"]);
  });

  it("breaks the widest cells, with air between its rows", () => {
    expect(
      tableLines(
        ["a", "b"],
        [
          ["x", "some words that wrap"],
          ["y", "z"],
        ],
        20,
      ),
    ).toEqual(["a  b", "-  -----------------", "x  some words that", "   wrap", "", "y  z"]);
  });

  it("is written row by row where columns would be too narrow", () => {
    const words = "many words ".repeat(4).trim();
    expect(
      tableLines(
        ["a", "b", "c"],
        [
          ["x", words, ""],
          ["y", words, words],
        ],
        30,
      ),
    ).toEqual([
      "x",
      "    b: many words many words",
      "    many words many words",
      "",
      "y",
      "    b: many words many words",
      "    many words many words",
      "    c: many words many words",
      "    many words many words",
    ]);
  });
});

describe("wrapping", () => {
  it.each([
    ["a b", 10, ["a b"]],
    ["a b", 2, ["a", "b"]],
    ["", 10, [""]],
    ["toolongword b", 5, ["toolongword", "b"]],
  ])("%j at %i", (text, width, lines) => expect(wrapped(text, width)).toEqual(lines));

  it("cuts words for columns", () => expect(cut("abcdefg h", 3)).toEqual(["abc", "def", "g", "h"]));
});
