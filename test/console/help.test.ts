/** The documentation as the build makes it for Help, and the search over it. */
import { describe, expect, it } from "vitest";
import { pageOf, readPages } from "../../src/console/docs/docs-plugin.mjs";
import type { Block, Inline } from "../../src/documentation/tree.ts";
import { pageNamed } from "../../src/console/pages/help/page-named.ts";
import { textIn, textOf } from "../../src/documentation/plain-text.ts";
import { search } from "../../src/documentation/search.ts";

const docs = new URL("../../src/docs", import.meta.url).pathname;
const FILES = new Set(["journal.md", "files.md", "decisions/README.md"]);

const linksIn = (inline: readonly Inline[]): string[] =>
  inline.flatMap((each) =>
    typeof each === "string" || each[0] === "code"
      ? []
      : each[0] === "link"
        ? [each[1], ...linksIn(each[2])]
        : linksIn(each[1]),
  );

const inlineIn = (block: Block): readonly Inline[] => {
  switch (block[0]) {
    case "heading":
      return block[3];
    case "text":
      return block[1];
    case "list":
      return block[2].flat().flatMap(inlineIn);
    case "table":
      return [...block[1], ...block[2].flat()].flat();
    case "quote":
      return block[1].flatMap(inlineIn);
    default:
      return [];
  }
};

describe("a page of the documentation", () => {
  const blocksOf = (text: string, file = "journal.md"): readonly Block[] => pageOf(file, text, FILES).blocks;

  it.each<readonly [name: string, text: string, blocks: readonly Block[]]>([
    ["a script", "<script>alert(1)</script>", [["text", ["<script>alert(1)</script>"]]]],
    [
      "an image with a handler",
      'a <img src=x onerror="alert(1)"> b',
      [["text", ['a <img src=x onerror="alert(1)"> b']]],
    ],
    ["what looks like a tag", "/records/<handle>", [["text", ["/records/<handle>"]]]],
    ["a comment", "<!-- rows -->", []],
    ["a script's address", "[x](javascript:alert(1))", [["text", ["x (javascript:alert(1))"]]]],
    ["another host", "[x](https://example.com/a.md)", [["text", ["x (https://example.com/a.md)"]]]],
    ["a path out of the folder", "[x](../../etc/passwd)", [["text", ["x (../../etc/passwd)"]]]],
    ["a data address", "![x](data:text/html,x)", [["text", ["x"]]]],
    ["code", "`<b>` **b** *i*", [["text", [["code", "<b>"], " ", ["strong", ["b"]], " ", ["em", ["i"]]]]]],
    ["a block of code", "```sh\nls <x>\n```", [["pre", "ls <x>"]]],
    ["a paragraph of two lines", "one\n2. two", [["text", ["one 2. two"]]]],
    [
      "an item with a second paragraph, and one in it",
      "- one\n  more\n\n  second\n- two\n  - three\n\nend",
      [
        [
          "list",
          "plain",
          [
            [
              ["text", ["one more"]],
              ["text", ["second"]],
            ],
            [
              ["text", ["two"]],
              ["list", "plain", [[["text", ["three"]]]]],
            ],
          ],
        ],
        ["text", ["end"]],
      ],
    ],
    [
      "a quote",
      "> a\n> `b`\n\nc",
      [
        ["quote", [["text", ["a ", ["code", "b"]]]]],
        ["text", ["c"]],
      ],
    ],
    ["a bar in a cell", "| a |\n| --- |\n| `x \\| y` |", [["table", [["a"]], [[[["code", "x | y"]]]]]]],
    ["code with backticks", "`` a ` b ``", [["text", [["code", "a ` b"]]]]],
    ["stars without a meaning", "2 * 3 * 4 and src/**", [["text", ["2 * 3 * 4 and src/**"]]]],
    ["a rule", "a\n\n---\n\nb", [["text", ["a"]], ["rule"], ["text", ["b"]]]],
    ["a list", "1. one\n2. two", [["list", "ordered", [[["text", ["one"]]], [["text", ["two"]]]]]]],
    ["a table", "| a | b |\n| --- | --- |\n| 1 | `2` |", [["table", [["a"], ["b"]], [[["1"], [["code", "2"]]]]]]],
    ["an ampersand", "a & b &lt; c \\* d", [["text", ["a & b &lt; c * d"]]]],
  ])("has %s as text", (_name, text, blocks) => expect(blocksOf(text)).toEqual(blocks));

  it("links to other pages and their headings", () => {
    const linked = (text: string, file?: string): readonly string[] => linksIn(blocksOf(text, file).flatMap(inlineIn));
    expect(linked("[x](files.md#a-b) [y](#c) [z](decisions/README.md)")).toEqual([
      "/help/docs/files?at=a-b",
      "/help/docs/journal?at=c",
      "/help/docs/decisions~README",
    ]);
    expect(linked("[x](../files.md)", "decisions/README.md")).toEqual(["/help/docs/files"]);
  });

  it("has ids for headings as GitHub has, each once", () => {
    const ids = blocksOf("# Open Do-Not-Calls\n## `a`: b?\n## `a`: b?").map((block) => block[2]);
    expect(ids).toEqual(["open-do-not-calls", "a-b", "a-b-1"]);
  });
});

