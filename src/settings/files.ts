/** The files of this machine as the checks ask for them. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { descriptorLimit } from "./descriptors.ts";
import { readTextNow } from "../small-file.ts";
import { reason } from "../system-error.ts";
import type { Files } from "./fill.ts";

/** For a config file in this folder. */
export const filesBeside = (folder: string): Files => ({
  readFile: (path) => readTextNow(resolve(folder, path)),
  modeOf: (path) => modeOf(resolve(folder, path)),
  whyNotWritable: (path) => whyNotWritable(resolve(folder, path)),
  descriptorLimit,
});

/** Windows has no such bits. */
const modeOf = (path: string): number | undefined => (process.platform === "win32" ? undefined : statSync(path, { throwIfNoEntry: false })?.mode);

/** A folder that is not there yet is made in the nearest one that is. */
const whyNotWritable = (folder: string): string | undefined => {
  try {
    for (let at = folder; ; at = dirname(at)) {
      const found = statSync(at, { throwIfNoEntry: false });
      if (!found && at !== dirname(at)) continue;
      if (!found?.isDirectory()) return `${at} is no directory`;
      accessSync(at, constants.W_OK | constants.X_OK);
      return undefined;
    }
  } catch (error) {
    return reason(error);
  }
};
