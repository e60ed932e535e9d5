/** What the bench runs on, and which core is whose. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { arch, cpus, loadavg, release } from "node:os";
import { delimiter, join } from "node:path";

/** Where a command is, or undefined. Debian keeps servers in sbin, which is not on every PATH. */
export const find = (command: string): string | undefined =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** Cores for whom is measured and for who measures; undefined where processes cannot be pinned. */
export type Cores = { readonly peer: number; readonly rig: number } | undefined;

export const chooseCores = (): Cores => {
  const [peer, rig] = find("taskset") === undefined ? [] : allowedCores();
  return peer === undefined || rig === undefined ? undefined : { peer, rig };
};

const allowedCores = (): readonly number[] => {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
};

const TMPFS = 0x01021994;

export const describeMachine = async (dir: string, cores: Cores): Promise<string[]> => [
  `${cpus()[0]?.model ?? arch()} × ${cpus().length}, Linux ${release()}, Node ${process.versions.node}, load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`,
  ...["haproxy", "nginx"].map(versionOf),
  cores
    ? `pinned: the peer to core ${cores.peer}; clients and upstream to core ${cores.rig}`
    : "nothing is pinned (taskset or a second core is missing): figures for one core are not that",
  ...((await statfs(dir)).type === TMPFS
    ? [`${dir} is in memory: the journal's flushes cost nothing here; set TMPDIR to a disk`]
    : []),
];

const versionOf = (command: string): string => {
  const path = find(command);
  if (path === undefined) return `${command}: missing on this machine, its rows are left out`;
  // nginx tells its version on stderr.
  const said = execFileSync("/bin/sh", ["-c", '"$0" -v 2>&1', path], { encoding: "utf8" });
  return said.split("\n")[0]!.replace(/^nginx version: /, "");
};
