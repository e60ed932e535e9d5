/**
 * Which segments retention may delete: from the oldest on, each as soon as the retention times of all its entries are
 * over, up to the first one that a legal hold covers.
 */
import type { Journal } from "../../journal.ts";
import type { SetAsideRange } from "../set-aside-ranges.ts";
import type { Checkpoints } from "../../integrity/checkpoints/checkpoint.ts";
import { readAll, readWhole } from "../../disk.ts";
import type { Kind, Recorded } from "../../entry.ts";
import { kindOf, readLine } from "../../entry-line.ts";
import { isDeletedLine } from "./deleted-lines.ts";
import { areDeletedLinesExplained } from "./explained-deletions.ts";
import { FramesDamaged } from "../frames.ts";
import { forEachIntact } from "../../integrity/intact-lines.ts";
import { forEachLine } from "../../read/read-lines.ts";
import type { OpenDoNotCalls } from "../../open-dnc/open-dnc-counter.ts";
import { paths, segmentName } from "../../paths.ts";
import { Prover } from "../../integrity/entry-proof.ts";
import { readLines } from "../../read/read-entries.ts";
import { openSetAside, withSegment } from "../segment.ts";
import { spansIn, type Span } from "../entry-ranges.ts";
import { readMicros } from "../../time.ts";
import { RecoveryScan } from "../../write/recovery/recovery-scan.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "../../integrity/merkle-tree.ts";

/** Milliseconds: of the named kinds, and of all others. */
export type Keep = Readonly<Partial<Record<Kind, number>>> & { readonly default: number };
/** Milliseconds since 1970; from the first to before the last. */
export type Hold = { readonly name: string; readonly from: number; readonly until: number };

export type RetentionOptions = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "write" | "last">;
  readonly keep: Keep;
  readonly holds: readonly Hold[];
  /** The open Do-Not-Calls: those in deleted segments are carried on. */
  readonly openDoNotCalls: Pick<OpenDoNotCalls, "below">;
  /**
   * At most this many milliseconds between the start of the first deleted segment and the end of the last; one segment
   * may always be deleted.
   */
  readonly most?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/** Due segments cannot be deleted yet, for a temporary reason. */
export class DeletionDelayed extends Error {
  override readonly name = "DeletionDelayed";
}

/** A segment is not as it was signed. It and all later ones stay until an operator sets it aside. */
export class SegmentDamaged extends Error {
  override readonly name = "SegmentDamaged";
}

export const OPEN_UNKNOWN = "it is not known yet which Do-Not-Calls are open, and those must not be lost";

/** Milliseconds since 1970. */
export type Times = { readonly oldest: number; readonly youngest: number };

export const isHeld = (holds: readonly Hold[], { oldest, youngest }: Times): boolean =>
  holds.some(({ from, until }) => from <= youngest && until > oldest);

export const isDamage = (error: unknown): boolean => error instanceof SegmentDamaged || error instanceof FramesDamaged;

/** Times in milliseconds since 1970. `wanted`: entries by index. */
export type DueSegment = {
  readonly first: number;
  readonly end: number;
  readonly oldest: number;
  readonly youngest: number;
  readonly kinds: ReadonlySet<string>;
  readonly trail: RecoveryScan;
  readonly wanted: ReadonlyMap<number, Recorded>;
};

/** The time and the kind of a line. */
export const HEAD = /^\{"index":\d+,"time":"([^"]{27})","kind":"([a-z-]+)"/;
export const HEAD_BYTES = 96;

/** Throws DeletionDelayed, and SegmentDamaged or FramesDamaged for the first segment. */
export const findDue = async ({
  journal,
  keep,
  holds,
  openDoNotCalls,
  most = Number.POSITIVE_INFINITY,
  now = Date.now,
}: RetentionOptions): Promise<DueSegment[]> => {
  const gone = journal.lastDeleted()?.entry.to ?? 0;
  const spans = spansIn(await journal.disk.list(paths(journal.dir).segments)).filter(
    ({ first, isThere }) => isThere || first >= gone,
  );
  const due: DueSegment[] = [];
  const [least, longest] = [Math.min(...Object.values(keep)), Math.max(...Object.values(keep))];
  // Not the last segment: it is being written.
  for (const [at, span] of spans.slice(0, -1).entries()) {
    const { first, end, isThere } = span;
    const aside = isThere ? undefined : journal.setAsideRanges().find(({ from }) => from === first);
    if (!isThere && !aside) break;
    // A segment is no older than the start of the next one, even if a wrong clock dated it so.
    const next = await firstTime(journal, spans.slice(at + 1).find((each) => each.isThere)!.first);
    if (now() - next < least) break;
    if (due.length > 0 && next - due[0]!.oldest > most) break;
    const open = openDoNotCalls.below(end);
    if (!open) throw new DeletionDelayed(OPEN_UNKNOWN);
    const wanted = new Set(open.map(({ from }) => from));
    const looked = await (aside ? readSetAside(journal, span, aside) : look(journal, { first, end, wanted })).catch(
      (error: unknown) => {
        // The earlier ones can be deleted; the next run reports the damage of this one.
        if (due.length > 0 && isDamage(error)) return undefined;
        throw error;
      },
    );
    if (!looked) break;
    const youngest = Math.max(looked.youngest, next);
    const isDue = aside
      ? now() - youngest >= longest
      : [...looked.kinds].every((kind) => now() - youngest >= (keep[kind as Kind] ?? keep.default));
    if (!isDue || isHeld(holds, { oldest: looked.oldest, youngest })) break;
    due.push(looked);
  }
  return due;
};

export const millis = (time: string | undefined): number => Math.floor(readMicros(time ?? "") / 1000);

