/** The sandbox's temporary folder goes when the sandbox ends, whenever it is told to. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { root } from "../kit/command.ts";

let dir: string;
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), "ocsgw-folder-")); });
afterEach(() => rm(dir, { recursive: true, force: true }));

it.each([
  ["as soon as the folder is there", async () => (await readdir(dir)).some((name) => name.startsWith("ocsgw-sandbox-")), 143],
  ["when everything listens", async () => (await readdir(dir)).includes("ready.json"), 0],
] as const)("is gone after SIGTERM %s", { timeout: 60_000 }, async (_when, isTime, code) => {
  const args = [join(root, "src/cli/main.ts"), "sandbox", "--port", "0", "--ready-file", join(dir, "ready.json")];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore", env: { ...process.env, TMPDIR: dir } });
  const gone = new Promise<number | null>((resolve) => child.once("close", resolve));
  await expect.poll(isTime, { timeout: 40_000, interval: 2 }).toBe(true);
  child.kill("SIGTERM");
  expect(await gone).toBe(code);
  expect((await readdir(dir)).filter((name) => name.startsWith("ocsgw-sandbox-"))).toEqual([]);
});
