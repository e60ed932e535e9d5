/** Finds out which lines were changed, as exactly as can be proved. It rereads only the segments that it needs. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { countIn } from "./set-aside.ts";
import { nameOf } from "./checkpoints.ts";
import { recordedIn } from "./deletions.ts";
import { differences, type Difference, type CurrentLine } from "./differences.ts";
import { Prefix, hashLine } from "./merkle.ts";
import type { Finding } from "./report.ts";
import type { Scan } from "./scan.ts";
import { numbersOf, segmentFile } from "./segments/segment-files.ts";
import type { Claim } from "./signatures.ts";
import { walk } from "./walk.ts";

const HASH_BYTES = 32;

type Context = {
  readonly dir: string;
  readonly seen: Scan;
  readonly anchors: readonly Claim[];
  /** For entries below it, the recorded leaf hashes lead to a signed root: they show the original lines. */
  readonly proved: number;
  readonly recorded: readonly number[];
  /** The present lines of the entries below it have the root of a checkpoint. */
  readonly matching: number;
};

export const diagnose = async (dir: string, seen: Scan, anchors: readonly Claim[]): Promise<Finding[]> => {
  const recorded = await numbersOf(dir, ".hashes");
  const it: Context = {
    dir,
    seen,
    anchors,
    recorded,
    proved: await provedBy(dir, recorded, anchors),
    matching: seen.matching.at(-1)?.size ?? 0,
  };
  const findings: Finding[] = [];
  const proved = recorded.filter((first) => first < it.proved && first >= seen.missingLines.retired);
  for (const first of new Set(
    [...proved, ...seen.segments.map((segment) => segment.first)].toSorted((left, right) => left - right),
  )) {
    findings.push(...(await (first < it.proved ? diagnoseProved(it, first) : diagnoseIndexes(it, first))));
  }
  const all = [...findings, ...rangeOf(it, findings), ...contradictions(it)];
  const [failing] = seen.failing;
  // A mismatching root is a finding even if nothing above explains it.
  return failing && all.length === 0
    ? [{ kind: "checkpoint", text: `${nameOf(failing)} does not have the root of the first ${failing.size} entries` }]
    : all;
};

/**
 * Checkpoints that do not match, below one that does: changed lines cannot be the cause, because the later checkpoint
 * signed all of them.
 */
const contradictions = ({ seen, matching }: Context): Finding[] => {
  const later = seen.matching.at(-1);
  return seen.failing
    .filter(({ size }) => size <= matching)
    .map((failing): Finding => ({
      kind: "checkpoint",
      text:
        `${nameOf(failing)} does not have the root of the first ${failing.size} entries, and ${nameOf(later!)} has ` +
        `that of the first ${later!.size}: they contradict each other, so one of the two was signed of other lines`,
    }));
};

/**
 * The largest checkpoint whose root the recorded leaf hashes have; its root proves every leaf below it, even if a
 * smaller checkpoint differs.
 */
const provedBy = async (dir: string, recorded: readonly number[], anchors: readonly Claim[]): Promise<number> => {
  const prefix = new Prefix();
  const left = anchors.filter(({ size }) => size > 0);
  // After the last checkpoint no recorded leaf hash proves anything.
  const last = left.at(-1)?.size ?? 0;
  let proved = 0;
  for (const [place, first] of recorded.entries()) {
    if (first !== prefix.size) break;
    const leaves = await readLeaves(dir, first, Math.min(recorded[place + 1] ?? last, last) - first);
    for (const leaf of leaves) {
      prefix.add(leaf);
      while (left[0]?.size === prefix.size) if (left.shift()!.root === prefix.root()) proved = prefix.size;
    }
  }
  return proved;
};

