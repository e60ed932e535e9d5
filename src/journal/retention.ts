/**
 * What is old enough is deleted: whole segments, from the oldest on, each as soon as every entry in it may go by the time of its kind, and none that
 * a legal hold covers, nor any behind that one. An entry says so first, and a checkpoint covers both it and them. Their leaf hashes stay, so the
 * tree over all entries can still be built.
 */
import type { Journal } from "./append.ts";
import { coversAll, type Aside } from "./asides.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { readAll, readWhole } from "./disk.ts";
import type { Deleted, Kind, OpenDnc, Recorded } from "./entry.ts";
import { kindOf, readLine } from "./entry-line.ts";
import { FramesDamaged } from "./frames.ts";
import { forEachIntact } from "./intact.ts";
import { forEachLine } from "./lines.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { Open, OpenDoNotCalls } from "./open-do-not-calls.ts";
import { places, segmentName } from "./places.ts";
import { Prover } from "./proof.ts";
import { readLines } from "./read.ts";
import { firstsOf, openAside, removeSegment, withSegment } from "./segment.ts";
import { spansIn, type Span } from "./spans.ts";
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
  /** Which Do-Not-Calls are open: those in the segments that go are carried on. */
  readonly openDoNotCalls: Pick<OpenDoNotCalls, "below">;
  /** Of the segments that go, the first begins at most so many milliseconds before the last ends; one segment may always go. */
  readonly most?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/** What is due cannot go yet, for a reason that passes. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

/** A segment is not as it was signed. It stays, and all behind it, until somebody sets it aside. */
export class SegmentDamaged extends Error {
  override readonly name = "SegmentDamaged";
}

const isDamage = (error: unknown): boolean => error instanceof SegmentDamaged || error instanceof FramesDamaged;

/** Times in milliseconds since 1970. `wanted`: entries by index. */
type Looked = {
  readonly first: number;
  readonly end: number;
  readonly oldest: number;
  readonly youngest: number;
  readonly kinds: ReadonlySet<string>;
  readonly trail: Trail;
  readonly wanted: ReadonlyMap<number, Recorded>;
};

const HEAD = /^\{"index":\d+,"time":"([^"]{27})","kind":"([a-z-]+)"/;
const HEAD_BYTES = 96;

/** What this run has said of what it deleted; before that, the journal knows what earlier runs said. */
const said = new WeakMap<Pick<Journal, "deleted">, Deleted>();

/**
 * Resolves with the entry that tells what was deleted; undefined when nothing was due. Throws NotYet while it is not known which Do-Not-Calls are
 * open, and SegmentDamaged or FramesDamaged when the first segment that is due is not what its leaf hashes say.
 */
export const retire = async (options: RetentionOptions): Promise<Deleted | undefined> => {
  const { journal, checkpoints } = options;
  const due = await findDue(options);
  if (due.length === 0) return undefined;
  await carryOn(journal, openIn(options, due), new Map(due.flatMap(({ wanted }) => [...wanted])));
  const entry = entryFor(due, said.get(journal) ?? journal.deleted);
  await checkpoints.write();
  if (checkpoints.last().size < entry.to)
    throw new Error(`no checkpoint covers the entries up to ${entry.to - 1}, so they stay`);
  await journal.append(entry);
  said.set(journal, entry);
  await checkpoints.write();
  await oneAtATime(journal.dir, () =>
    remove(
      journal,
      due.map(({ first }) => first),
    ),
  );
  return entry;
};

/** Entries below it were deleted, or are about to be. */
export const deletedTo = (journal: Pick<Journal, "deleted">): number => (said.get(journal) ?? journal.deleted)?.to ?? 0;

/** Of those that were set aside and could be carried on then, another entry tells; the others were counted as lost. */
const openIn = ({ journal, openDoNotCalls }: RetentionOptions, due: readonly Looked[]): readonly Open[] => {
  const open = openDoNotCalls.below(due.at(-1)!.end);
  if (!open) throw new NotYet(UNKNOWN);
  const asides = journal.asides();
  return open.filter(({ from }) => !coversAll(asides, from, from + 1));
};

/** Before they are gone: what is still open in them, each as an entry of its own. A crash behind it does no harm, they are only said again. */
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

const UNKNOWN = "it is not known yet which Do-Not-Calls are open, and those must not be lost";
const CARRIED_AT_ONCE = 500;

/** `asked`: the first try, which says the same as the last but for its id. */
const carriedOf = ({ id, from, first, last, tries, clients, ended }: Open, asked: Recorded | undefined): OpenDnc => {
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

/** What an earlier run had said that it deletes, when a crash came between. */
export const finishRetiring = async (journal: Journal): Promise<void> => {
  const { to } = journal.deleted ?? { to: 0 };
  await oneAtATime(journal.dir, async () => {
    const left = (await firstsOf(journal.disk, journal.dir)).filter((first) => first < to);
    const aside = (await asidesIn(journal)).filter((first) => first < to);
    if (left.length + aside.length > 0) await remove(journal, [...left, ...aside]);
  });
};

/** The oldest first, so that what is left after a crash still follows the hashes of what is gone. */
const remove = async ({ disk, dir }: Journal, firsts: readonly number[]): Promise<void> => {
  for (const first of firsts) await removeSegment(disk, dir, first);
  await disk.syncDirectory(places(dir).segments);
  const aside = (await namesAside({ disk, dir })).filter((name) => firsts.includes(Number.parseInt(name, 10)));
  for (const name of aside) await disk.remove(`${places(dir).setAside}/${name}`);
  if (aside.length > 0) await disk.syncDirectory(places(dir).setAside);
};

/** What was set aside goes when its time is over, as all else. */
const namesAside = async ({ disk, dir }: Pick<Journal, "disk" | "dir">): Promise<string[]> => {
  const names = await disk.list(places(dir).setAside).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => /^\d{12}\.jsonl/.test(name));
};

