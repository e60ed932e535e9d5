/** What the test of the command blocks relies on. */
import { describe, expect, it } from "vitest";
import { blocksOf, settingOf } from "./kit/blocks.ts";
import { runPage } from "./kit/page-run.ts";
import { compare } from "./kit/shown-output.ts";

const page = (...lines: readonly string[]): string => ["# Page", "", ...lines].join("\n");

describe("a command block", () => {
  it("has its commands, their output and their exit codes", () => {
    const [block] = blocksOf(
      page("1. Do:", "   ```console", "   $ a \\", "   > b", "   out", "   $ c # exit code 9", "   ```"),
    );
    expect(block).toEqual({
      line: 4,
      isScript: false,
      commands: [
        { text: "a \\\nb", exit: 0, shown: ["out"] },
        { text: "c # exit code 9", exit: 9, shown: [] },
      ],
      notRun: undefined,
      keepsRunning: undefined,
    });
  });

  it("says why it is not run, or until when it is waited for", () => {
    const blocks = blocksOf(
      page('```sh not-run="needs root"', "a", "```", '```console keeps-running="up"', "$ b", "```"),
    );
    expect(blocks.map(({ notRun, keepsRunning }) => [notRun, keepsRunning])).toEqual([
      ["needs root", undefined],
      [undefined, "up"],
    ]);
  });

  it.each([
    ["a misspelled reason", ['```sh notrun="needs root"', "a", "```"], /the fence says notrun/],
    ["no end", ["```sh", "a"], /no end/],
  ])("is refused with %s", (_name, lines, error) => expect(() => blocksOf(page(...lines))).toThrow(error));

  it("is not what is fenced as something else", () => {
    expect(blocksOf(page("```yaml", "a: 1", "```", "```shell-session", "```"))).toEqual([]);
  });
});

describe("where a page runs", () => {
  it("is an empty folder unless a comment says otherwise, with commands before the first block", () => {
    expect(settingOf(page())).toEqual({ place: "empty", before: [] });
    expect(settingOf(page("<!-- blocks: sample\n$ a\nout\n-->"))).toEqual({
      place: "sample",
      before: [{ text: "a", exit: 0, shown: ["out", ""] }],
    });
    expect(() => settingOf(page("<!-- blocks: cellar -->"))).toThrow(/unknown place/);
  });
});

describe("shown output", () => {
  const ID = "01M82HYRKRNDGCRXN1W04ZD4PA";
  const OTHER = "01M8N9YQKRNHBYARG3BF077R3T";

  it.each<readonly [name: string, shown: readonly string[], output: string, missing: string | undefined]>([
    ["the same text", ["HTTP/1.1 200 OK"], "HTTP/1.1 200 OK\n", undefined],
    ["another status", ["HTTP/1.1 200 OK"], "HTTP/1.1 403 Forbidden\n", "HTTP/1.1 200 OK"],
    ["another id", [`id ${ID}`], `id ${OTHER}`, undefined],
    ["another time", ["at 2026-11-22T12:07:11.002Z in 3 ms"], "at 2027-01-01T00:00:00Z  in 12.5 ms", undefined],
    ["something left out", ["a … z"], "a b c z", undefined],
    ["lines left out", ["a", "…", "z"], "a\nb\nc\nz", undefined],
    ["lines in another order", ["z", "a"], "a\nz", "a"],
    ["a line with more at its end", ["a"], "a b", "a"],
    ["signs of a pattern", ["a.c (x)"], "abc (x)", "a.c (x)"],
  ])("%s", (_name, shown, output, missing) => expect(compare(shown, output).missing).toBe(missing));

  it("gives the ids of the run for those of the page", () => {
    expect(compare([`a ${ID}`], `a ${OTHER}`).names).toEqual([[ID, OTHER]]);
  });
});

describe("a page that is run", () => {
  const outcomes = async (...lines: readonly string[]) =>
    (await runPage(blocksOf(page(...lines)), settingOf(page(...lines)))).map(({ problem }) => problem?.split("\n")[0]);

  it("keeps folder and variables from block to block", async () => {
    expect(
      await outcomes("```sh", "mkdir a; cd a; X=1", "```", "```console", "$ echo $X ${PWD##*/}", "1 a", "```"),
    ).toEqual([undefined, undefined]);
  });

  it.each([
    ["a script that fails in its middle", ["```sh", "false", "true", "```"], "ended with 1, not 0:"],
    ["a pipe whose first part fails", ["```sh", "false | true", "```"], "ended with 1, not 0:"],
    ["another exit code", ["```console", "$ true # exit code 9", "```"], "ended with 0, not 9:"],
    ["other output", ["```console", "$ echo a", "b", "```"], 'the page shows "b", and it printed:'],
  ])("tells %s", async (_name, lines, problem) => {
    const last = (await outcomes(...lines)).at(-1);
    expect(last).toBe(problem);
  });

  it("starts what keeps running, and ends it with the page", async () => {
    const started = ['```console keeps-running="up"', "$ echo $BASHPID > pid; echo up; sleep 600", "up", "```"];
    expect(await outcomes(...started, "```console", "$ kill -0 $(cat pid)", "```")).toEqual([undefined, undefined]);
  });
});
