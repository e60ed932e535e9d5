/** Once through all lines: their leaf hashes, the roots at the checkpoints, whether each stands where its index says, and the numbers of the Do-Not-Calls. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Asides, countIn, type Aside } from "./asides.ts";
import { Prefix, hashLine } from "./merkle.ts";
import { Numbering } from "./numbering.ts";
import type { Mark } from "./mark.ts";
import type { Finding } from "./report.ts";
import type { Claim } from "./signatures.ts";
import { namesIn } from "./small-file.ts";
import { walk, type Line } from "./walk.ts";

export type Segment = {
  /** By its name. */
  readonly first: number;
  lines: number;
  /** A line does not stand where its index says, or the next segment does not follow. */
  irregular: boolean;
};

export type Scan = {
  readonly segments: Segment[];
  entries: number;
  /** Entries below it were deleted, as an entry says: of them there are hashes alone. */
  retired: number;
  /** Entries of which an entry says that they were set aside: of them there are hashes alone. Ascending. */
  aside: readonly Aside[];
  doubts: number;
  /** The latest time that a line states, RFC 3339; empty where no line was read. */
  newest: string;
  dnc: Readonly<Record<string, number>>;
  /** Sizes of the checkpoints whose root the lines have, and have not or cannot have because they end before. */
  readonly matching: Claim[];
  readonly failing: Claim[];
  readonly findings: Finding[];
  /** In the numbers of Do-Not-Calls: they tell something of their own only where every line is as it was written. */
  gaps: readonly Finding[];
  readonly notes: string[];
};

export const segmentFile = (first: number): string => `${String(first).padStart(12, "0")}.jsonl`;

export const numbersOf = async (dir: string, ending: string): Promise<number[]> => {
  const names = await namesIn(join(dir, "segments"));
  // A segment's lines may be compressed, or, where a crash came between two steps, be there in both forms.
  const numbers = names
    .filter(
      (name) =>
        /^\d{12}\./.test(name) && [ending, ...(ending === ".jsonl" ? [".jsonl.zst"] : [])].includes(name.slice(12)),
    )
    .map((name) => Number(name.slice(0, 12)));
  return [...new Set(numbers)].toSorted((left, right) => left - right);
};

/** A plain file beside the compressed one is not read by anything, and so is not verified. */
const inBothForms = async (dir: string): Promise<string[]> => {
  const names = await namesIn(join(dir, "segments"));
  return names
    .filter((name) => /^\d{12}\.jsonl$/.test(name) && names.includes(`${name}.zst`))
    .toSorted()
    .map(
      (name) =>
        `${name} lies beside its compressed form, which alone is read: a crash came between two steps, and the gateway removes the plain file`,
    );
};

export const nothingSeen = (): Scan => ({
  segments: [],
  entries: 0,
  retired: 0,
  aside: [],
  doubts: 0,
  newest: "",
  dnc: {},
  matching: [],
  failing: [],
  findings: [],
  gaps: [],
  notes: [],
});

/** `anchors` ascending by size. With a mark what lies below it is not read, and its checkpoint counts as matching. */
export const scan = async (dir: string, anchors: readonly Claim[], mark?: Mark): Promise<Scan> => {
  const there = await numbersOf(dir, ".jsonl");
  const firsts = there.filter((first) => first >= (mark?.segment ?? 0));
  const seen = nothingSeen();
  const state: State = {
    prefix: new Prefix(),
    numbering: new Numbering(mark?.dnc),
    asides: new Asides(mark?.asides),
    holes: [],
    anchors,
    reached: 0,
    time: "",
    tomorrow: new Date(Date.now() + DAY_MS).toISOString(),
  };
  seen.notes.push(...(await inBothForms(dir)));
  if (mark) {
    Object.assign(state, {
      prefix: new Prefix(mark.size, mark.frontier),
      reached: anchors.filter(({ size }) => size < mark.size).length,
    });
    reach(seen, state);
  } else {
    reach(seen, state);
    if (firsts[0] !== undefined) await takeHashes(dir, firsts[0], seen, state);
  }
  seen.entries = state.prefix.size;
  for (const first of firsts) {
    // Between two segments only where all hashes of what is missing are there.
    if (first > seen.entries && seen.segments.length > 0) {
      const from = state.prefix.size;
      await takeHashes(dir, first, seen, state);
      if (state.prefix.size > from) state.holes.push({ from, to: state.prefix.size });
      state.numbering.pass(state.prefix.size - from);
      seen.entries = state.prefix.size;
    }
    const segment: Segment = { first, lines: 0, irregular: first !== seen.entries && first !== mark?.segment };
    if (segment.irregular && seen.segments.length > 0) seen.segments.at(-1)!.irregular = true;
    seen.segments.push(segment);
    const damage = await walk(join(dir, "segments", segmentFile(first)), (line) => {
      const isBelow = mark !== undefined && first + line.number - 1 < mark.size;
      if (!isBelow) take(seen, state, { segment, line, isLast: first === firsts.at(-1) });
    });
    if (damage !== undefined) {
      segment.irregular = true;
      seen.findings.push({
        kind: "segment",
        segment: segmentFile(first),
        line: segment.lines + 1,
        index: seen.entries + segment.lines,
        text: damage,
      });
    }
    seen.entries = state.prefix.size;
  }
  seen.failing.push(...anchors.slice(state.reached));
  seen.dnc = state.numbering.upTo();
  const covered = anchors.at(-1)?.size ?? 0;
  const asides = state.asides.all(covered);
  // One that was put back from a copy is there again.
  seen.aside = asides.filter(({ from, to }) => !there.includes(from) && to > state.numbering.retired(covered));
  state.numbering.aside(countIn(seen.aside, 0, firsts[0] ?? 0));
  seen.gaps = state.numbering.gaps().map((text): Finding => ({ kind: "sequence", text }));
  for (const { from, to } of state.holes) {
    if (countIn(asides, from, to) < to - from) seen.findings.push(missingSegment(from, to));
  }
  if (!mark)
    seen.findings.push(...retirement(firsts[0] ?? 0, { seen, asides, retired: state.numbering.retired(covered) }));
  return seen;
};

