/** Puts files that were made in a staging folder where they belong, all of them or none. */
import { constants } from "node:fs";
import { chmod, chown, link, lstat, mkdir, open, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openToWrite } from "../../common/file-owner.ts";
import type { Rights } from "../../settings/files/edit-file.ts";
import { FAILED } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";

/**
 * A file by its path in the config's folder. `isSecret`: only its owner, and the service's group, may read it. `text`:
 * undefined for a file that is made in the staging folder later.
 */
export type NewFile = { readonly path: string; readonly text: string | undefined; readonly isSecret: boolean };

const foldersOf = (files: readonly NewFile[]): readonly string[] =>
  [...new Set(files.map(({ path }) => dirname(path)))].filter((folder) => folder !== ".").toSorted();

/** Makes a file that does not exist. */
export const write = async (folder: string, { path, text }: NewFile): Promise<void> => {
  const file = join(folder, path);
  if (dirname(path) !== ".") await mkdir(dirname(file), { mode: 0o700, recursive: true });
  if (text === undefined) return;
  const handle = await openToWrite(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
};

/** Owner and mode of a folder with secrets. */
const giveFolder = async (folder: string, { uid, gid, mode }: Rights): Promise<void> => {
  if (process.platform === "win32") return;
  await chown(folder, uid, gid);
  await chmod(folder, (mode & 0o040) === 0 ? 0o700 : 0o750);
};

/** Gives all files and folders in the staging folder their owner and mode, and flushes them. */
export const settle = async (staging: string, files: readonly NewFile[], rights: Rights): Promise<void> => {
  for (const { path, isSecret } of files) {
    const handle = await open(join(staging, path), "r+");
    try {
      if (process.platform !== "win32") {
        await handle.chown(rights.uid, rights.gid);
        await handle.chmod(isSecret ? rights.mode : 0o644);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const folder of [...foldersOf(files), "."]) {
    await giveFolder(join(staging, folder), rights);
    await sync(join(staging, folder));
  }
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
