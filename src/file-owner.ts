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

/** From the topmost new one down to `path`, each with mode 0700. */
const between = (first: string, path: string): readonly string[] => {
  const made: string[] = [];
  for (let each = path; each.length >= first.length; each = dirname(each)) made.unshift(each);
  return made;
};

/** Makes what is missing of the path, for the owner of what is there. Resolves with what was made. */
export const makeFolders = async (path: string): Promise<readonly string[]> => {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  const made = first === undefined ? [] : between(first, path);
  for (const each of made) await giveToOwner(each, (uid, gid) => chown(each, uid, gid));
  return made;
};

/** The same, at once. */
export const makeFoldersNow = (path: string): void => {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) between(first, path).forEach(giveToOwnerNow);
};
