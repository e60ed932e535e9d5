/**
 * Whose a file is to be. A command of root's, beside a service of another user, must leave that user what it can go on
 * with: a file that replaces another is owned as that one was, and a new one as its directory is. Others than root
 * cannot give files away, and need not. In a directory of that user's any name may be a link of theirs, also from one
 * moment to the next: root follows none, or that user would choose which file root writes and gives away.
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
 * `like`: what it replaces. Where there is nothing, or it is root's own, or it is left out, the directory counts: root's
 * file in a service's directory would stop the service. Where root may give nothing away, the file system has no owners.
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

/** The same, by the path and at once: what the kernel has locked must not be opened. */
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
    `${path} is a link in a folder that others than root can change, and root writes through no such link: remove it`,
  );

/** Opens to write. Rejects where the path is a link that another user may have put there and this process is root. */
export const openToWrite = async (path: string, flags: number, mode?: number): Promise<FileHandle> => {
  const folder = isRoot() ? await stat(dirname(path)).catch(() => undefined) : undefined;
  const isGuarded = folder !== undefined && isOfOthers(folder);
  return open(path, isGuarded ? flags | constants.O_NOFOLLOW : flags, mode).catch((error: unknown) => {
    throw isGuarded && (error as NodeJS.ErrnoException).code === "ELOOP" ? linkFault(path) : error;
  });
};

/** For what opens the path itself, as SQLite does: throws as `openToWrite` rejects. */
export const refuseLinkNow = (path: string): void => {
  if (!isRoot() || !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  if (isOfOthers(statSync(dirname(path)))) throw linkFault(path);
};

const NO_FOLDER = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** `isLink`: it may be one. Undefined where it is no folder. */
const folderAt = (path: string, isLink: boolean): number | undefined => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | (isLink ? 0 : constants.O_NOFOLLOW));
  } catch (error) {
    if (NO_FOLDER.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
};

/**
 * Gives away what is root's in a folder, and the folder. Nothing that stands anywhere else as well, and nothing in a folder
 * that a link leads to, unless the operator named that link (`isNamed`).
 */
export const giveFolderNow = (path: string, { uid, gid }: Owner, isNamed = false): void => {
  const folder = folderAt(path, isNamed);
  if (folder === undefined) return;
  try {
    if (fstatSync(folder).uid === 0) fchownSync(folder, uid, gid);
    // By the descriptor: a link may take the folder's place at this moment.
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

/** What is missing of the path, the topmost first. */
const missing = (path: string): readonly string[] => {
  const folders: string[] = [];
  for (let each = path; !statSync(each, { throwIfNoEntry: false }) && each !== dirname(each); each = dirname(each))
    folders.unshift(each);
  return folders;
};

/**
 * Makes what is missing of the path, each with mode 0700, for the owner of what is there. Resolves with what was made.
 * One by one: where a file system takes no folders, as /proc, Node's `recursive` never ends.
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

/** The same, at once. */
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

/** Another process may have made it at this moment, and what is another's is not given away. */
const unlessThere = (error: unknown): false => {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  return false;
};
