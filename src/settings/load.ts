/** Loads a config: returns frozen `Settings`, or all problems at once. No other part of the gateway validates again. */
import { basename, dirname, resolve } from "node:path";
import { assume, asWritten } from "./misspelled-sections.ts";
import { folderOf, hashOf, listingOf, partOf, readConfigText, type ConfigText } from "./files/config-text.ts";
import { endMissing } from "./files/end-marker.ts";
import { gatherParts, type ParsedParts } from "./rules/parsed-parts.ts";
import { interpolate, type Sources } from "./interpolate.ts";
import type { AdminRecord } from "./files/admins-file.ts";
import type { KeyRecord } from "./files/keys-rows.ts";
import { merge, NO_CACHE, type ParseCache } from "./files/merge-files.ts";
import { originOf, type Origin } from "./files/origin.ts";
import { TrackedFiles } from "./files/track-files.ts";
import { isSecret, keysAt, mapPaths } from "./schema/schema-tree.ts";
import type { Finding, Path, Place, Problem } from "./problems/problem.ts";
import { problemsOf } from "./problems/locate.ts";
import { findContradictions, withoutGuesses } from "./rules/rules.ts";
import { findCertificateProblems } from "./rules/files/certificates.ts";
import { findRevocationProblems } from "./rules/files/revocation.ts";
import { findDescriptorProblems } from "./rules/descriptors.ts";
import { inShell, withConfig } from "../common/shell-word.ts";
import { findFileProblems } from "./rules/files/files.ts";
import { findForwardProblems } from "./rules/files/forward.ts";
import { findJournalProblems } from "./rules/journal.ts";
import { findLongStop } from "./rules/stop-time.ts";
import { settingsSchema, type Settings } from "./schema/schema.ts";
import { shapeFindings, shapeOfAssumed } from "./schema/findings/shape-findings.ts";
import { withhold } from "./unreadable-index-keys.ts";
import type { Instead } from "./yaml.ts";

export { originOf, textOf, type Origin } from "./files/origin.ts";

/** The values of an invalid config, only for further checks, so that all problems are reported at once. */
export type Draft = { readonly settings: Settings; readonly locate: (path: Path) => Place };

/** `lanes` is undefined if an upstream is malformed. */
export type Counts = {
  readonly tenants: number;
  readonly clients: number;
  readonly upstreams: number;
  readonly lanes: number | undefined;
};

export { hashOf, readConfigText, sha256, type ConfigText } from "./files/config-text.ts";
export type { ParseCache } from "./files/merge-files.ts";

/** Absolute path → SHA-256 of the content, for every file that was read; undefined for an unreadable file. */
export type FilesRead = ReadonlyMap<string, string | undefined>;

export type Loaded = (
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly Problem[];
      /** The place of a setting in its file; for a missing one, the place of its section. */
      readonly locate: (path: Path) => Place;
      /** The path within the setting's own file, as text. */
      readonly formatPath: (path: Path) => string;
      readonly counts: Counts;
      /** The keys of the keys file; undefined without one. */
      readonly keys: readonly KeyRecord[] | undefined;
      /** The console's users; undefined without their file. */
      readonly admins: readonly AdminRecord[] | undefined;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Undefined for an unreadable file. */
      readonly counts: Counts | undefined;
      /** Present if every value is well formed and the problems are contradictions, or in other files. */
      readonly draft?: Draft;
    }
) &
  ReadState;

/** What was read, for valid and invalid configs. */
type ReadState = {
  /** `hashOf` the config's text: SHA-256, hexadecimal. Empty for an unreadable config. */
  readonly hash: string;
  readonly files: FilesRead;
  /** The config file, the files of `tenants.d` and the folder's listing, by absolute path. */
  readonly config: FilesRead;
  readonly text?: ConfigText;
  /** Absolute paths of the files whose last key is `end: true`. */
  readonly ended: ReadonlySet<string>;
  /** The number of certificates, revocation lists and keys in each of `files`, to notice that some were removed. */
  readonly pieces: ReadonlyMap<string, number>;
};

