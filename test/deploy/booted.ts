/** A systemd of its own that boots the package's units, on machines that allow it (boot-systemd.sh). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, type Ran } from "../kit/command.ts";
import { programOf } from "../kit/machine.ts";
import { stage } from "./package/kit.ts";

export type Machine = {
  /** Runs a command in it, as root. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<Ran>;
  /** A shell script; rejects with its output when it fails. Resolves to its output. */
  readonly sh: (script: string) => Promise<string>;
  /** Where a path of it is found from outside. */
  readonly path: (inside: string) => string;
  readonly stop: () => Promise<void>;
};

const NEEDED = ["systemd-notify", "unshare", "nsenter", "setpriv", "ip", "openssl"];
const BOOT_MS = 15_000;

/** Undefined where this machine boots none: it needs root, control groups and programs. */
export const bootSystemd = async (): Promise<Machine | undefined> => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
  if (NEEDED.some((each) => programOf(each) === undefined)) return undefined;
  const mountPoint = await mkdtemp(join(tmpdir(), "ocsgw-booted-"));
  const staged = stage({ libraries: true });
  const script = join(import.meta.dirname, "boot-systemd.sh");
  // Whatever becomes of this process, no systemd is left.
  const booting = ["--pdeathsig", "KILL", "sh", script, staged.dir, mountPoint];
  const booted = spawn("setpriv", booting, { stdio: ["ignore", "pipe", "ignore"] });
  const gone = once(booted, "exit").then(() => undefined);
  const first = once(booted.stdout, "data").then(([line]) => Number(/systemd: (\d+)/.exec(String(line))?.[1]));
  const pid = await Promise.race([first, gone]);
  const machine =
    pid &&
    machineOf(pid, async () => {
      process.kill(booted.pid!, "SIGTERM");
      await gone;
      await rmdir(mountPoint);
      staged.remove();
    });
  if (!machine) {
    await gone;
    await rmdir(mountPoint);
    staged.remove();
    return undefined;
  }
  const until = performance.now() + BOOT_MS;
  while (performance.now() < until) {
    if ((await machine.run("systemctl", "is-active", "multi-user.target")).stdout === "active\n") return machine;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await machine.stop();
  return undefined;
};

const machineOf = (pid: number, stop: () => Promise<void>): Machine => {
  const PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const enter = [`-t${pid}`, "-m", "-p", "-u", "-i", "-n", "-C", "--", "env", "-i", `PATH=${PATH}`, "HOME=/root"];
  const inside = (command: string, ...args: readonly string[]): Promise<Ran> =>
    run("nsenter", [...enter, command, ...args]);
  return {
    run: inside,
    sh: async (script) => {
      const { code, stdout, stderr } = await inside("sh", "-euc", script);
      if (code !== 0) throw new Error(`exit code ${code} of\n${script}\n${stdout}${stderr}`);
      return stdout;
    },
    path: (path) => join(`/proc/${pid}/root`, path),
    stop,
  };
};
