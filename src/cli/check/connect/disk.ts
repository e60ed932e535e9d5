/** The journal's disk: is there room, and does it keep what it is given? */
import { open, stat, statfs, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writerOf } from "../../journal/lock.ts";
import type { Row } from "./row.ts";
import { reason } from "../../system-error.ts";

const GIB = 1024 ** 3;
const LITTLE = GIB;
/** A flush that takes longer makes every request wait. */
const SLOW_MS = 100;

/** Nothing of the journal is touched: a file beside it is written, flushed and taken away, unless a gateway runs there, and then nothing is written. */
export const diskRow = async (dir: string): Promise<Row> => {
  try {
    const folder = await nearest(dir);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const writer = await writerOf(dir).catch(() => undefined);
    if (writer !== undefined)
      return {
        name: "disk",
        state: free < LITTLE ? "warn" : "ok",
        says: [`${dir}: ${size(free)} free; nothing was written, because the journal is open, by ${writer}`],
      };
    const ms = await flushTime(folder);
    const says = `${dir}: ${size(free)} free, a flush takes ${ms.toFixed(1)} ms`;
    if (free < LITTLE)
      return { name: "disk", state: "warn", says: [says, "when it is full, requests are refused (OCSGW-5101)"] };
    return ms > SLOW_MS
      ? { name: "disk", state: "warn", says: [says, "each request waits for two flushes"] }
      : { name: "disk", state: "ok", says: [says] };
  } catch (error) {
    return { name: "disk", state: "fail", says: [`${dir}: ${reason(error)}`] };
  }
};

/** The journal's directory, or where it would be made. */
const nearest = async (dir: string): Promise<string> => {
  for (let at = dir; ; at = dirname(at))
    if (
      at === dirname(at) ||
      (await stat(at).then(
        (found) => found.isDirectory(),
        () => false,
      ))
    )
      return at;
};

const flushTime = async (folder: string): Promise<number> => {
  const path = join(folder, `.ocsgw-check-${process.pid}`);
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile("x".repeat(512));
    const before = performance.now();
    await file.sync();
    return performance.now() - before;
  } finally {
    await file.close();
    await unlink(path);
  }
};

const size = (bytes: number): string =>
  bytes >= GIB ? `${Math.floor(bytes / GIB)} GB` : `${Math.floor(bytes / 1024 ** 2)} MB`;
