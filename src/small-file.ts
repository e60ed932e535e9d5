/**
 * Reads files that others may have put in their place: only regular ones, and only up to a size, so that no read waits
 * for ever or fills the heap.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** UTF-8. Rejects with ENOENT where there is none, and with a sentence where it is no regular file or too large. */
export const readSmallFile = async (path: string, mostBytes: number): Promise<string> => {
  // Without O_NONBLOCK the open of a FIFO waits for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error("it is not a regular file");
    if (found.size > mostBytes) throw new Error(`it has ${found.size} bytes; at most ${mostBytes} are read`);
    return (await handle.readFile()).subarray(0, mostBytes).toString("utf8");
  } finally {
    await handle.close();
  }
};
