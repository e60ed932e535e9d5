/**
 * Measures once a minute how much of its disk the journal takes, and when the journal can be written no more or again: what status and
 * metrics say of a full disk is not a minute old. Warns when the disk will be full within a day.
 */
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { events } from "../events.ts";
import { DiskWatch, fillingUp, type DiskUse, type Measured } from "../journal/disk-use.ts";
import type { Stops } from "./stops.ts";

const EVERY_MS = 60_000;
/** So often it is asked whether the journal can be written. */
const NOTICE_MS = 1000;
/** The log says it again after this. */
const SAID_AGAIN_MS = 3_600_000;

/** The function that gives the last measurement; undefined where it failed. `isBroken`: the journal cannot be written. */
export const watchDiskUse = async (
  dir: string,
  isBroken: () => boolean,
  stops: Stops,
): Promise<() => DiskUse | undefined> => {
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
  let wasBroken = isBroken();
  const noticing = setInterval(() => {
    if (isBroken() === wasBroken) return;
    wasBroken = !wasBroken;
    void look();
  }, NOTICE_MS).unref();
  stops.push(() => [timer, noticing].forEach(clearInterval));
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
