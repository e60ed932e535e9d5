/**
 * What is there when the journal is opened: every line is read, the tree built again and held against every checkpoint. A torn end, as a crash
 * leaves it, is cut off; anything else that does not follow is refused, because going on would sign it.
 */
import { readAll, readWhole, settle, type Disk, type DiskFile, type How } from "./disk.ts";
import { FramesDamaged } from "./frames.ts";
import { Leaves } from "./leaves.ts";
import { forEachLine, type OnLine } from "./lines.ts";
import { readCheckpoint, type Checkpoint } from "./note.ts";
import { numbersIn, places, segmentName } from "./places.ts";
import { isSealed } from "./seal.ts";
import { compressedIn, segmentsIn, withSegment } from "./segment.ts";
import { readMicros } from "./time.ts";
import { Trail } from "./trail.ts";
import { createTree, digestOf, DIGEST_BYTES, leafHashWithin, type Digest, type Tree } from "./tree.ts";

/** The directory holds what the journal did not write, or no longer what it wrote. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}

/** What was cut off at the end: from this line (counted from 1) of the segment on. */
export type TornTail = { readonly segment: string; readonly line: number; readonly index: number; readonly bytes: number };

/** `time`: of its first line, in microseconds since 1970; undefined when it has none. */
export type Tail = { readonly file: DiskFile; readonly first: number; readonly bytes: number; readonly time: number | undefined };

export type Recovered = {
  readonly tree: Tree;
  readonly leaves: Leaves;
  readonly trail: Trail;
  /** The last segment, open for writing; undefined when there is none yet. */
  readonly tail: Tail | undefined;
  readonly torn: TornTail | undefined;
};

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
};

/** `from`: where it lies, as in "checkpoint 7 of the anchor". */
export type Elsewhere = Checkpoint & { readonly from?: string };

/** Makes the directories where there are none. Throws JournalDamaged. */
export const recover = async ({ disk, dir, how, published }: RecoverOptions): Promise<Recovered> => {
  const at = places(dir);
  await disk.makeDirectory(at.segments);
  await disk.makeDirectory(at.checkpoints);
  const signed = await readSigned(disk, at);
  const elsewhere = addPublished(signed, published);
  const reading: Reading = { disk, dir, how, at, signed, elsewhere, tree: createTree(), leaves: new Leaves(disk, at), trail: new Trail(), covered: [...signed.keys()].reduce((most, size) => Math.max(most, size), 0) };
  let last: Last | undefined;
  try {
    const names = await disk.list(at.segments);
    const firsts = segmentsIn(names);
    await passRetired(reading, numbersIn(names, ".hashes"), firsts[0] ?? 0);
    last = await recoverSegments(reading, firsts, compressedIn(names));
    requireRetired(reading, firsts[0] ?? 0);
    if (reading.covered > reading.tree.size()) throw new JournalDamaged(`${named(reading, reading.covered)} covers ${reading.covered} entries, the journal ${endOf(reading.tree)}`);
    await reading.leaves.write();
    await disk.syncDirectory(at.segments);
    return { tree: reading.tree, leaves: reading.leaves, trail: reading.trail, ...last };
  } catch (error) {
    await Promise.allSettled([reading.leaves.close(), last?.tail?.file.close()]);
    throw error;
  }
};

const readSigned = async (disk: Disk, at: ReturnType<typeof places>): Promise<Map<number, Digest>> => {
  const signed = new Map<number, Digest>();
  for (const size of numbersIn(await disk.list(at.checkpoints), "")) {
    const checkpoint = readCheckpoint((await readWhole(disk, at.checkpoint(size))).toString());
    if (checkpoint?.size !== size) throw new JournalDamaged(`${at.checkpoint(size)}: not a checkpoint of ${size} entries`);
    signed.set(size, digestOf(checkpoint.root));
  }
  return signed;
};

/** Gives those that are only there. */
const addPublished = (signed: Map<number, Digest>, published: readonly Elsewhere[]): Map<number, string> => {
  const elsewhere = new Map<number, string>();
  for (const { size, root, from } of published) {
    const own = signed.get(size);
    if (own !== undefined && own !== digestOf(root)) throw new JournalDamaged(`checkpoint ${size} is not the one that ${from === undefined ? "was published" : `is in ${from}`}`);
    if (own === undefined) elsewhere.set(size, from === undefined ? `the published checkpoint ${size}` : `checkpoint ${size} in ${from}`);
    signed.set(size, digestOf(root));
  }
  return elsewhere;
};

const named = ({ elsewhere }: Reading, size: number): string => elsewhere.get(size) ?? `checkpoint ${size}`;

const endOf = (tree: Tree): string => (tree.size() === 0 ? "is empty" : `ends with index ${tree.size() - 1}`);

type Last = Pick<Recovered, "tail" | "torn">;

