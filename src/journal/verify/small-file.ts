/** Reads small regular files with a size limit, so that a pipe or a huge file cannot stop the verification. */
import { open, readdir, stat } from "node:fs/promises";

/** The limit for notes and lists of keys. */
const MOST_BYTES = 1 << 20;

/** Throws an error that names the file when it is not a regular file or too large. */
export const readSmall = async (path: string, most = MOST_BYTES): Promise<string> =>
  (await readSmallBytes(path, most)).toString("utf8");

/** The same, as bytes. */
export const readSmallBytes = async (path: string, most = MOST_BYTES): Promise<Buffer> => {
  const found = await stat(path);
  if (!found.isFile()) throw new Error(`${path} is not a regular file`);
  if (found.size > most) throw new Error(`${path} has ${found.size} bytes; at most ${most} are read`);
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size), 0, found.size, 0);
  return buffer.subarray(0, bytesRead);
};

/** The names in a directory; empty if it does not exist. Throws when it exists but cannot be read. */
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
