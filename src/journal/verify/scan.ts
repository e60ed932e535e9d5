/**
 * Passes once over all lines: computes their leaf hashes and the roots at the checkpoints, and checks whether each line
 * is at its index and the Do-Not-Calls have no gap.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { SetAsideSpans, countIn, type SetAsideSpan } from "./set-aside.ts";
import { Deletions, recordedIn, type Recorded } from "./deletions.ts";
import { Prefix, hashLine } from "./merkle.ts";
import { DncNumbering } from "./numbering.ts";
import { findMissingLines, nothingMissing, type MissingLines } from "./missing-lines.ts";
import type { Finding } from "./report.ts";
import { inBothForms, numbersOf, segmentFile } from "./segments/segment-files.ts";
import type { Claim } from "./signatures.ts";
import { walk, type Line } from "./walk.ts";

/** `frontier`: roots of the full subtrees in hex, the smallest first. `at`: RFC 3339. */
export type Mark = {
  readonly size: number;
  readonly frontier: readonly string[];
  readonly segment: number;
  readonly dnc: Readonly<Record<string, number>>;
  readonly at: string;
  /** What was set aside below the mark. */
  readonly setAsideSpans: readonly SetAsideSpan[];
};

export type Segment = {
  /** From its file name. */
  readonly first: number;
  lines: number;
  /** A line is not at its index, or the next segment does not follow. */
  irregular: boolean;
};

export type Scan = {
  readonly segments: Segment[];
  entries: number;
  /** MissingLines lines, and what entries state about them. */
  missingLines: MissingLines;
  doubts: number;
  /** The latest time of a line, RFC 3339; empty if no line was read. */
  newest: string;
  dnc: Readonly<Record<string, number>>;
  /** `matching`: checkpoints whose root the lines have. `failing`: the others, including those beyond the last line. */
  readonly matching: Claim[];
  readonly failing: Claim[];
  readonly findings: Finding[];
  /** Gaps in the numbers of Do-Not-Calls: a finding of their own only if every line is intact. */
  gaps: readonly Finding[];
  readonly notes: string[];
};

export const nothingSeen = (): Scan => ({
  segments: [],
  entries: 0,
  missingLines: nothingMissing(),
  doubts: 0,
  newest: "",
  dnc: {},
  matching: [],
  failing: [],
  findings: [],
  gaps: [],
  notes: [],
});

export type ScanOptions = {
  /** Entries below it are not read, and its checkpoint counts as matching. */
  readonly mark?: Mark | undefined;
  /** Awaited for each MiB that was read, with the number of entries so far. */
  readonly pace?: ((entries: number) => Promise<void>) | undefined;
};

/** `anchors`: ascending by size. */
export const scan = async (dir: string, anchors: readonly Claim[], { mark, pace }: ScanOptions = {}): Promise<Scan> => {
  const there = await numbersOf(dir, ".jsonl");
  const firsts = there.filter((first) => first >= (mark?.segment ?? 0));
  const seen = nothingSeen();
  const state: State = {
    prefix: new Prefix(),
    numbering: new DncNumbering(mark?.dnc),
    setAsideSpans: new SetAsideSpans(mark?.setAsideSpans),
    deletions: new Deletions(),
    recorded: () => undefined,
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
    // Between two segments only if all hashes of the missing entries exist.
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
    state.recorded = await recordedIn(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")));
    const onLine = (line: Line): void => {
      state.deletions.take(first, line);
      const isBelow = mark !== undefined && first + line.number - 1 < mark.size;
      if (!isBelow) take(seen, state, { segment, line, isLast: first === firsts.at(-1) });
    };
    const path = join(dir, "segments", segmentFile(first));
    const damage = await walk(path, onLine, pace && (() => pace(state.prefix.size)));
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
  seen.missingLines = findMissingLines({ ...state, there, firsts, beganAtMark: mark !== undefined, covered });
  seen.findings.push(...seen.missingLines.findings);
  state.numbering.passBefore(countIn(seen.missingLines.aside, 0, firsts[0] ?? 0));
  seen.gaps = state.numbering.gaps().map((text): Finding => ({ kind: "sequence", text }));
  return seen;
};

const HASH_BYTES = 32;
const AT_ONCE = 65_536;

/** Adds the leaf hashes of deleted or set-aside segments, which remain, to the tree. */
const takeHashes = async (dir: string, until: number, seen: Scan, state: State): Promise<void> => {
  for (const first of await numbersOf(dir, ".hashes")) {
    if (first < state.prefix.size) continue;
    if (first !== state.prefix.size || first >= until) return;
    await using file = await open(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")), "r");
    const next = (await numbersOf(dir, ".hashes")).find((other) => other > first) ?? until;
    const end = Math.min(next, until);
    while (state.prefix.size < end) {
      const length = Math.min(AT_ONCE, end - state.prefix.size) * HASH_BYTES;
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(length),
        0,
        length,
        (state.prefix.size - first) * HASH_BYTES,
      );
      if (bytesRead < HASH_BYTES) return;
      for (let at = 0; at + HASH_BYTES <= bytesRead; at += HASH_BYTES)
        grow(seen, state, buffer.toString("hex", at, at + HASH_BYTES));
    }
  }
};

type State = {
  prefix: Prefix;
  readonly numbering: DncNumbering;
  readonly setAsideSpans: SetAsideSpans;
  readonly deletions: Deletions;
  /** The recorded leaf hashes of the current segment. */
  recorded: Recorded;
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
      `${where} is incomplete: it is being written now, or a crash cut it and the next start will remove it`,
    );
    return;
  }
  const leaf = line.deleted ? state.recorded(line.number - 1) : undefined;
  if (leaf !== undefined) {
    segment.lines = line.number;
    return grow(seen, state, leaf);
  }
  if (line.partial || line.head?.index !== segment.first + line.number - 1) segment.irregular = true;
  noteTime(seen, state, { line, where });
  if (state.prefix.size >= covered && !isJson(line))
    seen.findings.push({
      kind: "json",
      segment: segmentFile(segment.first),
      line: line.number,
      text: `${where} is not JSON`,
    });
  segment.lines = line.number;
  if (line.head?.kind === "in-doubt") seen.doubts++;
  state.numbering.take(line, where);
  state.setAsideSpans.take(line);
  grow(seen, state, hashLine(line.bytes));
};

const grow = (seen: Scan, state: State, leaf: string): void => {
  state.prefix.add(leaf);
  reach(seen, state);
};

/** Compares the checkpoints of exactly this size with the lines so far. */
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

/**
 * RFC 3339 texts of the same form sort by time. An entry of kind clock reports itself that the clock was set; a line
 * dated in the future means that the gateway's clock was ahead, or this one is behind.
 */
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
