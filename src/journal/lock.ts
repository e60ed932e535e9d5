/**
 * One process writes one journal. The lock file names its holder by pid and, on Linux, by when it began, so that a pid which was given to
 * another process (in a container it is always the same one) is not taken for the holder. It does not see across machines or pid namespaces.
 */
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";

const held = new Set<string>();

/** Resolves with the function that gives the lock back. Throws when a living process holds it. */
export const takeLock = async (path: string): Promise<() => Promise<void>> => {
  if (held.has(path)) throw new Error(`${path}: this process has the journal open already`);
  held.add(path);
  try {
    if (!(await claim(path))) {
      await removeStale(path);
      if (!(await claim(path))) throw new Error(`${path}: another process took the journal at this moment`);
    }
  } catch (error) {
    held.delete(path);
    throw error;
  }
  return async () => {
    await unlink(path);
    held.delete(path);
  };
};

/** Written beside and then linked, so that nobody ever sees a lock without its holder. */
const claim = async (path: string): Promise<boolean> => {
  const written = `${path}.${process.pid}`;
  await writeFile(written, `${process.pid} ${await beginningOf(process.pid)}\n`, { mode: 0o600 });
  try {
    await link(written, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(written);
  }
};

const removeStale = async (path: string): Promise<void> => {
  const [pid, beginning] = (await readFile(path, "utf8")).trim().split(" ");
  if (await isHolder(Number(pid), beginning)) throw new Error(`${path}: process ${pid} has the journal open`);
  // Moved and looked at again, because another process may have come first and this may be its lock.
  const aside = `${path}.${process.pid}.stale`;
  await rename(path, aside);
  const [moved] = (await readFile(aside, "utf8")).trim().split(" ");
  if (moved !== pid) await link(aside, path);
  await unlink(aside);
};

const isHolder = async (pid: number, beginning: string | undefined): Promise<boolean> => {
  // What is in no list of this process cannot be its own: an earlier process had the same pid.
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return (await beginningOf(pid)) === (beginning ?? "") && !(await isDead(pid));
};

/** proc(5): what follows the name of the program, which may hold blanks and ends with the last bracket. The first of it is field 3. */
const statOf = async (pid: number): Promise<readonly string[]> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
};

/** It ended with all its threads, and only whoever started it has not asked for its end yet. */
const isDead = async (pid: number): Promise<boolean> => {
  try {
    const stat = await statOf(pid);
    return /[ZX]/.test(stat[0]!) && Number(stat[17]) <= 1;
  } catch {
    return false;
  }
};

/** When a process began, in clock ticks since a boot that is named; empty where the system does not tell. */
const beginningOf = async (pid: number): Promise<string> => {
  try {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    return `${boot}:${(await statOf(pid))[19]}`;
  } catch {
    return "";
  }
};
