/** The head of the journal's last entry, read from the end of its last segment. */
import { readAll, type Disk } from "../disk.ts";
import { firstsOf, openSegment, type SegmentFile } from "../segments/segment.ts";
import { readMicros } from "../time.ts";

/** `time`: microseconds since 1970. */
export type LastEntry = { readonly index: number; readonly time: number };

const HEAD = /^\{"index":(\d{1,15}),"time":"([^"]{27})"/;
const AT_ONCE = 65_536;
const NEWLINE = 0x0a;

/** Undefined when there is no entry with a time. */
export const lastEntry = async (disk: Disk, dir: string): Promise<LastEntry | undefined> => {
  for (const first of (await firstsOf(disk, dir)).toReversed()) {
    const file = await openSegment(disk, dir, first);
    try {
      const found = await lastEntryIn(file);
      if (found !== undefined) return found;
    } finally {
      await file.close();
    }
  }
  return undefined;
};

/** The same for one segment. */
const lastEntryIn = async (file: SegmentFile): Promise<LastEntry | undefined> => {
  const size = await file.size();
  // A line may be long: then read more, up to the beginning.
  for (let length = Math.min(AT_ONCE, size); length > 0; length = Math.min(16 * length, size)) {
    const bytes = await readAll(file, size - length, length);
    const start = bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1;
    if (start === 0 && length < size) continue;
    const [, index = "", text = ""] = HEAD.exec(bytes.toString("latin1", start, start + 96)) ?? [];
    const time = readMicros(text);
    return Number.isNaN(time) ? undefined : { index: Number(index), time };
  }
  return undefined;
};
