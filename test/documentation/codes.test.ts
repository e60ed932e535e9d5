/** Every code that a user may meet has an explanation, and no explanation is of a code that is gone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CODES, explained, familyOf } from "../../src/documentation/codes.ts";
import { codePages } from "../../src/documentation/made/code-pages.ts";
import { CONFIG_CODES } from "../../src/settings/problems/codes/codes.ts";
import { root } from "../kit/command.ts";

const src = join(root, "src");

/** In the code of this checkout, but for the built console. */
const codesInSource = (): ReadonlySet<string> =>
  new Set(
    readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.startsWith("console/built"))
      .flatMap((name) => readFileSync(join(src, name), "utf8").match(/(?<=["'`])OCSGW-\d{4}(?=["'`])/g) ?? []),
  );

describe("the codes of problems in configs and in clients' files", () => {
  const linted = CODES.filter(({ kind }) => kind === "lint").map(({ id }) => id);

  it("have a row each, and no row is of a code that nothing reports", () => {
    const used = [...codesInSource()].filter((code) => code.startsWith("OCSGW-6")).toSorted();
    expect(used.length).toBeGreaterThan(100);
    expect(linted).toHaveLength(23);
    expect([...Object.keys(CONFIG_CODES).map((code) => `OCSGW-${code}`), ...linted].toSorted()).toEqual(used);
  });

  it.each(Object.entries(CONFIG_CODES))("%s says what, and what to do in whole sentences", (_code, { what, help }) => {
    expect(what).toMatch(/^\S[^]*[^.]$/);
    expect(help).toMatch(/\.$/);
  });
});

describe("a code", () => {
  it.each([
    ["OCSGW-2103", "OCSGW-2103"],
    ["ocsgw-2103", "OCSGW-2103"],
    [" 2103 ", "OCSGW-2103"],
    ["urn:ocs-gateway:problem:OCSGW-2103", "OCSGW-2103"],
    ["/docs/errors/OCSGW-5102", "OCSGW-5102"],
    ["6101", "OCSGW-6101"],
    ["CONFIGREJECTED", "configRejected"],
    ["OCSGW-9999", undefined],
    ["", undefined],
    ["__proto__", undefined],
  ])("is found as %j", (asked, id) => expect(explained(asked)?.id).toBe(id));

  it("that a reply may have, has a page with each of its reasons, and a family", () => {
    const replies = CODES.filter((code) => code.kind === "reply");
    const pages = new Map(codePages([]).map((page) => [page.file, page.text]));
    expect(replies.length).toBeGreaterThan(25);
    for (const code of replies) {
      const text = pages.get(`errors/${code.id}.md`);
      expect(familyOf(code.id)).toBeDefined();
      for (const { status, title } of code.reasons) expect(text).toContain(`## ${status}: ${title}`);
    }
  });

  it("has one page each, and stands in the list", () => {
    const [list, ...pages] = codePages([]);
    expect(pages.map(({ file }) => file)).toEqual(CODES.map(({ id }) => `errors/${id}.md`));
    expect(CODES.filter(({ id }) => !list!.text.includes(`[${id}](${id}.md)`))).toEqual([]);
    expect(new Set(CODES.map(({ id }) => id.toLowerCase())).size).toBe(CODES.length);
  });

  it("names the pages that mention it", () => {
    const other = { file: "how-to/x.md", title: "X", about: "", text: "see OCSGW-6101." };
    const text = codePages([other]).find(({ file }) => file === "errors/OCSGW-6101.md")!.text;
    expect(text).toContain("- [X](../how-to/x.md)");
  });
});
