/** When something does not fit: which lines, as exactly as can be proved. Reads again only the segments that it must. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { countIn } from "./asides.ts";
import { nameOf } from "./checkpoints.ts";
import { differences, type Difference, type Standing } from "./differences.ts";
import { Prefix, hashLine } from "./merkle.ts";
import type { Finding } from "./report.ts";
import { numbersOf, segmentFile, type Scan } from "./scan.ts";
import type { Claim } from "./signatures.ts";
import { walk } from "./walk.ts";

const HASH_BYTES = 32;

type Case = {
  readonly dir: string;
  readonly seen: Scan;
  readonly anchors: readonly Claim[];
  /** Entries below it have a leaf hash in the files beside the segments that leads to a signed root: so they were once written like that. */
  readonly proved: number;
  readonly recorded: readonly number[];
  /** As they stand, entries below it have the root of a checkpoint. */
  readonly matching: number;
};

export const diagnose = async (dir: string, seen: Scan, anchors: readonly Claim[]): Promise<Finding[]> => {
  const recorded = await numbersOf(dir, ".hashes");
  const it: Case = {
    dir,
    seen,
    anchors,
    recorded,
    proved: await provedBy(dir, recorded, anchors),
    matching: seen.matching.at(-1)?.size ?? 0,
  };
  const findings: Finding[] = [];
  const proved = recorded.filter((first) => first < it.proved && first >= seen.retired);
  for (const first of new Set(
    [...proved, ...seen.segments.map((segment) => segment.first)].toSorted((left, right) => left - right),
  )) {
    findings.push(...(await (first < it.proved ? diagnoseProved(it, first) : diagnoseIndexes(it, first))));
  }
  const all = [...findings, ...rangeOf(it, findings), ...contradictions(it)];
  const [failing] = seen.failing;
  // A root that does not fit is a fact, also where nothing above explains it.
  return failing && all.length === 0
    ? [{ kind: "checkpoint", text: `${nameOf(failing)} does not have the root of the first ${failing.size} entries` }]
    : all;
};

/** Checkpoints that do not fit, below one that does: the lines cannot explain that, for all of them are as the later one signed them. */
const contradictions = ({ seen, matching }: Case): Finding[] => {
  const later = seen.matching.at(-1);
  return seen.failing
    .filter(({ size }) => size <= matching)
    .map((failing): Finding => ({
      kind: "checkpoint",
      text: `${nameOf(failing)} does not have the root of the first ${failing.size} entries, and ${nameOf(later!)} has that of the first ${later!.size}: they contradict each other, so one of the two was signed of other lines`,
    }));
};

