/**
 * Compresses segments that are no longer written. The compressed form is written beside the plain one, read back and held against the leaf hashes
 * line by line, and only then gets its name; after that the plain one is removed. A crash at any step leaves at least one of them whole, and the
 * next run goes on from there. `docs/journal-files.md` draws the steps.
 */
import type { Journal } from "./append.ts";
import { readAll, readWhole, type Disk, type DiskFile } from "./disk.ts";
import { FramesDamaged, readFrames, writeFrames } from "./frames.ts";
import { forEachLine } from "./lines.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { places, segmentName } from "./places.ts";
import { compressedIn, withSegment, type SegmentFile } from "./segment.ts";
import { spansIn } from "./spans.ts";
import { readMicros } from "./time.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "./tree.ts";
import { faultInWords } from "../system-error.ts";

export type CompressOptions = {
  readonly journal: Pick<Journal, "dir" | "disk">;
  /** Milliseconds: a segment is compressed when the next one began so long ago. */
  readonly after: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Asked between small steps: a run ends early, and leaves nothing that the next one cannot take up. */
  readonly isStopped?: () => boolean;
  /** Called after each segment with how many milliseconds it took, so that one who converts many leaves room for traffic. */
  readonly pause?: (tookMs: number) => Promise<void>;
  /** Told why a segment is not compressed. */
  readonly onFailure?: (why: string) => void;
};

/** Compressed now, with their sizes in bytes before and after. */
export type Compressed = { readonly segments: number; readonly before: number; readonly after: number };

type Place = {
  readonly disk: Disk;
  readonly dir: string;
  readonly first: number;
  /** The index behind its last entry. */ readonly end: number;
  /** The segment behind it. */ readonly next: number;
};

/** The oldest first. A segment whose lines are not those of its leaf hashes stays as it is, `onFailure` is told, and the others go on. Rejects when the disk fails. */
export const compressSegments = async ({
  journal,
  after,
  now = Date.now,
  isStopped = () => false,
  pause = () => Promise.resolve(),
  onFailure = () => undefined,
}: CompressOptions): Promise<Compressed> => {
  const { disk, dir } = journal;
  const names = await disk.list(places(dir).segments);
  const spans = spansIn(names).filter(({ isThere }) => isThere);
  const done = { segments: 0, before: 0, after: 0 };
  const compressed = compressedIn(names);
  await oneAtATime(dir, () => removeLeftOvers(disk, dir, names));
  // The last segment is being written.
  for (const [at, { first, end }] of spans.slice(0, -1).entries()) {
    if (isStopped()) break;
    if (!names.includes(segmentName(first))) continue;
    const place = { disk, dir, first, end, next: spans[at + 1]!.first };
    const start = performance.now();
    try {
      const sizes = await oneAtATime(dir, async () => {
        // Retention may have deleted it while others were compressed.
        const isThere = (await disk.list(places(dir).segments)).includes(segmentName(first));
        if (!isThere || (compressed.has(first) && (await removePlain(place)))) return UNTOUCHED;
        return now() - (await beginning(disk, dir, place.next)) < after ? undefined : compressOne(place, isStopped);
      });
      if (sizes === UNTOUCHED) continue;
      if (!sizes) break;
      done.segments++;
      done.before += sizes.before;
      done.after += sizes.after;
    } catch (error) {
      if (!isDamage(error)) throw error;
      onFailure(faultInWords(error));
    }
    await pause(performance.now() - start);
  }
  return done;
};

const UNTOUCHED = Symbol("untouched");

/** The lines of a segment are not those of its leaf hashes. */
class OtherLines extends Error {
  override readonly name = "OtherLines";
}

const isDamage = (error: unknown): error is Error => error instanceof OtherLines || error instanceof FramesDamaged;

/** Undefined when it was stopped. What is half written goes away at once: the disk may be full. */
const compressOne = async (
  place: Place,
  isStopped: () => boolean,
): Promise<Pick<Compressed, "before" | "after"> | undefined> => {
  const { disk, dir, first } = place;
  const at = places(dir);
  const temporary = temporaryOf(dir, first);
  const sizes = await pack(place, temporary, isStopped).catch(async (error: unknown) => {
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  });
  if (!sizes) {
    await disk.remove(temporary);
    return undefined;
  }
  await disk.rename(temporary, at.compressed(first));
  await disk.syncDirectory(at.segments);
  await disk.remove(at.segment(first));
  return sizes;
};

