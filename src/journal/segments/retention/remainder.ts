/**
 * Deletes entries whose kind has a shorter retention time than others before their segment: the segment is rewritten
 * without them, as its remainder (`deleted-lines.ts` describes the form). First an entry names the deleted lines, and a
 * checkpoint covers it. Then the remainder is written beside the segment, flushed, read back and renamed. A crash at
 * any step leaves the segment or the remainder intact, and the next run completes the work.
 *
 * A segment is rewritten at most once for each time in `audit.retention`, when all its entries of a kind are due.
 * Entries on which others depend stay until the whole segment is deleted (`kinds.ts`, `lines-by-kind.ts`).
 */
import type { Journal } from "../../journal.ts";
import type { Deleted, DeletedKinds, Kind, Remainder } from "../../entry.ts";
import { EARLY_DELETED_KINDS, REQUEST_KINDS } from "../../kinds.ts";
import { deletionUnexplained, firstTime, isDamage, isHeld, type Keep, type RetentionOptions } from "./due-segments.ts";
import { areDeletedLinesExplained } from "./explained-deletions.ts";
import { spansIn } from "../entry-ranges.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import { paths } from "../../paths.ts";
import { chosenIn, readLinesByKind, sumOf } from "./lines-by-kind.ts";
import { writeRemainder } from "./write-remainder.ts";
import { writeMicros } from "../../time.ts";

/** The maximum number of segments read per run. */
const MOST_READ = 100;

export type RemainderOptions = Omit<RetentionOptions, "openDoNotCalls"> & {
  /** Called between segments: true ends the run early, and the next run continues. */
  readonly isStopped?: () => boolean;
  /** Called after each segment with the milliseconds that it took. */
  readonly pause?: (tookMs: number) => Promise<void>;
};

/** `entries`: how many were deleted in this run, in how many segments. */
export type LeftRemainders = { readonly entry: Deleted; readonly segments: number; readonly entries: number };

/**
 * Resolves with what was deleted; undefined when nothing was due. Throws SegmentDamaged or FramesDamaged when a segment
 * does not match its leaf hashes. Call `finishRemainders` first.
 */
export const leaveRemainders = async (options: RemainderOptions): Promise<LeftRemainders | undefined> => {
  const { journal, checkpoints } = options;
  // Its entry would replace the one that names them.
  if (unfinishedRemainders(journal).length > 0) return undefined;
  const { remainders, kinds, entries } = await findDue(options);
  if (remainders.length === 0) return undefined;
  const before = journal.lastDeleted()?.entry;
  await checkpoints.write();
  const to = remainders.at(-1)!.to;
  if (checkpoints.last().size < to) throw new Error(`no checkpoint covers the entries up to ${to - 1}, so they stay`);
  const entry: Deleted = {
    kind: "deleted",
    from: before?.to ?? 0,
    to: before?.to ?? 0,
    segments: [],
    youngest: before?.youngest ?? writeMicros(0),
    dnc: before?.dnc ?? {},
    kinds,
    remainders,
  };
  await journal.append(entry);
  await checkpoints.write();
  await finishRemainders(options);
  return { entry, segments: remainders.length, entries };
};

type Unfinished = { readonly by: number; readonly remainders: readonly Remainder[] };

/** For the last entry of which this run has finished something. */
const unfinishedIn = new WeakMap<Pick<Journal, "lastDeleted">, Unfinished>();

/** The deletions that the last entry states and this run has not finished. A later entry must repeat them. */
export const unfinishedRemainders = (journal: Pick<Journal, "lastDeleted">): readonly Remainder[] => {
  const last = journal.lastDeleted();
  const known = unfinishedIn.get(journal);
  return known && known.by === last?.by ? known.remainders : (last?.entry.remainders ?? []);
};

/**
 * Completes the deletion that the last entry states, of this run or an earlier one. Nothing else may be deleted before.
 * A legal hold or a longer retention time may be newer than the entry: both are checked again, and the first segment
 * that must stay, and all later ones, are left to a later run.
 */
export const finishRemainders = async (options: Omit<RemainderOptions, "most">): Promise<void> => {
  const { journal, checkpoints, isStopped = () => false, pause = () => Promise.resolve() } = options;
  const last = journal.lastDeleted();
  const remainders = unfinishedRemainders(journal);
  if (remainders.length === 0 || last?.by === undefined) return;
  const { by } = last;
  if (checkpoints.last().size <= by) await checkpoints.write();
  if (checkpoints.last().size <= by)
    throw new Error("no checkpoint covers the entry about the deletion, so the entries stay until the next run");
  for (const [at, remainder] of remainders.entries()) {
    if (isStopped()) return;
    const start = performance.now();
    if (!(await oneAtATime(journal.dir, () => leave(options, { remainder, by })))) return;
    unfinishedIn.set(journal, { by, remainders: remainders.slice(at + 1) });
    await pause(performance.now() - start);
  }
};

