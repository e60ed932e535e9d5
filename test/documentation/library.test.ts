/** All pages: each is found by its names, its links lead on, and so do the commands and addresses that texts name. */
import { describe, expect, it } from "vitest";
import { readLibrary } from "../../src/documentation/all-pages.ts";
import { Library } from "../../src/documentation/library.ts";
import { byKind, nameOf, pageOf, plainOf } from "../../src/documentation/page.ts";
import { treeOf } from "../../src/documentation/tree-of.mjs";
import type { Block, Inline } from "../../src/documentation/tree.ts";
import { ACTIONS } from "../../src/ocs/catalog.ts";

const library = await readLibrary();

const linksIn = (inline: readonly Inline[]): string[] =>
  inline.flatMap((each) =>
    typeof each === "string" || each[0] === "code"
      ? []
      : each[0] === "link"
        ? [each[1], ...linksIn(each[2])]
        : linksIn(each[1]),
  );

const allLinks = (block: Block): string[] => {
  switch (block[0]) {
    case "heading":
      return linksIn(block[3]);
    case "text":
      return linksIn(block[1]);
    case "list":
      return block[2].flat().flatMap(allLinks);
    case "table":
      return [...block[1], ...block[2].flat()].flatMap(linksIn);
    case "quote":
      return block[1].flatMap(allLinks);
    default:
      return [];
  }
};

describe("the library", () => {
  it("has written pages and one for each action, all with a title", () => {
    expect(library.pages.length).toBeGreaterThan(200);
    expect(library.pages.filter((page) => page.title === page.file)).toEqual([]);
    expect(library.pages.filter(({ file }) => file.startsWith("actions/")).length).toBe(ACTIONS.length);
    expect(byKind(library.pages).flatMap(([, pages]) => pages).length).toBe(library.pages.length);
  });

  it("finds each page by its name, and by the last part of it", () => {
    const lost = library.pages.filter((page) => {
      const short = nameOf(page)
        .replace(/\/README$/, "")
        .split("/")
        .at(-1)!;
      return library.find(nameOf(page)) !== page || library.find(short) !== page;
    });
    // A runbook and the page of a log event may have the last part of a page about the same: that page is found.
    expect(lost.map(({ file }) => file).filter((file) => !/^(?:errors|operations\/runbooks)\//.test(file))).toEqual([]);
  });

  it.each([
    ["journal", "explanation/journal.md"],
    ["JOURNAL", "explanation/journal.md"],
    ["/docs/how-to/policy.md", "how-to/policy.md"],
    ["operations", "operations/README.md"],
    ["operations/", "operations/README.md"],
    ["actions", "reference/actions.md"],
    ["stopping", "operations/stopping.md"],
    ["OCSGW-2103", "errors/OCSGW-2103.md"],
    ["phones.DoNotCall", "actions/phones.DoNotCall.md"],
    ["../../etc/passwd", undefined],
    ["", undefined],
  ])("finds %j", (name, file) => expect(library.find(name)?.file).toBe(file));

  it.each([
    ["jurnal", "explanation/journal"],
    ["OCSGW-2130", "errors/OCSGW-2103"],
  ])("suggests a page for %j", (name, near) => expect(library.nearest(name)).toBe(near));

  it("has no link that leads nowhere", () => {
    const addressOf = (file: string, id: string | undefined): string => `${file}#${id ?? ""}`;
    const trees = library.pages.map((page) => ({
      page,
      ...treeOf(page.file, page.text, { files: library.files, addressOf }),
    }));
    const known = new Set(
      trees.flatMap(({ page, blocks }) => [
        `${page.file}#`,
        ...blocks.flatMap((block) => (block[0] === "heading" ? [`${page.file}#${block[2]}`] : [])),
      ]),
    );
    const links = trees.flatMap(({ page, blocks }) => blocks.flatMap(allLinks).map((to) => ({ from: page.file, to })));
    expect(links.length).toBeGreaterThan(500);
    expect(links.filter(({ to }) => !known.has(to))).toEqual([]);
  });

  it("finds words under one heading, and the best title first", () => {
    const small = new Library([
      pageOf("a.md", "# Anchor\n\nfirst words\n\n## Chain\n\nan anchor at its end\n\n```sh\n# no heading\n```\n"),
      pageOf("b.md", "# B\n\nsecond words"),
    ]);
    expect(small.search("anchor").shown.map(({ title }) => title)).toEqual(["Anchor", "Anchor: Chain"]);
    expect(small.search("first second").count).toBe(0);
    expect(small.search("heading").shown.map(({ title }) => title)).toEqual(["Anchor: Chain"]);
  });
});

describe("a page", () => {
  it("is about its first paragraph, whatever comes before it", () => {
    const page = pageOf(
      "a.md",
      "# A `b`\n\n<!-- blocks: sandbox\n$ x\n-->\n\n| t |\n| - |\n\nFor **all** [x](y.md).\nMore.",
    );
    expect([page.title, page.about]).toEqual(["A b", "For all x. More."]);
  });

  it("loses its marks as plain text, and no words", () => {
    expect(plainOf("| a | `b` |\n| --- | --- |\n| [c](d.md#e) | x \\| y |")).toBe("a b c x | y");
  });
});