const temporaryOf = (dir: string, first: number): string => `${places(dir).compressed(first)}.tmp`;

/** When it resolves with sizes, the file holds every line and is on the disk; its name is yet to be given. */
const pack = async (
  place: Place,
  temporary: string,
  isStopped: () => boolean,
): Promise<Pick<Compressed, "before" | "after"> | undefined> => {
  const { disk, dir, first } = place;
  const plain = await disk.open(places(dir).segment(first), "read");
  try {
    const before = await plain.size();
    const after = await writePacked(disk, temporary, plain, isStopped);
    if (after === undefined) return undefined;
    const packed = await readFrames(await disk.open(temporary, "read"), temporary);
    try {
      return (await requireLines(place, packed, { bytes: before, isStopped })) ? { before, after } : undefined;
    } finally {
      await packed.close();
    }
  } finally {
    await plain.close();
  }
};

/** Resolves with its size. */
const writePacked = async (
  disk: Disk,
  path: string,
  plain: DiskFile,
  isStopped: () => boolean,
): Promise<number | undefined> => {
  const file = await disk.open(path, "create");
  try {
    await file.truncate(0);
    if (!(await writeFrames(plain, file, isStopped))) return undefined;
    await file.flush();
    return await file.size();
  } finally {
    await file.close();
  }
};

/** A crash came after the compressed form had its name. Resolves with false when that is not whole: then it is made again from the plain one. */
const removePlain = async (place: Place): Promise<boolean> => {
  const { disk, dir, first } = place;
  const at = places(dir);
  try {
    await withSegment(disk, dir, first, (packed) =>
      requireLines(place, packed, { bytes: undefined, isStopped: () => false }),
    );
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
  await disk.syncDirectory(at.segments);
  await disk.remove(at.segment(first));
  return true;
};

/** Every line has its leaf hash, none is missing, and there is nothing else. Resolves with false when it was stopped. */
const requireLines = async (
  { disk, dir, first, end }: Place,
  file: SegmentFile,
  { bytes, isStopped }: { readonly bytes: number | undefined; readonly isStopped: () => boolean },
): Promise<boolean> => {
  const hashes = await readWhole(disk, places(dir).leaves(first));
  let index = first;
  let stopped = false;
  const good = await forEachLine(file, (buffer, from, to) => {
    if ((stopped = isStopped())) return false;
    const at = (index - first) * DIGEST_BYTES;
    if (
      index >= end ||
      at + DIGEST_BYTES > hashes.length ||
      leafHashWithin(buffer, from, to) !== digestOf(hashes.subarray(at, at + DIGEST_BYTES))
    )
      return false;
    index++;
    return true;
  });
  if (stopped) return false;
  if (index !== end || good !== (bytes ?? (await file.size())))
    throw new OtherLines(
      `${segmentName(first)} line ${index - first + 1} is not what its leaf hash says, so it is not compressed: ocsgw audit verify tells more`,
    );
  return true;
};

/** What a crash left half written. */
const removeLeftOvers = async (disk: Disk, dir: string, names: readonly string[]): Promise<void> => {
  const at = places(dir);
  for (const name of names) if (/^\d{12}\.jsonl\.zst\.tmp$/.test(name)) await disk.remove(`${at.segments}/${name}`);
};

const HEAD = /^\{"index":\d+,"time":"([^"]{27})"/;
const HEAD_BYTES = 64;

/** The time of its first line, in milliseconds since 1970. */
const beginning = async (disk: Disk, dir: string, first: number): Promise<number> => {
  const head = await withSegment(disk, dir, first, (file) => readAll(file, 0, HEAD_BYTES));
  const micros = readMicros(HEAD.exec(head.toString("latin1"))?.[1] ?? "");
  if (Number.isNaN(micros)) throw new OtherLines(`${segmentName(first)} has no first line with a time`);
  return micros / 1000;
};
