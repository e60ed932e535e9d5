/**
 * Sets a damaged segment aside: an entry states the segment, the damage and the user, a checkpoint covers the entry,
 * and then the files are moved to `set-aside`, where the journal no longer reads them. Nothing is deleted and the leaf
 * hashes stay, so the tree can still be built. After a crash before the move, the next run makes the move.
 */
import type { AccessRequest } from "../access.ts";
import { accountName } from "../access.ts";
import type { Journal, LastDeleted } from "../journal.ts";
import type { Checkpoints } from "../integrity/checkpoints/checkpoint.ts";
import type { Deleted, SetAside } from "../entry.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { OpenDoNotCalls } from "../open-dnc/open-dnc-counter.ts";
import { compressedName, paths, segmentName } from "../paths.ts";
import { readEntries } from "../read/read-entries.ts";
import { renameDeletions } from "./retention/remainder.ts";
import { carryOn } from "./retention/retention.ts";
import { examine, sumOf, type ExamineOptions } from "./examine-segment.ts";

export type SetAsideOptions = ExamineOptions & {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last" | "write">;
  /** The open Do-Not-Calls: those in the segment are carried on. */
  readonly openDoNotCalls: Pick<OpenDoNotCalls, "below">;
  readonly by: Pick<AccessRequest, "user" | "behind" | "purpose">;
};

/** Resolves with the entry and its index when the files are moved. Throws NotSetAside. */
export const setAside = async (
  setting: SetAsideOptions,
  first: number,
): Promise<{ readonly entry: SetAside; readonly index: number }> => {
  const { entry, index, areRepeated } = await oneAtATime(setting.journal.dir, () => set(setting, first));
  if (areRepeated) await renameDeletions(setting.journal);
  return { entry, index };
};

/** `areRepeated`: a further entry repeats what entries in the segment state about deletions. */
type Done = { readonly entry: SetAside; readonly index: number; readonly areRepeated: boolean };

const set = async (setting: SetAsideOptions, first: number): Promise<Done> => {
  const {
    journal,
    checkpoints,
    openDoNotCalls,
    by: { user, behind, purpose },
  } = setting;
  const { failed } = journal.status();
  if (failed !== undefined) throw new Error(failed);
  // The line after the segment must be provable, because it gives the end of the segment's period.
  await checkpoints.write();
  const open = openDoNotCalls.below(Number.POSITIVE_INFINITY);
  const { look, lines, deletions } = await examine(setting, first, new Set(open?.map(({ from }) => from)));
  const within = open?.filter(({ from }) => from >= look.from && from < look.to) ?? [];
  const carried = within.filter(({ from }) => lines.has(from));
  const lost = open ? within.length - carried.length : null;
  const entry: SetAside = {
    kind: "set-aside",
    ...look,
    lost,
    user: accountName(user),
    ...(behind && { behind }),
    ...(purpose !== undefined && { purpose }),
    before: journal.setAsideRanges(),
  };
  await carryOn(journal, carried, lines);
  const repeated = repeatDeletions(journal.lastDeleted(), look, deletions);
  if (repeated) await journal.append(repeated);
  await journal.append(entry);
  await checkpoints.write();
  const said = journal.setAsideRanges().find(({ from }) => from === first);
  if (!said || checkpoints.last().size <= said.by)
    throw new Error("no checkpoint covers the entry about it, so the segment stays in place until the next start");
  await move(
    journal,
    entry.files.map(({ name }) => name),
  );
  return { entry, index: said.by, areRepeated: repeated !== undefined };
};

/**
 * What entries in the segment state about deletions must be stated again: without it, deleted entries are missing for
 * no reason. Undefined if there are none.
 */
const repeatDeletions = (
  last: LastDeleted | undefined,
  { from, to }: Pick<SetAside, "from" | "to">,
  deletions: readonly Deleted[],
): Deleted | undefined => {
  const isWithin = last?.by !== undefined && last.by >= from && last.by < to;
  const remainders = deletions.flatMap((each) => each.remainders ?? []);
  if (!last || (!isWithin && remainders.length === 0)) return undefined;
  const all = [...remainders, ...(last.entry.remainders ?? [])].filter((each) => each.from >= last.entry.to);
  const { kind, youngest, dnc, kinds } = last.entry;
  return {
    kind,
    from: last.entry.to,
    to: last.entry.to,
    segments: [],
    youngest,
    dnc,
    ...(kinds && { kinds }),
    ...(all.length > 0 && {
      remainders: [...new Map(all.map((each) => [`${each.from} ${each.sha256}`, each])).values()],
    }),
  };
};

/**
 * Resolves when both directories are on the disk. A file that already has the name in `set-aside` is an earlier one and
 * stays.
 */
const move = async ({ disk, dir }: Journal, names: readonly string[]): Promise<void> => {
  const at = paths(dir);
  await disk.makeDirectory(at.setAside);
  const taken = new Set(await disk.list(at.setAside));
  for (const name of names) await disk.rename(`${at.segments}/${name}`, `${at.setAside}/${freeName(name, taken)}`);
  await disk.syncDirectory(at.setAside);
  await disk.syncDirectory(at.segments);
};

const freeName = (name: string, taken: ReadonlySet<string>): string => {
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name}.${count}`;
    if (!taken.has(free)) return free;
  }
};

/**
 * Completes the move that an earlier run stated before it crashed. A file that differs from the one in the entry was
 * restored from a copy since: it stays.
 */
export const finishSettingAside = async (journal: Journal): Promise<void> => {
  const there = new Set(
    (await journal.disk.list(paths(journal.dir).segments)).flatMap((name) => (name.endsWith(".hashes") ? [] : [name])),
  );
  for (const { from, by } of journal.setAsideRanges()) {
    if (!there.has(segmentName(from)) && !there.has(compressedName(from))) continue;
    for await (const entry of readEntries(journal.dir, { from: by, to: by + 1 }, journal.disk)) {
      if (entry.kind !== "set-aside") continue;
      const left: string[] = [];
      for (const { name, sha256 } of entry.files) {
        if (there.has(name) && (await sumOf(journal.disk, `${paths(journal.dir).segments}/${name}`)).sha256 === sha256)
          left.push(name);
      }
      if (left.length > 0) await oneAtATime(journal.dir, () => move(journal, left));
    }
  }
};
