/**
 * Which lines are missing from the journal, and whether entries explain it: segments and single lines that retention
 * deleted, and segments that were set aside. What no entry explains is a finding.
 */
import type { Deletions } from "./deletions.ts";
import type { DncNumbering } from "./numbering.ts";
import type { Finding } from "./report.ts";
import { segmentFile } from "./segments/segment-files.ts";
import { countIn, type SetAsideSpan, type SetAsideSpans } from "./set-aside.ts";

/** The result of a pass over the lines. */
type Passed = {
  /** First indexes of all segments in the directory, ascending. */
  readonly there: readonly number[];
  /** Those that were read; all of them unless the pass began at a mark. */
  readonly firsts: readonly number[];
  readonly beganAtMark: boolean;
  /** Ranges between segments of which only the leaf hashes are left. */
  readonly holes: readonly { readonly from: number; readonly to: number }[];
  /** Only entries below it count: an attacker can write others, but not a checkpoint that covers them. */
  readonly covered: number;
  readonly setAsideSpans: SetAsideSpans;
  readonly deletions: Deletions;
  readonly numbering: DncNumbering;
};

export type MissingLines = {
  /** Entries below it were deleted, as an entry states: only their hashes are left. */
  readonly retired: number;
  /** Entries that were deleted before the others of their segments, as entries state. */
  readonly deletedByKind: number;
  /** The first indexes of segments whose deleted lines an entry names. */
  readonly remainders: ReadonlySet<number>;
  /** Ranges that were set aside, as entries state: only their hashes are left. Ascending. */
  readonly aside: readonly SetAsideSpan[];
  readonly findings: readonly Finding[];
};

export const nothingMissing = (): MissingLines => ({
  retired: 0,
  deletedByKind: 0,
  remainders: new Set(),
  aside: [],
  findings: [],
});

export const findMissingLines = (passed: Passed): MissingLines => {
  const { there, firsts, beganAtMark, holes, covered, deletions, numbering } = passed;
  const asides = passed.setAsideSpans.all(covered);
  const retired = numbering.retired(covered);
  const atStart = beganAtMark ? NOT_MISSING : beforeFirst(firsts[0] ?? 0, asides, retired);
  return {
    retired: atStart.retired,
    deletedByKind: deletions.explained(covered),
    remainders: new Set(firsts.filter((first) => deletions.isExplained(first, covered))),
    // A segment that was restored from a copy no longer counts as set aside.
    aside: asides.filter(({ from, to }) => !there.includes(from) && to > retired),
    findings: [
      ...deletions.unexplained(covered).map(unexplained),
      ...holes.filter(({ from, to }) => countIn(asides, from, to) < to - from).map(missingSegment),
      ...atStart.findings,
    ],
  };
};

type AtStart = Pick<MissingLines, "retired" | "findings">;

const NOT_MISSING: AtStart = { retired: 0, findings: [] };

/** An entry must state that the segments before the first one were deleted or set aside. */
const beforeFirst = (first: number, asides: readonly SetAsideSpan[], retired: number): AtStart => {
  if (first === 0) return NOT_MISSING;
  if (retired + countIn(asides, retired, first) >= first) return { retired: Math.min(retired, first), findings: [] };
  const text =
    `${segmentFile(0)} is missing, with the entries up to ${first - 1}: no entry records that retention ` +
    "deleted them";
  return { retired: 0, findings: [{ kind: "segment", segment: segmentFile(0), index: 0, text }] };
};

type Hole = { readonly from: number; readonly to: number };

const missingSegment = ({ from, to }: Hole): Finding => ({
  kind: "segment",
  segment: segmentFile(from),
  index: from,
  text: `${segmentFile(from)} is missing, with the entries ${from} to ${to - 1}`,
});

type Unexplained = ReturnType<Deletions["unexplained"]>[number];

const unexplained = ({ first, count, lines }: Unexplained): Finding => {
  const [one] = lines;
  const which =
    count === 1
      ? `line ${one} of ${segmentFile(first)} is deleted`
      : `${count} lines of ${segmentFile(first)} are deleted (${lines.join(", ")}${count > lines.length ? ", …" : ""})`;
  return {
    kind: "segment",
    segment: segmentFile(first),
    line: one!,
    index: first + one! - 1,
    text: `${which}, and no entry says so`,
  };
};
