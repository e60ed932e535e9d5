/**
 * Sets the owner of files that a command writes as root, so that the service's user can still use them: a replacement
 * gets the owner of the replaced file, a new file the owner of its directory. For other users than root these functions
 * do nothing. In a directory that another user can write to, that user could put a symbolic link under any name at any
 * time; root follows none there, because the link would choose the file that root overwrites or gives away.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  type Stats,
} from "node:fs";
import { lchown, mkdir, open, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

export type Owner = Readonly<Pick<Stats, "uid" | "gid">>;

const isRoot = (): boolean => process.geteuid?.() === 0;
const isOther = ({ uid, gid }: Owner): boolean => uid !== 0 || gid !== 0;

/**
 * Calls `give` with the owner for the file at `path`: the owner of `like`, the file that it replaces. If `like` is
 * absent, missing or root's own, the owner of the directory. Ignores errors of `give`: some file systems have no
 * owners.
 */
export const giveToOwner = async (
  path: string,
  give: (uid: number, gid: number) => Promise<void>,
  like?: string,
): Promise<void> => {
  if (!isRoot()) return;
  const before = like === undefined ? undefined : await stat(like).catch(() => undefined);
  const owner = before && isOther(before) ? before : await stat(dirname(path));
  if (isOther(owner)) await give(owner.uid, owner.gid).catch(() => undefined);
};

/** Gives `path` to its directory's owner, synchronously and without opening it: closing it would drop its locks. */
export const giveToOwnerNow = (path: string): void => {
  if (!isRoot()) return;
  const owner = statSync(dirname(path));
  try {
    if (isOther(owner)) lchownSync(path, owner.uid, owner.gid);
  } catch {
    // As above.
  }
};

const OTHERS_WRITE = 0o022;
const isOfOthers = ({ uid, mode }: Stats): boolean => uid !== 0 || (mode & OTHERS_WRITE) !== 0;

const linkFault = (path: string): Error =>
  new Error(
    `${path} is a symbolic link in a directory that other users can change; root does not follow such links: remove it`,
  );

/** Opens a file to write. Rejects if this process is root and the path is a link that another user may have made. */
export const openToWrite = async (path: string, flags: number, mode?: number): Promise<FileHandle> => {
  const folder = isRoot() ? await stat(dirname(path)).catch(() => undefined) : undefined;
  const isGuarded = folder !== undefined && isOfOthers(folder);
  return open(path, isGuarded ? flags | constants.O_NOFOLLOW : flags, mode).catch((error: unknown) => {
    throw isGuarded && (error as NodeJS.ErrnoException).code === "ELOOP" ? linkFault(path) : error;
  });
};

/** The check of `openToWrite` alone, for SQLite, which opens the path itself. Throws the same error. */
export const refuseLinkNow = (path: string): void => {
  if (!isRoot() || !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  if (isOfOthers(statSync(dirname(path)))) throw linkFault(path);
};

const NO_FOLDER = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** Opens a directory. `isLink`: the path may be a link. Undefined when it is not a directory. */
const folderAt = (path: string, isLink: boolean): number | undefined => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | (isLink ? 0 : constants.O_NOFOLLOW));
  } catch (error) {
    if (NO_FOLDER.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
};

/**
 * Gives a directory and its direct entries to `owner` where they belong to root. Skips files with further hard links,
 * and a directory behind a symbolic link unless the operator named that link (`isNamed`).
 */
export const giveFolderNow = (path: string, { uid, gid }: Owner, isNamed = false): void => {
  const folder = folderAt(path, isNamed);
  if (folder === undefined) return;
  try {
    if (fstatSync(folder).uid === 0) fchownSync(folder, uid, gid);
    // Uses the descriptor, because another user could now replace the directory with a link.
    const opened = `/proc/self/fd/${folder}`;
    const inside = existsSync(opened) ? opened : path;
    for (const name of readdirSync(inside)) {
      const each = join(inside, name);
      const found = lstatSync(each, { throwIfNoEntry: false });
      const isAlone = found?.isDirectory() === true || (found?.isFile() === true && found.nlink === 1);
      if (found?.uid === 0 && isAlone) lchownSync(each, uid, gid);
    }
  } finally {
    closeSync(folder);
  }
};

/** The directories of the path that do not exist, topmost first. */
const missing = (path: string): readonly string[] => {
  const folders: string[] = [];
  for (let each = path; !statSync(each, { throwIfNoEntry: false }) && each !== dirname(each); each = dirname(each))
    folders.unshift(each);
  return folders;
};

/**
 * Makes the missing directories of the path with mode 0700 and the owner of the existing part. Resolves to the paths
 * made. Does not use Node's `recursive`, which never ends on file systems such as /proc that reject directories.
 */
export const makeFolders = async (path: string): Promise<readonly string[]> => {
  const made = missing(path);
  for (const each of made) {
    const isMade = await mkdir(each, { mode: 0o700 }).then(() => true, unlessThere);
    if (isMade) await giveToOwner(each, (uid, gid) => lchown(each, uid, gid));
  }
  if (made.length === 0 && !statSync(path).isDirectory())
    throw Object.assign(new Error(`EEXIST: file already exists, mkdir '${path}'`), {
      code: "EEXIST",
      syscall: "mkdir",
      path,
    });
  return made;
};

/** Synchronous `makeFolders`. */
export const makeFoldersNow = (path: string): void => {
  for (const each of missing(path)) {
    try {
      mkdirSync(each, { mode: 0o700 });
      giveToOwnerNow(each);
    } catch (error) {
      unlessThere(error);
    }
  }
};

/** Ignores EEXIST: another process has just made the directory, so its owner must not change. */
const unlessThere = (error: unknown): false => {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  return false;
};
