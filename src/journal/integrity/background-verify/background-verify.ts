/**
 * Verifies lines that a start from a start state did not read: each line up to the last checkpoint against its recorded
 * leaf hash, and the tree of both against every checkpoint. Damage is reported, and the verification continues with the
 * recorded hashes.
 */
import { coversAll, type SetAsideRange } from "../../segments/set-aside-ranges.ts";
import { damageText, type Differing } from "./damage-text.ts";
import { readWhole, type Disk } from "../../disk.ts";
import { isDeletedLine } from "../../segments/retention/deleted-lines.ts";
import { areDeletedLinesExplained } from "../../segments/retention/explained-deletions.ts";
import { FramesDamaged } from "../../segments/frames.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { readCheckpoint, type Checkpoint } from "../checkpoints/signed-note.ts";
import { numbersIn, paths, segmentName } from "../../paths.ts";
import { openSegment, segmentsIn, type SegmentFile } from "../../segments/segment.ts";
import { RecoveryScan } from "../../write/recovery/recovery-scan.ts";
import {
  createTree,
  digestOf,
  DIGEST_BYTES,
  leafHashWithin,
  type Digest,
  type Frontier,
  type Tree,
} from "../merkle-tree.ts";
import { reason } from "../../../common/system-error.ts";

/** `segment`: its name. `text`: what is wrong; lines are counted from 1. */
export type Damage = { readonly segment: string; readonly text: string };

/** All entries below `size` are verified. */
export type Verified = Frontier & {
  readonly root: Digest;
  /** The first index of the segment with the next entry. */
  readonly segment: number;
  readonly dnc: Readonly<Record<string, number>>;
  /** Ranges below `size` of which only the leaf hashes were left, as other entries state. */
  readonly setAsideRanges: readonly SetAsideRange[];
};

export type BackgroundVerifyOptions = {
  readonly disk: Disk;
  readonly dir: string;
  /** Entries up to here are read: the size of a checkpoint. */
  readonly until: number;
  /** Where an earlier verification without damage ended. Default: the first entry. */
  readonly from?: Verified | undefined;
  readonly setAsideRanges: readonly SetAsideRange[];
  /** Checkpoints from elsewhere that the lines must match too. */
  readonly published: readonly Checkpoint[];
  /** Awaited before each read. */
  readonly pace: () => Promise<void>;
  readonly verified: (verified: Verified) => void;
  readonly damaged: (damage: Damage) => void;
};

/** Resolves at the end, or where damage makes further verification impossible. */
export const verifyInBackground = async (options: BackgroundVerifyOptions): Promise<void> => {
  const { disk, dir } = options;
  const names = await disk.list(paths(dir).segments);
  const [firsts, hashes] = [segmentsIn(names), numbersIn(names, ".hashes")];
  const reading = new BackgroundVerification(options, await signedIn(options));
  const starts = [...new Set([...hashes, ...firsts])].toSorted((left, right) => left - right);
  for (const [at, first] of starts.entries()) {
    const end = Math.min(starts[at + 1] ?? options.until, options.until);
    if (end <= reading.size) continue;
    if (first > reading.size && reading.size !== options.from?.size) return reading.gap(first);
    const recorded = hashes.includes(first) ? await readWhole(disk, paths(dir).leaves(first)) : Buffer.alloc(0);
    const isThere = firsts.includes(first);
    // Only the hashes are left of deleted entries, which are always the oldest.
    if (!isThere && first > (firsts[0] ?? 0) && !coversAll(options.setAsideRanges, first, end))
      reading.missing(first, end);
    if (!isThere) reading.pass(first, end);
    const file = isThere ? await reading.open(first) : undefined;
    await reading.segment({ first, end, recorded, file });
    if (reading.hasDeleted && !(await areDeletedLinesExplained({ disk, dir }, first))) reading.unexplained(first);
    if (reading.isLost || reading.size >= options.until) return;
  }
};

const signedIn = async ({ disk, dir, published, until }: BackgroundVerifyOptions): Promise<Map<number, Digest>> => {
  const signed = new Map(published.filter(({ size }) => size <= until).map(({ size, root }) => [size, digestOf(root)]));
  for (const size of numbersIn(await disk.list(paths(dir).checkpoints), "")) {
    if (size > until) continue;
    // A checkpoint may be pruned meanwhile.
    const note = await readWhole(disk, paths(dir).checkpoint(size)).catch(() => undefined);
    const checkpoint = note && readCheckpoint(note.toString());
    if (checkpoint?.size === size && !signed.has(size)) signed.set(size, digestOf(checkpoint.root));
  }
  return signed;
};

type Part = {
  readonly first: number;
  readonly end: number;
  readonly recorded: Buffer;
  readonly file: SegmentFile | undefined;
};

class BackgroundVerification {
  readonly #options: BackgroundVerifyOptions;
  readonly #signed: ReadonlyMap<number, Digest>;
  readonly #trail = new RecoveryScan();
  /** The tree of the lines, and the tree of the recorded hashes if they differ. */
  #lines: Tree;
  #recorded: Tree | undefined;
  /** Differences that are not reported yet: the next checkpoint shows which of the two trees is right. */
  #differing: (Differing & { readonly segment: string })[] = [];
  #isDamaged = false;
  #proved: number;
  isLost = false;
  /** Whether the segment that was read last has deleted lines. */
  hasDeleted = false;
  readonly #passed: SetAsideRange[];
  /** After set-aside segments, the entry about them gives the DoNotCall numbers. */
  #unknownTo = 0;

