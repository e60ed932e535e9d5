/**
 * Deletes expired segments (`due-segments.ts` selects them). Before that, an entry states the deletion, and a
 * checkpoint covers the entry and the segments. The leaf hashes stay, so the tree over all entries can still be built.
 */
import type { Journal } from "../../journal.ts";
import { coversAll } from "../set-aside-ranges.ts";
import type { Deleted, OpenDnc, Recorded } from "../../entry.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { Open } from "../../open-dnc/open-dnc-rows.ts";
import { paths, segmentName } from "../../paths.ts";
import {
  findDue,
  isDamage,
  isHeld,
  millis,
  DeletionDelayed,
  OPEN_UNKNOWN,
  timesIn,
  type DueSegment,
  type Hold,
  type RetentionOptions,
} from "./due-segments.ts";
import { unfinishedRemainders } from "./remainder.ts";
import { firstsOf, removeSegment } from "../segment.ts";
import { writeMicros } from "../../time.ts";

/**
 * Resolves with the entry that states the deletion; undefined when nothing was due. Throws DeletionDelayed while the
 * open Do-Not-Calls are unknown, and SegmentDamaged or FramesDamaged when the first due segment does not match its leaf
 * hashes.
 */
export const deleteExpired = async (options: RetentionOptions): Promise<Deleted | undefined> => {
  const { journal, checkpoints } = options;
  const due = await findDue(options);
  if (due.length === 0) return undefined;
  await carryOn(journal, openIn(options, due), new Map(due.flatMap(({ wanted }) => [...wanted])));
  const entry = entryFor(due, journal);
  await checkpoints.write();
  if (checkpoints.last().size < entry.to)
    throw new Error(`no checkpoint covers the entries up to ${entry.to - 1}, so they stay`);
  await journal.append(entry);
  await checkpoints.write();
  await oneAtATime(journal.dir, () =>
    remove(
      journal,
      due.map(({ first }) => first),
    ),
  );
  return entry;
};

/** Open Do-Not-Calls of set-aside segments are left out: setting aside carried them on, or counted them as lost. */
const openIn = ({ journal, openDoNotCalls }: RetentionOptions, due: readonly DueSegment[]): readonly Open[] => {
  const open = openDoNotCalls.below(due.at(-1)!.end);
  if (!open) throw new DeletionDelayed(OPEN_UNKNOWN);
  const ranges = journal.setAsideRanges();
  return open.filter(({ from }) => !coversAll(ranges, from, from + 1));
};

/**
 * Before the segments are deleted, writes an entry for each Do-Not-Call that is still open in them. A crash after it is
 * harmless: the next run writes them again.
 */
export const carryOn = async (
  journal: Pick<Journal, "append">,
  open: readonly Open[],
  lines: ReadonlyMap<number, Recorded>,
): Promise<void> => {
  for (let at = 0; at < open.length; at += CARRIED_AT_ONCE) {
    const entries = open.slice(at, at + CARRIED_AT_ONCE).map((each) => carriedOf(each, lines.get(each.from)));
    await Promise.all(entries.map((each) => journal.append(each)));
  }
};

const CARRIED_AT_ONCE = 500;

/** `asked`: the entry of the first attempt, which equals the last one except for its id. */
export const carriedOf = (
  { id, from, first, last, tries, clients, ended }: Open,
  asked: Recorded | undefined,
): OpenDnc => {
  if (asked?.kind !== "intent" && asked?.kind !== "refusal" && asked?.kind !== "open-dnc")
    throw new Error(`the entry of index ${from}, an open Do-Not-Call, was not found, so its segment stays`);
  const { tenant, client, resource, identifier, action, tokens, upstream, epoch } = asked;
  const body = Object.fromEntries(
    SCOPE.flatMap((name) => ("body" in asked && asked.body[name] !== undefined ? [[name, asked.body[name]]] : [])),
  );
  return {
    kind: "open-dnc",
    id,
    tenant,
    client,
    resource,
    identifier,
    action,
    body,
    ...(tokens && { tokens }),
    ...(upstream !== undefined && { upstream }),
    ...(epoch !== undefined && { epoch }),
    ...ended,
    first: writeMicros(first),
    last: writeMicros(last),
    tries,
    clients,
  };
};

