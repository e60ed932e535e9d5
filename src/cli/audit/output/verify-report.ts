/** `ocsgw audit verify`: prints what the verification found, as text or JSON, and gives the exit code. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyJournal, verifySegment, type Report, type VerifyOptions } from "../../../journal/verify/verify.ts";
import { printBundle, verifyBundle, type BundleReport } from "../../../journal/verify/bundle/bundle.mjs";
import type { KeptCheckpoint } from "../../../journal/verify/checkpoints.ts";
import type { OutsideOptions } from "../../../journal/verify/outside.ts";
import { isZip, unpack } from "../../../journal/verify/segments/unpack.ts";
import { faultInWords, reason } from "../../../common/system-error.ts";
import { BROKEN, CANNOT_TELL, DONE, WRONG_USAGE } from "../../exit-codes.ts";
import { journalProgress } from "../../process/journal-progress.ts";

const EXIT = { ok: DONE, broken: BROKEN, "cannot-tell": CANNOT_TELL } as const satisfies Record<
  Report["verdict"],
  number
>;

export type AuditVerifyOptions = Pick<
  VerifyOptions,
  "own" | "elsewhere" | "unread" | "sinceMark" | "quorum" | "requireWitnesses"
> & {
  /** Verifier keys of witnesses, or paths of files with such keys. */
  readonly witness?: readonly string[] | undefined;
  /** The path of certificates, PEM. */
  readonly timestampCa?: string | undefined;
  /** Paths of checkpoints that were kept elsewhere. */
  readonly kept?: readonly string[] | undefined;
  /** A verifier key, or the path of a file with such keys. */
  readonly key?: string;
  readonly json?: boolean;
};

/** `path`: a journal's directory, one of its segments, or a bundle, packed or not. Resolves with the exit code. */
export const auditVerify = async (path: string, options: AuditVerifyOptions): Promise<number> => {
  if (options.sinceMark && !(await isJournal(path))) {
    console.error(`--since-mark needs a journal's directory; ${path} is not one`);
    return WRONG_USAGE;
  }
  if (options.kept?.length && !(await isJournal(path))) {
    console.error(`--kept needs a journal's directory; ${path} is not one`);
    return WRONG_USAGE;
  }
  const report = await verified(path, options);
  if (typeof report === "string") {
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ verdict: "cannot-tell", dir: path, missing: [report] })}\n`
        : `${visible(`CANNOT TELL  ${report}`)}\n`,
    );
    return EXIT["cannot-tell"];
  }
  process.stdout.write(
    options.json ? `${JSON.stringify(report)}\n` : "bundle" in report ? `${printBundle(report)}\n` : print(report),
  );
  return EXIT[report.verdict];
};

const isJournal = async (path: string): Promise<boolean> =>
  (await stat(path).then(
    (found) => found.isDirectory(),
    () => true,
  )) && !existsSync(join(path, "manifest.sha256"));

/** The report, or the reason why no report could be made. */
const verified = async (
  path: string,
  { key: given, own, elsewhere = [], unread = [], sinceMark = false, ...options }: AuditVerifyOptions,
): Promise<Report | BundleReport | string> => {
  try {
    const key = given === undefined ? undefined : await readKey("--key", given);
    const keys = { vkey: key, own };
    const outside = await outsideOf(options);
    const held = [...elsewhere, ...(await keptOf(options.kept ?? []))];
    const found = await stat(path).catch(() => undefined);
    if (found && !found.isFile() && !found.isDirectory()) return `${path} is neither a file nor a directory`;
    if (!found?.isFile())
      return existsSync(join(path, "manifest.sha256"))
        ? await verifyBundle(path, key, outside)
        : await withProgress(path, { ...keys, ...outside, elsewhere: held, unread, sinceMark });
    if (await isZip(path)) return await verifyPacked(path, key, outside);
    if (options.requireWitnesses)
      return `--require-witnesses needs a journal's directory or a bundle; ${path} is neither`;
    return /^\d{12}\.jsonl(\.zst)?$/.test(path.split(/[\\/]/).at(-1)!)
      ? await verifySegment(path, keys)
      : `${path} is not a journal, a segment (000000000000.jsonl) or a bundle`;
  } catch (error) {
    return faultInWords(error);
  }
};

const withProgress = async (dir: string, options: VerifyOptions): Promise<Report> => {
  const { reach, end } = await journalProgress("verifying", dir);
  return verifyJournal(dir, { ...options, pace: async (entries) => reach(entries) }).finally(end);
};

const verifyPacked = async (path: string, key: string | undefined, outside: OutsideOptions): Promise<BundleReport> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-bundle-"));
  try {
    await unpack(path, dir);
    return { ...(await verifyBundle(dir, key, { ...outside, isPacked: true })), bundle: path };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const VERIFIER_KEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;

/** A verifier key, or the content of the file that the option names. */
const readKey = async (option: "--key" | "--witness", given: string): Promise<string> =>
  VERIFIER_KEY.test(given)
    ? given
    : readFile(given, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw new Error(
          `${option}: ${given} is neither a verifier key (name+8 hex digits+base64) nor a file that can be read ` +
            `(${reason(error)})`,
        );
      });

