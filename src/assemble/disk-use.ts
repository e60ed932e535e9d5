/** Measures once a minute how much of its disk the journal takes, and tells when it will be full within a day. */
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { events } from "../events.ts";
import { DiskWatch, fillingUp, type DiskUse, type Measured } from "../journal/disk-use.ts";
import type { Stops } from "./stops.ts";

const EVERY_MS = 60_000;
/** The log says it again after this. */
const SAID_AGAIN_MS = 3_600_000;

/** The function that gives the last measurement; undefined where it failed. */
export const watchDiskUse = async (dir: string, stops: Stops): Promise<() => DiskUse | undefined> => {
  const watch = new DiskWatch();
  let failed = false;
  let saidAt = -Infinity;
  const look = async (): Promise<void> => {
    try {
      watch.add(await measure(dir));
      failed = false;
    } catch {
      failed = true;
    }
    const warning = failed ? undefined : fillingUp(watch.use);
    if (warning === undefined || performance.now() - saidAt < SAID_AGAIN_MS) return;
    saidAt = performance.now();
    events.diskFillsUp(warning);
  };
  await look();
  const timer = setInterval(() => void look(), EVERY_MS).unref();
  stops.push(() => clearInterval(timer));
  return () => (failed ? undefined : watch.use);
};

/** A file that is removed while this runs is not counted. */
export const measure = async (dir: string): Promise<Measured> => {
  const { bavail, bsize } = await statfs(dir);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  let journal = 0;
  for (const entry of entries.filter((each) => each.isFile())) {
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    journal += found?.size ?? 0;
  }
  return { journal, free: bavail * bsize };
};
