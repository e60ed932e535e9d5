/** The text of a config file, and its surroundings: environment and files. */
import { dirname } from "node:path";
import { filesBeside } from "./machine-files.ts";
import { readBytes } from "../../common/small-file/small-file.ts";
import { isGone, reason } from "../../common/system-error.ts";
import type { Sources } from "../interpolate.ts";
import type { Problem } from "../problems/problem.ts";
import { unreadable } from "../problems/locate.ts";

/** `file`: its name in messages and the base of relative paths. The rest: sources of `${…}`. */
export type Origin = Sources & { readonly file: string };

/** The origin of a file on disk: the process's environment, and paths relative to the file. */
export const originOf = (file: string, env: Sources["env"] = process.env): Origin => ({
  file,
  env,
  ...filesBeside(dirname(file)),
});

const NAME_IT = "correct the path, or put the file there; -c FILE names it, and without -c it is config/ocsgw.yaml";
export const RIGHTS = "correct the path, or the permissions for the user of the gateway and of this command";

/** The text of a config file, or the problem of an unreadable one. */
export const textOf = async (file: string): Promise<string | Problem> => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(file));
  } catch (error) {
    if (error instanceof TypeError) return unreadable(file, "it is not UTF-8", "save it in the encoding UTF-8");
    return unreadable(file, reason(error), isGone(error) ? NAME_IT : RIGHTS);
  }
};
