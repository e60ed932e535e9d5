/** Every command block of every page is run, as a reader of the page would, or says why not. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../kit/command.ts";
import { blocksOf, settingOf } from "./kit/blocks.ts";
import { runPage } from "./kit/page-run.ts";

const texts = [
  "README.md",
  ...readdirSync(join(root, "src/docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("src/docs", name)),
]
  .toSorted()
  .map((page) => ({ page, text: readFileSync(join(root, page), "utf8") }));

const pages = texts
  .map(({ page, text }) => ({ page, setting: settingOf(text), blocks: blocksOf(text) }))
  .filter(({ blocks }) => blocks.length > 0);

/** What is no command. */
const LANGUAGES = new Set(
  "console sh bash shell text yaml json js javascript ts typescript java csharp python xml http ini toml nginx".split(
    " ",
  ),
);

/** What a reader has and this test has not. */
const REASON = /^(?:needs|takes|changes|installs) \S.{4,}/;

const all = pages.flatMap(({ page, blocks }) => blocks.map((block) => ({ page, ...block })));

describe.concurrent("the commands of", () => {
  it.for(pages)("$page do what the page says", { timeout: 110_000 }, async ({ setting, blocks }, context) => {
    const outcomes = await runPage(blocks, setting);
    const failed = outcomes.filter(({ problem }) => problem !== undefined);
    context.expect(failed.map(({ line, command, problem }) => `line ${line}: ${command}\n${problem}`)).toEqual([]);
  });
});

describe("a block that is not run", () => {
  it.skipIf(true).each(all.filter(({ notRun }) => notRun !== undefined))("$page:$line $notRun", () => undefined);

  it("says what is missing", () => {
    const notRun = all.filter((block) => block.notRun !== undefined);
    expect(notRun.filter((block) => !REASON.test(block.notRun!)).map(({ page, line }) => `${page}:${line}`)).toEqual(
      [],
    );
  });

  it("is the only kind that may be empty", () => {
    expect(all.filter(({ commands }) => commands.length === 0).map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });

  it("is not hidden behind another language", () => {
    const fences = texts.flatMap(({ page, text }) =>
      [...text.matchAll(/^ *```(\S*)[^]*?^ *```$/gm)].map(([, language]) => ({ page, language })),
    );
    expect(fences.length).toBeGreaterThan(all.length);
    expect(fences.filter(({ language }) => !LANGUAGES.has(language!))).toEqual([]);
  });
});
