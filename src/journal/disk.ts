/**
 * The file operations that the journal needs for durable files. Tests replace the disk by one whose k-th call fails.
 */
import { constants, type Stats } from "node:fs";
import { open, readdir, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { giveToOwner, makeFolders, openToWrite } from "../common/file-owner.ts";

export type DiskFile = {
  /**
   * Writes at a position in the file; may write fewer bytes than given, as on a full disk. Resolves with the number of
   * bytes written.
   */
  readonly write: (bytes: Uint8Array, position: number) => Promise<number>;
  /** Resolves when all written bytes are on the disk. */
  readonly flush: () => Promise<void>;
  readonly read: (into: Uint8Array, position: number) => Promise<number>;
  readonly size: () => Promise<number>;
  readonly truncate: (size: number) => Promise<void>;
  /** Whether this path still leads to this file: a file that was moved or removed still accepts writes. */
  readonly isAt: (path: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
};

/**
 * `create` opens for reading and writing, and creates a missing file; `durable` does too, and each write resolves only
 * when its bytes are on the disk.
 */
export type OpenMode = "read" | "create" | "durable";

export type Disk = {
  /** `like`: a new file gets the owner of that file, or of the directory if there is no such file. */
  readonly open: (path: string, how: OpenMode, like?: string) => Promise<DiskFile>;
  readonly makeDirectory: (path: string) => Promise<void>;
  /** The names in a directory, unordered. */
  readonly list: (path: string) => Promise<string[]>;
  /** The time of the last write, in milliseconds since 1970. */
  readonly modified: (path: string) => Promise<number>;
  readonly remove: (path: string) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Resolves when the directory's names are on the disk. */
  readonly syncDirectory: (path: string) => Promise<void>;
};

/** One call instead of two. On systems other than Linux it may not flush the drive's own cache. */
const WRITES_THROUGH = process.platform === "linux" ? constants.O_DSYNC : 0;

const fileOf = (handle: FileHandle, how: OpenMode): DiskFile => ({
  write: async (bytes, position) => {
    const { bytesWritten } = await handle.write(bytes, 0, bytes.length, position);
    if (how === "durable" && WRITES_THROUGH === 0) await handle.datasync();
    return bytesWritten;
  },
  // By the handle, not by its number: Node's permission model refuses fs.fdatasync.
  flush: () => handle.datasync(),
  read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
  size: async () => (await handle.stat()).size,
  truncate: (size) => handle.truncate(size),
  isAt: async (path) => isSameFile(await handle.stat(), await stat(path).catch(() => undefined)),
  close: () => handle.close(),
});

const isSameFile = (one: Stats, other: Stats | undefined): boolean => one.ino === other?.ino && one.dev === other.dev;

const openHandle = async (path: string, how: OpenMode, like?: string): Promise<FileHandle> => {
  // Without O_NONBLOCK, opening a FIFO in place of the file would block.
  if (how === "read") return open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const flags = constants.O_RDWR | (how === "durable" ? WRITES_THROUGH : 0);
  try {
    return await openToWrite(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const made = await open(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
    await giveToOwner(path, (uid, gid) => made.chown(uid, gid), like);
    return made;
  }
};

const syncDirectory = async (path: string): Promise<void> => {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export const nodeDisk: Disk = {
  open: async (path, how, like) => fileOf(await openHandle(path, how, like), how),
  makeDirectory: async (path) => {
    for (const made of (await makeFolders(path)).toReversed()) await syncDirectory(dirname(made));
  },
  list: (path) => readdir(path),
  modified: async (path) => (await stat(path)).mtimeMs,
  remove: unlink,
  rename,
  syncDirectory,
};

/** Writes all bytes, with as many calls as the disk needs. */
export const writeAll = async (file: DiskFile, bytes: Uint8Array, position: number): Promise<void> => {
  let done = await file.write(bytes, position);
  while (done < bytes.length) {
    const taken = await file.write(bytes.subarray(done), position + done);
    if (taken === 0) throw new Error(`the disk took ${done} of ${bytes.length} bytes`);
    done += taken;
  }
};

/**
 * After a failed flush, the system may treat pages as clean that never reached the disk. So this function rewrites the
 * end of a file as it was read; its flush also shows that flushing works. `file` must have been opened after the
 * failure: the old descriptor is not reliable.
 */
export const settle = async (file: DiskFile, end: number): Promise<void> => {
  const start = Math.max(0, end - SETTLED_BYTES);
  const bytes = await readAll(file, start, end - start);
  if (bytes.length > 0) await writeAll(file, bytes, start);
  await file.flush();
};

const SETTLED_BYTES = 4 << 20;

/** Exactly `length` bytes from `position` on, or fewer if the file ends earlier. */
export const readAll = async (file: Pick<DiskFile, "read">, position: number, length: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(length);
  let done = 0;
  for (let got = -1; done < length && got !== 0; done += got)
    got = await file.read(bytes.subarray(done), position + done);
  return bytes.subarray(0, done);
};

/** The whole content of a small file. */
export const readWhole = async (disk: Disk, path: string): Promise<Buffer> => {
  const file = await disk.open(path, "read");
  try {
    return await readAll(file, 0, await file.size());
  } finally {
    await file.close();
  }
};

/**
 * Replaces a small file atomically: after a crash either the old content or the new content is there in full. The file
 * keeps its owner.
 */
export const replaceWhole = async (disk: Disk, path: string, bytes: Uint8Array): Promise<void> => {
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, "create", path);
  try {
    await file.truncate(0);
    await writeAll(file, bytes, 0);
    await file.flush();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
};
