/** The sandbox's temporary folder goes when the sandbox ends, whenever it is told to. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { removeLeftovers } from "../../src/cli/sandbox/temporary-folder.ts";
import { root } from "../kit/command.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-folder-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const placeOf = async (): Promise<string> =>
  `${(await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim()} ${await readlink("/proc/self/ns/pid")}`;
const beganOf = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)!.split(" ")[19]!;

it.skipIf(process.platform !== "linux")(
  "of a run that was killed goes with the next start, and no other folder",
  async () => {
    const killed = spawn("true");
    await once(killed, "close");
    const [place, began] = [await placeOf(), await beganOf(process.pid)];
    const folders: Record<string, object | undefined> = {
      dead: { pid: killed.pid, where: place, began: "1" },
      reused: { pid: process.pid, where: place, began: "1" },
      alive: { pid: process.pid, where: place, began },
      elsewhere: { pid: killed.pid, where: `${place}9`, began: "1" },
      unknown: undefined,
    };
    for (const [name, owner] of Object.entries(folders)) {
      await mkdir(join(dir, `ocsgw-sandbox-${name}`));
      if (owner) await writeFile(join(dir, `ocsgw-sandbox-${name}`, "owner"), JSON.stringify(owner));
    }
    await mkdir(join(dir, "of-somebody"));
    removeLeftovers(dir);
    expect((await readdir(dir)).toSorted()).toEqual([
      "ocsgw-sandbox-alive",
      "ocsgw-sandbox-elsewhere",
      "ocsgw-sandbox-unknown",
      "of-somebody",
    ]);
  },
);

it.each([
  [
    "as soon as the folder is there",
    async () => (await readdir(dir)).some((name) => name.startsWith("ocsgw-sandbox-")),
    143,
  ],
  ["when everything listens", async () => (await readdir(dir)).includes("ready.json"), 0],
  ["when everything listens", async () => (await readdir(dir)).includes("ready.json"), 0, "SIGINT"],
  ["when everything listens", async () => (await readdir(dir)).includes("ready.json"), 0, "SIGHUP"],
] as const)(
  "is gone after a signal %s",
  { timeout: 60_000 },
  async (_when, isTime, code, signal: NodeJS.Signals = "SIGTERM") => {
    const args = [join(root, "src/cli/main.ts"), "sandbox", "--port", "0", "--ready-file", join(dir, "ready.json")];
    const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore", env: { ...process.env, TMPDIR: dir } });
    const gone = new Promise<number | null>((resolve) => child.once("close", resolve));
    await expect.poll(isTime, { timeout: 40_000, interval: 2 }).toBe(true);
    child.kill(signal);
    expect(await gone).toBe(code);
    expect((await readdir(dir)).filter((name) => name.startsWith("ocsgw-sandbox-"))).toEqual([]);
  },
);

it("does not leave the ready file of an earlier run to those who wait for the next one", async () => {
  const readyFile = join(dir, "ready.json");
  const earlier = '{"gateway":{"http":"http://127.0.0.1:1"}}';
  await writeFile(readyFile, earlier);
  const args = [join(root, "src/cli/main.ts"), "sandbox", "--port", "0", "--ready-file", readyFile];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore", env: { ...process.env, TMPDIR: dir } });
  const closed = once(child, "close");
  try {
    const hasBegun = async (): Promise<boolean> =>
      (await readdir(dir)).some((name) => name.startsWith("ocsgw-sandbox-"));
    await expect.poll(hasBegun, { timeout: 40_000, interval: 2 }).toBe(true);
    const content = (): Promise<string> => readFile(readyFile, "utf8").catch(() => "");
    expect(await content()).not.toBe(earlier);
    await expect.poll(content, { timeout: 40_000 }).toContain('"sandbox"');
  } finally {
    child.kill("SIGTERM");
    await closed;
  }
});