/** Of entries that retention deleted the leaf hashes stand in the tree. Ends early where a file of them is missing. */
const passRetired = async (reading: Reading, hashes: readonly number[], until: number): Promise<void> => {
  for (const [at, first] of hashes.entries()) {
    if (first !== reading.tree.size() || first >= until) return;
    const end = Math.min(hashes[at + 1] ?? until, until);
    const bytes = await readWhole(reading.disk, reading.at.leaves(first));
    for (let index = first; index < end && bytes.length >= (index - first + 1) * DIGEST_BYTES; index++) {
      reading.tree.append(digestOf(bytes.subarray((index - first) * DIGEST_BYTES, (index - first + 1) * DIGEST_BYTES)));
      if (reading.signed.has(reading.tree.size())) requireSigned(reading, `which are deleted, by ${segmentName(first).replace(".jsonl", ".hashes")},`);
    }
  }
};

/** What is not there must have been deleted by us: then an entry says so. */
const requireRetired = ({ trail }: Reading, first: number): void => {
  if (first > (trail.deleted?.to ?? 0)) throw new JournalDamaged(`${segmentName(first)}: the entries before it are gone, and none says that they were deleted`);
};

const recoverSegments = async (reading: Reading, firsts: readonly number[], compressed: ReadonlySet<number>): Promise<Last> => {
  for (const first of firsts) {
    if (first !== reading.tree.size()) throw new JournalDamaged(`${segmentName(first)}: the journal before it ${endOf(reading.tree)}, so this segment does not follow`);
    await reading.leaves.turnTo(first, reading.covered);
    if (first < firsts.at(-1)! || compressed.has(first)) {
      await recoverFull(reading, first);
      continue;
    }
    const file = await reading.disk.open(reading.at.segment(first), reading.how);
    try {
      return await recoverLast(reading, file, first);
    } catch (error) {
      await file.close();
      throw error;
    }
  }
  return { tail: undefined, torn: undefined };
};

/** Nothing is written there any more. */
const recoverFull = async (reading: Reading, first: number): Promise<void> => {
  try {
    await withSegment(reading.disk, reading.dir, first, async (file) => {
      const good = await forEachLine(file, onLine(reading, first));
      if (good < (await file.size())) throw new JournalDamaged(`${place(reading, first)} is not the line of index ${reading.tree.size()}`);
    });
  } catch (error) {
    throw error instanceof FramesDamaged ? new JournalDamaged(error.message, { cause: error }) : error;
  }
};

/** Here a crash may have left its mark. */
const recoverLast = async (reading: Reading, file: DiskFile, first: number): Promise<Last> => {
  const good = await forEachLine(file, onLine(reading, first));
  const bytes = await file.size();
  const torn = good < bytes ? { segment: segmentName(first), line: reading.tree.size() - first + 1, index: reading.tree.size(), bytes: bytes - good } : undefined;
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
const onLine = (reading: Reading, first: number): OnLine => (bytes, start, end) => {
  const { tree, leaves, trail, signed, covered } = reading;
  const prefix = `{"index":${tree.size()},"time":"`;
  if (bytes.toString("latin1", start, start + prefix.length) !== prefix || bytes[end - 1] !== CLOSING_BRACE) return false;
  if (tree.size() >= covered && !isSealed(bytes, start, end)) return false;
  const leaf = leafHashWithin(bytes, start, end);
  if (tree.size() >= leaves.next) leaves.add(leaf);
  trail.add(bytes, start, end, tree.size());
  tree.append(leaf);
  if (signed.has(tree.size())) requireSigned(reading, `up to line ${tree.size() - first} of ${segmentName(first)},`);
  return true;
};

/** The entries so far have the root that was signed for as many. */
const requireSigned = (reading: Reading, where: string): void => {
  const { tree, signed } = reading;
  if (signed.get(tree.size()) !== tree.root()) throw new JournalDamaged(`the first ${tree.size()} entries, ${where} do not have the root that ${named(reading, tree.size())} signed`);
};

const place = ({ tree }: Reading, first: number): string => `${segmentName(first)} line ${tree.size() - first + 1}`;

/**
 * A crash tears the last line, or, where one write held many lines, leaves pages of zeros in that write. All else was done by someone,
 * and what a checkpoint covers is never cut.
 */
const requireTorn = async (reading: Reading, file: DiskFile, { first, good, bytes }: { first: number; good: number; bytes: number }): Promise<void> => {
  const index = reading.tree.size();
  if (index < reading.covered) throw new JournalDamaged(`${place(reading, first)} is not the line of index ${index}, which ${named(reading, reading.covered)} covers`);
  const rest = await readAll(file, good, bytes - good);
  const end = rest.indexOf(NEWLINE);
  if (end < 0 || end === rest.length - 1 || rest.subarray(0, end).includes(0)) return;
  throw new JournalDamaged(`${place(reading, first)} is not the line of index ${index}, and lines follow it, which no crash leaves so`);
};
