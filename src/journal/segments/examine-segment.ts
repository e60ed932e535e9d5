/**
 * Sets a damaged segment aside: an entry says what and why, a checkpoint covers it, then the files are moved to
 * `set-aside`, where nothing of the journal reads them any more. Nothing is deleted and the leaf hashes stay, so the
 * tree can still be built. A crash before the move leaves an entry; the next run makes the move.
 */
import { createHash } from "node:crypto";
import type { Asked } from "./access.ts";
import { accountName } from "./access.ts";
import { coversAll } from "./asides.ts";
import type { Journal } from "./append.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { readAll, readWhole, type Disk } from "./disk.ts";
import type { Recorded, SetAside } from "./entry.ts";
import { readLine } from "./entry-line.ts";
import { forEachIntact, type Intact } from "./intact.ts";
import { readCheckpoint, signerOf, verifierKey } from "./note.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { OpenDoNotCalls } from "./open-do-not-calls.ts";
import { compressedName, places, segmentName } from "./places.ts";
import { readEntries } from "./read.ts";
import { carryOn, deletedTo } from "./retention.ts";
import { openSegment, type SegmentFile } from "./segment.ts";
import { spansIn, type Span } from "./spans.ts";
import type { StateSigner } from "./start-state.ts";
import { timeBefore, timeBehind, timeWithin, type Proved } from "./surroundings.ts";
import { LeavesMissing, Tiles } from "./tiles.ts";
import { DIGEST_BYTES, digestOf, verifyInclusion, type Digest } from "./tree.ts";

/**
 * What is asked is not done, for a reason that the person who asks can understand. `kind`: of the command, of the
 * segment, of the journal.
 */
export class NotSetAside extends Error {
  override readonly name = "NotSetAside";
  readonly kind: "unknown" | "refused" | "broken";

  constructor(kind: NotSetAside["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Looking = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last">;
  /** Whose checkpoints count. */
  readonly signer: StateSigner;
};

/** What there is to set aside. */
export type Look = Pick<SetAside, "from" | "to" | "files" | "damage" | "intact" | "oldest" | "youngest">;

/** Throws NotSetAside. */
export const firstIn = (given: string): number => {
  const digits = /^(?:.*\/)?(\d{1,15})(?:\.jsonl(?:\.zst)?|\.hashes)?$/.exec(given)?.[1];
  if (digits === undefined)
    throw new NotSetAside(
      "unknown",
      `${JSON.stringify(given)} is no segment: expected the index of its first entry or its file's name, as in ${segmentName(41)}`,
    );
  return Number(digits);
};

/** Reads the segment and changes nothing. Throws NotSetAside where it is not to be set aside. */
export const lookAt = async (looking: Looking, first: number): Promise<Look> => {
  const { look } = await examine(looking, first, new Set());
  return look;
};

type Examined = { readonly look: Look; readonly lines: ReadonlyMap<number, Recorded> };

const examine = async (looking: Looking, first: number, wanted: ReadonlySet<number>): Promise<Examined> => {
  const { journal } = looking;
  const { disk, dir } = journal;
  const spans = spansIn(await disk.list(places(dir).segments));
  const span = spanAt(journal, spans, first);
  const { root, size } = await signedRoot(looking, span);
  const tiles = new Tiles(disk, dir, size);
  try {
    const hashes = await provedHashes({ disk, dir, tiles, root }, span);
    const lines = new Map<number, Recorded>();
    const times: string[] = [];
    let beginning: string | undefined;
    const found = await forEachIntact(
      { open: () => openSegment(disk, dir, first), first, hashes },
      (bytes, start, end, index) => {
        const time = timeWithin(bytes, start, end);
        if (time !== undefined) times.push(time);
        if (index === first) beginning = time;
        if (wanted.has(index)) lines.set(index, readLine(bytes.toString("utf8", start, end)));
      },
    );
    const damage = damageOf(found, span);
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
        youngest: latest(await timeBehind(proved, behind), times.at(-1)),
      },
      lines,
    };
  } finally {
    await tiles.close();
  }
};

type Forms = { readonly span: Span; readonly hashes: Buffer; readonly files: SetAside["files"] };

/** A crash may leave both forms, and the compressed one is read: where the plain one is whole, nothing is lost. */
const refuseWholePlain = async ({ disk, dir }: Journal, { span, hashes, files }: Forms): Promise<void> => {
  const { first } = span;
  if (files.length < 2) return;
  const open = (): Promise<SegmentFile> => disk.open(places(dir).segment(first), "read");
  if (damageOf(await forEachIntact({ open, first, hashes }, () => undefined), span) !== undefined) return;
  throw new NotSetAside(
    "refused",
    `${segmentName(first)} is as it was signed, and only ${compressedName(first)} beside it is damaged: it stays. The gateway compresses it anew; or stop the gateway and remove ${compressedName(first)}`,
  );
};

const spanAt = (journal: Journal, spans: readonly Span[], first: number): Span => {
  const span = spans.find((each) => each.first === first);
  if (!span) {
    const around = spans.findLast((each) => each.first < first);
    throw new NotSetAside(
      "unknown",
      `no segment begins with index ${first}${around ? `; the one with that index would be ${segmentName(around.first)}` : ""}`,
    );
  }
  if (span.end === Number.POSITIVE_INFINITY)
    throw new NotSetAside(
      "refused",
      `${segmentName(first)} is the segment that is being written: it cannot be set aside`,
    );
  const asides = journal.asides();
  if (coversAll(asides, first, span.end) && !span.isThere)
    throw new NotSetAside(
      "refused",
      `${segmentName(first)} is set aside already, as entry ${asides.find(({ from }) => from === first)?.by} says`,
    );
  if (first < deletedTo(journal))
    throw new NotSetAside("refused", `${segmentName(first)} was deleted, as audit.retention says`);
  return span;
};