  constructor(options: BackgroundVerifyOptions, signed: ReadonlyMap<number, Digest>) {
    this.#options = options;
    this.#signed = signed;
    this.#lines = createTree(options.from);
    this.#proved = this.#lines.size();
    this.#passed = [...(options.from?.setAsideRanges ?? [])];
    if (options.from) this.#trail.numbers.restore(options.from.dnc);
  }

  get size(): number {
    return this.#lines.size();
  }

  /** Undefined for a compressed file with damage at its end, which cannot be opened. */
  async open(first: number): Promise<SegmentFile | undefined> {
    try {
      return await openSegment(this.#options.disk, this.#options.dir, first);
    } catch (error) {
      this.#tellFrames(error, first);
      return undefined;
    }
  }

  /** Other errors come from the disk and say nothing about the entries. */
  #tellFrames(error: unknown, first: number): void {
    if (!(error instanceof FramesDamaged)) throw error;
    this.#reportDamage({ segment: segmentName(first), text: `${segmentName(first)} cannot be read: ${reason(error)}` });
  }

  missing(first: number, end: number): void {
    this.#reportDamage({
      segment: segmentName(first),
      text: `${segmentName(first)} is missing, with the entries ${first} to ${end - 1}`,
    });
  }

  /** Passes over a segment without lines: it was deleted or set aside. */
  pass(first: number, end: number): void {
    for (const aside of this.#options.setAsideRanges) {
      if (aside.from < first || aside.to > end) continue;
      this.#passed.push(aside);
      this.#unknownTo = Math.max(this.#unknownTo, aside.by + 1);
    }
  }

  unexplained(first: number): void {
    this.#reportDamage({
      segment: segmentName(first),
      text: `lines of ${segmentName(first)} are deleted, and no signed entry says so`,
    });
  }

  gap(first: number): void {
    this.#reportDamage({
      segment: segmentName(first),
      text: `${segmentName(first)} does not follow: the lines before it end with index ${this.size - 1}`,
    });
  }

  async segment(part: Part): Promise<void> {
    const { first, end, file } = part;
    const start = this.size;
    let index = first;
    this.hasDeleted = false;
    try {
      if (file) {
        const paced = {
          read: async (into: Uint8Array, position: number) => {
            await this.#options.pace();
            return file.read(into, position);
          },
        };
        await forEachLine(paced, (bytes, from, to) => {
          if (index >= end || this.isLost) return false;
          if (index < start) return void index++;
          this.#line(part, { bytes, from, to, index });
          index++;
        });
      }
    } catch (error) {
      this.#tellFrames(error, first);
    } finally {
      await file?.close();
    }
    if (index < end && file && !this.isLost) this.#differ(first, index - first + 1, true);
    for (; index < end && !this.isLost; index++) {
      const recorded = recordedAt(part, index);
      if (recorded === undefined)
        return this.#lose(`${segmentName(first)} line ${index - first + 1} and its leaf hash are missing`, first);
      if (index >= start) this.#grow(first, recorded, recorded);
    }
  }

  #line(
    part: Part,
    {
      bytes,
      from,
      to,
      index,
    }: { readonly bytes: Buffer; readonly from: number; readonly to: number; readonly index: number },
  ): void {
    const leaf = leafHashWithin(bytes, from, to);
    const recorded = recordedAt(part, index) ?? leaf;
    if (isDeletedLine(bytes, from, to)) {
      this.hasDeleted = true;
      // The recorded hash replaces the line.
      return this.#grow(part.first, recorded, recorded);
    }
    if (recorded !== leaf) this.#differ(part.first, index - part.first + 1);
    else this.#trail.add(bytes, from, to, index);
    this.#grow(part.first, leaf, recorded);
  }

  #differ(first: number, line: number, isAbsent = false): void {
    this.#recorded ??= createTree({ size: this.#lines.size(), roots: this.#lines.frontier() });
    this.#differing.push({ segment: segmentName(first), line, isAbsent });
  }

  #grow(first: number, leaf: Digest, recorded: Digest): void {
    this.#lines.append(leaf);
    this.#recorded?.append(recorded);
    const root = this.#signed.get(this.size);
    if (root !== undefined) this.#hold(root, first);
  }

  /** The signed root decides whether a line was changed or its recorded hash. */
  #hold(root: Digest, first: number): void {
    const [byLines, byRecorded] = [this.#lines.root() === root, this.#recorded?.root() === root];
    if (!byLines && !byRecorded)
      return this.#lose(
        `between index ${this.#proved} and ${this.size - 1} an entry is not as checkpoint ${this.size} signed it`,
        first,
      );
    if (byRecorded && !byLines) this.#lines = this.#recorded!;
    this.#recorded = undefined;
    for (const [segment, differing] of Map.groupBy(this.#differing, (each) => each.segment)) {
      this.#reportDamage({ segment, text: damageText(segment, differing, byLines, this.size) });
    }
    this.#differing = [];
    this.#proved = this.size;
    if (this.#isDamaged || this.size < this.#unknownTo) return;
    this.#options.verified({
      size: this.size,
      root,
      roots: this.#lines.frontier(),
      segment: first,
      dnc: this.#trail.numbers.save(),
      setAsideRanges: this.#passed,
    });
  }

  #lose(text: string, first: number): void {
    this.isLost = true;
    this.#reportDamage({ segment: segmentName(first), text: `${text}; later entries could not be verified` });
  }

  #reportDamage(damage: Damage): void {
    this.#isDamaged = true;
    this.#options.damaged(damage);
  }
}

const recordedAt = ({ first, recorded }: Part, index: number): Digest | undefined => {
  const at = (index - first) * DIGEST_BYTES;
  return at + DIGEST_BYTES <= recorded.length ? digestOf(recorded.subarray(at, at + DIGEST_BYTES)) : undefined;
};
