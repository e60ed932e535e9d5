/** What commands say when their results do not arrive. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run } from "../kit/command.ts";
import { SAMPLE } from "../settings/kit.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-output-"));
  await writeFile(join(dir, "ocsgw.yaml"), SAMPLE);
});
afterAll(() => rm(dir, { recursive: true }));

const shell = (command: string) =>
  run("bash", ["-c", `ocsgw() { "$NODE" "$MAIN" "$@"; }; ${command}`], {
    env: { ...process.env, NODE: process.execPath, MAIN: join(root, "src/cli/main.ts") },
    cwd: dir,
  });

describe("a command whose output does not arrive", { timeout: 60_000 }, () => {
  it.each([
    [
      "check, on a full disk",
      "ocsgw check -c ocsgw.yaml > /dev/full",
      /^not all of the output was written to stdout: no space is left on the disk$/m,
    ],
    [
      "keys list, on a full disk",
      "ocsgw keys list -c ocsgw.yaml --json > /dev/full",
      /^not all of the output was written to stdout: no space is left on the disk$/m,
    ],
    [
      "check --explain, to a reader that has closed it",
      "ocsgw check --explain > >(exec <&-; sleep 3); exit $?",
      /^not all of the output was written to stdout: its reader has closed it$/m,
    ],
    [
      "keys create, on a full disk",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > /dev/full",
      /stdout: no space is left on the disk$/m,
    ],
    [
      "keys create, to /dev/null",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > /dev/null",
      /^no key was made: stdout is closed or leads to \/dev\/null/m,
    ],
    [
      "keys create, with stdout closed",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops >&-",
      /^no key was made: stdout is closed or leads to \/dev\/null/m,
    ],
    [
      "keys create, to a reader that is gone",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > >(exec <&-; sleep 3); exit $?",
      /its reader has closed it|the other side has closed/m,
    ],
  ])("fails and says so: %s", async (_, command, says) => {
    await writeFile(join(dir, "keys.yaml"), "version: 1\nkeys: []\n");
    const { code, stderr } = await shell(command);
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(await readFile(join(dir, "keys.yaml"), "utf8")).toBe("version: 1\nkeys: []\n");
  });

  it.each([
    ["empty", "", undefined],
    ["in capitals", "WARN", undefined],
    ["unknown", "verbose", "OCSGW_LOG is none of trace, debug, info, warn, error, fatal, silent; info is used"],
  ])("runs with an OCSGW_LOG that is %s", async (_, level, says) => {
    const program = `import { events } from ${JSON.stringify(join(root, "src/events.ts"))}; events.stopped(); events.standbyConfigKept("x"); events.stopped();`;
    const { code, stderr } = await run(process.execPath, ["--input-type=module", "-e", program], {
      env: { ...process.env, OCSGW_LOG: level },
    });
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    const kept = "The config file cannot be used for the takeover; the one that the standby started with is in force";
    expect([code, lines]).toEqual([
      0,
      level === "WARN" ? [kept] : [...(says === undefined ? [] : [says]), "stopped", kept, "stopped"],
    ]);
  });
});
