/** Appends to a file outside the journal's directory, durably. */
import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { giveToOwner, openToWrite } from "../../common/file-owner.ts";
import { nodeDisk } from "../disk.ts";

/** Sizes of the file in bytes. */
export type Grown = { readonly before: number; readonly after: number };

/** Resolves when the text is on disk. If it cannot be written whole, nothing of it stays. */
export const appendDurably = async (path: string, text: string): Promise<Grown> => {
  await requireFile(path);
  const file = await openToWrite(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const { size } = await file.stat();
    try {
      await file.appendFile(text);
      await file.sync();
    } catch (error) {
      // A partial text would make the next one unreadable.
      await file.truncate(size).catch(() => undefined);
      throw error;
    }
    if (size === 0) {
      await giveToOwner(path, (uid, gid) => file.chown(uid, gid));
      await nodeDisk.syncDirectory(dirname(path));
    }
    return { before: size, after: size + Buffer.byteLength(text) };
  } finally {
    await file.close();
  }
};

/** Whether there is a file. Rejects for anything else, because opening a pipe could wait forever. */
export const requireFile = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found && !found.isFile()) throw new Error(`${path} is not a regular file`);
  return found !== undefined;
};
