/** Writes the proposed config to a new file. */
import { randomBytes } from "node:crypto";
import { link, open, stat, unlink } from "node:fs/promises";
import { FileEditError } from "../../settings/files/edit-file.ts";
import { reason } from "../../common/system-error.ts";

/**
 * Creates the file as a whole, with the owner and mode of `like`. Rejects with FileEditError; a file that is there
 * stays as it is.
 */
export const writeNew = async (file: string, text: string, like: string): Promise<void> => {
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const { mode, uid, gid } = await stat(like);
    const handle = await open(beside, "wx", 0o600);
    try {
      await handle.writeFile(text);
      if (process.geteuid?.() === 0) await handle.chown(uid, gid);
      await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A link, because a rename would replace a file that is there.
    await link(beside, file);
  } catch (error) {
    throw new FileEditError(
      (error as NodeJS.ErrnoException).code === "EEXIST"
        ? `${file} exists already, so it was not written`
        : `cannot write ${file}: ${reason(error)}`,
    );
  } finally {
    await unlink(beside).catch(() => undefined);
  }
};
