/**
 * One process writes one journal: the one that holds the kernel's lock on `audit.dir/lock/writer` (`kernel.ts`),
 * whatever any file says. `lock` was a file in format 1; because it is a directory now, an older version cannot start
 * on a journal of format 2.
 */
import { mkdirSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isListening } from "../command-socket.ts";
import { fileSystemOf } from "./file-system.ts";
import { holderInWords, ownHolder, readHolder, removeHolder, writeHolder, type Holder, type Role } from "./holder.ts";
import { LockUnavailable, takeKernelLock } from "./kernel.ts";
import { keepsOthersOut } from "./probe.ts";
import { readOldLock, removeOldLock, signOfLife } from "./old-file.ts";
import { paths } from "../paths.ts";
import { reason } from "../../common/system-error.ts";
import { giveToOwnerNow } from "../../common/file-owner.ts";

export { LockUnavailable } from "./kernel.ts";

export type Lock = {
  readonly dir: string;
  /** Why the lock no longer excludes other processes, in words; undefined while it does. */
  readonly fault: () => Promise<string | undefined>;
  readonly release: () => Promise<void>;
};

/** This or another process has the journal open. */
export class JournalHeld extends Error {
  override readonly name = "JournalHeld";
  /** Undefined if unknown. */
  readonly holder: Holder | undefined;

  constructor(dir: string, who: string, holder?: Holder) {
    super(`the journal in ${dir} is open already, by ${who}; one process at a time writes a journal`);
    this.holder = holder;
  }
}

export type Who = {
  /** For example `ocsgw run`. */
  readonly command: string;
  readonly role: Role;
};

/**
 * Undefined when another process holds it. Throws LockUnavailable, and JournalHeld when a gateway of format 1 holds it.
 */
export const tryLock = async (dir: string, { command, role }: Who): Promise<Lock | undefined> => {
  const at = paths(dir);
  await refuseNetwork(dir);
  await replaceOldLock(dir);
  makeFolder(dir, at.lock);
  const kernel = takeKernelLock(at.writer);
  if (!kernel) return undefined;
  // The lock file was removed or copied, and a running gateway has not noticed it yet.
  if (await isListening(at.commands)) {
    kernel.release();
    return undefined;
  }
  if (role === "gateway" && !(await fileSystemOf(dir)).isReal && (await keepsOthersOut(at.writer)) === false) {
    kernel.release();
    throw new LockUnavailable(
      `${at.writer}: the file system grants the lock but excludes no other process (some FUSE file systems do this); ` +
        "put audit.dir on a local file system such as ext4 or xfs",
    );
  }
  try {
    writeHolder(at.holder, ownHolder(command, role));
  } catch (error) {
    kernel.release();
    throw new LockUnavailable(`${at.holder}: it cannot be written (${reason(error)})`, { cause: error });
  }
  let isReleased = false;
  return {
    dir,
    fault: kernel.fault,
    release: async () => {
      if (isReleased) return;
      isReleased = true;
      // Only while the lock is held: the next holder may have written its own file.
      if ((await kernel.fault()) === undefined) removeHolder(at.holder);
      kernel.release();
    },
  };
};

export type TakeOptions = Who & {
  /** How many milliseconds to wait for a command that holds the lock; a gateway is not waited for. Default: 0. */
  readonly patienceMs?: number;
  /** Called once, when waiting begins. */
  readonly onWait?: (holder: string) => void;
};

const POLL_MS = 50;
/** Time for a new holder to write its name. */
const NAMED_MS = 250;

/** Throws JournalHeld when another process holds it, LockUnavailable when no process can. */
export const takeLock = async (dir: string, { patienceMs = 0, onWait, ...who }: TakeOptions): Promise<Lock> => {
  const began = performance.now();
  for (let waits = false; ;) {
    const lock = await tryLock(dir, who);
    if (lock) return lock;
    const waited = performance.now() - began;
    const holder = holderOf(dir);
    if (holder ? holder.role !== "command" || waited >= patienceMs : waited >= Math.max(NAMED_MS, patienceMs))
      throw new JournalHeld(dir, holderInWords(holder), holder);
    if (holder && !waits) onWait?.(holderInWords(holder));
    waits ||= holder !== undefined;
    await pause(POLL_MS);
  }
};

/**
 * For a standby: resolves when the holder has released the lock or died; undefined when the signal came first. Throws
 * LockUnavailable where a lock may not exclude every process that sees the directory.
 */
export const waitForLock = async (dir: string, who: Who, signal: AbortSignal): Promise<Lock | undefined> => {
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const lock = await tryLock(dir, who);
    if (isFirst)
      await requireReal(dir).catch(async (error: unknown) => {
        await lock?.release();
        throw error;
      });
    if (lock) return lock;
    await pause(POLL_MS);
  }
  return undefined;
};

export const holderOf = (dir: string): Holder | undefined => readHolder(paths(dir).holder);

/** The current writer of the journal, in words; undefined when there is none. Creates no files. */
export const writerOf = async (dir: string): Promise<string | undefined> => {
  const at = paths(dir);
  const old = await readOldLock(at.lock);
  if (old) return signOfLife(dir, old, 0);
  if (!statSync(at.writer, { throwIfNoEntry: false })) return undefined;
  const kernel = takeKernelLock(at.writer);
  kernel?.release();
  return kernel ? undefined : holderInWords(holderOf(dir));
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const refuseNetwork = async (dir: string): Promise<void> => {
  const { network } = await fileSystemOf(dir);
  if (network === undefined) return;
  throw new LockUnavailable(
    `${dir} is on a network file system (${network}), where two machines may believe that each has the lock and ` +
      "write over each other; put audit.dir on a file system of this machine, or on one of a cluster (GFS2, OCFS2, " +
      "CephFS)",
  );
};

const requireReal = async (dir: string): Promise<void> => {
  if ((await fileSystemOf(dir)).isReal) return;
  throw new LockUnavailable(
    `${dir}: it is not known whether locks on this file system are seen by every machine that has it, so a standby ` +
      "would be no safe one; put audit.dir on a file system of this machine (ext4, XFS, …), or on one of a cluster " +
      "(GFS2, OCFS2, CephFS)",
  );
};

const replaceOldLock = async (dir: string): Promise<void> => {
  const { lock: path } = paths(dir);
  const old = await readOldLock(path);
  if (!old) return;
  const sign = await signOfLife(dir, old);
  if (sign !== undefined) throw new JournalHeld(dir, `${sign}, of a version before journal format 2`);
  await removeOldLock(path, old);
};

const makeFolder = (dir: string, path: string): void => {
  try {
    mkdirSync(path, { mode: 0o700 });
    giveToOwnerNow(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    // A gateway of format 1 started meanwhile.
    if (code === "EEXIST")
      throw new JournalHeld(dir, "a gateway of a version before journal format 2, which has just started");
    throw new LockUnavailable(`${path}: it cannot be made (${reason(error)}); run this as the owner of audit.dir`, {
      cause: error,
    });
  }
};

/** Whether the journal's directory exists. Rejects when that cannot be checked, for example for lack of permission. */
export const isThere = (dir: string): Promise<boolean> =>
  stat(dir).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
