/** `ocsgw help` and `ocsgw error`, as a user runs them. */
import { describe, expect, it } from "vitest";
import { createProgram } from "../../../src/cli/commands/program.ts";
import { readLibrary } from "../../../src/documentation/all-pages.ts";
import { screenOf } from "../../../src/cli/help/screen.ts";
import { ocsgw } from "../../kit/command.ts";

describe.concurrent("ocsgw help", () => {
  it.each<readonly [args: readonly string[], has: RegExp]>([
    [["help", "policy"], /^Policy: grants, limits, and trying them out\n/],
    [["help", "Policy"], /^Policy: grants/],
    [["help", "how-to/policy.md"], /^Policy: grants/],
    [["help", "check"], /^Usage: ocsgw check \[options\]/],
    [["help", "audit", "verify"], /^Usage: ocsgw audit verify/],
    [["help", "OCSGW-2103"], /^OCSGW-2103: /],
    [["help", "phones.DoNotCall"], /curl/],
    [["help"], /Usage: ocsgw[^]*Exit codes:[^]*Topics[^]*\n {2}policy +Policy/],
    [["help", "--search", "group commit"], /\n {2}ocsgw help [\w/-]+\n/],
    [["error", "2103"], /^OCSGW-2103: [^]*What to|^OCSGW-2103: [^]*Client: /],
    [["error", "--list"], /^OCSGW-1001 +404 [^]*OCSGW-6101 +config [^]*\nconfigRejected +error /],
    [["error", "--search", "handle Registrar"], /^OCSGW-1001/],
  ])("%j prints it, and exits with 0", async (args, has) => {
    const { code, stdout, stderr } = await ocsgw(...args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(has);
    expect(stdout).not.toContain("\u{1B}");
  });

  it.each<readonly [args: readonly string[], code: number, says: RegExp]>([
    [["help", "polcy"], 2, /no topic "polcy"\. Did you mean how-to\/policy\?/],
    [["help", "chekc"], 2, /Did you mean check\?/],
    [["help", "audit", "nonsense-word"], 2, /no topic "audit nonsense-word"/],
    [["help", "disk", "is", "full"], 2, /ocsgw help --search "?'?disk is full"?'? looks through all pages/],
    [["help", "--search", "nothinghasthisword"], 1, /nothing found/],
    [["help", "policy", "--search", "x"], 2, /not both/],
    [["error", "OCSGW-2130"], 2, /Did you mean OCSGW-2103\?/],
    [["error", "--search", "nothinghasthisword"], 1, /nothing found/],
    [["error"], 2, /give one of a code, --list and --search/],
    [["error", "2103", "--list"], 2, /give one of/],
  ])("%j is refused in words, on stderr", async (args, expected, says) => {
    const { code, stdout, stderr } = await ocsgw(...args);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toMatch(says);
  });

  it("lists each topic by a name that leads to its page, not to a command or another page", async () => {
    const { stdout } = await ocsgw("help");
    const topics = [...stdout.slice(stdout.indexOf("Topics")).matchAll(/^ {2}(\S+) {2,}(.+)$/gm)];
    expect(topics.length).toBeGreaterThan(40);
    const library = await readLibrary();
    const commands = createProgram().commands.map((each) => each.name());
    const wrong = topics.filter(
      ([, name, title]) => commands.includes(name!) || library.find(name!)?.title !== title!.trim(),
    );
    expect(wrong.map(([line]) => line)).toEqual([]);
  });

  it("gives programs JSON", async () => {
    const one = JSON.parse((await ocsgw("error", "OCSGW-1001", "--json")).stdout) as { reasons: unknown[] };
    expect(one).toMatchObject({ id: "OCSGW-1001", kind: "reply" });
    expect(one.reasons.length).toBe(2);
    const all = JSON.parse((await ocsgw("error", "--list", "--json")).stdout) as unknown[];
    expect(all.length).toBeGreaterThan(200);
  });
});

describe("the screen", () => {
  it.each([
    ["a pipe", {}, {}, { width: 100, isStyled: false }],
    ["a narrow terminal", { isTTY: true, columns: 60 }, {}, { width: 60, isStyled: true }],
    ["a wide one", { isTTY: true, columns: 300 }, {}, { width: 100, isStyled: true }],
    ["NO_COLOR", { isTTY: true, columns: 80 }, { NO_COLOR: "1" }, { width: 80, isStyled: false }],
    ["a dumb terminal", { isTTY: true, columns: 80 }, { TERM: "dumb" }, { width: 80, isStyled: false }],
  ])("%s", (_name, terminal, env, screen) => expect(screenOf(terminal, env)).toEqual(screen));
});
