/** Config text → frozen `Settings`, or every problem at once. Past this point nobody checks again. */
import { basename, dirname, resolve } from "node:path";
import { assume, asWritten, type Assumed } from "./assumed.ts";
import { folderOf, hashOf, listingOf, partOf, readConfigText, sha256, type ConfigText } from "./config-text.ts";
import { endMissing } from "./end-marker.ts";
import { gather, type Facts } from "./facts.ts";
import { fill, type Sources } from "./fill.ts";
import { findingsOf } from "./issues.ts";
import { readKeys, type KeyRecord } from "./keys-file.ts";
import { merge, NO_MEMORY, type Memory, type Merged } from "./merged.ts";
import { originOf, type Origin } from "./origin.ts";
import { isSecret, keysAt, mapPaths } from "./outline.ts";
import type { Finding, Path, Place, Problem } from "./problem.ts";
import { problemsOf } from "./report.ts";
import { findContradictions, withoutGuesses } from "./rules.ts";
import { findCertificateProblems } from "./rules-certificates.ts";
import { findRevocationProblems } from "./rules-revocation.ts";
import { findDescriptorProblems } from "./rules-descriptors.ts";
import { findFileProblems } from "./rules-files.ts";
import { findJournalProblems } from "./rules-journal.ts";
import { findLongStop } from "./rules-stop-time.ts";
import { settingsSchema, type Settings } from "./schema.ts";
import { findUnbuilt } from "./unbuilt.ts";
import { withhold } from "./withheld.ts";
import { isFilled, type Instead } from "./yaml.ts";

export { originOf, textOf, type Origin } from "./origin.ts";

/** For what else can be said of a file that is not valid, so that all is said at once. No gateway may run with it. */
export type Draft = { readonly settings: Settings; readonly locate: (path: Path) => Place };

/** Lanes are not known while an upstream is malformed. */
export type Counts = {
  readonly tenants: number;
  readonly clients: number;
  readonly upstreams: number;
  readonly lanes: number | undefined;
};

export { hashOf, readConfigText, sha256, type ConfigText } from "./config-text.ts";
export type { Memory } from "./merged.ts";

/** Every file that was asked for besides the config, by its absolute path, with the SHA-256 of what it held; undefined where it could not be read. */
export type FilesRead = ReadonlyMap<string, string | undefined>;

export type Loaded = (
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly Problem[];
      /** Where a setting stands in its file, or what stands around it. */
      readonly locate: (path: Path) => Place;
      /** The path within its own file, as text. */
      readonly spell: (path: Path) => string;
      readonly counts: Counts;
      /** Of the keys file; undefined where the settings name none. */
      readonly keys: readonly KeyRecord[] | undefined;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Undefined when the file could not be read at all. */
      readonly counts: Counts | undefined;
      /** What each value is, where every one of them is well formed: what is wrong is elsewhere, or between them. */
      readonly draft?: Draft;
    }
) &
  Held;

/** What was read, whatever came of it. */
type Held = {
  /** SHA-256, hexadecimal, of the config's text (`hashOf`); empty when it could not be read. */
  readonly hash: string;
  readonly files: FilesRead;
  /** The files of the config itself, and the listing of `tenants.d`, by absolute path. */
  readonly config: FilesRead;
  readonly text?: ConfigText;
  /** Absolute paths of the files whose last key is `end: true`. */
  readonly ended: ReadonlySet<string>;
  /** How many certificates, lists and keys each of `files` holds, where it holds any: to see that some are gone. */
  readonly pieces: ReadonlyMap<string, number>;
};

/** Never rejects: a file that cannot be read is a problem like any other. */
export const loadSettings = async (file: string, env?: Sources["env"], how: Partial<How> = {}): Promise<Loaded> => {
  const text = await readConfigText(file);
  return "main" in text ? readSettings(text, originOf(file, env), { ...FOR_A_GATEWAY, ...how }) : unread(text);
};

/**
 * The same for who reads the journal and begins no gateway: that may be where nothing can be written, and by a user who may read neither keys nor
 * certificates. The files that the config names are not looked at, and a secret that cannot be had is withheld (`withheld.ts`).
 */
