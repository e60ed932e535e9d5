/** The time of the journal's last entry, read from the end of its last segment. */
import { readAll, type Disk } from "../disk.ts";
import { firstsOf, openSegment, type SegmentFile } from "../segments/segment.ts";
import { readMicros } from "../time.ts";

const HEAD = /^\{"index":\d+,"time":"([^"]{27})"/;
const AT_ONCE = 65_536;
const NEWLINE = 0x0a;

/** Microseconds since 1970; undefined when there is no entry with a time. */
export const newestTime = async (disk: Disk, dir: string): Promise<number | undefined> => {
  for (const first of (await firstsOf(disk, dir)).toReversed()) {
    const file = await openSegment(disk, dir, first);
    try {
      const time = await lastTimeIn(file);
      if (time !== undefined) return time;
    } finally {
      await file.close();
    }
  }
  return undefined;
};

/** The same for one segment. */
const lastTimeIn = async (file: SegmentFile): Promise<number | undefined> => {
  const size = await file.size();
  // A line may be long: then read more, up to the beginning.
  for (let length = Math.min(AT_ONCE, size); length > 0; length = Math.min(16 * length, size)) {
    const bytes = await readAll(file, size - length, length);
    const start = bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1;
    if (start === 0 && length < size) continue;
    const time = readMicros(HEAD.exec(bytes.toString("latin1", start, start + 96))?.[1] ?? "");
    return Number.isNaN(time) ? undefined : time;
  }
  return undefined;
};
