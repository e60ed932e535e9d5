/** Opens the journal: takes the lock, reads the existing entries, and starts the writer. */
import { nodeDisk, type Disk } from "../disk.ts";
import type { Journal, JournalOptions } from "../journal.ts";
import { takeLock, type Lock } from "../lock/lock.ts";
import { lastEntry } from "../read/last-entry.ts";
import { paths } from "../paths.ts";
import { Segments } from "../segments/segment-writer.ts";
import { systemClocks } from "./clock/entry-clock.ts";
import { removeHalfWritten } from "./half-written.ts";
import { recover } from "./recovery/recover.ts";
import { JournalWriter } from "./writer.ts";

const SEGMENT_BYTES = 64 << 20;
const STUCK_MS = 5000;
const NO_CODE = { status: 503, code: null };

/**
 * Reads the entries above the newest start state, or all of them, which takes some seconds for a million entries.
 * Throws JournalDamaged, or JournalHeld, which names the holder of the lock.
 */
export const openJournal = async (options: JournalOptions): Promise<Journal> => {
  const {
    dir,
    durability,
    onFailure = "refuse",
    refusal = NO_CODE,
    segmentBytes = SEGMENT_BYTES,
    stuckMs = STUCK_MS,
    disk = nodeDisk,
    clocks = systemClocks,
    onNews = () => undefined,
    written = () => undefined,
    published = [],
    states,
    damaged,
    beside = {},
  } = options;
  const at = paths(dir);
  const lock = options.lock ?? (await lockMade(dir, disk));
  try {
    const how = durability === "flush" ? "durable" : "create";
    const recovered = await recover({
      disk,
      dir,
      how,
      published: typeof published === "function" ? await published() : published,
      states,
      damaged,
    });
    await removeHalfWritten(disk, dir);
    const newest = (await lastEntry(disk, dir))?.time;
    const segments = new Segments({ disk, at, leaves: recovered.leaves, how, limit: segmentBytes }, recovered.tail);
    return new JournalWriter({
      ...recovered,
      dir,
      disk,
      segments,
      clocks,
      newest,
      onFailure,
      refusal,
      stuckMs,
      onNews,
      written,
      beside,
      lock,
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
};

const lockMade = async (dir: string, disk: Disk): Promise<Lock> => {
  await disk.makeDirectory(dir);
  return takeLock(dir, { command: "ocsgw", role: "gateway" });
};
