/**
 * Examines a segment that an operator wants to set aside: which lines are damaged, by the leaf hashes that the last
 * checkpoint proves, and the times between which its entries lie.
 */
import { createHash } from "node:crypto";
import { coversAll } from "./set-aside-ranges.ts";
import type { Journal } from "../journal.ts";
import type { Checkpoints } from "../integrity/checkpoints/checkpoint.ts";
import { readAll, readWhole, type Disk } from "../disk.ts";
import type { Deleted, Recorded, SetAside } from "../entry.ts";
import { readLine, wordsOf } from "../entry-line.ts";
import { forEachIntact, type Intact } from "../integrity/intact-lines.ts";
import { readCheckpoint, signerOf, verifierKey } from "../integrity/checkpoints/signed-note.ts";
import { compressedName, paths, segmentName } from "../paths.ts";
import { HEAD_BYTES } from "./retention/due-segments.ts";
import { areDeletedLinesExplained } from "./retention/explained-deletions.ts";
import { FramesDamaged } from "./frames.ts";
import { openSegment, type SegmentFile } from "./segment.ts";
import { spansIn, type Span } from "./entry-ranges.ts";
import type { StateSigner } from "../write/start-state.ts";
import { timeBefore, timeAfter, timeWithin, type Proved } from "../integrity/neighbor-times.ts";
import { LeavesMissing, Tiles } from "../integrity/tiles.ts";
import { DIGEST_BYTES, digestOf, verifyInclusion, type Digest } from "../integrity/merkle-tree.ts";

/**
 * The command is refused; the message tells the operator why. `kind`: whether the cause is the command, the segment or
 * the journal.
 */
export class NotSetAside extends Error {
  override readonly name = "NotSetAside";
  readonly kind: "unknown" | "refused" | "broken";

