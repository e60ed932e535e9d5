/**
 * What is old enough is deleted: whole segments, from the oldest on, each as soon as every entry in it may go by the time of its kind, and none that
 * a legal hold covers, nor any behind that one. An entry says so first, and a checkpoint covers both it and them. Their leaf hashes stay, so the
 * tree over all entries can still be built.
 */
import type { Journal } from "./append.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { readWhole } from "./disk.ts";
import { kindOf, type Deleted, type Kind } from "./entry.ts";
import { forEachLine } from "./lines.ts";
import { numbersIn, places, segmentName } from "./places.ts";
import { readMicros, writeMicros } from "./time.ts";
import { Trail } from "./trail.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "./tree.ts";

/** Milliseconds: of the kinds named, and of all others. */
export type Keep = Readonly<Partial<Record<Kind, number>>> & { readonly default: number };
/** Milliseconds since 1970; from its first to before its last. */
export type Hold = { readonly name: string; readonly from: number; readonly until: number };

export type RetentionOptions = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "write" | "last">;
  readonly keep: Keep;
  readonly holds: readonly Hold[];
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/** Times in milliseconds since 1970. */
type Looked = { readonly first: number; readonly end: number; readonly oldest: number; readonly youngest: number; readonly kinds: ReadonlySet<string>; readonly trail: Trail };

const HEAD = /^\{"index":\d+,"time":"([^"]{27})","kind":"([a-z-]+)"/;
const HEAD_BYTES = 96;

/** What this run has said of what it deleted; before that, the journal knows what earlier runs said. */
const said = new WeakMap<Journal, Deleted>();

/** Resolves with the entry that tells what was deleted; undefined when nothing was due. Throws when a segment is not what its leaf hashes say. */
export const retire = async (options: RetentionOptions): Promise<Deleted | undefined> => {
  const { journal, checkpoints } = options;
  const due = await findDue(options);
  if (due.length === 0) return undefined;
  const entry = entryFor(due, said.get(journal) ?? journal.deleted);
  await checkpoints.write();
  if (checkpoints.last().size < entry.to) throw new Error(`no checkpoint covers the entries up to ${entry.to - 1}, so they stay`);
  await journal.append(entry);
  said.set(journal, entry);
  await checkpoints.write();
  await remove(journal, due.map(({ first }) => first));
  return entry;
};

/** What an earlier run had said that it deletes, when a crash came between. */
export const finishRetiring = async (journal: Journal): Promise<void> => {
  const { to } = journal.deleted ?? { to: 0 };
  const left = numbersIn(await journal.disk.list(places(journal.dir).segments), ".jsonl").filter((first) => first < to);
  if (left.length > 0) await remove(journal, left);
};

/** The oldest first, so that what is left after a crash still follows the hashes of what is gone. */
const remove = async ({ disk, dir }: Journal, firsts: readonly number[]): Promise<void> => {
  for (const first of firsts) await disk.remove(places(dir).segment(first));
  await disk.syncDirectory(places(dir).segments);
};

const entryFor = (due: readonly Looked[], before: Deleted | undefined): Deleted => {
  const dnc: Record<string, number> = { ...before?.dnc };
  for (const { trail } of due) for (const [sequence, number] of Object.entries(trail.numbers.all())) dnc[sequence] = Math.max(dnc[sequence] ?? 0, number);
  return {
    kind: "deleted",
    from: due[0]!.first,
    to: due.at(-1)!.end,
    segments: due.map(({ first }) => segmentName(first)),
    youngest: writeMicros(Math.max(...due.map(({ youngest }) => youngest)) * 1000),
    dnc,
  };
};

const findDue = async ({ journal, keep, holds, now = Date.now }: RetentionOptions): Promise<Looked[]> => {
  const firsts = numbersIn(await journal.disk.list(places(journal.dir).segments), ".jsonl");
  const due: Looked[] = [];
  const least = Math.min(...Object.values(keep));
  // The last segment is being written.
  for (const [at, first] of firsts.slice(0, -1).entries()) {
    const end = firsts[at + 1]!;
    // A segment is no older than the beginning of the next one, whatever a wrong clock once dated it.
    const next = await firstTime(journal, end);
    if (now() - next < least) break;
    const looked = await look(journal, { first, end });
    const youngest = Math.max(looked.youngest, next);
    const isDue = [...looked.kinds].every((kind) => now() - youngest >= (keep[kind as Kind] ?? keep.default));
    if (!isDue || holds.some(({ from, until }) => from <= youngest && until > looked.oldest)) break;
    due.push(looked);
  }
  return due;
};

const millis = (time: string | undefined): number => Math.floor(readMicros(time ?? "") / 1000);

const firstTime = async ({ disk, dir }: Journal, first: number): Promise<number> => {
  const file = await disk.open(places(dir).segment(first), "read");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0);
    const time = millis(HEAD.exec(head.toString("latin1"))?.[1]);
    if (Number.isNaN(time)) throw new Error(`${segmentName(first)} has no first line with a time`);
    return time;
  } finally {
    await file.close();
  }
};

const look = async ({ disk, dir }: Journal, { first, end }: { readonly first: number; readonly end: number }): Promise<Looked> => {
  const hashes = await readWhole(disk, places(dir).leaves(first));
  const seen = { first, end, oldest: Number.POSITIVE_INFINITY, youngest: Number.NEGATIVE_INFINITY, kinds: new Set<string>(), trail: new Trail() };
  let index = first;
  const file = await disk.open(places(dir).segment(first), "read");
  try {
    await forEachLine(file, (bytes, start, lineEnd) => {
      const [, time, kind] = HEAD.exec(bytes.toString("latin1", start, Math.min(lineEnd, start + HEAD_BYTES))) ?? [];
      const at = (index - first) * DIGEST_BYTES;
      if (kind === undefined || at + DIGEST_BYTES > hashes.length || leafHashWithin(bytes, start, lineEnd) !== digestOf(hashes.subarray(at, at + DIGEST_BYTES))) return false;
      Object.assign(seen, { oldest: Math.min(seen.oldest, millis(time)), youngest: Math.max(seen.youngest, millis(time)) });
      seen.kinds.add(kindOf(kind));
      seen.trail.add(bytes, start, lineEnd, index++);
      return true;
    });
  } finally {
    await file.close();
  }
  if (index !== end) throw new Error(`${segmentName(first)} line ${index - first + 1} is not what its leaf hash says, so it stays`);
  return seen;
};
