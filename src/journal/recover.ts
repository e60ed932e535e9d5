/**
 * What is there when the journal is opened. The lines above the newest start state are read, without a state that can be used every line; the tree
 * grows by them and is held against every checkpoint on the way. A torn end, as a crash leaves it, is cut off; anything else that does not follow is
 * refused, because going on would sign it.
 */
import { coversAll, type Aside } from "./asides.ts";
import { readAll, readWhole, settle, type Disk, type DiskFile, type How } from "./disk.ts";
import { FramesDamaged } from "./frames.ts";
import { forEachIntact } from "./intact.ts";
import { Leaves } from "./leaves.ts";
import { forEachLine, type OnLine } from "./lines.ts";
import { readCheckpoint, type Checkpoint } from "./note.ts";
import { numbersIn, places, segmentName } from "./places.ts";
import { requireLastLine, requireReached, requireSegments } from "./resume.ts";
import { isSealed } from "./seal.ts";
import { compressedIn, openSegment, segmentsIn, withSegment, type SegmentFile } from "./segment.ts";
import type { StartState, StateSigner } from "./start-state.ts";
import { loadState, stateSizes } from "./states.ts";
import { readMicros } from "./time.ts";
import { Trail } from "./trail.ts";
import { createTree, digestOf, DIGEST_BYTES, leafHashWithin, type Digest, type Tree } from "./tree.ts";
import { faultInWords } from "../system-error.ts";

/** The directory holds what the journal did not write, or no longer what it wrote. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}

/** What was cut off at the end: from this line (counted from 1) of the segment on. */
export type TornTail = {
  readonly segment: string;
  readonly line: number;
  readonly index: number;
  readonly bytes: number;
};

/** `time`: of its first line, in microseconds since 1970; undefined when it has none. */
type LastSegment = {
  readonly file: DiskFile;
  readonly first: number;
  readonly bytes: number;
  readonly time: number | undefined;
};
/** `number`: so many segments there were up to it, those that were deleted included. */
export type Tail = LastSegment & { readonly number: number };

export type Recovered = {
  readonly tree: Tree;
  readonly leaves: Leaves;
  readonly trail: Trail;
  /** The last segment, open for writing; undefined when there is none yet. */
  readonly tail: Tail | undefined;
  readonly torn: TornTail | undefined;
  /** Of the last entry; undefined when there is none, or only its hash is left. */
  readonly leaf: Digest | undefined;
  readonly begun: Begun;
};

/** With which entry the reading began, and which states, by their size, could not be used, and why. */
export type Begun = {
  readonly at: number;
  readonly passedOver: readonly PassedOver[];
  /** What others kept beside the journal at that entry: see `JournalOptions.beside`. */
  readonly beside: Readonly<Record<string, unknown>>;
};
export type PassedOver = { readonly size: number; readonly reason: string };

type Reading = {
  readonly disk: Disk;
  readonly dir: string;
  /** How segments are opened. */
  readonly how: Exclude<How, "read">;
  readonly at: ReturnType<typeof places>;
  readonly tree: Tree;
  readonly leaves: Leaves;
  readonly trail: Trail;
  /** The roots that were signed, by size. */
  readonly signed: ReadonlyMap<number, Digest>;
  /** How those are called that were read elsewhere alone, by size. */
  readonly elsewhere: ReadonlyMap<number, string>;
  /** Entries below it are covered by a checkpoint. */
  readonly covered: number;
  /** Stretches of entries between segments of which only the hashes are there. */
  readonly holes: { readonly from: number; readonly to: number }[];
  /** What the reading goes on from; undefined when it begins with the first line. */
  readonly state: StartState | undefined;
  leaf: Digest | undefined;
};

const CLOSING_BRACE = 0x7d;
const NEWLINE = 0x0a;
const TIME_LENGTH = "2026-11-22T12:04:31.218123Z".length;

export type RecoverOptions = {
  readonly disk: Disk;
  readonly dir: string;
  /** How segments are opened. */
  readonly how: Exclude<How, "read">;
  /** Checkpoints of this journal that lie elsewhere, and so must hold as well. */
  readonly published: readonly Elsewhere[];
  /** Who signs start states; without one every line is read. */
  readonly states?: StateSigner | undefined;
  /** As in `JournalOptions`. */
  readonly damaged?: readonly number[] | undefined;
};

/** `from`: where it lies, as in "checkpoint 7 of the anchor". */
export type Elsewhere = Checkpoint & { readonly from?: string };