const outsideOf = async ({
  witness = [],
  quorum,
  requireWitnesses,
  timestampCa,
}: AuditVerifyOptions): Promise<OutsideOptions> => {
  const witnesses =
    witness.length === 0 ? undefined : (await Promise.all(witness.map((key) => readKey("--witness", key)))).join("\n");
  const authorities =
    timestampCa === undefined
      ? undefined
      : await readFile(timestampCa, "utf8").catch((error: NodeJS.ErrnoException) => {
          throw new Error(
            `the certificates of the time stamping authority, ${timestampCa}, cannot be read (${reason(error)})`,
          );
        });
  return { witnesses, quorum, requireWitnesses, authorities };
};

const keptOf = (paths: readonly string[]): Promise<KeptCheckpoint[]> =>
  Promise.all(
    paths.map(async (path) => {
      const note = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw new Error(`--kept: ${path} cannot be read (${reason(error)})`);
      });
      return { name: path, note, isAskedFor: true };
    }),
  );

const print = (report: Report): string => {
  const { entries, segments, checkpoints, keys, first, covered, last, retired, deletedByKind, aside, doubts, dnc } =
    report;
  const lines = [
    ...(report.since
      ? [
          row(
            "mark",
            `the gateway verified entries 0 to ${report.since.size - 1} at ${report.since.at}; they were not ` +
              "read again",
          ),
        ]
      : []),
    row("entries", `${entries} in ${segments} ${segments === 1 ? "segment" : "segments"}`),
    ...(retired > 0 ? [row("deleted", `${retired} of them, as an entry records; their hashes are in the tree`)] : []),
    ...(deletedByKind > 0
      ? [row("deleted", `${deletedByKind} of them by kind, as entries record; their hashes are in the tree`)]
      : []),
    ...aside.map(({ from, to, by }) =>
      row("set aside", `entries ${from} to ${to - 1}, as entry ${by} records; their hashes are in the tree`),
    ),
    ...(doubts > 0 ? [row("in doubt", `${doubts} requests whose outcome was not on disk when the gateway ended`)] : []),
    ...(Object.keys(dnc).length > 0
      ? [
          row(
            "sequence",
            `Do-Not-Calls ${Object.entries(dnc)
              .map(([sequence, number]) => `of ${tenantOf(sequence)} up to ${number}`)
              .join(", ")}`,
          ),
        ]
      : []),
    row(
      "tree",
      `${checkpoints.matching} of ${checkpoints.found} checkpoints match the lines` +
        (last ? ` (${last.size}: root ${last.root.slice(0, 12)}…)` : ""),
    ),
    row("signature", `${checkpoints.signed} of ${checkpoints.found} checkpoints signed by ${keyNames(keys)}`),
    ...outsideRows(report),
    row(
      "covered",
      covered === 0 ? "nothing" : `entries ${first} to ${first + covered - 1}; not covered yet: ${report.uncovered}`,
    ),
    ...report.findings.map(({ text }) => row("broken", text)),
    ...(report.more > 0 ? [row("broken", `and ${report.more} more`)] : []),
    ...report.notes.map((note) => row("note", note)),
    verdictOf(report),
    ...report.notProved.map((text) => `not proved: ${text}`),
  ];
  return `${lines.map(visible).join("\n")}\n`;
};

/** Rows about witnesses and timestamps; empty if there are none. */
const outsideRows = ({ witnesses: { rows, quorum, isMet, size }, timestamps: { found, last } }: Report): string[] => [
  ...rows
    .filter((each) => each.size > 0)
    .map(({ witness, size: of, time }) =>
      row("witness", `${witness} cosigned the first ${of} entries${time === null ? "" : ` at ${time}`}`),
    ),
  ...(quorum === null
    ? []
    : [
        row(
          "quorum",
          `${quorum} of ${rows.length} witnesses required: ${isMet ? "met" : "not met"}` +
            (size > 0 ? `; the first ${size} entries have enough cosignatures` : ""),
        ),
      ]),
  ...(last
    ? [
        row(
          "timestamp",
          `${found} valid; the first ${last.size} entries existed at ${last.time}, according to ` +
            `${last.signer}${last.isTrusted ? "" : " (certificate not checked)"}`,
        ),
      ]
    : []),
];

/** `<upstream>/<DBID>`; in format 1 the DBID alone. */
const tenantOf = (sequence: string): string => {
  const [dbid, upstream] = sequence.split("/").toReversed();
  return `tenant ${dbid}${upstream === undefined ? "" : ` of ${upstream}`}`;
};

/** Escapes control characters: names in checkpoints are untrusted and must not forge lines of the verdict. */
const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);

const row = (name: string, text: string): string => `  ${name.padEnd(11)} ${text}`;

const keyNames = ({ from, names }: Report["keys"]): string =>
  from === "none" ? "no known key" : `${names.join(", ")} (${KEY_SOURCES[from]})`;

const KEY_SOURCES = {
  given: "the key given",
  config: "the key of the config",
  directory: "the key in this directory",
} as const;

const verdictOf = ({ verdict, first, covered, findings, more, missing }: Report): string => {
  switch (verdict) {
    case "ok":
      return first > 0
        ? `OK  unchanged from index ${first} to ${first + covered - 1}`
        : `OK  unchanged up to index ${covered - 1}`;
    case "broken":
      return `BROKEN  ${findings.length + more} ${findings.length + more === 1 ? "finding" : "findings"}`;
    case "cannot-tell":
      return `CANNOT TELL  ${missing.join("; ")}`;
  }
};
