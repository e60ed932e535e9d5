/** What commands print when their output is not read. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run } from "../../kit/command.ts";
import { SAMPLE } from "../../settings/kit.ts";

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

describe("a command whose output is not read", { timeout: 60_000 }, () => {
  it.each([
    [
      "check, on a full disk",
      "ocsgw check -c ocsgw.yaml > /dev/full",
      /^the output to stdout is incomplete: no space is left on the disk$/m,
    ],
    [
      "keys list, on a full disk",
      "ocsgw keys list -c ocsgw.yaml --json > /dev/full",
      /^the output to stdout is incomplete: no space is left on the disk$/m,
    ],
    [
      "check --explain, to a reader that has closed it",
      "ocsgw check --explain > >(exec <&-; sleep 3); exit $?",
      /^the output to stdout is incomplete: its reader closed it$/m,
    ],
    [
      "keys create, on a full disk",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > /dev/full",
      /stdout is incomplete: no space is left on the disk$/m,
    ],
    [
      "keys create, to /dev/null",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > /dev/null",
      /^no key was created: stdout is closed or \/dev\/null/m,
    ],
    [
      "keys create, with stdout closed",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops >&-",
      /^no key was created: stdout is closed or \/dev\/null/m,
    ],
    [
      "keys create, to a reader that is gone",
      "ocsgw keys create -c ocsgw.yaml --client alpha-ops > >(exec <&-; sleep 3); exit $?",
      /its reader closed it|the other side has closed/m,
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
    ["unknown", "verbose", "logLevelUnknown"],
  ])("runs with an OCSGW_LOG that is %s", async (_, level, says) => {
    const program =
      `import { events } from ${JSON.stringify(join(root, "src/common/log/events.ts"))}; events.stopped(); ` +
      `events.standbyConfigRejected({ reason: "x" }); events.stopped();`;
    const { code, stderr } = await run(process.execPath, ["--input-type=module", "-e", program], {
      env: { ...process.env, OCSGW_LOG: level },
    });
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: string }).event);
    const kept = "standbyConfigRejected";
    expect([code, lines]).toEqual([
      0,
      level === "WARN" ? [kept] : [...(says === undefined ? [] : [says]), "stopped", kept, "stopped"],
    ]);
  });
});
