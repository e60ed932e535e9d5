/** Reads the lines of the segments, and cuts off the torn end that a crash left in the last one. */
import { readAll, readWhole, settle, type DiskFile } from "../../disk.ts";
import { JournalDamaged } from "../../errors.ts";
import { forEachIntact } from "../../integrity/intact-lines.ts";
import { hasValidChecksum } from "../../integrity/line-checksum.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "../../integrity/merkle-tree.ts";
import { segmentName } from "../../paths.ts";
import { forEachLine, type OnLine } from "../../read/read-lines.ts";
import { DeletedLines, isDeletedLine } from "../../segments/retention/deleted-lines.ts";
import { FramesDamaged } from "../../segments/frames.ts";
import { openSegment, withSegment, type SegmentFile } from "../../segments/segment.ts";
import { readMicros } from "../../time.ts";
import { nextOf, passHashes, passHole } from "./absent-entries.ts";
import { endOf, named, place, requireSigned, type Reading } from "./reading.ts";
import { requireLastLine } from "./resume.ts";
import type { StartState } from "../start-state.ts";

const CLOSING_BRACE = 0x7d;
const NEWLINE = 0x0a;
const TIME_LENGTH = "2026-11-22T12:04:31.218123Z".length;

/** What was cut off at the end: everything from this line of the segment (counted from 1). */
export type TornTail = {
  readonly segment: string;
  readonly line: number;
  readonly index: number;
  readonly bytes: number;
};

/** `time`: of its first line, in microseconds since 1970; undefined when it is empty. */
export type LastSegment = {
  readonly file: DiskFile;
  readonly first: number;
  readonly bytes: number;
  readonly time: number | undefined;
};
export type Last = { readonly tail: LastSegment | undefined; readonly torn: TornTail | undefined };

type Segments = {
  readonly firsts: readonly number[];
  readonly hashes: readonly number[];
  readonly compressed: ReadonlySet<number>;
  readonly damaged: readonly number[];
};

export const recoverSegments = async (
  reading: Reading,
  { firsts, hashes, compressed, damaged }: Segments,
): Promise<Last> => {
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
    await reading.leaves.openSegment(first, reading.covered);
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

/** Only lines that match their recorded leaf hash count, wherever they are; the tree grows by the recorded hashes. */
const recoverDamaged = async (reading: Reading, hashes: readonly number[], first: number): Promise<void> => {
  const { disk, dir, at, trail } = reading;
  const end = Math.min(nextOf(hashes, first), reading.covered);
  await passHashes(reading, hashes, end);
  if (reading.tree.size() !== end)
    throw new JournalDamaged(
      `the leaf hashes beside ${segmentName(first)} end before it does, and without them its content cannot be ` +
        "verified",
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

/** `from`: the byte where the first line to read begins. */
type Part = { readonly first: number; readonly from: number };

/** A segment that is no longer written. */
const recoverFull = async (reading: Reading, { first, from }: Part): Promise<void> => {
  const { state } = reading;
  try {
    await withSegment(reading.disk, reading.dir, first, async (file) => {
      if (first === state?.segment) await requireState(reading, file, state);
      // Lines below the last checkpoint never change, and only such lines are deleted.
      const hashes = await readWhole(reading.disk, reading.at.leaves(first));
      const good = await forEachLine(file, onLine(reading, first, hashes), from);
      if (good < (await file.size()))
        throw new JournalDamaged(`${place(reading, first)} is not the line of index ${reading.tree.size()}`);
    });
  } catch (error) {
    throw error instanceof FramesDamaged ? new JournalDamaged(error.message, { cause: error }) : error;
  }
};

/** The last segment, whose end a crash may have torn. */
const recoverLast = async (reading: Reading, file: DiskFile, { first, from }: Part): Promise<Last> => {
  const good = await forEachLine(file, onLine(reading, first, NO_HASHES), from);
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

const NO_HASHES = Buffer.alloc(0);

/**
 * The signed roots verify the lines that a checkpoint covers; checksums verify the others. `hashes`: the segment's
 * recorded leaf hashes, used for deleted lines.
 */
const onLine =
  (reading: Reading, first: number, hashes: Buffer): OnLine =>
  (bytes, start, end) => {
    const { tree, leaves, trail, signed, covered } = reading;
    if (isDeletedLine(bytes, start, end)) return onDeleted(reading, first, hashes);
    const prefix = `{"index":${tree.size()},"time":"`;
    if (bytes.toString("latin1", start, start + prefix.length) !== prefix || bytes[end - 1] !== CLOSING_BRACE)
      return false;
    if (tree.size() >= covered && !hasValidChecksum(bytes, start, end)) return false;
    const leaf = leafHashWithin(bytes, start, end);
    if (tree.size() >= leaves.next) leaves.add(leaf);
    trail.add(bytes, start, end, tree.size());
    tree.append(leaf);
    reading.leaf = leaf;
    if (signed.has(tree.size())) requireSigned(reading, `up to line ${tree.size() - first} of ${segmentName(first)},`);
    return true;
  };

const onDeleted = (reading: Reading, first: number, hashes: Buffer): boolean => {
  const { tree, leaves, signed, covered } = reading;
  const [index, at] = [tree.size(), (tree.size() - first) * DIGEST_BYTES];
  if (index >= covered || index >= leaves.next || at + DIGEST_BYTES > hashes.length) return false;
  const deleted = reading.deleted.get(first) ?? new DeletedLines();
  reading.deleted.set(first, deleted);
  deleted.add(index);
  tree.append(digestOf(hashes.subarray(at, at + DIGEST_BYTES)));
  if (signed.has(tree.size())) requireSigned(reading, `up to line ${tree.size() - first} of ${segmentName(first)},`);
  return true;
};

/**
 * A crash tears the last line or, where one write held many lines, leaves pages of zeros in that write. Any other
 * damage has another cause, and lines that a checkpoint covers are never cut.
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
    `${place(reading, first)} is not the line of index ${index}, and lines follow it, so a crash is not the cause`,
  );
};
