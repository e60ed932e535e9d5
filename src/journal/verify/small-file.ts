/** Reads what is small when nobody changed it: a regular file of a limited size. A pipe or a giant stops nothing. */
import { open, readdir, stat } from "node:fs/promises";

/** Of notes and of lists of keys. */
const MOST_BYTES = 1 << 20;

/** Throws an error that names the file when it is no regular file or too large. */
export const readSmall = async (path: string, most = MOST_BYTES): Promise<string> =>
  (await readSmallBytes(path, most)).toString("utf8");

/** The same, as bytes. */
export const readSmallBytes = async (path: string, most = MOST_BYTES): Promise<Buffer> => {
  const found = await stat(path);
  if (!found.isFile()) throw new Error(`${path} is no regular file`);
  if (found.size > most) throw new Error(`${path} has ${found.size} bytes; at most ${most} are read`);
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size), 0, found.size, 0);
  return buffer.subarray(0, bytesRead);
};

/** Names in a directory; none when there is no such directory. Throws when there is one that cannot be read. */
export const namesIn = async (dir: string): Promise<string[]> => {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
};

export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
