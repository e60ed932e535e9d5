/**
 * Verifies a journal's directory offline: every line, root and signature. It shares no code with the writer. "Broken"
 * means that something was altered; "cannot tell" means that a key, a checkpoint or a file is missing.
 */
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  checkCheckpoints,
  loadKeys,
  type KeptCheckpoint,
  type CheckpointResult,
  type KeyOptions,
  type Keys,
} from "./checkpoints.ts";
import { readWitnessKeys, requireOthers } from "./bundle/cosignature.mjs";
import { diagnose } from "./diagnose.ts";
import { checkCosignatureAge, checkOutsideEvidence, type OutsideResult, type OutsideOptions } from "./outside.ts";
import type { Finding, OutsideReport, Report, Verdict } from "./report.ts";
import { loadMark } from "./mark.ts";
import type { Mark } from "./scan.ts";
import { nothingSeen, scan, type Scan } from "./scan.ts";
import { scanSegment } from "./segments/segment.ts";

export type { Finding, Report, Verdict } from "./report.ts";

const MOST_FINDINGS = 100;

export type VerifyOptions = KeyOptions &
  OutsideOptions & {
    /** Checkpoints from outside the directory; the lines must match them too. */
    readonly elsewhere?: readonly KeptCheckpoint[];
    /** Sentences about evidence that could not be read; with any of them the verdict is not "ok". */
    readonly unread?: readonly string[];
    /** Reads only the entries after the gateway's "verified to N" mark. */
    readonly sinceMark?: boolean | undefined;
    /** Awaited for each MiB that was read, with the number of entries so far. */
    readonly pace?: ((entries: number) => Promise<void>) | undefined;
  };

/** Without a key it uses the directory's own, which proves nothing. Throws if a given key or a file cannot be read. */
export const verifyJournal = async (
  dir: string,
  { elsewhere = [], unread = [], sinceMark = false, pace, ...given }: VerifyOptions = {},
): Promise<Report> => {
  const keys = await loadKeys(dir, given);
  // An attacker can have put a key into the directory, so that key says nothing about witnesses.
  if (keys.from !== "directory") requireOthers(readWitnessKeys(given.witnesses ?? ""), keys.keys);
  // The checkpoints first: a running gateway may add entries meanwhile, which come after them.
  const outside = await checkOutsideEvidence(dir, [...keys.keys, ...keys.former], given);
  const judged = withOutside(await checkCheckpoints(dir, keys, [...elsewhere, ...outside.elsewhere]), outside, unread);
  const mark = sinceMark ? await loadMark(dir, keys.keys, judged.anchors) : undefined;
  if (typeof mark === "string") {
    const missing = [mark, ...judged.missing, ...outside.missing];
    return summarize({ dir, keys, judged, outside, seen: nothingSeen(), findings: judged.findings, missing });
  }
  return verifyLines(dir, { keys, judged, outside, mark, pace });
};

const withOutside = (
  judged: CheckpointResult,
  { findings, notes }: OutsideResult,
  unread: readonly string[],
): CheckpointResult => ({
  ...judged,
  findings: [...judged.findings, ...findings],
  missing: [...judged.missing, ...unread],
  notes: [...judged.notes, ...notes],
});

type Behind = {
  readonly keys: Keys;
  readonly judged: CheckpointResult;
  readonly outside: OutsideResult;
  readonly mark: Mark | undefined;
  readonly pace: VerifyOptions["pace"];
};

const verifyLines = async (dir: string, behind: Behind): Promise<Report> => {
  const { keys, judged, outside: judgedOutside, mark, pace } = behind;
  const seen = await scan(dir, judged.anchors, { mark, pace });
  const outside = checkCosignatureAge(judgedOutside, seen.newest);
  const isSuspicious = seen.failing.length > 0 || seen.segments.some(({ irregular }) => irregular);
  // Only a scan of all lines shows which line was changed.
  if (isSuspicious && mark) return verifyLines(dir, { ...behind, mark: undefined });
  const altered = [
    ...judged.findings,
    ...(isSuspicious ? await diagnose(dir, seen, judged.anchors) : []),
    ...seen.findings,
  ];
  const findings = altered.length > 0 ? altered : seen.gaps;
  const missing = [...(await whatIsMissing(dir, { keys, judged, seen })), ...judged.missing, ...outside.missing];
  return summarize({ dir, keys, judged, outside, seen, findings, missing, mark });
};

