/**
 * One process writes one journal: who holds the kernel's lock on `audit.dir/lock/writer` (`lock/kernel.ts`), and nobody else, whatever a file
 * says. `lock` was a file in format 1; that it is a directory now keeps an older version from starting on a journal of format 2.
 */
import { mkdirSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isListening } from "./command-socket.ts";
import { fileSystemOf } from "./lock/file-system.ts";
import {
  holderInWords,
  ownHolder,
  readHolder,
  removeHolder,
  writeHolder,
  type Holder,
  type Role,
} from "./lock/holder.ts";
import { LockUnavailable, takeKernelLock } from "./lock/kernel.ts";
import { keepsOthersOut } from "./lock/probe.ts";
import { readOldLock, removeOldLock, signOfLife } from "./lock/old-file.ts";
import { places } from "./places.ts";
import { reason } from "../system-error.ts";
import { giveToOwnerNow } from "../file-owner.ts";

export { LockUnavailable } from "./lock/kernel.ts";

export type Lock = {
  readonly dir: string;
  /** Why it no longer keeps others out, in words; undefined while it does. */
  readonly fault: () => Promise<string | undefined>;
  readonly release: () => Promise<void>;
};

/** Another process has the journal open, or this one. */
export class JournalHeld extends Error {
  override readonly name = "JournalHeld";
  /** Undefined where it is not known. */
  readonly holder: Holder | undefined;

  constructor(dir: string, who: string, holder?: Holder) {
    super(`the journal in ${dir} is open already, by ${who}; one process at a time writes a journal`);
    this.holder = holder;
  }
}

export type Who = {
  /** As in `ocsgw run`. */
  readonly command: string;
  readonly role: Role;
};

/** Undefined when another holds it. Throws LockUnavailable, and JournalHeld when a gateway of format 1 does. */
export const tryLock = async (dir: string, { command, role }: Who): Promise<Lock | undefined> => {
  const at = places(dir);
  await refuseNetwork(dir);
  await replaceOldLock(dir);
  makeFolder(dir, at.lock);
  const kernel = takeKernelLock(at.writer);
  if (!kernel) return undefined;
  // The lock was removed, or is a copy's: a gateway that is still there has not noticed it yet.
  if (await isListening(at.commands)) {
    kernel.release();
    return undefined;
  }
  if (role === "gateway" && !(await fileSystemOf(dir)).isReal && (await keepsOthersOut(at.writer)) === false) {
    kernel.release();
    throw new LockUnavailable(
      `${at.writer}: the file system takes the lock and keeps no other process out (some of FUSE do so); put audit.dir on a local file system, as ext4 or xfs`,
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
      // Only while it is ours: the next holder may have left its own.
      if ((await kernel.fault()) === undefined) removeHolder(at.holder);
      kernel.release();
    },
  };
};

export type TakeOptions = Who & {
  /** For so long a command that holds the lock is waited for; a gateway is not. 0 when left out. */
  readonly patienceMs?: number;
  /** Told once, when it begins to wait. */
  readonly onWait?: (holder: string) => void;
};

const LOOK_MS = 50;
/** Until whoever has just taken the lock has left its name. */
const NAMED_MS = 250;

/** Throws JournalHeld when another has it, LockUnavailable when nobody can. */
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
    await pause(LOOK_MS);
  }
};

/**
 * For a standby: resolves when the holder, whoever it is, has let go or died, and undefined when the signal came first. Throws LockUnavailable where
 * a lock may not keep out every process that sees the directory.
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
    await pause(LOOK_MS);
  }
  return undefined;
};

export const holderOf = (dir: string): Holder | undefined => readHolder(places(dir).holder);

/** Who writes the journal now, in words; undefined when nobody does. Makes no files. */
export const writerOf = async (dir: string): Promise<string | undefined> => {
  const at = places(dir);
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
    `${dir} is on a network file system (${network}), where two machines may believe that each has the lock and write over each other; ` +
      "put audit.dir on a file system of this machine, or on one of a cluster (GFS2, OCFS2, CephFS)",
  );
};

const requireReal = async (dir: string): Promise<void> => {
  if ((await fileSystemOf(dir)).isReal) return;
  throw new LockUnavailable(
    `${dir}: it is not known whether locks on this file system are seen by every machine that has it, so a standby would be no safe one; ` +
      "put audit.dir on a file system of this machine (ext4, XFS, …), or on one of a cluster (GFS2, OCFS2, CephFS)",
  );
};

const replaceOldLock = async (dir: string): Promise<void> => {
  const { lock: path } = places(dir);
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
    // A gateway of format 1 has begun at this moment.
    if (code === "EEXIST")
      throw new JournalHeld(dir, "a gateway of a version before journal format 2, which has just started");
    throw new LockUnavailable(`${path}: it cannot be made (${reason(error)}); run this as the owner of audit.dir`, {
      cause: error,
    });
  }
};

/** Whether there is a directory at all in which a journal may be. Rejects where that cannot be known, as without the right to look. */
export const isThere = (dir: string): Promise<boolean> =>
  stat(dir).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