/** Makes the directories where there are none. Throws JournalDamaged. */
export const recover = async (options: RecoverOptions): Promise<Recovered> => {
  const { disk, dir, states, published } = options;
  const at = places(dir);
  await disk.makeDirectory(at.segments);
  await disk.makeDirectory(at.checkpoints);
  const passedOver: PassedOver[] = [];
  for (const size of states ? await stateSizes({ disk, dir }) : []) {
    try {
      const state = await loadState({ disk, dir }, size, states!);
      requireReached(state, published);
      return { ...(await read(options, state)), begun: { at: size, passedOver, beside: state.beside } };
    } catch (error) {
      // Whatever it is: an older state, and at last all the lines, tell whether it is the journal that is damaged or only this state.
      passedOver.push({ size, reason: faultInWords(error) });
    }
  }
  return { ...(await read(options, undefined)), begun: { at: 0, passedOver, beside: {} } };
};

const read = async (
  { disk, dir, how, published, damaged = [] }: RecoverOptions,
  state: StartState | undefined,
): Promise<Omit<Recovered, "begun">> => {
  const at = places(dir);
  const signed = await readSigned(disk, at, state?.size ?? 0);
  const elsewhere = addPublished(
    signed,
    published.filter(({ size }) => size >= (state?.size ?? 0)),
  );
  const covered = [...signed.keys()].reduce((most, size) => Math.max(most, size), 0);
  const reading: Reading = {
    disk,
    dir,
    how,
    at,
    signed,
    elsewhere,
    covered,
    holes: [],
    state,
    tree: state?.tree ?? createTree(),
    leaves: new Leaves(disk, at),
    trail: state?.trail ?? new Trail(),
    leaf: state?.leaf,
  };
  if (state) requireSigned(reading, "which were not read,");
  let last: Last | undefined;
  try {
    const names = await disk.list(at.segments);
    const [firsts, hashes] = [segmentsIn(names), numbersIn(names, ".hashes")];
    if (state) requireSegments(state, { segments: firsts, hashes, damaged });
    else await passHashes(reading, hashes, firsts[0] ?? 0);
    const segments = firsts.filter((first) => first >= (state?.segment ?? 0));
    last = await recoverSegments(reading, { firsts: segments, hashes, compressed: compressedIn(names), damaged });
    requireRetired(reading, {
      first: firsts[0] ?? 0,
      damaged: damaged.map((each) => ({ from: each, to: nextOf(hashes, each) })),
    });
    if (reading.covered > reading.tree.size())
      throw new JournalDamaged(
        `${named(reading, reading.covered)} covers ${reading.covered} entries, the journal ${endOf(reading.tree)}`,
      );
    await reading.leaves.write();
    await disk.syncDirectory(at.segments);
    return {
      tree: reading.tree,
      leaves: reading.leaves,
      trail: reading.trail,
      leaf: reading.leaf,
      torn: last.torn,
      tail: last.tail && { ...last.tail, number: new Set([...hashes, ...firsts]).size },
    };
  } catch (error) {
    await Promise.allSettled([reading.leaves.close(), last?.tail?.file.close()]);
    throw error;
  }
};

/** Those of `from` entries and more. */
const readSigned = async (disk: Disk, at: ReturnType<typeof places>, from: number): Promise<Map<number, Digest>> => {
  const signed = new Map<number, Digest>();
  for (const size of numbersIn(await disk.list(at.checkpoints), "").filter((each) => each >= from)) {
    const checkpoint = readCheckpoint((await readWhole(disk, at.checkpoint(size))).toString());
    if (checkpoint?.size !== size)
      throw new JournalDamaged(`${at.checkpoint(size)}: not a checkpoint of ${size} entries`);
    signed.set(size, digestOf(checkpoint.root));
  }
  return signed;
};

/** Gives those that are only there. */
const addPublished = (signed: Map<number, Digest>, published: readonly Elsewhere[]): Map<number, string> => {
  const elsewhere = new Map<number, string>();
  for (const { size, root, from } of published) {
    const own = signed.get(size);
    if (own !== undefined && own !== digestOf(root))
      throw new JournalDamaged(
        `checkpoint ${size} is not the one that ${from === undefined ? "was published" : `is in ${from}`}`,
      );
    if (own === undefined)
      elsewhere.set(size, from === undefined ? `the published checkpoint ${size}` : `checkpoint ${size} in ${from}`);
    signed.set(size, digestOf(root));
  }
  return elsewhere;
};

const named = ({ elsewhere }: Reading, size: number): string => elsewhere.get(size) ?? `checkpoint ${size}`;

