/**
 * Reads again what a start from a state did not read: every line up to the last checkpoint is held against its recorded leaf hash, and the tree of
 * both against every checkpoint on the way. What was damaged is named, and the reading goes on by the recorded hashes.
 */
import { coversAll, type Aside } from "../asides.ts";
import { readWhole, type Disk } from "../disk.ts";
import { FramesDamaged } from "../frames.ts";
import { forEachLine } from "../lines.ts";
import { readCheckpoint, type Checkpoint } from "../note.ts";
import { numbersIn, places, segmentName } from "../places.ts";
import { openSegment, segmentsIn, type SegmentFile } from "../segment.ts";
import { Trail } from "../trail.ts";
import { createTree, digestOf, DIGEST_BYTES, leafHashWithin, type Digest, type Frontier, type Tree } from "../tree.ts";
import { reason } from "../../system-error.ts";

/** `segment`: its name. In words what is wrong, with lines counted from 1. */
export type Damage = { readonly segment: string; readonly text: string };

/** All entries below `size` are as they were signed. */
export type Verified = Frontier & {
  readonly root: Digest;
  /** The segment of the next entry, by its first index. */ readonly segment: number;
  readonly dnc: Readonly<Record<string, number>>;
  /** Of those entries only the leaf hashes were there, as other entries say. */ readonly asides: readonly Aside[];
};

export type RereadOptions = {
  readonly disk: Disk;
  readonly dir: string;
  /** Entries up to here are read: the size of a checkpoint. */
  readonly until: number;
  /** Where an earlier reading without damage came to; with the first entry when left out. */
  readonly from?: Verified | undefined;
  /** What was set aside. */
  readonly asides: readonly Aside[];
  /** Checkpoints that lie elsewhere and must hold as well. */
  readonly published: readonly Checkpoint[];
  /** Awaited before each piece that is read. */
  readonly pace: () => Promise<void>;
  readonly verified: (verified: Verified) => void;
  readonly damaged: (damage: Damage) => void;
};

const MOST_LINES_TOLD = 5;

/** Resolves when it came to the end, or to where nothing more can be told. */
export const reread = async (options: RereadOptions): Promise<void> => {
  const { disk, dir } = options;
  const names = await disk.list(places(dir).segments);
  const [firsts, hashes] = [segmentsIn(names), numbersIn(names, ".hashes")];
  const reading = new Rereading(options, await signedIn(options));
  const starts = [...new Set([...hashes, ...firsts])].toSorted((left, right) => left - right);
  for (const [at, first] of starts.entries()) {
    const end = Math.min(starts[at + 1] ?? options.until, options.until);
    if (end <= reading.size) continue;
    if (first > reading.size && reading.size !== options.from?.size) return reading.gap(first);
    const recorded = hashes.includes(first) ? await readWhole(disk, places(dir).leaves(first)) : Buffer.alloc(0);
    const isThere = firsts.includes(first);
    // Of deleted entries, always the oldest, the hashes are all there is.
    if (!isThere && first > (firsts[0] ?? 0) && !coversAll(options.asides, first, end)) reading.missing(first, end);
    if (!isThere) reading.pass(first, end);
    const file = isThere ? await reading.open(first) : undefined;
    await reading.segment({ first, end, recorded, file });
    if (reading.isLost || reading.size >= options.until) return;
  }
};

const signedIn = async ({ disk, dir, published, until }: RereadOptions): Promise<Map<number, Digest>> => {
  const signed = new Map(published.filter(({ size }) => size <= until).map(({ size, root }) => [size, digestOf(root)]));
  for (const size of numbersIn(await disk.list(places(dir).checkpoints), "")) {
    if (size > until) continue;
    // Those that are thinned out meanwhile are not missed.
    const note = await readWhole(disk, places(dir).checkpoint(size)).catch(() => undefined);
    const checkpoint = note && readCheckpoint(note.toString());
    if (checkpoint?.size === size && !signed.has(size)) signed.set(size, digestOf(checkpoint.root));
  }
  return signed;
};

type Differing = { readonly line: number; readonly isAbsent: boolean };