/** Of the last checkpoint, which covers the segment. */
const signedRoot = async (
  { journal: { disk, dir }, checkpoints, signer }: Looking,
  { first, end }: Span,
): Promise<{ readonly size: number; readonly root: Digest }> => {
  const { size } = checkpoints.last();
  if (size < end) throw new NotSetAside("refused", `no checkpoint covers ${segmentName(first)} yet`);
  const note = (await readWhole(disk, places(dir).checkpoint(size))).toString();
  const signed = readCheckpoint(note);
  if (signed?.size !== size || signerOf(note, [verifierKey(signer.origin, signer.key)]) === undefined)
    throw new NotSetAside("broken", `checkpoint ${size} is not as this gateway signed it`);
  return { size, root: digestOf(signed.root) };
};

/**
 * The leaf hashes of the segment, each of them proved by the last checkpoint: without that nothing tells what was in
 * it.
 */
const provedHashes = async ({ disk, dir, tiles, root }: Proved, { first, end }: Span): Promise<Buffer> => {
  const { size } = tiles;
  const hashes = await readWhole(disk, places(dir).leaves(first)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return Buffer.alloc(0);
  });
  try {
    // The path of an entry holds the hashes of all that share its tile.
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
  "Without them nothing tells what was in the segment, so it stays: put the leaf hashes back from a copy, or the whole segment";

const damageOf = ({ intact, others, damage }: Intact, { first, end }: Span): string | undefined => {
  const absent = end - first - intact;
  if (damage === undefined && others === 0 && absent === 0) return undefined;
  return [
    `${absent} of its ${end - first} lines ${absent === 1 ? "is" : "are"} not as they were signed or not there`,
    ...(others > 0 ? [`${others} ${others === 1 ? "line is" : "lines are"} another or in another place`] : []),
    ...(damage === undefined ? [] : [damage]),
  ].join("; ");
};

const filesOf = async ({ disk, dir }: Pick<Journal, "disk" | "dir">, first: number): Promise<SetAside["files"]> => {
  const names = new Set(await disk.list(places(dir).segments));
  const files: SetAside["files"][number][] = [];
  for (const name of [segmentName(first), compressedName(first)]) {
    if (names.has(name)) files.push({ name, ...(await sumOf(disk, `${places(dir).segments}/${name}`)) });
  }
  return files;
};

const CHUNK = 1 << 20;

const sumOf = async (disk: Disk, path: string): Promise<{ readonly bytes: number; readonly sha256: string }> => {
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

/** Null is without an end. */
const earliest = (bound: string | null, seen: string | undefined): string | null =>
  bound === null ? null : [bound, seen ?? bound].toSorted()[0]!;
const latest = (bound: string | null, seen: string | undefined): string | null =>
  bound === null ? null : [bound, seen ?? bound].toSorted()[1]!;

export type Setting = Looking & {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last" | "write">;
  /** Which Do-Not-Calls are open: those in the segment are carried on. */
  readonly openDoNotCalls: Pick<OpenDoNotCalls, "below">;
  readonly by: Pick<Asked, "user" | "behind" | "purpose">;
};

/** Resolves with the entry and its index when the files are moved. Throws NotSetAside. */
export const setAside = (
  setting: Setting,
  first: number,
): Promise<{ readonly entry: SetAside; readonly index: number }> =>
  oneAtATime(setting.journal.dir, () => set(setting, first));

const set = async (setting: Setting, first: number): Promise<{ readonly entry: SetAside; readonly index: number }> => {
  const {
    journal,
    checkpoints,
    openDoNotCalls,
    by: { user, behind, purpose },
  } = setting;
  const { failed } = journal.status();
  if (failed !== undefined) throw new Error(failed);
  // So that the line behind the segment can be proved, which tells where its time ends.
  await checkpoints.write();
  const open = openDoNotCalls.below(Number.POSITIVE_INFINITY);
  const { look, lines } = await examine(setting, first, new Set(open?.map(({ from }) => from)));
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
    before: journal.asides(),
  };
  await carryOn(journal, carried, lines);
  await journal.append(entry);
  await checkpoints.write();
  const said = journal.asides().find(({ from }) => from === first);
  if (!said || checkpoints.last().size <= said.by)
    throw new Error(
      "no checkpoint covers the entry that says it, so the segment stays in its place until the next start",
    );
  await move(
    journal,
    entry.files.map(({ name }) => name),
  );
  return { entry, index: said.by };
};

/**
 * Both directories are on the disk before it resolves. A name that is taken there is that of an earlier file, which
 * stays.
 */
const move = async ({ disk, dir }: Journal, names: readonly string[]): Promise<void> => {
  const at = places(dir);
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
 * What an earlier run had said that it sets aside, when a crash came between. A file that is another than the one that
 * the entry names was put there since, from a copy: it stays.
 */
export const finishSettingAside = async (journal: Journal): Promise<void> => {
  const there = new Set(
    (await journal.disk.list(places(journal.dir).segments)).flatMap((name) => (name.endsWith(".hashes") ? [] : [name])),
  );
  for (const { from, by } of journal.asides()) {
    if (!there.has(segmentName(from)) && !there.has(compressedName(from))) continue;
    for await (const entry of readEntries(journal.dir, { from: by, to: by + 1 }, journal.disk)) {
      if (entry.kind !== "set-aside") continue;
      const left: string[] = [];
      for (const { name, sha256 } of entry.files) {
        if (there.has(name) && (await sumOf(journal.disk, `${places(journal.dir).segments}/${name}`)).sha256 === sha256)
          left.push(name);
      }
      if (left.length > 0) await oneAtATime(journal.dir, () => move(journal, left));
    }
  }
};