/** The time of the segment's first line, in milliseconds since 1970. */
export const firstTime = async ({ disk, dir }: Journal, first: number): Promise<number> => {
  const head = await withSegment(disk, dir, first, (file) => readAll(file, 0, HEAD_BYTES));
  const time = millis(HEAD.exec(head.toString("latin1"))?.[1]);
  if (Number.isNaN(time)) throw new Error(`${segmentName(first)} has no first line with a time`);
  return time;
};

/** Between which times the lines of a segment lie, and the beginning of the next one. */
export const timesIn = async (journal: Journal, first: number): Promise<Times> => {
  const { disk, dir } = journal;
  const next = spansIn(await disk.list(paths(dir).segments)).find((each) => each.first > first && each.isThere);
  const times = {
    oldest: Number.POSITIVE_INFINITY,
    youngest: next ? await firstTime(journal, next.first) : Number.POSITIVE_INFINITY,
  };
  await withSegment(disk, dir, first, (file) =>
    forEachLine(file, (bytes, start, end) => {
      const time = millis(HEAD.exec(bytes.toString("latin1", start, Math.min(end, start + HEAD_BYTES)))?.[1]);
      if (Number.isNaN(time)) return true;
      Object.assign(times, { oldest: Math.min(times.oldest, time), youngest: Math.max(times.youngest, time) });
      return true;
    }),
  );
  return times;
};

/** The kinds of its entries are unknown, so it stays for the longest retention time of all kinds. */
const readSetAside = async (journal: Journal, { first, end }: Span, { by }: SetAsideRange): Promise<DueSegment> => {
  const { disk, dir } = journal;
  const seen = {
    first,
    end,
    oldest: Number.NEGATIVE_INFINITY,
    youngest: Number.NEGATIVE_INFINITY,
    kinds: new Set<string>(),
    trail: new RecoveryScan(),
    wanted: new Map<number, Recorded>(),
  };
  for await (const { entry, text } of readLines(dir, { from: by, to: by + 1 }, disk)) {
    if (entry.kind !== "set-aside" || !(await isProved({ disk, dir }, by, text)))
      throw new SegmentDamaged(
        `entry ${by}, which says that ${segmentName(first)} was set aside, differs from what was signed, so that ` +
          "segment and all later ones stay",
      );
    if (entry.oldest !== null) seen.oldest = millis(entry.oldest);
    // If its times are unknown, its lines are at least older than the entry that set it aside.
    seen.youngest = millis(entry.youngest ?? entry.time);
  }
  const hashes = await readWhole(disk, paths(dir).leaves(first));
  await forEachIntact({ open: () => openSetAside(disk, dir, first), first, hashes }, (bytes, start, lineEnd, index) =>
    seen.trail.add(bytes, start, lineEnd, index),
  );
  return seen;
};

const isProved = async (place: Pick<Journal, "disk" | "dir">, index: number, line: string): Promise<boolean> => {
  const prover = await Prover.open(place);
  try {
    return (await prover.of(index, Buffer.from(line))) === "proved";
  } finally {
    await prover.close();
  }
};

type Wanted = { readonly first: number; readonly end: number; readonly wanted: ReadonlySet<number> };

const look = async ({ disk, dir }: Journal, { first, end, wanted }: Wanted): Promise<DueSegment> => {
  const hashes = await readWhole(disk, paths(dir).leaves(first));
  const seen = {
    first,
    end,
    oldest: Number.POSITIVE_INFINITY,
    youngest: Number.NEGATIVE_INFINITY,
    kinds: new Set<string>(),
    trail: new RecoveryScan(),
    wanted: new Map<number, Recorded>(),
  };
  let index = first;
  let hasDeleted = false;
  await withSegment(disk, dir, first, async (file) => {
    await forEachLine(file, (bytes, start, lineEnd) => {
      if (isDeletedLine(bytes, start, lineEnd)) {
        hasDeleted = true;
        index++;
        return true;
      }
      const [, time, kind] = HEAD.exec(bytes.toString("latin1", start, Math.min(lineEnd, start + HEAD_BYTES))) ?? [];
      const at = (index - first) * DIGEST_BYTES;
      if (
        kind === undefined ||
        at + DIGEST_BYTES > hashes.length ||
        leafHashWithin(bytes, start, lineEnd) !== digestOf(hashes.subarray(at, at + DIGEST_BYTES))
      )
        return false;
      Object.assign(seen, {
        oldest: Math.min(seen.oldest, millis(time)),
        youngest: Math.max(seen.youngest, millis(time)),
      });
      seen.kinds.add(kindOf(kind));
      if (wanted.has(index)) seen.wanted.set(index, readLine(bytes.toString("utf8", start, lineEnd)));
      seen.trail.add(bytes, start, lineEnd, index++);
      return true;
    });
  });
  if (index !== end) throw lineDamaged(first, index);
  if (hasDeleted && !(await areDeletedLinesExplained({ disk, dir }, first))) throw deletionUnexplained(first);
  return seen;
};

/** The error for the line with this index. */
export const lineDamaged = (first: number, index: number): SegmentDamaged =>
  new SegmentDamaged(
    `line ${index - first + 1} of ${segmentName(first)} does not match its leaf hash, so this segment and all later ` +
      "ones are kept: run ocsgw audit verify -c FILE, then restore the segment from a copy or run ocsgw audit " +
      "set-aside -c FILE SEGMENT",
  );

export const deletionUnexplained = (first: number): SegmentDamaged =>
  new SegmentDamaged(
    `lines of ${segmentName(first)} are deleted and no signed entry says so, so this segment and all later ones are ` +
      "kept: run ocsgw audit verify -c FILE, then restore the segment from a copy or run ocsgw audit " +
      "set-aside -c FILE SEGMENT",
  );
