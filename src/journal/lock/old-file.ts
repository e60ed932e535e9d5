/**
 * The lock of format 1 was a file with the pid and the start time of its holder. It did not see across pid namespaces, so whether that gateway
 * lives is found out by three signs: a process that fits; a journal that grows; and an answer, because a gateway of that version takes over
 * within a second what is added to the revocations file, and says so there.
 */
import { constants } from "node:fs";
import { open, readdir, readFile, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";

export type OldLock = { readonly text: string; readonly pid: number; readonly boot: string; readonly ticks: string };

/** Undefined when `lock` is no such file. */
export const readOldLock = async (path: string): Promise<OldLock | undefined> => {
  const found = await stat(path).catch(ignoreGone);
  if (!found?.isFile()) return undefined;
  const text = await readFile(path, "utf8");
  const [pid = "", beginning = ""] = text.trim().split(" ");
  const [boot = "", ticks = ""] = beginning.split(":");
  return { text, pid: Number(pid), boot, ticks };
};

const ignoreGone = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
};

/** What shows that the gateway of this lock lives, in words; undefined when nothing does. Takes up to `patienceMs`. */
export const signOfLife = async (dir: string, lock: OldLock, patienceMs = PATIENCE_MS): Promise<string | undefined> => {
  const boot = await bootId();
  if (boot === undefined) return isAlive(lock.pid) ? `process ${lock.pid}` : undefined;
  // Another boot, and network file systems are refused before: that process is gone.
  if (lock.boot !== boot) return undefined;
  return (await processOf(lock)) ?? observe(dir, patienceMs);
};

/** Taken away only as it was read, and never a directory, which is the lock of a newer version. */
export const removeOldLock = async (path: string, { text }: OldLock): Promise<void> => {
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) await unlink(path).catch(ignoreGone);
};

const PATIENCE_MS = 3000;
const LOOK_MS = 100;

const bootId = async (): Promise<string | undefined> =>
  (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined))?.trim();

/** Without /proc. Our own pid is that of an earlier process: this one has not written the file. */
const isAlive = (pid: number): boolean => {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** A process with this pid, here or in a pid namespace below, that began when the holder did, and is not dead. */
const processOf = async ({ pid, ticks }: OldLock): Promise<string | undefined> => {
  for (const name of (await readdir("/proc").catch(() => [])).filter((each) => /^\d+$/.test(each))) {
    const fields = await statOf(name);
    if (fields?.[START_TIME] !== ticks || isDead(fields) || Number(name) === process.pid) continue;
    if (Number(name) === pid || (await pidsOf(name)).includes(pid))
      return `process ${name}${Number(name) === pid ? "" : ` (${pid} in its pid namespace)`}`;
  }
  return undefined;
};

/** proc(5): what follows the name of the program, which may hold blanks and ends with the last bracket. The first of it is field 3. */
const statOf = async (pid: string): Promise<readonly string[] | undefined> => {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return line?.slice(line.lastIndexOf(")") + 2).split(" ");
};
const START_TIME = 19;
const THREADS = 17;

/** It ended with all its threads, and its parent has not asked for its end yet. */
const isDead = (fields: readonly string[]): boolean => /[ZX]/.test(fields[0]!) && Number(fields[THREADS]) <= 1;

const pidsOf = async (pid: string): Promise<readonly number[]> =>
  (/^NSpid:\s*(.*)$/m.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1] ?? "")
    .split(/\s+/)
    .map(Number);

const observe = async (dir: string, patienceMs: number): Promise<string | undefined> => {
  const before = await bytesIn(dir);
  const inquiry = await inquire(join(dir, "revocations.jsonl"));
  try {
    for (const until = performance.now() + patienceMs; performance.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (await inquiry.isAnswered()) return "a gateway that this process does not see: it answers";
      if ((await bytesIn(dir)) !== before)
        return "a gateway that this process does not see: the journal is being written";
    }
    return undefined;
  } finally {
    await inquiry.withdraw();
  }
};

/** Of all segments and checkpoints. */
const bytesIn = async (dir: string): Promise<number> => {
  const sizes = ["segments", "checkpoints"].map(async (folder) => {
    const names = await readdir(join(dir, folder)).catch(() => []);
    const each = await Promise.all(
      names.map((name) =>
        stat(join(dir, folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return each.reduce((sum, size) => sum + size, names.length);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};

type Inquiry = {
  readonly isAnswered: () => Promise<boolean>;
  /** Takes the question away where nobody answered. */
  readonly withdraw: () => Promise<void>;
};

/** No token has this id, so lifting its revocation changes nothing. */
const INQUIRY = {
  kind: "token",
  id: "ocsgw: is a gateway of journal format 1 running here?",
  lifted: true,
  until: null,
};

const inquire = async (file: string): Promise<Inquiry> => {
  const question = `${JSON.stringify({ at: new Date().toISOString(), ...INQUIRY })}\n`;
  const before = await stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
  const text = before === undefined ? "" : await readFile(file, "utf8");
  // What a crash left without its end is cut at the next start; a question behind it would be no line.
  if (text !== "" && !text.endsWith("\n"))
    return { isAnswered: () => Promise.resolve(false), withdraw: () => Promise.resolve() };
  const handle = await open(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    await handle.writeFile(question);
  } finally {
    await handle.close();
  }
  const behind = async (): Promise<string | undefined> => {
    const now = await readFile(file, "utf8").catch(() => undefined);
    return now?.startsWith(text + question) ? now.slice(text.length + question.length) : undefined;
  };
  return {
    isAnswered: async () => (await behind())?.includes('"journalled":true') === true,
    withdraw: async () => {
      if ((await behind()) !== "") return;
      if (before === undefined) await unlink(file);
      else await truncate(file, before);
    },
  };
};
