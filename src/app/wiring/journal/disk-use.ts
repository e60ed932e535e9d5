/**
 * Measures the journal's disk use once a minute, and at once when the journal becomes unwritable or writable again, so
 * that status and metrics are current on a full disk. Warns when the disk will be full within a day.
 */
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { events } from "../../../common/log/events.ts";
import { DiskWatch, fillingUp, type DiskUse, type Measured } from "../../../journal/segments/disk-use.ts";
import type { ShutdownSteps } from "../../shutdown.ts";

const EVERY_MS = 60_000;
/** Milliseconds between checks whether the journal can be written. */
const NOTICE_MS = 1000;
/** The warning is logged again after this time. */
const REPEAT_WARNING_MS = 3_600_000;

/**
 * Returns a function that gives the last measurement, or undefined if it failed. `isBroken`: the journal cannot be
 * written.
 */
export const watchDiskUse = async (
  dir: string,
  isBroken: () => boolean,
  stops: ShutdownSteps,
): Promise<() => DiskUse | undefined> => {
  const watch = new DiskWatch();
  let failed = false;
  let saidAt = -Infinity;
  const check = async (): Promise<void> => {
    try {
      watch.add(await measure(dir));
      failed = false;
    } catch {
      failed = true;
    }
    const warning = failed ? undefined : fillingUp(watch.use);
    if (warning === undefined || performance.now() - saidAt < REPEAT_WARNING_MS) return;
    saidAt = performance.now();
    events.diskFillingUp({ warning });
  };
  await check();
  const timer = setInterval(() => void check(), EVERY_MS).unref();
  let wasBroken = isBroken();
  const noticing = setInterval(() => {
    if (isBroken() === wasBroken) return;
    wasBroken = !wasBroken;
    void check();
  }, NOTICE_MS).unref();
  stops.push(() => [timer, noticing].forEach(clearInterval));
  return () => (failed ? undefined : watch.use);
};

/** A file that is removed during the measurement is not counted. */
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
