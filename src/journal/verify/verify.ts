/**
 * Recomputes a journal's directory, offline: every line, every root, every signature. It shares no code with what wrote the journal.
 * "Broken" and "cannot tell" are two answers: the one says that something was altered, the other that a key, a checkpoint or a file is missing.
 */
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  judgeCheckpoints,
  loadKeys,
  type Elsewhere,
  type Judged,
  type KeyOptions,
  type Keys,
} from "./verify/checkpoints.ts";
import { readWitnessKeys, requireOthers } from "./verify/cosignature.mjs";
import { diagnose } from "./verify/diagnose.ts";
import { judgeAge, judgeOutside, type Outside, type OutsideOptions } from "./verify/outside.ts";
import type { Finding, OutsideReport, Report, Verdict } from "./verify/report.ts";
import { loadMark, type Mark } from "./verify/mark.ts";
import { nothingSeen, scan, type Scan } from "./verify/scan.ts";
import { scanSegment } from "./verify/segment.ts";

export type { Finding, Report, Verdict } from "./verify/report.ts";

const MOST_FINDINGS = 100;

export type VerifyOptions = KeyOptions &
  OutsideOptions & {
    /** Checkpoints that were kept outside the directory: they hold for the lines as well. */
    readonly elsewhere?: readonly Elsewhere[];
    /** In sentences, what should have been held against the journal and could not be read: then no verdict is "ok". */
    readonly unread?: readonly string[];
    /** Reads only what is behind the gateway's "verified to N" mark. */
    readonly sinceMark?: boolean | undefined;
  };

/** Without a key the directory's own, which proves nothing by itself. Throws when a given key or a file cannot be read. */
export const verifyJournal = async (
  dir: string,
  { elsewhere = [], unread = [], sinceMark = false, ...given }: VerifyOptions = {},
): Promise<Report> => {
  const keys = await loadKeys(dir, given);
  // A key that only the directory names says nothing about witnesses: somebody may have put it there.
  if (keys.from !== "directory") requireOthers(readWitnessKeys(given.witnesses ?? ""), keys.keys);
  // The checkpoints first: what a running gateway adds meanwhile lies behind them.
  const outside = await judgeOutside(dir, [...keys.keys, ...keys.former], given);
  const judged = withOutside(await judgeCheckpoints(dir, keys, [...elsewhere, ...outside.elsewhere]), outside, unread);
  const mark = sinceMark ? await loadMark(dir, keys.keys, judged.anchors) : undefined;
  if (typeof mark === "string") {
    const missing = [mark, ...judged.missing, ...outside.missing];
    return summarize({ dir, keys, judged, outside, seen: nothingSeen(), findings: judged.findings, missing });
  }
  return verifyBehind(dir, { keys, judged, outside, mark });
};

const withOutside = (judged: Judged, { findings, notes }: Outside, unread: readonly string[]): Judged => ({
  ...judged,
  findings: [...judged.findings, ...findings],
  missing: [...judged.missing, ...unread],
  notes: [...judged.notes, ...notes],
});

type Behind = {
  readonly keys: Keys;
  readonly judged: Judged;
  readonly outside: Outside;
  readonly mark: Mark | undefined;
};

const verifyBehind = async (dir: string, { keys, judged, outside: told, mark }: Behind): Promise<Report> => {
  const seen = await scan(dir, judged.anchors, mark);
  const outside = judgeAge(told, seen.newest);
  const isSuspicious = seen.failing.length > 0 || seen.segments.some(({ irregular }) => irregular);
  // To say which line it is, all of them are needed.
  if (isSuspicious && mark) return verifyBehind(dir, { keys, judged, outside: told, mark: undefined });
  const altered = [
    ...judged.findings,
    ...(isSuspicious ? await diagnose(dir, seen, judged.anchors) : []),
    ...seen.findings,
  ];
  const findings = altered.length > 0 ? altered : seen.gaps;
  const missing = [...(await whatIsMissing(dir, { keys, judged, seen })), ...judged.missing, ...outside.missing];
  return summarize({ dir, keys, judged, outside, seen, findings, missing, mark });
};

/** Of one segment's file, where it lies in its journal: its lines against the leaf hashes beside the segments, and those against the checkpoints. */
export const verifySegment = async (path: string, given: KeyOptions = {}): Promise<Report> => {
  const dir = dirname(dirname(path));
  const keys = await loadKeys(dir, given);
  const judged = await judgeCheckpoints(dir, keys);
  const first = Number.parseInt(basename(path), 10);
  const { seen, findings, missing, covered } = await scanSegment({ dir, first, anchors: judged.anchors, path });
  return summarize({
    dir: path,
    keys,
    judged,
    outside: undefined,
    seen,
    findings: [...judged.findings, ...findings],
    missing: [...missing, ...keysMissing({ keys, judged, seen })],
    segment: { first, covered },
  });
};

const NO_KEY = "no key, neither given nor in checkpoint.pub, so the checkpoints may be anybody's";
const OWN_KEY =
  "the only key is the one that lies beside the lines, and whoever changed them can have put it there: give the gateway's with --key";