export const loadToRead = (file: string): Promise<Loaded> => loadSettings(file, undefined, FOR_READING);

/** What is known of a file that could not be had. */
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

/** `files`: those that the config names are looked at as well. */
export type How = {
  readonly files: boolean;
  readonly instead?: Instead;
  readonly memory?: Memory;
  /** Absolute paths of files that ended with `end: true` when they were last in force: without it they are incomplete. */
  readonly ended?: ReadonlySet<string> | undefined;
  /** So many warnings are told with their places; the rest is counted. All when left out. */
  readonly warnings?: number;
};
const FOR_A_GATEWAY: How = { files: true };
const FOR_READING: How = { files: false, instead: (path, why) => (isSecret(path) ? withhold(why) : undefined) };

/** `text`: of the config file alone, or of all its files. */
export const readSettings = (given: string | ConfigText, surroundings: Origin, how: How = FOR_A_GATEWAY): Loaded => {
  const text = typeof given === "string" ? { main: partOf(surroundings.file, given), tenants: [] } : given;
  const noted = new Noted(surroundings);
  const { origin } = noted;
  const read = merge(text, {
    fill: (value) => fill(value, origin),
    instead: how.instead,
    memory: how.memory ?? NO_MEMORY,
  });
  const held = (): Held => ({
    hash: hashOf(text),
    files: noted.files,
    config: configFiles(text, origin.file),
    text,
    pieces: noted.pieces,
    ended: new Set([...[...read.ended].map((file) => resolve(file)), ...noted.ended]),
  });
  if (read.value === undefined)
    return { ok: false, problems: problemsOf(origin.file, read, read.findings), counts: undefined, ...held() };
  const parsed = settingsSchema.safeParse(read.value);
  const isWhole = parsed.success && read.findings.length === 0 && read.broken.length === 0;
  const assumed = assume(read.value, keysAt([]));
  const facts = gather(assumed.value, { parsed: parsed.data, whole: isWhole, areTenantsLost: read.areTenantsLost });
  const findings = [
    ...read.findings,
    ...shapeFindings(parsed.error?.issues ?? [], read),
    ...asWritten(
      [
        ...shapeOfAssumed(assumed, read),
        ...(isMap(read.value)
          ? [...findContradictions(facts), ...(how.files ? problemsOfFiles(facts, origin, surroundings) : [])]
          : []),
      ],
      assumed,
    ),
    ...(parsed.success ? [...findUnbuilt(parsed.data), ...(how.files ? findLongStop(parsed.data) : [])] : []),
  ];
  // How many connections will be wanted, only a file that can be used says.
  const isUsable = parsed.success && findings.every(({ severity }) => severity === "warning");
  const all = [...findings, ...(isUsable && how.files ? findDescriptorProblems(facts, surroundings) : [])];
  const problems = [
    ...problemsOf(origin.file, read, shortened(all, how.warnings)),
    ...incomplete(text, {
      ended: held().ended,
      before: how.ended,
      isDemanded: parsed.data?.config.end_marker === true,
      noted,
    }),
  ];
  const counts = countsOf(facts);
  if (!parsed.success) return { ok: false, problems, counts, ...held() };
  const base = dirname(resolve(origin.file));
  const settings = deepFreeze(mapPaths(parsed.data, (path) => resolve(base, path))) as Settings;
  const draft: Draft = { settings, locate: (path) => read.locate(path) };
  if (!isWhole) return { ok: false, problems, counts, ...held() };
  if (problems.some(({ severity }) => severity === "error")) return { ok: false, problems, counts, draft, ...held() };
  return { ok: true, ...draft, warnings: problems, spell: read.spell, counts, keys: noted.keys, ...held() };
};

const configFiles = ({ main, tenants }: ConfigText, file: string): FilesRead =>
  new Map([
    [resolve(main.file), main.hash],
    [resolve(folderOf(file)), listingOf(tenants.map((part) => basename(part.file)))],
    ...tenants.map((part): [string, string] => [resolve(part.file), part.hash]),
  ]);

