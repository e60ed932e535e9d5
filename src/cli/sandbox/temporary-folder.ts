/**
 * The sandbox's temporary folder. It goes when the process ends, also by a signal that comes before anything listens. What a sandbox that was
 * killed has left goes with the next start: a folder says which process it is of, and only one whose process is surely over is removed.
 */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "ocsgw-sandbox-";
const OWNER = "owner";

/** `where`: within which a process id means one process. `began`: so that a later process of the same id is another one. */
type Owner = { readonly pid: number; readonly where: string; readonly began: string };

export const temporaryFolder = (parent = tmpdir()): string => {
  removeLeft(parent);
  const folder = mkdtempSync(join(parent, PREFIX));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  writeFileSync(join(folder, OWNER), JSON.stringify(ownerNow()));
  return folder;
};

/** Never throws: a folder that cannot be read or removed stays. */
export const removeLeft = (parent: string): void => {
  for (const name of read(() => readdirSync(parent)) ?? []) {
    const folder = join(parent, name);
    if (name.startsWith(PREFIX) && isOver(folder)) read(() => rmSync(folder, { recursive: true, force: true }));
  }
};

const isOver = (folder: string): boolean => {
  const found = read(() => lstatSync(folder));
  if (!found?.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) return false;
  const owner = read(() => JSON.parse(readFileSync(join(folder, OWNER), "utf8")) as Partial<Owner>);
  if (!owner || typeof owner.pid !== "number" || owner.where !== ownerNow().where) return false;
  return owner.began !== beganOf(owner.pid) || !isAlive(owner.pid);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

const ownerNow = (): Owner => ({ pid: process.pid, where: placeOf(), began: beganOf(process.pid) });

/** One run of one machine, and there one set of process ids: another container may share the folder. */
const placeOf = (): string =>
  [
    read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) ?? hostname(),
    read(() => readlinkSync("/proc/self/ns/pid")) ?? "",
  ].join(" ");

/** Field 22 of /proc/<pid>/stat, behind the name in parentheses; nothing where there is no such file. */
const beganOf = (pid: number): string =>
  read(() => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[19]) ?? "";

const read = <Value>(get: () => Value): Value | undefined => {
  try {
    return get();
  } catch {
    return undefined;
  }
};
