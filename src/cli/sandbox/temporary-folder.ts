/**
 * The sandbox's temporary folder. It is deleted when the process ends, also by a signal while it starts. Folders of
 * killed sandboxes are deleted by the next start: each folder names its process, and only folders of processes that
 * surely have ended are deleted.
 */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "ocsgw-sandbox-";
const OWNER = "owner";

/** `where`: the scope of the process id. `began`: distinguishes a later process with the same id. */
type Owner = { readonly pid: number; readonly where: string; readonly began: string };

export const temporaryFolder = (parent = tmpdir()): string => {
  removeLeftovers(parent);
  const folder = mkdtempSync(join(parent, PREFIX));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  writeFileSync(join(folder, OWNER), JSON.stringify(ownerNow()));
  return folder;
};

/** Deletes folders of ended processes. Never throws: a folder that cannot be deleted stays. */
export const removeLeftovers = (parent: string): void => {
  for (const name of read(() => readdirSync(parent)) ?? []) {
    const folder = join(parent, name);
    if (name.startsWith(PREFIX) && hasEnded(folder)) read(() => rmSync(folder, { recursive: true, force: true }));
  }
};

const hasEnded = (folder: string): boolean => {
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

/** The boot of the machine and the namespace of process ids: another container may share the folder. */
const placeOf = (): string =>
  [
    read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) ?? hostname(),
    read(() => readlinkSync("/proc/self/ns/pid")) ?? "",
  ].join(" ");

/** The start time in /proc/<pid>/stat (field 22, counted after the name in parentheses); empty without this file. */
const beganOf = (pid: number): string =>
  read(() => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[19]) ?? "";

const read = <Value>(get: () => Value): Value | undefined => {
  try {
    return get();
  } catch {
    return undefined;
  }
};
