/** A config file's text and its surroundings: what is needed to read any of it, and no rules. */
import { dirname } from "node:path";
import { filesBeside } from "./files.ts";
import { readBytes } from "../small-file.ts";
import { reason } from "../system-error.ts";
import type { Sources } from "./fill.ts";
import type { Problem } from "./problem.ts";
import { unreadable } from "./report.ts";

/** The file's name in messages and the base of relative paths, and where `${…}` is filled from. */
export type Origin = Sources & { readonly file: string };

/** The surroundings of a real file: the process's environment, and paths relative to the file. */
export const originOf = (file: string, env: Sources["env"] = process.env): Origin => ({
  file,
  env,
  ...filesBeside(dirname(file)),
});

/** The text of a config file, or the problem of not having it. */
export const textOf = async (file: string): Promise<string | Problem> => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(file));
  } catch (error) {
    return unreadable(file, error instanceof TypeError ? "it is not UTF-8" : reason(error));
  }
};
