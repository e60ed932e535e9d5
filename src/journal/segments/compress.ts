/**
 * Compresses segments that are no longer written. The compressed file is written beside the plain one, read back,
 * compared line by line with the leaf hashes, and only then renamed; then the plain file is removed. A crash at any
 * step leaves at least one complete file, and the next run continues from there.
 * `docs/reference/journal-format.md` has the steps.
 */
import type { Journal } from "../journal.ts";
import { readAll, readWhole, type Disk, type DiskFile } from "../disk.ts";
import { FramesDamaged, readFrames, writeFrames } from "./frames.ts";
import { isDeletedLine } from "./retention/deleted-lines.ts";
import { areDeletedLinesExplained } from "./retention/explained-deletions.ts";
import { forEachLine } from "../read/read-lines.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { paths, segmentName } from "../paths.ts";
import { compressedIn, withSegment, type SegmentFile } from "./segment.ts";
import { spansIn } from "./entry-ranges.ts";
import { readMicros } from "../time.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "../integrity/merkle-tree.ts";
import { faultInWords } from "../../common/system-error.ts";

export type CompressOptions = {
  readonly journal: Pick<Journal, "dir" | "disk">;
  /** A segment is compressed this many milliseconds after the next one began. */
  readonly after: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Called between small steps: true ends the run early, and the next run continues. */
  readonly isStopped?: () => boolean;
  /** Called after each segment with the milliseconds that it took, so that a long run leaves time for traffic. */
  readonly pause?: (tookMs: number) => Promise<void>;
  /** Called with the reason when a segment is not compressed. */
  readonly onFailure?: (why: string) => void;
};

/** The segments compressed in this run, with their sizes in bytes before and after. */
export type Compressed = { readonly segments: number; readonly before: number; readonly after: number };

type Place = {
  readonly disk: Disk;
  readonly dir: string;
  readonly first: number;
  /** The index after its last entry. */
  readonly end: number;
  /** The next segment, by its first index. */
  readonly next: number;
};

/**
 * Oldest first. A segment whose lines do not match its leaf hashes stays plain and is reported to `onFailure`; the run
 * continues. Rejects when the disk fails.
 */
export const compressSegments = async ({
  journal,
  after,
  now = Date.now,
  isStopped = () => false,
  pause = () => Promise.resolve(),
  onFailure = () => undefined,
}: CompressOptions): Promise<Compressed> => {
  const { disk, dir } = journal;
  const names = await disk.list(paths(dir).segments);
  const spans = spansIn(names).filter(({ isThere }) => isThere);
  const done = { segments: 0, before: 0, after: 0 };
  const compressed = compressedIn(names);
  await oneAtATime(dir, () => removeLeftOvers(disk, dir, names));
  // Not the last segment: it is being written.
  for (const [at, { first, end }] of spans.slice(0, -1).entries()) {
    if (isStopped()) break;
    if (!names.includes(segmentName(first))) continue;
    const place = { disk, dir, first, end, next: spans[at + 1]!.first };
    const start = performance.now();
    try {
      const sizes = await oneAtATime(dir, async () => {
        // Retention may have deleted it meanwhile.
        const isThere = (await disk.list(paths(dir).segments)).includes(segmentName(first));
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

/** The lines of a segment do not match its leaf hashes. */
class OtherLines extends Error {
  override readonly name = "OtherLines";
}

const isDamage = (error: unknown): error is Error => error instanceof OtherLines || error instanceof FramesDamaged;

/** Undefined when stopped. A partial file is removed at once, because the disk may be full. */
const compressOne = async (
  place: Place,
  isStopped: () => boolean,
): Promise<Pick<Compressed, "before" | "after"> | undefined> => {
  const { disk, dir, first } = place;
  const at = paths(dir);
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

const temporaryOf = (dir: string, first: number): string => `${paths(dir).compressed(first)}.tmp`;

/** When it resolves with sizes, the temporary file holds every line and is on the disk. */
const pack = async (
  place: Place,
  temporary: string,
  isStopped: () => boolean,
): Promise<Pick<Compressed, "before" | "after"> | undefined> => {
  const { disk, dir, first } = place;
  const plain = await disk.open(paths(dir).segment(first), "read");
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

/** Resolves with the file's size in bytes. */
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

/**
 * After a crash between the rename and the removal of the plain file. Resolves with false when the compressed file is
 * incomplete: it is then written again from the plain one.
 */
const removePlain = async (place: Place): Promise<boolean> => {
  const { disk, dir, first } = place;
  const at = paths(dir);
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

/** Throws unless every line matches its leaf hash and the file holds nothing else. Resolves with false when stopped. */
const requireLines = async (
  { disk, dir, first, end }: Place,
  file: SegmentFile,
  { bytes, isStopped }: { readonly bytes: number | undefined; readonly isStopped: () => boolean },
): Promise<boolean> => {
  const hashes = await readWhole(disk, paths(dir).leaves(first));
  let index = first;
  let [stopped, hasDeleted] = [false, false];
  const good = await forEachLine(file, (buffer, from, to) => {
    if ((stopped = isStopped())) return false;
    if (index < end && isDeletedLine(buffer, from, to)) {
      hasDeleted = true;
      index++;
      return true;
    }
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
    throw new OtherLines(`${segmentName(first)} line ${index - first + 1} does not match its leaf hash`);
  if (hasDeleted && !(await areDeletedLinesExplained({ disk, dir }, first)))
    throw new OtherLines(`lines of ${segmentName(first)} are deleted and no signed entry says so`);
  return true;
};

/** Removes the partial files of a crash. */
const removeLeftOvers = async (disk: Disk, dir: string, names: readonly string[]): Promise<void> => {
  const at = paths(dir);
  for (const name of names) if (/^\d{12}\.jsonl\.zst\.tmp$/.test(name)) await disk.remove(`${at.segments}/${name}`);
};

const HEAD = /^\{"index":\d+,"time":"([^"]{27})"/;
const HEAD_BYTES = 64;

/** The time of the segment's first line, in milliseconds since 1970. */
const beginning = async (disk: Disk, dir: string, first: number): Promise<number> => {
  const head = await withSegment(disk, dir, first, (file) => readAll(file, 0, HEAD_BYTES));
  const micros = readMicros(HEAD.exec(head.toString("latin1"))?.[1] ?? "");
  if (Number.isNaN(micros)) throw new OtherLines(`${segmentName(first)} has no first line with a time`);
  return micros / 1000;
};