/** Never rejects: an unreadable file is reported as a problem. */
export const loadSettings = async (
  file: string,
  env?: Sources["env"],
  options: Partial<LoadOptions> = {},
): Promise<Loaded> => {
  const text = await readConfigText(file);
  return "main" in text ? readSettings(text, originOf(file, env), { ...FOR_GATEWAY, ...options }) : unread(text);
};

/**
 * Loads the config for commands that only read the journal, whose user may have no access to keys and certificates and
 * no right to write. Does not check the files that the config names, and replaces unreadable secrets
 * (`unreadable-index-keys.ts`).
 */
export const loadToRead = (file: string): Promise<Loaded> => loadSettings(file, undefined, FOR_READING);

/** The result for an unreadable config file. */
export const unread = (problem: Problem): Loaded => ({
  ok: false,
  problems: [problem],
  counts: undefined,
  hash: "",
  files: new Map(),
  config: new Map(),
  ended: new Set(),
  pieces: new Map(),
});

/** `files`: true to check the files that the config names. */
export type LoadOptions = {
  readonly files: boolean;
  readonly instead?: Instead;
  readonly cache?: ParseCache;
  /** Absolute paths of files that had `end: true` when last loaded: without it they are now incomplete. */
  readonly ended?: ReadonlySet<string> | undefined;
  /** Maximum number of warnings reported with their places; the others are only counted. Default: all. */
  readonly warnings?: number;
};
const FOR_GATEWAY: LoadOptions = { files: true };
/** As `loadToRead` reads. */
export const FOR_READING: LoadOptions = {
  files: false,
  instead: (path, why) => (isSecret(path) ? withhold(why) : undefined),
};

/** `given`: the text of the config file, or the texts of all its files. */
export const readSettings = (
  given: string | ConfigText,
  source: Origin,
  options: LoadOptions = FOR_GATEWAY,
): Loaded => {
  const text = typeof given === "string" ? { main: partOf(source.file, given), tenants: [] } : given;
  const tracked = new TrackedFiles(source);
  const { origin } = tracked;
  const read = merge(text, {
    fill: (value) => interpolate(value, origin),
    instead: options.instead,
    cache: options.cache ?? NO_CACHE,
  });
  const withCommands = (finding: Finding): Finding =>
    finding.help === undefined ? finding : { ...finding, help: withConfig(finding.help, origin.file) };
  const readState = (): ReadState => ({
    hash: hashOf(text),
    files: tracked.files,
    config: configFiles(text, origin.file),
    text,
    pieces: tracked.pieces,
    ended: new Set([...[...read.ended].map((file) => resolve(file)), ...tracked.ended]),
  });
  if (read.value === undefined)
    return { ok: false, problems: problemsOf(origin.file, read, read.findings), counts: undefined, ...readState() };
  const parsed = settingsSchema.safeParse(read.value);
  const isWhole = parsed.success && read.findings.length === 0 && read.broken.length === 0;
  const assumed = assume(read.value, keysAt([]));
  const parts = gatherParts(assumed.value, {
    parsed: parsed.data,
    whole: isWhole,
    areTenantsLost: read.areTenantsLost,
  });
  const findings = [
    ...read.findings,
    ...shapeFindings(parsed.error?.issues ?? [], read),
    ...asWritten(
      [
        ...shapeOfAssumed(assumed, read),
        ...(isMap(read.value)
          ? [...findContradictions(parts), ...(options.files ? problemsOfFiles(parts, origin, source) : [])]
          : []),
      ],
      assumed,
    ),
    ...(parsed.success && options.files ? findLongStop(parsed.data) : []),
  ];
  // The number of connections is only known for a valid file.
  const isUsable = parsed.success && findings.every(({ severity }) => severity === "warning");
  const all = [...findings, ...(isUsable && options.files ? findDescriptorProblems(parts, source) : [])];
  const problems = [
    ...problemsOf(origin.file, read, shortened(all, { most: options.warnings, file: origin.file }).map(withCommands)),
    ...incomplete(text, {
      ended: readState().ended,
      before: options.ended,
      isRequired: parsed.data?.config.end_marker === true,
      tracked,
    }),
  ];
  const counts = countsOf(parts);
  if (!parsed.success) return { ok: false, problems, counts, ...readState() };
  const base = dirname(resolve(origin.file));
  const settings = deepFreeze(mapPaths(parsed.data, (path) => resolve(base, path))) as Settings;
  const draft: Draft = { settings, locate: (path) => read.locate(path) };
  if (!isWhole) return { ok: false, problems, counts, ...readState() };
  if (problems.some(({ severity }) => severity === "error"))
    return { ok: false, problems, counts, draft, ...readState() };
  const { formatPath } = read;
  return { ok: true, ...draft, warnings: problems, formatPath, counts, ...tracked.listed, ...readState() };
};

