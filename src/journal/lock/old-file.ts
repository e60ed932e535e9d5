/**
 * The lock of format 1 was a file with the pid and the start time of its holder. It did not see across pid namespaces,
 * so three signs show whether that gateway is alive: a matching process; a growing journal; and an answer, because a
 * gateway of that version processes new lines of the revocations file within a second and writes the result there.
 */
import { constants } from "node:fs";
import { open, readdir, readFile, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";

export type OldLock = { readonly text: string; readonly pid: number; readonly boot: string; readonly ticks: string };

/** Undefined when `lock` is not such a file. */
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

/** What shows that the gateway of this lock is alive, in words; undefined if nothing does. Takes up to `patienceMs`. */
export const signOfLife = async (dir: string, lock: OldLock, patienceMs = PATIENCE_MS): Promise<string | undefined> => {
  const boot = await bootId();
  if (boot === undefined) return isAlive(lock.pid) ? `process ${lock.pid}` : undefined;
  // The machine was rebooted (network file systems were refused earlier): that process is gone.
  if (lock.boot !== boot) return undefined;
  return (await processOf(lock)) ?? observe(dir, patienceMs);
};

/**
 * Removes the file only with the content that was read, and never a directory, which is the lock of a newer version.
 */
export const removeOldLock = async (path: string, { text }: OldLock): Promise<void> => {
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) await unlink(path).catch(ignoreGone);
};

const PATIENCE_MS = 3000;
const POLL_MS = 100;

const bootId = async (): Promise<string | undefined> =>
  (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined))?.trim();

/** Without /proc. A file with this process's own pid is of an earlier process: this one has not written it. */
const isAlive = (pid: number): boolean => {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** A live process with this pid, here or in a child pid namespace, that started when the holder did. */
const processOf = async ({ pid, ticks }: OldLock): Promise<string | undefined> => {
  for (const name of (await readdir("/proc").catch(() => [])).filter((each) => /^\d+$/.test(each))) {
    const fields = await statOf(name);
    if (fields?.[START_TIME] !== ticks || isDead(fields) || Number(name) === process.pid) continue;
    if (Number(name) === pid || (await pidsOf(name)).includes(pid))
      return `process ${name}${Number(name) === pid ? "" : ` (${pid} in its pid namespace)`}`;
  }
  return undefined;
};

/**
 * proc(5): the fields after the program's name, which may contain spaces and ends with the last parenthesis. The first
 * one returned is field 3.
 */
const statOf = async (pid: string): Promise<readonly string[] | undefined> => {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return line?.slice(line.lastIndexOf(")") + 2).split(" ");
};
const START_TIME = 19;
const THREADS = 17;

/** All its threads have ended, and its parent has not reaped it yet. */
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
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (await inquiry.isAnswered()) return "a gateway that this process does not see: it answers";
      if ((await bytesIn(dir)) !== before)
        return "a gateway that this process does not see: the journal is being written";
    }
    return undefined;
  } finally {
    await inquiry.withdraw();
  }
};

/** The bytes of all segments and checkpoints. */
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
  /** Removes the inquiry if it was not answered. */
  readonly withdraw: () => Promise<void>;
};

/** No token has this id, so reinstating it changes nothing. */
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
  // The next start cuts an incomplete line at the end; an inquiry appended to it would not be a line.
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