/** To find the place of each of many warnings takes longer than all the rest. */
const shortened = (findings: readonly Finding[], most = Number.POSITIVE_INFINITY): readonly Finding[] => {
  const warnings = findings.filter(({ severity }) => severity === "warning");
  if (warnings.length <= most) return findings;
  const rest = warnings.length - most;
  return [
    ...findings.filter(({ severity }) => severity !== "warning"),
    ...warnings.slice(0, most),
    {
      code: "OCSGW-6353",
      severity: "warning",
      path: [],
      message: `${rest} more warnings; ocsgw check --all shows them`,
    },
  ];
};

type Endings = {
  readonly ended: ReadonlySet<string>;
  readonly before: How["ended"];
  readonly isDemanded: boolean;
  readonly noted: Noted;
};

/** Files that should end with the marker and do not. */
const incomplete = (
  { main, tenants }: ConfigText,
  { ended, before, isDemanded, noted }: Endings,
): readonly Problem[] => {
  const ofConfig = [main, ...tenants].map(({ file }) => file);
  const keysFile = noted.keysFile === undefined ? [] : [noted.keysFile];
  return [...ofConfig, ...keysFile].flatMap((file): Problem[] => {
    const at = resolve(file);
    if (ended.has(at)) return [];
    const why = before?.has(at)
      ? "it was there before"
      : isDemanded && file !== noted.keysFile
        ? "config.end_marker demands it"
        : undefined;
    return why === undefined ? [] : [endMissing(file, why)];
  });
};

const problemsOfFiles = (facts: Facts, noted: Origin, given: Origin): readonly Finding[] =>
  withoutGuesses(facts, [
    ...findFileProblems(facts, noted),
    ...findCertificateProblems(facts, noted),
    ...findRevocationProblems(facts, noted),
    ...findJournalProblems(facts, given),
  ]);

/** The surroundings, with a note of every file that was read in them. */
class Noted {
  readonly files = new Map<string, string | undefined>();
  readonly pieces = new Map<string, number>();
  readonly ended = new Set<string>();
  readonly origin: Origin;
  keysFile: string | undefined;
  keys: readonly KeyRecord[] | undefined;

  constructor(given: Origin) {
    const folder = dirname(given.file);
    this.origin = {
      ...given,
      readFile: (path) => {
        const at = resolve(folder, path);
        this.files.set(at, undefined);
        const text = given.readFile(path);
        this.files.set(at, sha256(text));
        const pieces = text.split(PIECE).length - 1;
        if (pieces > 0) this.pieces.set(at, pieces);
        return text;
      },
      readKeys: (text, path) => {
        const read = readKeys(text, path);
        this.keysFile = resolve(folder, path);
        this.keys = read.ok ? read.keys : undefined;
        if (read.ok && read.isEnded) this.ended.add(this.keysFile);
        return read;
      },
    };
  }
}

/** The beginning of a certificate or a list in PEM, and the type of a key in a key set. */
const PIECE = /-----BEGIN |"kty"/;

const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const shapeFindings = (issues: Parameters<typeof findingsOf>[0], read: Merged): readonly Finding[] => {
  // What could not be filled in was told already; that its value is missing is no second mistake.
  const told = new Set(read.findings.map(({ path }) => JSON.stringify(path)));
  return findingsOf(issues, {
    value: read.value,
    keysAt,
    hidden: (path) => isSecret(path) || isFilled(read, path),
  }).filter(({ path }) => !told.has(JSON.stringify(path)));
};

/** What is wrong in sections whose names are misspelt. */
const shapeOfAssumed = (assumed: Assumed, read: Merged): readonly Finding[] => {
  if (assumed.value === read.value) return [];
  const issues = settingsSchema.safeParse(assumed.value).error?.issues ?? [];
  const told = new Set(read.findings.map(({ path }) => JSON.stringify(path)));
  return findingsOf(issues, {
    value: assumed.value,
    keysAt,
    hidden: (path) => isSecret(path) || isFilled(read, assumed.written(path)),
  }).filter(({ path }) => assumed.isAssumed(path) && !told.has(JSON.stringify(assumed.written(path))));
};

const countsOf = ({ tenants, clientNames, upstreams, upstreamNames, lost }: Facts): Counts => ({
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