  constructor(kind: NotSetAside["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type ExamineOptions = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last">;
  /** The signer of the checkpoints to trust. */
  readonly signer: StateSigner;
};

/** The members of a `set-aside` entry that the examination finds. */
export type Examination = Pick<SetAside, "from" | "to" | "files" | "damage" | "intact" | "oldest" | "youngest">;

/** Throws NotSetAside. */
export const firstIndexIn = (given: string): number => {
  const digits = /^(?:.*\/)?(\d{1,15})(?:\.jsonl(?:\.zst)?|\.hashes)?$/.exec(given)?.[1];
  if (digits === undefined)
    throw new NotSetAside(
      "unknown",
      `${JSON.stringify(given)} is no segment: expected the index of its first entry or its file's name, as in ` +
        `${segmentName(41)}`,
    );
  return Number(digits);
};

/** Reads the segment and changes nothing. Throws NotSetAside when it must not be set aside. */
export const examineSegment = async (looking: ExamineOptions, first: number): Promise<Examination> => {
  const { look } = await examine(looking, first, new Set());
  return look;
};

/** `deletions`: the entries of kind `deleted` in it. */
type Examined = {
  readonly look: Examination;
  readonly lines: ReadonlyMap<number, Recorded>;
  readonly deletions: readonly Deleted[];
};

const DELETION = new RegExp(`"kind":"(?:${wordsOf("deleted").join("|")})"`);

export const examine = async (
  looking: ExamineOptions,
  first: number,
  wanted: ReadonlySet<number>,
): Promise<Examined> => {
  const { journal } = looking;
  const { disk, dir } = journal;
  const spans = spansIn(await disk.list(paths(dir).segments));
  const span = spanAt(journal, spans, first);
  const { root, size } = await signedRoot(looking, span);
  const tiles = new Tiles(disk, dir, size);
  try {
    const hashes = await provedHashes({ disk, dir, tiles, root }, span);
    const lines = new Map<number, Recorded>();
    const deletions: Deleted[] = [];
    const times: string[] = [];
    let beginning: string | undefined;
    const found = await forEachIntact(
      { open: () => openSegment(disk, dir, first), first, hashes },
      (bytes, start, end, index) => {
        const time = timeWithin(bytes, start, end);
        if (time !== undefined) times.push(time);
        if (index === first) beginning = time;
        if (wanted.has(index)) lines.set(index, readLine(bytes.toString("utf8", start, end)));
        if (DELETION.test(bytes.toString("latin1", start, Math.min(end, start + HEAD_BYTES)))) {
          const entry = readLine(bytes.toString("utf8", start, end));
          if (entry.kind === "deleted") deletions.push(entry);
        }
      },
    );
    const isExplained = found.deleted === 0 || (await isDeletionExplained(journal, first));
    const damage = damageOf(found, span, isExplained);
    if (damage === undefined)
      throw new NotSetAside(
        "refused",
        `${segmentName(first)} is not damaged: each of its ${span.end - first} lines is as it was signed. It stays`,
      );
    const files = await filesOf({ disk, dir }, first);
    await refuseWholePlain(journal, { span, hashes, files });
    times.sort();
    const [before, behind] = [
      spans.filter((each) => each.end <= first),
      spans.filter((each) => each.first >= span.end),
    ];
    const proved = { disk, dir, tiles, root };
    return {
      look: {
        from: first,
        to: span.end,
        damage,
        intact: found.intact,
        files,
        oldest: earliest(beginning ?? (await timeBefore(proved, before)), times[0]),
        youngest: latest(await timeAfter(proved, behind), times.at(-1)),
      },
      lines,
      deletions,
    };
  } finally {
    await tiles.close();
  }
};

type Forms = { readonly span: Span; readonly hashes: Buffer; readonly files: SetAside["files"] };

/** A crash may leave both forms, and the compressed one is read: if the plain one is complete, nothing is lost. */
const refuseWholePlain = async ({ disk, dir }: Journal, { span, hashes, files }: Forms): Promise<void> => {
  const { first } = span;
  if (files.length < 2) return;
  const open = (): Promise<SegmentFile> => disk.open(paths(dir).segment(first), "read");
  if (damageOf(await forEachIntact({ open, first, hashes }, () => undefined), span, false) !== undefined) return;
  throw new NotSetAside(
    "refused",
    `${segmentName(first)} is as it was signed, and only ${compressedName(first)} beside it is damaged: it stays. ` +
      `The gateway compresses it again; or stop the gateway and remove ${compressedName(first)}`,
  );
};

const spanAt = (journal: Journal, spans: readonly Span[], first: number): Span => {
  const span = spans.find((each) => each.first === first);
  if (!span) {
    const around = spans.findLast((each) => each.first < first);
    throw new NotSetAside(
      "unknown",
      "no segment begins with index " +
        `${first}${around ? `; the one with that index would be ${segmentName(around.first)}` : ""}`,
    );
  }
  if (span.end === Number.POSITIVE_INFINITY)
    throw new NotSetAside(
      "refused",
      `${segmentName(first)} is the segment that is being written: it cannot be set aside`,
    );
  const ranges = journal.setAsideRanges();
  if (coversAll(ranges, first, span.end) && !span.isThere)
    throw new NotSetAside(
      "refused",
      `${segmentName(first)} is set aside already, as entry ${ranges.find(({ from }) => from === first)?.by} says`,
    );
  if (first < (journal.lastDeleted()?.entry.to ?? 0))
    throw new NotSetAside("refused", `${segmentName(first)} was deleted, as audit.retention says`);
  return span;
};

/** The root of the last checkpoint, which covers the segment. */
const signedRoot = async (
  { journal: { disk, dir }, checkpoints, signer }: ExamineOptions,
  { first, end }: Span,
): Promise<{ readonly size: number; readonly root: Digest }> => {
  const { size } = checkpoints.last();
  if (size < end) throw new NotSetAside("refused", `no checkpoint covers ${segmentName(first)} yet`);
  const note = (await readWhole(disk, paths(dir).checkpoint(size))).toString();
  const signed = readCheckpoint(note);
  if (signed?.size !== size || signerOf(note, [verifierKey(signer.origin, signer.key)]) === undefined)
    throw new NotSetAside("broken", `checkpoint ${size} is not as this gateway signed it`);
  return { size, root: digestOf(signed.root) };
};

/** The segment's leaf hashes, each proved by the last checkpoint: without them its content is unknown. */
const provedHashes = async ({ disk, dir, tiles, root }: Proved, { first, end }: Span): Promise<Buffer> => {
  const { size } = tiles;
  const hashes = await readWhole(disk, paths(dir).leaves(first)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return Buffer.alloc(0);
  });
  try {
    // The proof of one entry contains the hashes of all entries in its tile.
    for (let index = first; index < end; index = Math.min(end, Math.floor(index / WIDTH + 1) * WIDTH)) {
      const at = (index - first) * DIGEST_BYTES;
      const leaf = digestOf(hashes.subarray(at, at + DIGEST_BYTES));
      if (verifyInclusion({ index, size, leaf, root, proof: await tiles.of(index) })) continue;
      throw new NotSetAside("broken", `${ofHashes(first)} do not lead to the root of checkpoint ${size}. ${NO_HASHES}`);
    }
  } catch (error) {
    throw error instanceof LeavesMissing ? new NotSetAside("broken", `${error.message}. ${NO_HASHES}`) : error;
  }
  return hashes;
};

const WIDTH = 256;
const ofHashes = (first: number): string =>
  `the leaf hashes beside ${segmentName(first)}, or others that stand above them,`;
const NO_HASHES =
  "Without them the segment cannot be verified, so it stays: restore the leaf hashes from a copy, or the " +
  "whole segment";

/** Where the file cannot be read, its deletion texts are not trusted either. */
const isDeletionExplained = (journal: Journal, first: number): Promise<boolean> =>
  areDeletedLinesExplained(journal, first).catch((error: unknown) => {
    if (!(error instanceof FramesDamaged)) throw error;
    return false;
  });

const damageOf = (
  { intact, deleted, others, damage }: Intact,
  { first, end }: Span,
  isExplained: boolean,
): string | undefined => {
  const absent = end - first - intact - (isExplained ? deleted : 0);
  if (damage === undefined && others === 0 && absent === 0) return undefined;
  return [
    `${absent} of its ${end - first} lines ${absent === 1 ? "is" : "are"} not as they were signed or not there`,
    ...(others > 0 ? [`${others} ${others === 1 ? "line is" : "lines are"} another or in another place`] : []),
    ...(damage === undefined ? [] : [damage]),
  ].join("; ");
};

const filesOf = async ({ disk, dir }: Pick<Journal, "disk" | "dir">, first: number): Promise<SetAside["files"]> => {
  const names = new Set(await disk.list(paths(dir).segments));
  const files: SetAside["files"][number][] = [];
  for (const name of [segmentName(first), compressedName(first)]) {
    if (names.has(name)) files.push({ name, ...(await sumOf(disk, `${paths(dir).segments}/${name}`)) });
  }
  return files;
};

const CHUNK = 1 << 20;

export const sumOf = async (disk: Disk, path: string): Promise<{ readonly bytes: number; readonly sha256: string }> => {
  const hash = createHash("sha256");
  const file = await disk.open(path, "read");
  try {
    let bytes = 0;
    for (let piece = await readAll(file, 0, CHUNK); piece.length > 0; piece = await readAll(file, bytes, CHUNK)) {
      hash.update(piece);
      bytes += piece.length;
    }
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
};

/** Null means no bound. */
const earliest = (bound: string | null, seen: string | undefined): string | null =>
  bound === null ? null : [bound, seen ?? bound].toSorted()[0]!;
const latest = (bound: string | null, seen: string | undefined): string | null =>
  bound === null ? null : [bound, seen ?? bound].toSorted()[1]!;
