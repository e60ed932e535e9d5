import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bashCompletion } from "../../../src/cli/completion/bash.ts";
import { fishCompletion } from "../../../src/cli/completion/fish.ts";
import { commandRows } from "../../../src/cli/completion/rows.ts";
import { zshCompletion } from "../../../src/cli/completion/zsh.ts";
import { createProgram } from "../../../src/cli/commands/program.ts";
import { describeWith } from "../../kit/machine.ts";

const rows = commandRows(createProgram());

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "ocsgw-completion-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Writes a script and runs it with the typed words as its arguments; gives the offered words, sorted. */
const offersOf = (shell: string, flags: readonly string[], script: string, words: readonly string[]): string[] => {
  const file = join(dir, "script");
  writeFileSync(file, script);
  const env = { PATH: process.env["PATH"]!, HOME: dir, XDG_CONFIG_HOME: dir, TERM: "dumb" };
  const output = execFileSync(shell, [...flags, file, ...words], { encoding: "utf8", env, cwd: dir });
  return output
    .split("\n")
    .filter((line) => line !== "")
    .toSorted();
};

const FILES = "(files)";
const FOLDERS = "(folders)";
const AUDIT = [
  "accept-restore",
  "case",
  "dnc",
  "export",
  "filters",
  "help",
  "retention",
  "search",
  "set-aside",
  "verify",
];

/** What is typed, the last word unfinished, and what is offered. `bash` leaves files and free texts to the shell. */
const CASES = [
  { typed: ["au"], offers: ["audit"] },
  { typed: ["audit", ""], offers: AUDIT },
  { typed: ["audit", "se"], offers: ["search", "set-aside"] },
  { typed: ["audit", "search", "--unt"], offers: ["--until"] },
  { typed: ["audit", "export", "--as", ""], offers: ["bundle", "csv", "html", "ndjson"] },
  { typed: ["audit", "export", "--as", "csv", "--ou"], offers: ["--out"] },
  { typed: ["check", "-c", ""], offers: [FILES] },
  { typed: ["check", "--config", "run", "--al"], offers: ["--all"] },
  { typed: ["simulate", "--journal", ""], offers: [FOLDERS] },
  { typed: ["sandbox", "--port", "0", "fau"], offers: ["fault"] },
  { typed: ["sandbox", "fault", "cl"], offers: ["clear"] },
  { typed: ["completion", ""], offers: ["bash", "fish", "zsh"] },
  { typed: ["unknown", "au"], offers: ["audit"] },
];
const named = CASES.map((each) => ({ line: `ocsgw ${each.typed.join(" ")}`, ...each }));

describe("the completion of a shell", () => {
  it("has a row for each command that the help shows", () => {
    const names = rows.map(({ words }) => words.join(" "));
    expect(names).toContain("audit export");
    expect(names).toContain("sandbox fault add");
    expect(names).toHaveLength(new Set(names).size);
  });
});

/** Rows whose descriptions would write a file if the shell evaluated them. */
const hostileRows = () => {
  const made = join(dir, "made");
  const description = `it's "$(touch ${made})" \`touch ${made}\` \\' : 100 %`;
  const option = { flags: ["--option"], description, value: { kind: "choice", of: ["a"] } } as const;
  return {
    made,
    hostile: [{ words: [], commands: [{ name: "one", description }], options: [option], argument: undefined }],
  };
};

describeWith(["bash"], "the completion of bash", (bash) => {
  it.each(named)("offers for $line", ({ typed, offers }) => {
    const script = `${bashCompletion(rows)}
COMP_WORDS=(ocsgw "$@"); COMP_CWORD=$#; _ocsgw; printf '%s\\n' "\${COMPREPLY[@]}"\n`;
    // bash completes files itself where the function offers nothing.
    const expected = offers.filter((each) => each !== FILES && each !== FOLDERS);
    expect(offersOf(bash, ["--norc"], script, typed)).toEqual(expected);
  });

  it("offers values after an equals sign, which bash makes a word of its own", () => {
    const script = `${bashCompletion(rows)}
COMP_WORDS=(ocsgw audit export --as = nd); COMP_CWORD=5; _ocsgw; echo "\${COMPREPLY[@]}"\n`;
    expect(offersOf(bash, ["--norc"], script, [])).toEqual(["ndjson"]);
  });

  it("runs nothing that a description contains", () => {
    const { hostile, made } = hostileRows();
    const script = `${bashCompletion(hostile)}COMP_WORDS=(ocsgw o); COMP_CWORD=1; _ocsgw; echo "\${COMPREPLY[@]}"\n`;
    expect(offersOf(bash, ["--norc"], script, [])).toEqual(["one"]);
    expect(existsSync(made)).toBe(false);
  });

  it("can be read twice", () => {
    expect(offersOf(bash, ["--norc"], `${bashCompletion(rows)}${bashCompletion(rows)}complete -p ocsgw\n`, [])).toEqual(
      ["complete -o bashdefault -o default -F _ocsgw ocsgw"],
    );
  });
});

describeWith(["zsh"], "the completion of zsh", (zsh) => {
  // The functions of zsh's own completion system print what they are given, as far as it begins like the last word.
  const stubs = `
compdef() { :; }
_offer() { for each in "$@"; do [[ "$each" == "\${words[CURRENT]}"* ]] && print -r -- "$each"; done; return 0; }
_describe() { local each; for each in "\${(@P)2}"; do _offer "\${each%%:*}"; done; }
compadd() { shift; _offer "$@"; }
_files() { if [[ "$1" == -/ ]]; then print '${FOLDERS}'; else print '${FILES}'; fi; }
_message() { :; }
`;
  it.each(named)("offers for $line", ({ typed, offers }) => {
    const script = `${stubs}${zshCompletion(rows)}words=(ocsgw "$@"); CURRENT=$#words; _ocsgw\n`;
    expect(offersOf(zsh, ["-f"], script, typed)).toEqual(offers);
  });

  it("runs nothing that a description contains", () => {
    const { hostile, made } = hostileRows();
    const script = `${stubs}${zshCompletion(hostile)}words=(ocsgw "$@"); CURRENT=$#words; _ocsgw\n`;
    expect(offersOf(zsh, ["-f"], script, ["o"])).toEqual(["one"]);
    expect(offersOf(zsh, ["-f"], script, ["--o"])).toEqual(["--option"]);
    expect(existsSync(made)).toBe(false);
  });
});

describeWith(["fish"], "the completion of fish", (fish) => {
  it.each(named)("offers for $line", ({ typed, offers }) => {
    writeFileSync(join(dir, "a-file"), "");
    const script = `${fishCompletion(rows)}complete -C "ocsgw $argv" | string split -f1 \\t; true\n`;
    const found = offersOf(fish, ["--no-config"], script, typed);
    if (offers.includes(FILES)) expect(found).toContain("a-file");
    else if (offers.includes(FOLDERS)) expect(found).not.toContain("a-file");
    else expect(found).toEqual(offers);
  });

  it("runs nothing that a description contains", () => {
    const { hostile, made } = hostileRows();
    const script = `${fishCompletion(hostile)}complete -C "ocsgw $argv" | string split -f1 \\t; true\n`;
    expect(offersOf(fish, ["--no-config"], script, ["o"])).toEqual(["one"]);
    expect(existsSync(made)).toBe(false);
  });
});
