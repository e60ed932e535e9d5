/**
 * Whose a file is to be. A command of root's, beside a service of another user, must leave that user what it can go on
 * with: a file that replaces another is owned as that one was, and a new one as its directory is. Others than root
 * cannot give files away, and need not.
 */
import { chownSync, mkdirSync, statSync, type Stats } from "node:fs";
import { chown, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

export type Owner = Readonly<Pick<Stats, "uid" | "gid">>;

const isRoot = (): boolean => process.geteuid?.() === 0;
const isOther = ({ uid, gid }: Owner): boolean => uid !== 0 || gid !== 0;

/** `like`: what it replaces; where there is nothing, or it is left out, the directory counts. Where root may give nothing away, the file system has no owners. */
export const giveToOwner = async (path: string, give: (uid: number, gid: number) => Promise<void>, like?: string): Promise<void> => {
  if (!isRoot()) return;
  const owner = (like === undefined ? undefined : await stat(like).catch(() => undefined)) ?? (await stat(dirname(path)));
  if (isOther(owner)) await give(owner.uid, owner.gid).catch(() => undefined);
};

/** The same, by the path and at once: what the kernel has locked must not be opened. */
export const giveToOwnerNow = (path: string): void => {
  if (!isRoot()) return;
  const owner = statSync(dirname(path));
  try {
    if (isOther(owner)) chownSync(path, owner.uid, owner.gid);
  } catch {
    // As above.
  }
};

/** What is missing of the path, the topmost first. */
const missing = (path: string): readonly string[] => {
  const folders: string[] = [];
  for (let each = path; !statSync(each, { throwIfNoEntry: false }) && each !== dirname(each); each = dirname(each)) folders.unshift(each);
  return folders;
};

/**
 * Makes what is missing of the path, each with mode 0700, for the owner of what is there. Resolves with what was made.
 * One by one: where a file system takes no folders, as /proc, Node's `recursive` never ends.
 */
export const makeFolders = async (path: string): Promise<readonly string[]> => {
  const made = missing(path);
  for (const each of made) {
    await mkdir(each, { mode: 0o700 }).catch(unlessThere);
    await giveToOwner(each, (uid, gid) => chown(each, uid, gid));
  }
  if (made.length === 0 && !statSync(path).isDirectory()) throw Object.assign(new Error(`EEXIST: file already exists, mkdir '${path}'`), { code: "EEXIST", syscall: "mkdir", path });
  return made;
};

/** The same, at once. */
export const makeFoldersNow = (path: string): void => {
  for (const each of missing(path)) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      unlessThere(error);
    }
    giveToOwnerNow(each);
  }
};

/** Another process may have made it at this moment. */
const unlessThere = (error: unknown): void => {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
};
