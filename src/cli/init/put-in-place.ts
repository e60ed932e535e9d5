/** Puts files that were made in a staging folder where they belong, all of them or none. */
import { constants } from "node:fs";
import { link, lstat, mkdir, open, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Rights } from "../../settings/files/edit-file.ts";
import { FAILED } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";

/** A file by its path in the config's folder. `isSecret`: only its owner, and the service's group, may read it. */
export type NewFile = { readonly path: string; readonly text: string; readonly isSecret: boolean };

const foldersOf = (files: readonly NewFile[]): readonly string[] =>
  [...new Set(files.map(({ path }) => dirname(path)))].filter((folder) => folder !== ".").toSorted();

/**
 * Makes a file that does not exist, flushed, with its owner and mode. All by its handle: as root in a folder of another
 * user, a path could lead elsewhere a moment later.
 */
export const write = async (folder: string, { path, text, isSecret }: NewFile, rights: Rights): Promise<void> => {
  const file = join(folder, path);
  if (dirname(path) !== ".") await mkdir(dirname(file), { mode: 0o700, recursive: true });
  const handle = await open(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | NO_LINK, 0o600);
  try {
    await handle.writeFile(text);
    if (process.platform !== "win32") {
      await handle.chown(rights.uid, rights.gid);
      await handle.chmod(isSecret ? rights.mode : 0o644);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Windows has none of both. */
const [NO_LINK, DIRECTORY] = [constants.O_NOFOLLOW ?? 0, constants.O_DIRECTORY ?? 0];

/** Gives a folder that this process has made its owner and mode, and flushes it. */
const giveFolder = async (folder: string, { uid, gid, mode }: Rights): Promise<void> => {
  if (process.platform === "win32") return;
  const handle = await open(folder, constants.O_RDONLY | DIRECTORY | NO_LINK);
  try {
    if ((await handle.stat()).uid !== process.geteuid?.())
      throw new Stop(FAILED, `nothing was written: another program has replaced ${folder} meanwhile`);
    await handle.sync();
    await handle.chmod((mode & 0o040) === 0 ? 0o700 : 0o750);
    await handle.chown(uid, gid);
  } finally {
    await handle.close();
  }
};

/** Gives all folders in the staging folder, and itself, their owner and mode. */
export const settle = async (staging: string, files: readonly NewFile[], rights: Rights): Promise<void> => {
  for (const folder of [...foldersOf(files), "."]) await giveFolder(join(staging, folder), rights);
};

export const putFolder = async (staging: string, target: string): Promise<void> => {
  // A rename would replace an empty folder that somebody made meanwhile, which harms nobody.
  await rename(staging, target);
  await sync(dirname(target));
};

type Into = {
  readonly files: readonly NewFile[];
  readonly replace: readonly string[];
  readonly rights: Rights;
};

/** Puts the files in order into an existing folder; undoes all of it when one fails. */
export const putInto = async (staging: string, target: string, { files, replace, rights }: Into): Promise<void> => {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const folder of foldersOf(files)) {
      const at = join(target, folder);
      if ((await lstat(at).catch(() => undefined)) !== undefined) continue;
      await mkdir(at, { mode: 0o700 });
      undo.push(() => rmdir(at));
      await giveFolder(at, rights);
    }
    for (const [index, { path }] of files.entries()) {
      const [from, to] = [join(staging, path), join(target, path)];
      if (replace.includes(path) && (await lstat(to).catch(() => undefined)) !== undefined) {
        const kept = join(staging, `.replaced-${index}`);
        await rename(to, kept);
        undo.push(() => rename(kept, to));
      }
      await put(from, to);
      undo.push(() => unlink(to));
    }
    for (const folder of [...foldersOf(files), "."]) await sync(join(target, folder));
  } catch (error) {
    for (const each of undo.toReversed()) await each().catch(() => undefined);
    throw error;
  }
};

const WITHOUT_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Never replaces a file: another program may have made one since this command looked. */
const put = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new Stop(FAILED, `nothing was written: another program has made ${to} meanwhile`);
    if (!WITHOUT_LINKS.has(code) || (await lstat(to).catch(() => undefined)) !== undefined) throw error;
    await rename(from, to);
  }
};

/** Windows cannot open directories. */
const sync = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};