/** Where the entry about deleted lines was set aside, their text then names the last entry, which repeats it. */
export const renameDeletions = async (journal: Journal): Promise<void> => {
  const last = journal.lastDeleted();
  if (last?.by === undefined) return;
  for (const remainder of last.entry.remainders ?? []) {
    const renaming = (): Promise<boolean> => leave({ journal, ...NO_DELETION }, { remainder, by: last.by! });
    await oneAtATime(journal.dir, renaming).catch((error: unknown) => {
      // The next run of the retention reports it.
      if (!isDamage(error)) throw error;
    });
  }
};

const NO_DELETION = { keep: { default: Number.POSITIVE_INFINITY }, holds: [] } as const;

type Leaving = { readonly remainder: Remainder; readonly by: number };
type Allowed = Pick<RemainderOptions, "journal" | "keep" | "holds" | "now">;

/** Resolves with false if the segment must stay for now. */
const leave = async (
  { journal, keep, holds, now = Date.now }: Allowed,
  { remainder, by }: Leaving,
): Promise<boolean> => {
  const { disk, dir } = journal;
  const { from: first, to: end, kinds, entries, sha256 } = remainder;
  const there = spansIn(await disk.list(paths(dir).segments)).filter(({ isThere }) => isThere);
  const at = there.findIndex((each) => each.first === first);
  // The segment may have been set aside meanwhile.
  if (at < 0) return true;
  const lines = await readLinesByKind(journal, { first, end, kinds });
  const isThis = (indexes: readonly number[]): boolean => indexes.length === entries && sumOf(indexes) === sha256;
  const gone = lines.deleted.map(({ index }) => index);
  const isExplained = await areDeletedLinesExplained(journal, first);
  const places = [...lines.deleted, ...chosenIn(lines, kinds)].toSorted((one, other) => one.index - other.index);
  if (isThis(gone)) {
    const places = lines.deleted;
    await writeRemainder(journal, { first, by, places, isWritten: isExplained, month: lines.beginning });
    return true;
  }
  if (!isExplained) throw deletionUnexplained(first);
  // A copy from before an earlier deletion was restored: it stays until the whole segment is deleted.
  if (!isThis(places.map(({ index }) => index))) return true;
  const youngest = Math.max(lines.youngest, await firstTime(journal, there[at + 1]!.first));
  if (isHeld(holds, { ...lines, youngest })) return false;
  const times = timesByKind(keep);
  if (kinds.some((kind) => now() - youngest < (times.get(kind) ?? Number.POSITIVE_INFINITY))) return false;
  await writeRemainder(journal, { first, by, places, isWritten: false, month: lines.beginning });
  return true;
};

type Due = { readonly remainders: readonly Remainder[]; readonly kinds: DeletedKinds; readonly entries: number };

/** Segments without anything to delete are not read again in this run. */
const reachedIn = new WeakMap<Pick<Journal, "lastDeleted">, DeletedKinds>();

const findDue = async (options: RemainderOptions): Promise<Due> => {
  const { journal, keep, most = Number.POSITIVE_INFINITY, now = Date.now } = options;
  const { isStopped = () => false, pause = () => Promise.resolve() } = options;
  const last = journal.lastDeleted();
  const early = earlyKinds(keep);
  const found: Found[] = [];
  let kinds = joined(last?.entry.kinds, reachedIn.get(journal));
  let [read, oldest] = [0, 0];
  const there = spansIn(await journal.disk.list(paths(journal.dir).segments)).filter(
    ({ first, isThere }) => isThere && first >= (last?.entry.to ?? 0),
  );
  // Not the last segment: it is being written.
  for (const [at, { first, end }] of there.slice(0, -1).entries()) {
    const isWaiting = (kind: Kind): boolean => (kinds[kind]?.to ?? 0) < end;
    if (![...early.keys()].some(isWaiting)) continue;
    // A segment is no older than the start of the next one, even if a wrong clock dated it so.
    const next = await firstTime(journal, there[at + 1]!.first);
    dropYounger(early, now() - next);
    const waiting = [...early.keys()].filter(isWaiting);
    if (early.size === 0 || isStopped() || read === MOST_READ) break;
    if (waiting.length === 0) continue;
    if (found.length === 0) oldest = await firstTime(journal, first);
    else if (next - oldest > most) break;
    read++;
    const start = performance.now();
    const one = await examine(options, { first, end, next, waiting, early }).catch((error: unknown) => {
      // The earlier ones can be rewritten; the next run reports the damage of this one.
      if (found.length > 0 && isDamage(error)) return undefined;
      throw error;
    });
    if (!one) break;
    kinds = { ...kinds, ...reachedBy(one, kinds) };
    if (one.entries > 0) found.push(one);
    await pause(performance.now() - start);
  }
  if (found.length === 0) reachedIn.set(journal, kinds);
  return {
    remainders: found.map(({ remainder }) => remainder),
    kinds,
    entries: found.reduce((sum, { entries }) => sum + entries, 0),
  };
};