type Evidence = { readonly keys: Keys; readonly judged: Judged; readonly seen: Scan };

const whatIsMissing = async (dir: string, { keys, judged, seen }: Evidence): Promise<string[]> => {
  if (!(await stat(dir).catch(() => undefined))) return [`there is no directory ${dir}`];
  return [
    ...(seen.segments.length === 0 && judged.found === 0
      ? [`${dir} holds no journal: no segments and no checkpoints`]
      : []),
    ...(seen.segments.length > 0 && judged.found === 0 ? ["no checkpoint, so nothing says what the lines were"] : []),
    ...keysMissing({ keys, judged, seen }),
    ...seen.aside.map(
      ({ from, to, by }) =>
        `the entries ${from} to ${to - 1} were damaged and are set aside, as entry ${by} says: their lines are not here, and their hashes fit the signed roots`,
    ),
  ];
};

const keysMissing = ({ keys: { from }, judged: { found, signed, strangers, anchors }, seen }: Evidence): string[] => {
  if (from === "none") return found > 0 ? [NO_KEY] : [];
  if (from === "directory") return found > 0 ? [OWN_KEY, ...strangers.slice(0, 1)] : [];
  if (strangers.length > 0) return strangers.slice(0, 1);
  // A key that only the directory names can have signed earlier ones, which the config's covers, and nothing behind those.
  const covered = seen.matching.findLast(({ trusted }) => trusted)?.size ?? 0;
  const behind = anchors.filter(({ trusted, size }) => trusted === false && size > covered);
  if (behind.length > 0)
    return [
      `checkpoint ${behind.at(-1)!.size} is signed by a key that only the directory names, and no later one by the config's: if it is the gateway's, give both with --key`,
    ];
  return found > 0 && signed === 0 && covered === 0
    ? ["no checkpoint is signed by the config's key: give the key that signed them with --key"]
    : [];
};

/** `outside`: of one segment nobody is asked. */
type Outcome = Evidence & {
  readonly dir: string;
  readonly outside: Outside | undefined;
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  readonly mark?: Mark | undefined;
  readonly segment?: { readonly first: number; readonly covered: number };
};

const NOBODY: OutsideReport = {
  witnesses: { rows: [], quorum: null, isMet: false, size: 0, unknown: [] },
  timestamps: { found: 0, first: null, last: null },
};

const summarize = ({ dir, keys, judged, outside, seen, findings, missing, mark, segment }: Outcome): Report => {
  const last = seen.matching.findLast(({ trusted }) => trusted);
  const covered = last ? (segment?.covered ?? last.size) : 0;
  return {
    verdict: verdictOf(findings, missing),
    dir,
    segments: seen.segments.length,
    entries: seen.entries,
    retired: seen.retired,
    aside: seen.aside,
    doubts: seen.doubts,
    dnc: seen.dnc,
    checkpoints: { found: judged.found, signed: judged.signed, matching: seen.matching.length },
    last: last && { origin: last.origin, size: last.size, root: last.root },
    witnesses: (outside ?? NOBODY).witnesses,
    timestamps: (outside ?? NOBODY).timestamps,
    keys: { from: keys.from, names: keys.keys.map(({ name, id }) => `${name}+${id}`) },
    first: segment?.first ?? 0,
    covered,
    uncovered: Math.max(0, seen.entries - covered),
    findings: findings.slice(0, MOST_FINDINGS),
    more: Math.max(0, findings.length - MOST_FINDINGS),
    missing,
    notes: [...judged.notes, ...seen.notes],
    since: mark ? { size: mark.size, at: mark.at } : null,
    notProved: [
      ...(mark
        ? [
            `that the first ${mark.size} entries are still as the gateway found them at ${mark.at}, when it signed its mark: they were not read`,
          ]
        : []),
      ...notProved(keys, seen, covered),
    ],
  };
};

/** Facts alone decide: one finding is enough, whatever else fits. */
const verdictOf = (findings: readonly Finding[], missing: readonly string[]): Verdict =>
  findings.length > 0 ? "broken" : missing.length > 0 ? "cannot-tell" : "ok";

const notProved = ({ from }: Keys, { entries, retired, aside }: Scan, covered: number): string[] => [
  ...aside.map(
    (each) =>
      `what stood in the entries ${each.from} to ${each.to - 1}, which were set aside: their hashes alone are there`,
  ),
  ...(retired > 0
    ? [`what stood in the ${retired} entries that were deleted when their time was over: their hashes alone are there`]
    : []),
  ...lastOnes(entries - covered),
  ...(from === "directory"
    ? ["that the key is the gateway's: it lies beside what it signed. Keep a copy elsewhere and give it"]
    : []),
  "that nothing followed the last checkpoint: what is cut off together with its checkpoints is seen only with one that was kept elsewhere",
  "requests that did not pass this gateway, text that was masked before it was written, and that the clock was right",
];

const lastOnes = (uncovered: number): string[] =>
  uncovered > 0 ? [`the last ${uncovered} entries, which no checkpoint covers yet`] : [];