describe("all pages of the documentation", () => {
  it("have a title, and every link between them leads to a heading", async () => {
    const pages = await readPages(docs);
    expect(pages.length).toBeGreaterThan(30);
    expect(pages.filter(({ title, name }) => title === name)).toEqual([]);
    const known = new Set(
      pages.flatMap(({ name, blocks }) => [
        `/help/docs/${name}`,
        ...blocks.flatMap((block) => (block[0] === "heading" ? [`/help/docs/${name}?at=${block[2]}`] : [])),
      ]),
    );
    const links = pages.flatMap(({ name, blocks }) =>
      linksIn(blocks.flatMap(inlineIn)).map((href) => ({ name, href })),
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ href }) => !known.has(href))).toEqual([]);
    const all = JSON.stringify(pages);
    expect(all).not.toMatch(/<!--|\]\([\w/]+\.md/);
  });

  it("are found by the last part of their names too, as in addresses from before they had folders", async () => {
    const pages = await readPages(docs);
    for (const { name } of pages) {
      const short = name
        .replace(/~README$/, "")
        .split("~")
        .at(-1)!;
      // A runbook may have the last part of a page about the same.
      if (!name.includes("runbooks")) expect([short, pageNamed(pages, short)?.name]).toEqual([short, name]);
      expect(pageNamed(pages, name)?.name).toBe(name);
    }
    expect(pageNamed(pages, "nonsense")).toBeUndefined();
  });

  it("have no mark of Markdown left in their texts", async () => {
    const strings = (inline: readonly Inline[]): string[] =>
      inline.flatMap((each) =>
        typeof each === "string" ? [each] : each[0] === "code" ? [] : strings(each[0] === "link" ? each[2] : each[1]),
      );
    const all = (await readPages(docs)).flatMap(({ name, blocks }) =>
      blocks.flatMap(inlineIn).flatMap((each) => strings([each]).map((text) => `${name}: ${text}`)),
    );
    expect(all.length).toBeGreaterThan(1000);
    expect(all.filter((text) => /`|\*\*|\]\(|^[^:]*: (?:[-*#>] |\|)| \| /.test(text))).toEqual([]);
  });

  it("have no entity that the browser would have decoded", async () => {
    const texts = (await readPages(docs)).flatMap(({ blocks }) => blocks.map(textIn));
    expect(texts.filter((text) => /&(?:lt|gt|amp|quot|#\d+);/.test(text))).toEqual([]);
  });
});

describe("the search of Help", () => {
  const entry = (title: string, text: string) => ({ section: "codes" as const, title, text, href: `/help/${title}` });
  const ENTRIES = [
    entry("Retention", "how long entries are kept; OCSGW-2103 too"),
    entry("OCSGW-2103", "403 the tenant is another one's"),
    entry("audit.retention", "How long entries of the journal are kept."),
    entry("retentionFailed", "the disk is full"),
    entry("OCSGW-2104", `${"far away ".repeat(30)} the Needle is here`),
  ];
  const titles = (asked: string): readonly string[] => search(ENTRIES, asked).shown.map(({ title }) => title);

  it.each([
    ["ocsgw-2103", ["OCSGW-2103", "Retention"]],
    ["RETENTION", ["Retention", "audit.retention", "retentionFailed"]],
    ["kept journal", ["audit.retention"]],
    ["nothing has this", []],
    ["  ", []],
  ])("%j", (asked, found) => expect(titles(asked)).toEqual(found));

  it("shows the text around the word, and at most 50 of many", () => {
    expect(search(ENTRIES, "needle").shown[0]!.snippet).toMatch(/^….*the Needle is here$/);
    const many = Array.from({ length: 80 }, (_, number) => entry(`n${number}`, "same"));
    expect([search(many, "same").count, search(many, "same").shown.length]).toEqual([80, 50]);
  });
});

describe("the text of a tree", () => {
  it("has no marks", () => {
    expect(textOf(["a ", ["code", "b"], ["strong", [" c ", ["link", "/x", ["d"]]]]])).toBe("a b c d");
  });
});