/** `next`: the time at which the next segment begins. `waiting`: kinds that may be due. */
type Examined = {
  readonly first: number;
  readonly end: number;
  readonly next: number;
  readonly waiting: readonly Kind[];
  readonly early: Map<Kind, number>;
};
/** `entries`: how many are to be deleted, of the kinds `ofKinds`. */
type Found = {
  readonly remainder: Remainder;
  readonly entries: number;
  readonly ofKinds: ReadonlySet<Kind>;
  readonly youngest: number;
};

/** Undefined if a legal hold covers the segment. */
const examine = async (
  { journal, holds, now = Date.now }: RemainderOptions,
  { first, end, next, waiting, early }: Examined,
): Promise<Found | undefined> => {
  const lines = await readLinesByKind(journal, { first, end, kinds: waiting });
  const youngest = Math.max(lines.youngest, next);
  if (isHeld(holds, { ...lines, youngest })) return undefined;
  if (lines.deleted.length > 0 && !(await areDeletedLinesExplained(journal, first))) throw deletionUnexplained(first);
  dropYounger(early, now() - youngest);
  const kinds = waiting.filter((kind) => early.has(kind));
  const chosen = chosenIn(lines, kinds);
  const indexes = [...lines.deleted, ...chosen].map(({ index }) => index).toSorted((one, other) => one - other);
  return {
    remainder: { from: first, to: end, kinds, entries: indexes.length, sha256: sumOf(indexes) },
    entries: chosen.length,
    ofKinds: new Set(chosen.map(({ kind }) => kind)),
    youngest,
  };
};

/** Retention times, in milliseconds, of the kinds that may be deleted early. The kinds of a request have one time. */
const timesByKind = (keep: Keep): Map<Kind, number> => {
  const timeOf = (kind: Kind): number => keep[kind] ?? keep.default;
  const exchange = Math.max(...REQUEST_KINDS.map(timeOf));
  return new Map([
    ...EARLY_DELETED_KINDS.map((kind): [Kind, number] => [kind, timeOf(kind)]),
    ...REQUEST_KINDS.map((kind): [Kind, number] => [kind, exchange]),
  ]);
};

const earlyKinds = (keep: Keep): Map<Kind, number> => {
  const longest = Math.max(...Object.values(keep));
  return new Map([...timesByKind(keep)].filter(([, ms]) => ms < longest));
};

/** A kind that is not due in a segment is not due in a later one. */
const dropYounger = (early: Map<Kind, number>, age: number): void => {
  for (const [kind, ms] of early) if (age < ms) early.delete(kind);
};

const reachedBy = ({ remainder: { to, kinds }, ofKinds, youngest }: Found, before: DeletedKinds): DeletedKinds =>
  Object.fromEntries(
    kinds.map((kind) => {
      const times = [before[kind]?.youngest ?? null, ofKinds.has(kind) ? writeMicros(youngest * 1000) : null];
      return [
        kind,
        {
          to,
          youngest:
            times
              .filter((time) => time !== null)
              .toSorted()
              .at(-1) ?? null,
        },
      ];
    }),
  );

const joined = (one: DeletedKinds = {}, other: DeletedKinds = {}): DeletedKinds => {
  const kinds = new Set([...Object.keys(one), ...Object.keys(other)] as Kind[]);
  return Object.fromEntries(
    [...kinds].map((kind) => [kind, (other[kind]?.to ?? 0) > (one[kind]?.to ?? 0) ? other[kind] : one[kind]]),
  );
};