const HASH_BYTES = 32;
const AT_ONCE = 65_536;

/** The leaf hashes that stay when segments are deleted: the tree begins with them. */
const takeHashes = async (dir: string, until: number, seen: Scan, state: State): Promise<void> => {
  for (const first of await numbersOf(dir, ".hashes")) {
    if (first < state.prefix.size) continue;
    if (first !== state.prefix.size || first >= until) return;
    await using file = await open(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")), "r");
    const next = (await numbersOf(dir, ".hashes")).find((other) => other > first) ?? until;
    const end = Math.min(next, until);
    while (state.prefix.size < end) {
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(AT_ONCE * HASH_BYTES),
        0,
        Math.min(AT_ONCE, end - state.prefix.size) * HASH_BYTES,
        (state.prefix.size - first) * HASH_BYTES,
      );
      if (bytesRead < HASH_BYTES) return;
      for (let at = 0; at + HASH_BYTES <= bytesRead; at += HASH_BYTES)
        grow(seen, state, buffer.toString("hex", at, at + HASH_BYTES));
    }
  }
};

const missingSegment = (from: number, to: number): Finding => ({
  kind: "segment",
  segment: segmentFile(from),
  index: from,
  text: `${segmentFile(from)} is missing, with the entries ${from} to ${to - 1}`,
});

type Gone = { readonly seen: Scan; readonly asides: readonly Aside[]; readonly retired: number };

/** Segments that are not there are either retired or set aside, and an entry says so, or were taken away. */
const retirement = (first: number, { seen, asides, retired }: Gone): Finding[] => {
  if (first === 0) return [];
  if (retired + countIn(asides, retired, first) >= first) {
    seen.retired = Math.min(retired, first);
    return [];
  }
  return [
    {
      kind: "segment",
      segment: segmentFile(0),
      index: 0,
      text: `${segmentFile(0)} is missing, with the entries up to ${first - 1}: no entry says that they were deleted because their time was over`,
    },
  ];
};

type State = {
  prefix: Prefix;
  readonly numbering: Numbering;
  readonly asides: Asides;
  readonly holes: { readonly from: number; readonly to: number }[];
  readonly anchors: readonly Claim[];
  reached: number;
  time: string;
  readonly tomorrow: string;
};
type Place = { readonly segment: Segment; readonly line: Line; readonly isLast: boolean };

const take = (seen: Scan, state: State, { segment, line, isLast }: Place): void => {
  const covered = state.anchors.at(-1)?.size ?? 0;
  const where = `line ${line.number} of ${segmentFile(segment.first)}`;
  if (line.partial && isLast && state.prefix.size >= covered) {
    seen.notes.push(
      `${where} is not whole: it is being written now, or a crash tore it and the next start will cut it off`,
    );
    return;
  }
  if (line.partial || line.head?.index !== segment.first + line.number - 1) segment.irregular = true;
  noteTime(seen, state, { line, where });
  if (state.prefix.size >= covered && !isJson(line))
    seen.findings.push({
      kind: "json",
      segment: segmentFile(segment.first),
      line: line.number,
      text: `${where} is no JSON`,
    });
  segment.lines = line.number;
  if (line.head?.kind === "in-doubt") seen.doubts++;
  state.numbering.take(line, where);
  state.asides.take(line);
  grow(seen, state, hashLine(line.bytes));
};

const grow = (seen: Scan, state: State, leaf: string): void => {
  state.prefix.add(leaf);
  reach(seen, state);
};

/** Holds the checkpoints of exactly so many entries against the lines so far. */
const reach = (seen: Scan, state: State): void => {
  for (
    let anchor = state.anchors[state.reached];
    anchor?.size === state.prefix.size;
    anchor = state.anchors[++state.reached]
  ) {
    (anchor.root === state.prefix.root() ? seen.matching : seen.failing).push(anchor);
  }
};

const MOST_NOTES = 20;
const DAY_MS = 24 * 3_600_000;

/** Texts of one form compare as the times do. An entry of kind clock says itself that the clock was set; a line of the future shows a clock that was ahead, here or there. */
const noteTime = (seen: Scan, state: State, { line: { head }, where }: { line: Line; where: string }): void => {
  if (!head) return;
  if (head.time > seen.newest) seen.newest = head.time;
  const note = (text: string): void =>
    void (seen.notes.length < MOST_NOTES && seen.notes.push(`${where} is dated ${head.time}, ${text}`));
  if (head.time < state.time && head.kind !== "clock")
    note("before the line above it: the clock was set back between two runs, if the line was not changed");
  if (head.time > state.tomorrow && state.time <= state.tomorrow)
    note("which is after the time of this machine: the gateway's clock was ahead, or this one is behind");
  state.time = head.time;
};

const isJson = ({ bytes }: Line): boolean => {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
};