const readLeaves = async (dir: string, first: number, most: number): Promise<string[]> => {
  await using file = await open(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")), "r");
  const length = Math.max(0, Math.min((await file.stat()).size, most * HASH_BYTES));
  const { buffer: bytes, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
  const leaves: string[] = [];
  for (let at = 0; at + HASH_BYTES <= bytesRead; at += HASH_BYTES)
    leaves.push(bytes.toString("hex", at, at + HASH_BYTES));
  return leaves;
};

const diagnoseProved = async (it: Context, first: number): Promise<Finding[]> => {
  const name = segmentFile(first);
  const segment = it.seen.segments.find((seen) => seen.first === first);
  if (!it.recorded.includes(first))
    return [{ kind: "segment", segment: name, text: `${name} is not part of the journal: somebody added it` }];
  const next = it.recorded.find((other) => other > first) ?? Number.POSITIVE_INFINITY;
  const end = Math.min(next, it.proved);
  // The scan reports missing segments; one that was set aside is missing for a reason.
  if (!segment && it.seen.findings.some((found) => found.segment === name && found.index === first)) return [];
  if (!segment && countIn(it.seen.missingLines.aside, first, end) === end - first) return [];
  if (!segment)
    return [
      {
        kind: "segment",
        segment: name,
        index: first,
        text: `${name} is missing, with the entries ${first} to ${end - 1}`,
      },
    ];
  if (end <= it.matching && !segment.irregular) return [];
  const expected = await readLeaves(it.dir, first, end - first);
  const standing = await readStanding(it, first, hashLine);
  const behind = next > it.proved ? splitBehind(standing, new Set(expected), it.proved) : standing.length;
  return [
    ...worded(it, { first, byHash: true }, differences(expected, standing.slice(0, behind), first)),
    ...(behind === standing.length ? [] : diagnoseBehind(it, { first, standing, behind })),
  ];
};

/** Where the lines begin that no checkpoint covers yet. */
const splitBehind = (standing: readonly CurrentLine[], expected: ReadonlySet<string>, proved: number): number => {
  const isBehind = ({ key, declared }: CurrentLine): boolean =>
    !expected.has(key) && (declared === undefined || declared >= proved);
  let behind = standing.length;
  while (behind > 0 && isBehind(standing[behind - 1]!)) behind--;
  return behind;
};

const diagnoseBehind = (
  it: Context,
  { first, standing, behind }: { first: number; standing: readonly CurrentLine[]; behind: number },
): Finding[] => {
  const rest = byIndex(standing.slice(behind));
  const moved = differences(indexes(it.proved, endOf(it, rest, first)), rest, it.proved).map((difference) =>
    shifted(difference, behind),
  );
  return worded(it, { first, byHash: false }, moved);
};

const shifted = (difference: Difference, by: number): Difference =>
  difference.kind === "swapped"
    ? { ...difference, lines: [difference.lines[0] + by, difference.lines[1] + by] }
    : { ...difference, line: difference.line + by };

const diagnoseIndexes = async (it: Context, first: number): Promise<Finding[]> => {
  const segment = it.seen.segments.find((seen) => seen.first === first)!;
  const standing = byIndex(await readStanding(it, first, () => ""));
  const end = endOf(it, standing, first);
  if (!segment.irregular && segment.lines >= end - first) return [];
  return worded(it, { first, byHash: false }, differences(indexes(first, end), standing, first));
};

/** The index after the last one that belongs to the segment. */
const endOf = ({ seen, anchors }: Context, standing: readonly CurrentLine[], first: number): number => {
  const next = seen.segments.find((segment) => segment.first > first);
  if (next) return next.first;
  const last = standing.findLast(({ declared }) => declared !== undefined)?.declared ?? first - 1;
  return Math.max(last + 1, anchors.at(-1)?.size ?? 0);
};

const indexes = (from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => String(from + at));
const byIndex = (standing: readonly CurrentLine[]): CurrentLine[] =>
  standing.map((line, at) => ({
    ...line,
    key: line.partial || line.declared === undefined ? `line ${at}` : String(line.declared),
  }));

const readStanding = async (
  { dir, seen, anchors }: Context,
  first: number,
  keyOf: (line: Buffer) => string,
): Promise<CurrentLine[]> => {
  const standing: CurrentLine[] = [];
  const recorded = await recordedIn(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")));
  // If an entry states the deletion, the recorded hashes replace the deleted lines.
  const isDeleted = (deleted: boolean): boolean => deleted && seen.missingLines.remainders.has(first);
  await walk(join(dir, "segments", segmentFile(first)), ({ bytes, head, partial, number, deleted }) =>
    standing.push(
      isDeleted(deleted)
        ? { key: keyOf === hashLine ? (recorded(number - 1) ?? "") : "", declared: first + number - 1, partial }
        : { key: keyOf(bytes), declared: head?.index, partial },
    ),
  );
  const covered = anchors.at(-1)?.size ?? 0;
  const last = standing.at(-1);
  // After the last checkpoint, an incomplete line at the very end is the result of a crash or of a write in progress.
  const isTorn = last?.partial && first === seen.segments.at(-1)?.first && (last.declared ?? covered) >= covered;
  return isTorn ? standing.slice(0, -1) : standing;
};

/** Findings that can only be located between two checkpoints, not by line. */
const rangeOf = ({ seen, anchors, matching }: Context, found: readonly Finding[]): Finding[] => {
  const failing = seen.failing.find(({ size }) => size > matching);
  const before = anchors.findLast(({ size }) => size <= matching)?.size ?? 0;
  if (!failing || found.some((finding) => placeOf(finding) >= before && placeOf(finding) < failing.size)) return [];
  if (seen.entries < failing.size) return [cutAt(seen.entries, seen.failing)];
  return [
    {
      kind: "range",
      index: before,
      text:
        `among the entries ${before} to ${failing.size - 1} one or more lines were changed: the first ` +
        `${failing.size} entries do not have the root of ` +
        `${nameOf(failing)}${before > 0 ? `, the first ${before} have that of checkpoint ${before}` : ""}`,
    },
  ];
};

/** The missing entries at the end, according to the largest checkpoint. */
const cutAt = (entries: number, failing: readonly Claim[]): Finding => {
  const farthest = failing.reduce((one, other) => (other.size > one.size ? other : one));
  const covered = `${nameOf(farthest)} covers ${farthest.size}`;
  const text = `the journal ends after ${entries} entries, but ${covered}: it was cut off`;
  return { kind: "cut", index: entries, text };
};

/** The index of the entry that the finding is about. */
const placeOf = ({ segment = "", line = 1 }: Finding): number => Number(segment.slice(0, 12)) + line - 1;

type How = { readonly first: number; readonly byHash: boolean };

const worded = ({ proved, anchors }: Context, { first, byHash }: How, found: readonly Difference[]): Finding[] => {
  const segment = segmentFile(first);
  const coverOf = (index: number): Claim | undefined => anchors.find(({ size }) => size > index);
  const why = (index: number): string => {
    const cover = byHash ? anchors.find(({ size }) => size === proved) : coverOf(index);
    return cover
      ? `: the first ${cover.size} entries do not have the root of ${nameOf(cover)}`
      : ": no checkpoint covers it yet, but the indexes show it";
  };
  return found.map((difference): Finding => {
    const { text, index } = wordsFor(difference, segment, byHash);
    const kind = difference.kind === "removed" && difference.atEnd ? "cut" : difference.kind;
    return {
      kind,
      segment,
      line: difference.kind === "swapped" ? difference.lines[0] : difference.line,
      ...(index !== undefined && { index }),
      text: text + why(index ?? first),
    };
  });
};

const wordsFor = (
  difference: Difference,
  segment: string,
  byHash: boolean,
): { text: string; index: number | undefined } => {
  switch (difference.kind) {
    case "changed":
      return {
        index: difference.index,
        text: `line ${difference.line} of ${segment} (index ${difference.index}) was changed`,
      };
    case "cut-off":
      return {
        index: difference.index,
        text: `line ${difference.line} of ${segment} (index ${difference.index}) is cut off in its middle`,
      };
    case "inserted": {
      const { line, copyOf } = difference;
      const which = byHash ? `, a copy of index ${copyOf}` : `: another line has its index ${copyOf}`;
      return { index: copyOf, text: `line ${line} of ${segment} was inserted${copyOf === undefined ? "" : which}` };
    }
    case "removed": {
      const which =
        difference.from === difference.to
          ? `index ${difference.from} was`
          : `indexes ${difference.from} to ${difference.to} were`;
      return {
        index: difference.from,
        text: `${which} removed from ${segment}, ${difference.atEnd ? "at its end" : `before line ${difference.line}`}`,
      };
    }
    case "swapped":
      return {
        index: difference.indexes[0],
        text:
          `lines ${difference.lines.join(" and ")} of ${segment} are swapped (indexes ` +
          `${difference.indexes.join(" and ")})`,
      };
    case "moved":
      return {
        index: difference.index,
        text: `line ${difference.line} of ${segment} (index ${difference.index}) was moved there from its position`,
      };
  }
};