const configFiles = ({ main, tenants }: ConfigText, file: string): FilesRead =>
  new Map([
    [resolve(main.file), main.hash],
    [resolve(folderOf(file)), listingOf(tenants.map((part) => basename(part.file)))],
    ...tenants.map((part): [string, string] => [resolve(part.file), part.hash]),
  ]);

/** Limits the number of warnings, because finding the places of many would take longer than all the rest. */
const shortened = (
  findings: readonly Finding[],
  { most = Number.POSITIVE_INFINITY, file }: { readonly most: number | undefined; readonly file: string },
): readonly Finding[] => {
  const warnings = findings.filter(({ severity }) => severity === "warning");
  if (warnings.length <= most) return findings;
  const rest = warnings.length - most;
  return [
    ...findings.filter(({ severity }) => severity !== "warning"),
    ...warnings.slice(0, most),
    { ...PROBLEMS.moreWarnings(rest, file), path: [] },
  ];
};

type Endings = {
  readonly ended: ReadonlySet<string>;
  readonly before: LoadOptions["ended"];
  readonly isRequired: boolean;
  readonly tracked: TrackedFiles;
};

const PROBLEMS = {
  moreWarnings: (count: number, file: string) => ({
    code: "OCSGW-6353",
    severity: "warning" as const,
    message: `${count} more warnings; ocsgw check -c ${inShell(file)} --all shows them`,
  }),
} as const;

/** Problems of files that lack the end marker although they need it. */
const incomplete = (
  { main, tenants }: ConfigText,
  { ended, before, isRequired, tracked }: Endings,
): readonly Problem[] => {
  const ofConfig = [main, ...tenants].map(({ file }) => file);
  return [...ofConfig, ...tracked.lists].flatMap((file): Problem[] => {
    const at = resolve(file);
    if (ended.has(at)) return [];
    const why = before?.has(at) ? "hadBefore" : isRequired && !tracked.lists.has(file) ? "configured" : undefined;
    return why === undefined ? [] : [endMissing(file, why)];
  });
};

const problemsOfFiles = (parts: ParsedParts, tracked: Origin, given: Origin): readonly Finding[] =>
  withoutGuesses(parts, [
    ...findFileProblems(parts, tracked),
    ...findCertificateProblems(parts, tracked),
    ...findRevocationProblems(parts, tracked),
    ...findJournalProblems(parts, given),
    ...findForwardProblems(parts, given),
  ]);

const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const countsOf = ({ tenants, clientNames, upstreams, upstreamNames, lost }: ParsedParts): Counts => ({
  tenants: tenants.length,
  clients: clientNames.size,
  upstreams: upstreamNames.length,
  lanes:
    upstreams.length < upstreamNames.length || lost.some(([section]) => section === "upstreams")
      ? undefined
      : upstreams.reduce((sum, { value }) => sum + value.connections, 0),
});

const deepFreeze = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
};
