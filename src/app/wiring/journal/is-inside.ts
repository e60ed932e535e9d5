/** Whether a file lies in a directory once links are resolved. */
import { realpath } from "node:fs/promises";
import { relative, sep } from "node:path";

export const isInside = async (file: string, dir: string): Promise<boolean> =>
  relative(await realOf(dir), await realOf(file)).split(sep)[0] !== "..";

/** Resolves links; a path that does not exist yet stays as written. */
const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);
