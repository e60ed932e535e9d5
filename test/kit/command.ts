/** Runs `ocsgw` as a user would: another process, the sources as they stand, on plain Node. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ready } from "../../src/cli/sandbox/screen.ts";

export const root = new URL("../../", import.meta.url).pathname;
const main = join(root, "src/cli/main.ts");

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export const run = (
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    // Who does not read its input may end before it is written.
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject).once("close", (code) => resolve({ code, stdout, stderr }));
  });

export const ocsgw = (...args: readonly string[]): Promise<Ran> => run(process.execPath, [main, ...args]);

/** With one text on standard input. */
export const ocsgwWith = (input: string, ...args: readonly string[]): Promise<Ran> =>
  run(process.execPath, [main, ...args], { input });

export type RunningSandbox = {
  readonly ready: Ready;
  readonly screen: () => string;
  readonly log: () => string;
  readonly dir: string;
  /** SIGTERM; resolves to the exit code. */
  readonly stop: () => Promise<number | null>;
  readonly remove: () => Promise<void>;
};

/** `ocsgw sandbox --port 0 …` in a process of its own, once its ready file is there. */
export const startSandbox = async (
  args: readonly string[] = [],
  command: readonly string[] = [process.execPath, main, "sandbox"],
): Promise<RunningSandbox> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-journey-"));
  const file = join(dir, "ready.json");
  // A process group of its own: npm does not pass every signal on.
  const child: ChildProcess = spawn(
    command[0]!,
    [...command.slice(1), "--port", "0", "--state", join(dir, "state"), "--ready-file", file, ...args],
    { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  let [screen, log] = ["", ""];
  child.stdout!.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  child.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  let over = false;
  void exit.then(() => (over = true));
  const stop = (): Promise<number | null> => {
    if (!over) process.kill(-child.pid!, "SIGTERM");
    return exit;
  };
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true });
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined)
      return { ready: JSON.parse(text) as Ready, screen: () => screen, log: () => log, dir, stop, remove };
    if (over) {
      await remove();
      throw new Error(`the sandbox ended at once: ${log}${screen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