const endOf = (tree: Tree): string => (tree.size() === 0 ? "is empty" : `ends with index ${tree.size() - 1}`);

type Last = { readonly tail: LastSegment | undefined; readonly torn: TornTail | undefined };

/** Of entries that were deleted or set aside the leaf hashes stand in the tree. Ends early where a file of them is missing. */
const passHashes = async (reading: Reading, hashes: readonly number[], until: number): Promise<void> => {
  for (const [at, first] of hashes.entries()) {
    if (first < reading.tree.size()) continue;
    if (first !== reading.tree.size() || first >= until) return;
    const end = Math.min(hashes[at + 1] ?? until, until);
    const bytes = await readWhole(reading.disk, reading.at.leaves(first));
    for (let index = first; index < end && bytes.length >= (index - first + 1) * DIGEST_BYTES; index++) {
      reading.tree.append(digestOf(bytes.subarray((index - first) * DIGEST_BYTES, (index - first + 1) * DIGEST_BYTES)));
      if (reading.signed.has(reading.tree.size()))
        requireSigned(
          reading,
          `of which only the hashes are there, by ${segmentName(first).replace(".jsonl", ".hashes")},`,
        );
    }
  }
};

/** What is not there must have been deleted or set aside by us: then an entry says so. */
const requireRetired = (
  { trail, holes }: Reading,
  { first, damaged }: { readonly first: number; readonly damaged: readonly Omit<Aside, "by">[] },
): void => {
  const asides = [...trail.asides.all(), ...damaged].toSorted((one, other) => one.from - other.from);
  if (!coversAll(asides, trail.deleted?.to ?? 0, first))
    throw new JournalDamaged(
      `${segmentName(first)}: the entries before it are gone, and none says that they were deleted`,
    );
  const unsaid = holes.find(({ from, to }) => !coversAll(asides, from, to));
  if (unsaid)
    throw new JournalDamaged(
      `${segmentName(unsaid.from)} is missing, with the entries ${unsaid.from} to ${unsaid.to - 1}, and no entry says that it was set aside`,
    );
};

const nextOf = (hashes: readonly number[], first: number): number =>
  hashes.find((each) => each > first) ?? Number.POSITIVE_INFINITY;

type Segments = {
  readonly firsts: readonly number[];
  readonly hashes: readonly number[];
  readonly compressed: ReadonlySet<number>;
  readonly damaged: readonly number[];
};

const recoverSegments = async (reading: Reading, { firsts, hashes, compressed, damaged }: Segments): Promise<Last> => {
  const { state } = reading;
  for (const [place, first] of firsts.entries()) {
    const from = first === state?.segment ? state.bytes : 0;
    if (first > reading.tree.size() && place > 0) await passHole(reading, hashes, first);
    if (damaged.includes(first) && first !== state?.segment) {
      await recoverDamaged(reading, hashes, first);
      continue;
    }
    if (first !== state?.segment && first !== reading.tree.size())
      throw new JournalDamaged(
        `${segmentName(first)}: the journal before it ${endOf(reading.tree)}, so this segment does not follow`,
      );
    await reading.leaves.turnTo(first, reading.covered);
    if (first < firsts.at(-1)! || compressed.has(first)) {
      await recoverFull(reading, { first, from });
      continue;
    }
    const file = await reading.disk.open(reading.at.segment(first), reading.how);
    try {
      if (first === state?.segment) await requireState(reading, file, state);
      return await recoverLast(reading, file, { first, from });
    } catch (error) {
      await file.close();
      throw error;
    }
  }
  return { tail: undefined, torn: undefined };
};

/** Of requests before it that have no end by here the end may be in it: nothing more can be said of them. */
const passHole = async (reading: Reading, hashes: readonly number[], until: number): Promise<void> => {
  const from = reading.tree.size();
  await passHashes(reading, hashes, until);
  reading.holes.push({ from, to: reading.tree.size() });
  reading.trail.open.clear();
};

/** Of its lines those count that have their recorded leaf hash, wherever they are; the tree grows by the hashes. */
const recoverDamaged = async (reading: Reading, hashes: readonly number[], first: number): Promise<void> => {
  const { disk, dir, at, trail } = reading;
  const end = Math.min(nextOf(hashes, first), reading.covered);
  await passHashes(reading, hashes, end);
  if (reading.tree.size() !== end)
    throw new JournalDamaged(
      `the leaf hashes beside ${segmentName(first)} end before it does, and without them nothing tells what was in it`,
    );
  trail.open.clear();
  await forEachIntact(
    { open: () => openSegment(disk, dir, first), first, hashes: await readWhole(disk, at.leaves(first)) },
    (bytes, start, lineEnd, index) => trail.add(bytes, start, lineEnd, index),
  );
};

