/** The files of this machine as the checks ask for them. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isContainer } from "./container.ts";
import { descriptorLimit } from "./descriptors.ts";
import { inSight } from "../small-file/in-sight.ts";
import { readTextNow } from "../small-file.ts";
import { reason } from "../system-error.ts";
import type { Files, Rights } from "./fill.ts";

/** For a config file in this folder. */
export const filesBeside = (folder: string): Files => ({
  readFile: (path) => seen(resolve(folder, path), readTextNow),
  rightsOf: (path) => seen(resolve(folder, path), rightsOf),
  isContainer: isContainer(),
  whyNotWritable: (path) => seen(resolve(folder, path), whyNotWritable),
  descriptorLimit,
});

const seen = <Value>(path: string, work: (path: string) => Value): Value => inSight(path, () => work(path));

/** Windows has no such bits. */
const rightsOf = (path: string): Rights | undefined =>
  process.platform === "win32" ? undefined : statSync(path, { throwIfNoEntry: false });

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
