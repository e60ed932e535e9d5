/**
 * A lock that the kernel holds as long as this process lives: a SQLite transaction that begins and never ends. It is
 * visible from every pid namespace and container, and it is free as soon as the process has ended, however it ended.
 * The
 * file itself stays empty.
 *
 * On POSIX systems these are fcntl locks, and the kernel drops them when this process closes any descriptor of the
 * file. So only SQLite opens it here (`test/architecture.test.ts`), and `fault` checks in /proc whether the kernel
 * still
 * has the lock.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { faultInWords } from "../../common/system-error.ts";
import { giveToOwnerNow } from "../../common/file-owner.ts";

export type KernelLock = {
  /** Why the lock no longer excludes other processes, in words; undefined while it does. */
  readonly fault: () => Promise<string | undefined>;
  readonly release: () => void;
};

/** The file system, or the permissions of this process, do not allow a lock. */
export class LockUnavailable extends Error {
  override readonly name = "LockUnavailable";
}

/** The garbage collector closes an unreferenced database, which would release its lock. */
const held = new Set<DatabaseSync>();

/** Undefined when this or another process holds it. Throws LockUnavailable. */
export const takeKernelLock = (path: string): KernelLock | undefined => {
  const file = makeFile(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (codeOf(error) === BUSY) return undefined;
    throw unavailable(path, error);
  }
  // The file was replaced meanwhile: other processes would lock the new one.
  if (idOf(path) !== file) {
    database.close();
    return undefined;
  }
  held.add(database);
  return lockOf(path, file, database);
};

const lockOf = (path: string, file: string, database: DatabaseSync): KernelLock => {
  const kernelHas = watchInProc(file);
  return {
    // Not synchronous: a disk that hangs must not block other work.
    fault: async () => {
      const found = await stat(path).catch(() => undefined);
      if (!found || `${found.dev} ${found.ino}` !== file)
        return (
          "the lock's file in audit.dir was removed or replaced, so other processes are no longer kept out; restart " +
          "the gateway"
        );
      return kernelHas()
        ? undefined
        : "the system dropped the lock on audit.dir, so other processes are no longer kept out; restart the gateway";
    },
    release: () => {
      if (!held.delete(database)) return;
      database.close();
    },
  };
};

/**
 * Created here, because SQLite would make it readable for everybody; opened only when new, when no lock can be on it.
 */
const makeFile = (path: string): string => {
  try {
    if (idOf(path) === undefined) {
      closeSync(openSync(path, "ax", 0o600));
      giveToOwnerNow(path);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unavailable(path, error);
  }
  return idOf(path) ?? "";
};

const idOf = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
};

const DESCRIPTORS = "/proc/self/fd";

/** Returns a function that tells whether the kernel has the lock; true if /proc does not say. */
const watchInProc = (file: string): (() => boolean) => {
  const found = descriptorsOf(file).find(hasLock);
  return found === undefined ? () => true : () => hasLock(found);
};

const descriptorsOf = (file: string): string[] => {
  try {
    return readdirSync(DESCRIPTORS).filter((name) => idOf(`${DESCRIPTORS}/${name}`) === file);
  } catch {
    return [];
  }
};

/** proc(5): since Linux 4.1 a descriptor's locks are listed with it, as in `lock: 1: POSIX ADVISORY WRITE …`. */
const hasLock = (descriptor: string): boolean => {
  try {
    return /^lock:\s.*\bPOSIX\b.*\bWRITE\b/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"));
  } catch {
    return false;
  }
};

/** sqlite.org/rescode.html: the low byte is the primary code. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CANTOPEN = 14;
const PROTOCOL = 15;

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;

const unavailable = (path: string, error: unknown): LockUnavailable => {
  const why = faultInWords(error);
  const code = codeOf(error);
  if (code === IOERR || code === PROTOCOL) {
    return new LockUnavailable(
      `${path}: the file system does not support locks (${why}); put audit.dir on a local file system such as ext4 ` +
        "or xfs",
      { cause: error },
    );
  }
  if (code === READONLY || code === CANTOPEN || code === undefined) {
    return new LockUnavailable(
      `${path}: this process may not lock the journal (${why}); run it as the owner of audit.dir`,
      { cause: error },
    );
  }
  return new LockUnavailable(`${path}: it cannot be locked (${why})`, { cause: error });
};
