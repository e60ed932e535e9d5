/** Small files that the previous run was replacing when it ended: `<name>.tmp`, which nothing reads. */
import { join } from "node:path";
import type { Disk } from "../disk.ts";
import { paths } from "../paths.ts";

const BESIDE_CHECKPOINTS = /^\d{12}(\.cosigned|\.tsr)?\.tmp$/;
const STATES = /^\d{12}\.tmp$/;
const IN_DIRECTORY = /^(checkpoint\.pub|verified|index-keys\.json)\.tmp$/;

/**
 * Removes them before this run writes its own. One that cannot be removed is harmless and does not fail the start.
 * Compressing removes those of segments.
 */
export const removeHalfWritten = async (disk: Disk, dir: string): Promise<void> => {
  const at = paths(dir);
  for (const [folder, pattern] of [
    [at.checkpoints, BESIDE_CHECKPOINTS],
    [at.states, STATES],
    [dir, IN_DIRECTORY],
  ] as const) {
    const names = await disk.list(folder).catch(() => []);
    for (const name of names.filter((each) => pattern.test(each)))
      await disk.remove(join(folder, name)).catch(() => undefined);
  }
};
