/** Whether a file lies in a directory, wherever links lead. */
import { realpath } from "node:fs/promises";
import { relative, sep } from "node:path";

export const isInside = async (file: string, dir: string): Promise<boolean> =>
  relative(await realOf(dir), await realOf(file)).split(sep)[0] !== "..";

/** Where links lead; of what is yet to be made, as it is written. */
const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);
