/** Access to this machine's files, for loading and checking a config. */
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isContainer } from "../container.ts";
import { descriptorLimit } from "../file-descriptors.ts";
import { withPublishedCall } from "../../common/small-file/file-call.ts";
import { readTextNow } from "../../common/small-file/small-file.ts";
import { reason } from "../../common/system-error.ts";
import type { Files, Rights } from "../interpolate.ts";

/** `folder`: the config file's directory, the base of relative paths. */
export const filesBeside = (folder: string): Files => ({
  readFile: (path) => limited(resolve(folder, path), readTextNow),
  rightsOf: (path) => limited(resolve(folder, path), rightsOf),
  isContainer: isContainer(),
  whyNotWritable: (path) => limited(resolve(folder, path), whyNotWritable),
  descriptorLimit,
});

const limited = <Value>(path: string, work: (path: string) => Value): Value =>
  withPublishedCall(path, () => work(path));

/** Windows has no permission bits. */
const rightsOf = (path: string): Rights | undefined =>
  process.platform === "win32" ? undefined : statSync(path, { throwIfNoEntry: false });

/** File systems of the Linux kernel in which `access` allows root to write, but no file can be created, by type. */
const WITHOUT_FILES: ReadonlyMap<number, string> = new Map([
  [0x9fa0, "proc"],
  [0x62656572, "sysfs"],
  [0x63677270, "cgroup2"],
  [0x1cd1, "devpts"],
  [0x64626720, "debugfs"],
  [0x74726163, "tracefs"],
  [0x73636673, "securityfs"],
]);

/** Why this user cannot write in the directory. If it does not exist, checks the nearest existing one above it. */
const whyNotWritable = (folder: string): string | undefined => {
  try {
    for (let at = folder; ; at = dirname(at)) {
      const found = statSync(at, { throwIfNoEntry: false });
      if (!found && at !== dirname(at)) continue;
      if (!found?.isDirectory()) return `${at} is not a directory`;
      accessSync(at, constants.W_OK | constants.X_OK);
      const system = process.platform === "linux" ? WITHOUT_FILES.get(statfsSync(at).type) : undefined;
      return system && `${at} is in a file system of the kernel (${system}), where nobody can create files`;
    }
  } catch (error) {
    return reason(error);
  }
};