const asidesIn = async (at: Pick<Journal, "disk" | "dir">): Promise<number[]> => [
  ...new Set((await namesAside(at)).map((name) => Number.parseInt(name, 10))),
];

const entryFor = (due: readonly Looked[], before: Deleted | undefined): Deleted => {
  const dnc: Record<string, number> = { ...before?.dnc };
  for (const { trail } of due)
    for (const [sequence, number] of Object.entries(trail.numbers.all()))
      dnc[sequence] = Math.max(dnc[sequence] ?? 0, number);
  return {
    kind: "deleted",
    from: due[0]!.first,
    to: due.at(-1)!.end,
    segments: due.map(({ first }) => segmentName(first)),
    youngest: writeMicros(Math.max(...due.map(({ youngest }) => youngest)) * 1000),
    dnc,
  };
};

const findDue = async ({
  journal,
  keep,
  holds,
  openDoNotCalls,
  most = Number.POSITIVE_INFINITY,
  now = Date.now,
}: RetentionOptions): Promise<Looked[]> => {
  const gone = deletedTo(journal);
  const spans = spansIn(await journal.disk.list(places(journal.dir).segments)).filter(
    ({ first, isThere }) => isThere || first >= gone,
  );
  const due: Looked[] = [];
  const [least, longest] = [Math.min(...Object.values(keep)), Math.max(...Object.values(keep))];
  // The last segment is being written.
  for (const [at, span] of spans.slice(0, -1).entries()) {
    const { first, end, isThere } = span;
    const aside = isThere ? undefined : journal.asides().find(({ from }) => from === first);
    if (!isThere && !aside) break;
    // A segment is no older than the beginning of the next one, whatever a wrong clock once dated it.
    const next = await firstTime(journal, spans.slice(at + 1).find((each) => each.isThere)!.first);
    if (now() - next < least) break;
    if (due.length > 0 && next - due[0]!.oldest > most) break;
    const open = openDoNotCalls.below(end);
    if (!open) throw new NotYet(UNKNOWN);
    const wanted = new Set(open.map(({ from }) => from));
    const looked = await (aside ? lookAside(journal, span, aside) : look(journal, { first, end, wanted })).catch(
      (error: unknown) => {
        // Those before it can go; the next run says what is wrong with it.
        if (due.length > 0 && isDamage(error)) return undefined;
        throw error;
      },
    );
    if (!looked) break;
    const youngest = Math.max(looked.youngest, next);
    const isDue = aside
      ? now() - youngest >= longest
      : [...looked.kinds].every((kind) => now() - youngest >= (keep[kind as Kind] ?? keep.default));
    if (!isDue || holds.some(({ from, until }) => from <= youngest && until > looked.oldest)) break;
    due.push(looked);
  }
  return due;
};

const millis = (time: string | undefined): number => Math.floor(readMicros(time ?? "") / 1000);

const firstTime = async ({ disk, dir }: Journal, first: number): Promise<number> => {
  const head = await withSegment(disk, dir, first, (file) => readAll(file, 0, HEAD_BYTES));
  const time = millis(HEAD.exec(head.toString("latin1"))?.[1]);
  if (Number.isNaN(time)) throw new Error(`${segmentName(first)} has no first line with a time`);
  return time;
};

/** Of which kinds its entries are is not known any more: it stays as long as the kind that stays longest. */
const lookAside = async (journal: Journal, { first, end }: Span, { by }: Aside): Promise<Looked> => {
  const { disk, dir } = journal;
  const seen = {
    first,
    end,
    oldest: Number.NEGATIVE_INFINITY,
    youngest: Number.NEGATIVE_INFINITY,
    kinds: new Set<string>(),
    trail: new Trail(),
    wanted: new Map<number, Recorded>(),
  };
  for await (const { entry, text } of readLines(dir, { from: by, to: by + 1 }, disk)) {
    if (entry.kind !== "set-aside" || !(await isProved({ disk, dir }, by, text)))
      throw new SegmentDamaged(
        `entry ${by}, which says that ${segmentName(first)} was set aside, is not as it was signed, so that segment stays and all behind it`,
      );
    if (entry.oldest !== null) seen.oldest = millis(entry.oldest);
    // Where nothing told it, its lines are older than the entry that sets them aside, and no more is known.
    seen.youngest = millis(entry.youngest ?? entry.time);
  }
  const hashes = await readWhole(disk, places(dir).leaves(first));
  await forEachIntact({ open: () => openAside(disk, dir, first), first, hashes }, (bytes, start, lineEnd, index) =>
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

const look = async ({ disk, dir }: Journal, { first, end, wanted }: Wanted): Promise<Looked> => {
  const hashes = await readWhole(disk, places(dir).leaves(first));
  const seen = {
    first,
    end,
    oldest: Number.POSITIVE_INFINITY,
    youngest: Number.NEGATIVE_INFINITY,
    kinds: new Set<string>(),
    trail: new Trail(),
    wanted: new Map<number, Recorded>(),
  };
  let index = first;
  await withSegment(disk, dir, first, async (file) => {
    await forEachLine(file, (bytes, start, lineEnd) => {
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
  if (index !== end)
    throw new SegmentDamaged(
      `${segmentName(first)} line ${index - first + 1} is not what its leaf hash says, so it stays and all behind it: ocsgw audit verify tells more, ocsgw audit set-aside takes it out of the way`,
    );
  return seen;
};