/** The largest checkpoint whose root the recorded leaf hashes have; a root stands for every leaf below it, whatever a smaller one says. */
const provedBy = async (dir: string, recorded: readonly number[], anchors: readonly Claim[]): Promise<number> => {
  const prefix = new Prefix();
  const left = anchors.filter(({ size }) => size > 0);
  // Behind the last checkpoint no leaf hash proves anything, however many a file has.
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

const diagnoseProved = async (it: Case, first: number): Promise<Finding[]> => {
  const name = segmentFile(first);
  const segment = it.seen.segments.find((seen) => seen.first === first);
  if (!it.recorded.includes(first))
    return [{ kind: "segment", segment: name, text: `${name} is no part of the journal: it was put there` }];
  const next = it.recorded.find((other) => other > first) ?? Number.POSITIVE_INFINITY;
  const end = Math.min(next, it.proved);
  // The scan tells of what is missing; what was set aside is missing for a reason.
  if (!segment && it.seen.findings.some((found) => found.segment === name && found.index === first)) return [];
  if (!segment && countIn(it.seen.aside, first, end) === end - first) return [];
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
const splitBehind = (standing: readonly Standing[], expected: ReadonlySet<string>, proved: number): number => {
  const isBehind = ({ key, declared }: Standing): boolean =>
    !expected.has(key) && (declared === undefined || declared >= proved);
  let behind = standing.length;
  while (behind > 0 && isBehind(standing[behind - 1]!)) behind--;
  return behind;
};

const diagnoseBehind = (
  it: Case,
  { first, standing, behind }: { first: number; standing: readonly Standing[]; behind: number },
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

const diagnoseIndexes = async (it: Case, first: number): Promise<Finding[]> => {
  const segment = it.seen.segments.find((seen) => seen.first === first)!;
  const standing = byIndex(await readStanding(it, first, () => ""));
  const end = endOf(it, standing, first);
  if (!segment.irregular && segment.lines >= end - first) return [];
  return worded(it, { first, byHash: false }, differences(indexes(first, end), standing, first));
};

/** The index behind the last one that belongs into the segment. */
const endOf = ({ seen, anchors }: Case, standing: readonly Standing[], first: number): number => {
  const next = seen.segments.find((segment) => segment.first > first);
  if (next) return next.first;
  const last = standing.findLast(({ declared }) => declared !== undefined)?.declared ?? first - 1;
  return Math.max(last + 1, anchors.at(-1)?.size ?? 0);
};

const indexes = (from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => String(from + at));
const byIndex = (standing: readonly Standing[]): Standing[] =>
  standing.map((line, at) => ({
    ...line,
    key: line.partial || line.declared === undefined ? `line ${at}` : String(line.declared),
  }));

const readStanding = async (
  { dir, seen, anchors }: Case,
  first: number,
  keyOf: (line: Buffer) => string,
): Promise<Standing[]> => {
  const standing: Standing[] = [];
  await walk(join(dir, "segments", segmentFile(first)), ({ bytes, head, partial }) =>
    standing.push({ key: keyOf(bytes), declared: head?.index, partial }),
  );
  const covered = anchors.at(-1)?.size ?? 0;
  const last = standing.at(-1);
  // At the very end, behind the last checkpoint, a piece of a line is what a crash or a write under way leaves.
  const isTorn = last?.partial && first === seen.segments.at(-1)?.first && (last.declared ?? covered) >= covered;
  return isTorn ? standing.slice(0, -1) : standing;
};

/** What cannot be told line by line is told between two checkpoints. */
const rangeOf = ({ seen, anchors, matching }: Case, found: readonly Finding[]): Finding[] => {
  const failing = seen.failing.find(({ size }) => size > matching);
  const before = anchors.findLast(({ size }) => size <= matching)?.size ?? 0;
  if (!failing || found.some((finding) => placeOf(finding) >= before && placeOf(finding) < failing.size)) return [];
  if (seen.entries < failing.size) return [cutAt(seen.entries, seen.failing)];
  return [
    {
      kind: "range",
      index: before,
      text: `among the entries ${before} to ${failing.size - 1} one or more lines were changed: the first ${failing.size} entries do not have the root of ${nameOf(failing)}${before > 0 ? `, the first ${before} have that of checkpoint ${before}` : ""}`,
    },
  ];
};

/** Of all checkpoints behind the end, the one that tells how much is missing. */
const cutAt = (entries: number, failing: readonly Claim[]): Finding => {
  const farthest = failing.reduce((one, other) => (other.size > one.size ? other : one));
  const text = `the journal ends after ${entries} entries, ${nameOf(farthest)} covers ${farthest.size}: the end was cut off`;
  return { kind: "cut", index: entries, text };
};

/** Which line of all lines it is about, counted from 0. */
const placeOf = ({ segment = "", line = 1 }: Finding): number => Number(segment.slice(0, 12)) + line - 1;

type How = { readonly first: number; readonly byHash: boolean };

const worded = ({ proved, anchors }: Case, { first, byHash }: How, found: readonly Difference[]): Finding[] => {
  const segment = segmentFile(first);
  const coverOf = (index: number): Claim | undefined => anchors.find(({ size }) => size > index);
  const why = (index: number): string => {
    const cover = byHash ? anchors.find(({ size }) => size === proved) : coverOf(index);
    return cover
      ? `: the first ${cover.size} entries do not have the root of ${nameOf(cover)}`
      : ": no checkpoint covers it yet, its index tells";
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
    case "inserted":
      return {
        index: difference.copyOf,
        text: `line ${difference.line} of ${segment} was inserted${difference.copyOf === undefined ? "" : byHash ? `, a copy of index ${difference.copyOf}` : `: another line has its index ${difference.copyOf}`}`,
      };
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
        text: `lines ${difference.lines.join(" and ")} of ${segment} stand in each other's place (indexes ${difference.indexes.join(" and ")})`,
      };
    case "moved":
      return {
        index: difference.index,
        text: `line ${difference.line} of ${segment} (index ${difference.index}) was moved there from its place`,
      };
  }
};
