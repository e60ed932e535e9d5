/** Tests the journal's disk: free space, and the time of a flush. */
import { open, stat, statfs, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writerOf } from "../../../journal/lock/lock.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";
import { reason } from "../../../common/system-error.ts";

const GIB = 1024 ** 3;
const LITTLE = GIB;
/** A longer flush slows every request down. */
const SLOW_MS = 100;

type Audit = Pick<Settings["audit"], "dir" | "on_failure" | "durability">;

/** Writes, flushes and deletes a file beside the journal; writes nothing while a gateway has the journal open. */
export const diskRow = async ({ dir, on_failure, durability }: Audit): Promise<Row> => {
  const whenFull =
    on_failure === "refuse"
      ? "when the disk is full, the gateway refuses requests (OCSGW-5101): free disk space"
      : "when the disk is full, requests are sent without a journal (audit.on_failure: continue): free disk space";
  try {
    const folder = await nearest(dir);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const writer = await writerOf(dir).catch(() => undefined);
    if (writer !== undefined)
      return {
        name: "disk",
        state: free < LITTLE ? "warn" : "ok",
        says: [
          `${dir}: ${size(free)} free; flush not tested, because ${writer} has the journal open`,
          ...(free < LITTLE ? [whenFull] : []),
        ],
      };
    const ms = await flushTime(folder);
    const says = `${dir}: ${size(free)} free, a flush takes ${ms.toFixed(1)} ms`;
    if (free < LITTLE)
      return {
        name: "disk",
        state: "warn",
        says: [says, whenFull],
      };
    return ms > SLOW_MS && durability === "flush"
      ? { name: "disk", state: "warn", says: [says, "slow: each request waits for two flushes; use a faster disk"] }
      : { name: "disk", state: "ok", says: [says] };
  } catch (error) {
    const why = `${dir}: ${reason(error)}`;
    return { name: "disk", state: "fail", says: [why, "correct the permissions, and run check as the gateway's user"] };
  }
};

/** The journal's directory, or the folder in which it would be created. */
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