const whatOf = (segment: string, differing: readonly Differing[], areLinesRight: boolean): string => {
  const absent = differing.find(({ isAbsent }) => isAbsent);
  const changed = differing.filter(({ isAbsent }) => !isAbsent).map(({ line }) => line);
  const lines = `line ${changed.slice(0, MOST_LINES_TOLD).join(", ")}${changed.length > MOST_LINES_TOLD ? ` and ${changed.length - MOST_LINES_TOLD} more` : ""}`;
  if (changed.length > 0 && areLinesRight && !absent)
    return `the leaf hashes beside ${segment} are not those of ${lines}`;
  return [
    ...(changed.length > 0 ? [`${segment} ${lines} is not as it was written`] : []),
    ...(absent ? [`${segment} ends before line ${absent.line}`] : []),
  ].join(", and ");
};

type Part = {
  readonly first: number;
  readonly end: number;
  readonly recorded: Buffer;
  readonly file: SegmentFile | undefined;
};

class Rereading {
  readonly #options: RereadOptions;
  readonly #signed: ReadonlyMap<number, Digest>;
  readonly #trail = new Trail();
  /** By the lines, where they are there; by the recorded hashes, where those differ. */
  #lines: Tree;
  #recorded: Tree | undefined;
  /** Not told yet: which of both is right is known at the next checkpoint. */
  #differing: (Differing & { readonly segment: string })[] = [];
  #isDamaged = false;
  #proved: number;
  isLost = false;
  readonly #passed: Aside[];
  /** The numbers of Do-Not-Calls behind what was set aside are known from the entry that tells of it. */
  #unknownTo = 0;

  constructor(options: RereadOptions, signed: ReadonlyMap<number, Digest>) {
    this.#options = options;
    this.#signed = signed;
    this.#lines = createTree(options.from);
    this.#proved = this.#lines.size();
    this.#passed = [...(options.from?.asides ?? [])];
    if (options.from) this.#trail.numbers.restore(options.from.dnc);
  }

  get size(): number {
    return this.#lines.size();
  }

  /** A compressed file that is damaged at its end cannot be opened at all. */
  async open(first: number): Promise<SegmentFile | undefined> {
    try {
      return await openSegment(this.#options.disk, this.#options.dir, first);
    } catch (error) {
      this.#tellFrames(error, first);
      return undefined;
    }
  }

  /** Anything else is the disk's word, and no word about the entries. */
  #tellFrames(error: unknown, first: number): void {
    if (!(error instanceof FramesDamaged)) throw error;
    this.#tell({ segment: segmentName(first), text: `${segmentName(first)} cannot be read: ${reason(error)}` });
  }

  missing(first: number, end: number): void {
    this.#tell({
      segment: segmentName(first),
      text: `${segmentName(first)} is missing, with the entries ${first} to ${end - 1}`,
    });
  }

  /** Its lines are not there. */
  pass(first: number, end: number): void {
    for (const aside of this.#options.asides) {
      if (aside.from < first || aside.to > end) continue;
      this.#passed.push(aside);
      this.#unknownTo = Math.max(this.#unknownTo, aside.by + 1);
    }
  }

  gap(first: number): void {
    this.#tell({
      segment: segmentName(first),
      text: `${segmentName(first)} does not follow: the lines before it end with index ${this.size - 1}`,
    });
  }

  async segment(part: Part): Promise<void> {
    const { first, end, file } = part;
    const start = this.size;
    let index = first;
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

  /** What was signed decides whether it is a line that was changed or its recorded hash. */
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
      this.#tell({ segment, text: `${whatOf(segment, differing, byLines)}, by checkpoint ${this.size}` });
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
      asides: this.#passed,
    });
  }

  #lose(text: string, first: number): void {
    this.isLost = true;
    this.#tell({ segment: segmentName(first), text: `${text}; what lies behind could not be read again` });
  }

  #tell(damage: Damage): void {
    this.#isDamaged = true;
    this.#options.damaged(damage);
  }
}

const recordedAt = ({ first, recorded }: Part, index: number): Digest | undefined => {
  const at = (index - first) * DIGEST_BYTES;
  return at + DIGEST_BYTES <= recorded.length ? digestOf(recorded.subarray(at, at + DIGEST_BYTES)) : undefined;
};