const SCOPE = ["GSW_CAMPAIGN_NAME", "GSW_CALLING_LIST", "GSW_CHAIN_ATTR"] as const;

/**
 * Completes the deletion that an earlier run stated before it crashed. A legal hold may be newer than that: the first
 * segment that it covers, and all later ones, stay until `deleteExpired` finds them due again.
 */
export const finishDeleting = async (journal: Journal, holds: readonly Hold[]): Promise<void> => {
  const { to, youngest } = journal.lastDeleted()?.entry ?? { to: 0, youngest: writeMicros(0) };
  await oneAtATime(journal.dir, async () => {
    const left = (await firstsOf(journal.disk, journal.dir)).filter((first) => first < to);
    const held = await firstHeld(journal, left, holds);
    const until = held ?? to;
    const mayAsideGo = held === undefined && !isHeld(holds, { ...NO_TIME, youngest: millis(youngest) });
    const aside = (await setAsideFilesIn(journal)).filter((first) => first < until && mayAsideGo);
    const gone = [...left.filter((first) => first < until), ...aside];
    if (gone.length > 0) await remove(journal, gone);
  });
};

/** The times of lines in a set-aside file are unknown. */
const NO_TIME = { oldest: Number.NEGATIVE_INFINITY } as const;

const firstHeld = async (
  journal: Journal,
  firsts: readonly number[],
  holds: readonly Hold[],
): Promise<number | undefined> => {
  if (holds.length === 0) return undefined;
  for (const first of firsts) {
    const times = await timesIn(journal, first).catch((error: unknown) => {
      if (!isDamage(error)) throw error;
      return undefined;
    });
    if (!times || isHeld(holds, times)) return first;
  }
  return undefined;
};

/** Oldest first, so that after a crash the remaining segments still follow the hashes of the deleted ones. */
const remove = async ({ disk, dir }: Journal, firsts: readonly number[]): Promise<void> => {
  for (const first of firsts) await removeSegment(disk, dir, first);
  await disk.syncDirectory(paths(dir).segments);
  const aside = (await setAsideNames({ disk, dir })).filter((name) => firsts.includes(Number.parseInt(name, 10)));
  for (const name of aside) await disk.remove(`${paths(dir).setAside}/${name}`);
  if (aside.length > 0) await disk.syncDirectory(paths(dir).setAside);
};

/** Set-aside files are deleted when their retention time is over, as all others. */
const setAsideNames = async ({ disk, dir }: Pick<Journal, "disk" | "dir">): Promise<string[]> => {
  const names = await disk.list(paths(dir).setAside).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => /^\d{12}\.jsonl/.test(name));
};

const setAsideFilesIn = async (at: Pick<Journal, "disk" | "dir">): Promise<number[]> => [
  ...new Set((await setAsideNames(at)).map((name) => Number.parseInt(name, 10))),
];

const entryFor = (due: readonly DueSegment[], journal: Journal): Deleted => {
  const before = journal.lastDeleted()?.entry;
  const to = due.at(-1)!.end;
  const remainders = unfinishedRemainders(journal).filter(({ from }) => from >= to);
  const dnc: Record<string, number> = { ...before?.dnc };
  for (const { trail } of due)
    for (const [sequence, number] of Object.entries(trail.numbers.all()))
      dnc[sequence] = Math.max(dnc[sequence] ?? 0, number);
  return {
    kind: "deleted",
    from: due[0]!.first,
    to,
    segments: due.map(({ first }) => segmentName(first)),
    youngest: writeMicros(Math.max(...due.map(({ youngest }) => youngest)) * 1000),
    dnc,
    ...(before?.kinds && { kinds: before.kinds }),
    ...(remainders.length > 0 && { remainders }),
  };
};