/** Verifies one segment: its lines against the leaf hashes beside the segments, and those against the checkpoints. */
export const verifySegment = async (path: string, given: KeyOptions = {}): Promise<Report> => {
  const dir = dirname(dirname(path));
  const keys = await loadKeys(dir, given);
  const judged = await checkCheckpoints(dir, keys);
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

const NO_KEY = "no key was given and checkpoint.pub has none, so anybody can have signed the checkpoints";
const OWN_KEY =
  "the only key is stored beside the lines, and whoever changed the lines can have replaced it; give the " +
  "gateway's key with --key";

type Evidence = { readonly keys: Keys; readonly judged: CheckpointResult; readonly seen: Scan };

const whatIsMissing = async (dir: string, { keys, judged, seen }: Evidence): Promise<string[]> => {
  if (!(await stat(dir).catch(() => undefined))) return [`there is no directory ${dir}`];
  return [
    ...(seen.segments.length === 0 && judged.found === 0
      ? [`${dir} contains no journal: no segments and no checkpoints`]
      : []),
    ...(seen.segments.length > 0 && judged.found === 0
      ? ["there is no checkpoint, so the lines cannot be verified"]
      : []),
    ...keysMissing({ keys, judged, seen }),
    ...seen.missingLines.aside.map(
      ({ from, to, by }) =>
        `entries ${from} to ${to - 1} were damaged and set aside, as entry ${by} records: their lines are not ` +
        "here; their hashes match the signed roots",
    ),
  ];
};

const keysMissing = ({
  keys: { from },
  judged: { found, signed, unknownSigners, anchors },
  seen,
}: Evidence): string[] => {
  if (from === "none") return found > 0 ? [NO_KEY] : [];
  if (from === "directory") return found > 0 ? [OWN_KEY, ...unknownSigners.slice(0, 1)] : [];
  if (unknownSigners.length > 0) return unknownSigners.slice(0, 1);
  // A key that only the directory names can have signed earlier checkpoints that a later one by the config's key
  // covers.
  const covered = seen.matching.findLast(({ trusted }) => trusted)?.size ?? 0;
  const behind = anchors.filter(({ trusted, size }) => trusted === false && size > covered);
  if (behind.length > 0)
    return [
      `checkpoint ${behind.at(-1)!.size} is signed by a key that only this directory names, and no later ` +
        "checkpoint by the config's key; if it is the gateway's key, give both keys with --key",
    ];
  return found > 0 && signed === 0 && covered === 0
    ? ["no checkpoint is signed by the config's key: give the key that signed them with --key"]
    : [];
};

/** `outside`: undefined for a single segment. */
type Outcome = Evidence & {
  readonly dir: string;
  readonly outside: OutsideResult | undefined;
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
    retired: seen.missingLines.retired,
    deletedByKind: seen.missingLines.deletedByKind,
    aside: seen.missingLines.aside,
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
            `that the first ${mark.size} entries are still as the gateway found them at ${mark.at}, when it ` +
              "signed its mark: they were not read",
          ]
        : []),
      ...notProved(keys, seen, covered),
    ],
  };
};

/** Only findings decide: a single one means "broken", whatever else matches. */
const verdictOf = (findings: readonly Finding[], missing: readonly string[]): Verdict =>
  findings.length > 0 ? "broken" : missing.length > 0 ? "cannot-tell" : "ok";

/** What no verification proves. */
export const NEVER_PROVED: readonly string[] = [
  "that nothing followed the last checkpoint: if the end was cut off together with its checkpoints, only a " +
    "checkpoint that was kept elsewhere shows it",
  "requests that did not pass this gateway, text that was masked before it was written, and that the clock was right",
];

const notProved = (
  { from }: Keys,
  { entries, missingLines: { retired, deletedByKind, aside } }: Scan,
  covered: number,
): string[] => [
  ...aside.map(
    (each) => `the content of entries ${each.from} to ${each.to - 1}, which were set aside: only their hashes are here`,
  ),
  ...(retired > 0 ? [`the content of the ${retired} entries that retention deleted: only their hashes are here`] : []),
  ...(deletedByKind > 0
    ? [`the content of the ${deletedByKind} entries that retention deleted by kind: only their hashes are here`]
    : []),
  ...lastOnes(entries - covered),
  ...(from === "directory"
    ? [
        "that the key is the gateway's: it is stored beside what it signed. Keep a copy elsewhere and give it " +
          "with --key",
      ]
    : []),
  ...NEVER_PROVED,
];

const lastOnes = (uncovered: number): string[] =>
  uncovered > 0 ? [`the last ${uncovered} entries, which no checkpoint covers yet`] : [];