const requireState = async ({ leaves }: Reading, file: SegmentFile, state: StartState): Promise<void> => {
  await requireLastLine(file, state);
  if (leaves.next < state.size) throw new Error(`the leaf hashes of ${segmentName(state.segment)} end before it`);
};

/** `from`: the byte where the first line begins that is to be read. */
type Part = { readonly first: number; readonly from: number };

/** Nothing is written there any more. */
const recoverFull = async (reading: Reading, { first, from }: Part): Promise<void> => {
  const { state } = reading;
  try {
    await withSegment(reading.disk, reading.dir, first, async (file) => {
      if (first === state?.segment) await requireState(reading, file, state);
      const good = await forEachLine(file, onLine(reading, first), from);
      if (good < (await file.size()))
        throw new JournalDamaged(`${place(reading, first)} is not the line of index ${reading.tree.size()}`);
    });
  } catch (error) {
    throw error instanceof FramesDamaged ? new JournalDamaged(error.message, { cause: error }) : error;
  }
};

/** Here a crash may have left its mark. */
const recoverLast = async (reading: Reading, file: DiskFile, { first, from }: Part): Promise<Last> => {
  const good = await forEachLine(file, onLine(reading, first), from);
  const bytes = await file.size();
  const torn =
    good < bytes
      ? {
          segment: segmentName(first),
          line: reading.tree.size() - first + 1,
          index: reading.tree.size(),
          bytes: bytes - good,
        }
      : undefined;
  if (torn) {
    await requireTorn(reading, file, { first, good, bytes });
    await file.truncate(good);
  }
  await settle(file, good);
  return { tail: { file, first, bytes: good, time: await timeOfFirst(file, first) }, torn };
};

const timeOfFirst = async (file: DiskFile, first: number): Promise<number | undefined> => {
  const start = `{"index":${first},"time":"`.length;
  const micros = readMicros((await readAll(file, start, TIME_LENGTH)).toString("latin1"));
  return Number.isNaN(micros) ? undefined : micros;
};

/** What a checkpoint covers is held against its root; the seals tell of the others. */
const onLine =
  (reading: Reading, first: number): OnLine =>
  (bytes, start, end) => {
    const { tree, leaves, trail, signed, covered } = reading;
    const prefix = `{"index":${tree.size()},"time":"`;
    if (bytes.toString("latin1", start, start + prefix.length) !== prefix || bytes[end - 1] !== CLOSING_BRACE)
      return false;
    if (tree.size() >= covered && !isSealed(bytes, start, end)) return false;
    const leaf = leafHashWithin(bytes, start, end);
    if (tree.size() >= leaves.next) leaves.add(leaf);
    trail.add(bytes, start, end, tree.size());
    tree.append(leaf);
    reading.leaf = leaf;
    if (signed.has(tree.size())) requireSigned(reading, `up to line ${tree.size() - first} of ${segmentName(first)},`);
    return true;
  };

/** The entries so far have the root that was signed for as many. */
const requireSigned = (reading: Reading, where: string): void => {
  const { tree, signed } = reading;
  if (signed.get(tree.size()) !== tree.root())
    throw new JournalDamaged(
      `the first ${tree.size()} entries, ${where} do not have the root that ${named(reading, tree.size())} signed`,
    );
};

const place = ({ tree }: Reading, first: number): string => `${segmentName(first)} line ${tree.size() - first + 1}`;

/**
 * A crash tears the last line, or, where one write held many lines, leaves pages of zeros in that write. All else was done by someone,
 * and what a checkpoint covers is never cut.
 */
const requireTorn = async (
  reading: Reading,
  file: DiskFile,
  { first, good, bytes }: { first: number; good: number; bytes: number },
): Promise<void> => {
  const index = reading.tree.size();
  if (index < reading.covered)
    throw new JournalDamaged(
      `${place(reading, first)} is not the line of index ${index}, which ${named(reading, reading.covered)} covers`,
    );
  const rest = await readAll(file, good, bytes - good);
  const end = rest.indexOf(NEWLINE);
  if (end < 0 || end === rest.length - 1 || rest.subarray(0, end).includes(0)) return;
  throw new JournalDamaged(
    `${place(reading, first)} is not the line of index ${index}, and lines follow it, which no crash leaves so`,
  );
};
