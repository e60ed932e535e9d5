/** Config text → frozen `Settings`, or every problem at once. Past this point nobody checks again. */
import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { assume, asWritten, type Assumed } from "./assumed.ts";
import { gather, type Facts } from "./facts.ts";
import { fill, type Sources } from "./fill.ts";
import { findingsOf } from "./issues.ts";
import { originOf, textOf, type Origin } from "./origin.ts";
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
import { isFilled, readYaml, type Instead, type Read } from "./yaml.ts";

export { originOf, textOf, type Origin } from "./origin.ts";

/** For what else can be said of a file that is not valid, so that all is said at once. No gateway may run with it. */
export type Draft = { readonly settings: Settings; readonly locate: (path: Path) => Place };

/** Lanes are not known while an upstream is malformed. */
export type Counts = { readonly tenants: number; readonly clients: number; readonly upstreams: number; readonly lanes: number | undefined };

/** Every file that was asked for besides the config file, by its absolute path, with the SHA-256 of what it held; undefined where it could not be read. */
export type FilesRead = ReadonlyMap<string, string | undefined>;

export type Loaded = (
  | {
    readonly ok: true;
    readonly settings: Settings;
    readonly warnings: readonly Problem[];
    /** Where a setting stands in the file, or what stands around it. */
    readonly locate: (path: Path) => Place;
    readonly counts: Counts;
  }
  | {
    readonly ok: false;
    readonly problems: readonly Problem[];
    /** Undefined when the file could not be read at all. */
    readonly counts: Counts | undefined;
    /** What each value is, where every one of them is well formed: what is wrong is elsewhere, or between them. */
    readonly draft?: Draft;
  }
) & {
  /** SHA-256 of the file's text, hexadecimal; empty when it could not be read. */
  readonly hash: string;
  readonly files: FilesRead;
};

/** Never rejects: a file that cannot be read is a problem like any other. */
export const loadSettings = async (file: string, env?: Sources["env"]): Promise<Loaded> => {
  const text = await textOf(file);
  return typeof text === "string" ? readSettings(text, originOf(file, env)) : unread(text);
};

/**
 * The same for who reads the journal and begins no gateway: that may be where nothing can be written, and by a user who may read neither keys nor
 * certificates. The files that the config names are not looked at, and a secret that cannot be had is withheld (`withheld.ts`).
 */
export const loadToRead = async (file: string): Promise<Loaded> => {
  const text = await textOf(file);
  return typeof text === "string" ? readSettings(text, originOf(file), FOR_READING) : unread(text);
};

/** What is known of a file that could not be had. */
export const unread = (problem: Problem): Loaded => ({ ok: false, problems: [problem], counts: undefined, hash: "", files: new Map() });

/** `files`: those that the config names are looked at as well. */
type How = { readonly files: boolean; readonly instead?: Instead };
const FOR_A_GATEWAY: How = { files: true };
const FOR_READING: How = { files: false, instead: (path, why) => (isSecret(path) ? withhold(why) : undefined) };

export const readSettings = (text: string, given: Origin, how: How = FOR_A_GATEWAY): Loaded => {
  const files = new Map<string, string | undefined>();
  const origin = { ...given, readFile: noting(files, given) };
  const common = { hash: sha256(text), files };
  const read = readYaml(text, (value) => fill(value, origin), how.instead);
  if (read.value === undefined) return { ok: false, problems: problemsOf(origin.file, read, read.findings), counts: undefined, ...common };
  const parsed = settingsSchema.safeParse(read.value);
  const assumed = assume(read.value, keysAt([]));
  const facts = gather(assumed.value, { parsed: parsed.data, whole: parsed.success && read.findings.length === 0 });
  const findings = [
    ...read.findings,
    ...shapeFindings(parsed.error?.issues ?? [], read),
    ...asWritten([
      ...shapeOfAssumed(assumed, read),
      ...(isMap(read.value) ? [...findContradictions(facts), ...(how.files ? problemsOfFiles(facts, origin, given) : [])] : []),
    ], assumed),
    ...(parsed.success ? [...findUnbuilt(parsed.data), ...(how.files ? findLongStop(parsed.data) : [])] : []),
  ];
  // How many connections will be wanted, only a file that can be used says.
  const isUsable = parsed.success && findings.every(({ severity }) => severity === "warning");
  const problems = problemsOf(origin.file, read, [...findings, ...(isUsable && how.files ? findDescriptorProblems(facts, given) : [])]);
  const counts = countsOf(facts);
  if (!parsed.success) return { ok: false, problems, counts, ...common };
  const base = dirname(resolve(origin.file));
  const settings = deepFreeze(mapPaths(parsed.data, (path) => resolve(base, path))) as Settings;
  const draft: Draft = { settings, locate: (path) => read.locate(path) };
  if (read.findings.length > 0) return { ok: false, problems, counts, ...common };
  if (problems.some(({ severity }) => severity === "error")) return { ok: false, problems, counts, draft, ...common };
  return { ok: true, ...draft, warnings: problems, counts, ...common };
};

const problemsOfFiles = (facts: Facts, noted: Origin, given: Origin): readonly Finding[] =>
  withoutGuesses(facts, [...findFileProblems(facts, noted), ...findCertificateProblems(facts, noted), ...findRevocationProblems(facts, noted), ...findJournalProblems(facts, given)]);

export const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

const noting = (files: Map<string, string | undefined>, { file, readFile: readOne }: Origin): Origin["readFile"] => (path) => {
  const at = resolve(dirname(file), path);
  files.set(at, undefined);
  const text = readOne(path);
  files.set(at, sha256(text));
  return text;
};

const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const shapeFindings = (issues: Parameters<typeof findingsOf>[0], read: Read): readonly Finding[] => {
  // What could not be filled in was told already; that its value is missing is no second mistake.
  const told = new Set(read.findings.map(({ path }) => JSON.stringify(path)));
  return findingsOf(issues, { value: read.value, keysAt, hidden: (path) => isSecret(path) || isFilled(read, path) })
    .filter(({ path }) => !told.has(JSON.stringify(path)));
};

/** What is wrong in sections whose names are misspelt. */
const shapeOfAssumed = (assumed: Assumed, read: Read): readonly Finding[] => {
  if (assumed.value === read.value) return [];
  const issues = settingsSchema.safeParse(assumed.value).error?.issues ?? [];
  const told = new Set(read.findings.map(({ path }) => JSON.stringify(path)));
  return findingsOf(issues, { value: assumed.value, keysAt, hidden: (path) => isSecret(path) || isFilled(read, assumed.written(path)) })
    .filter(({ path }) => assumed.isAssumed(path) && !told.has(JSON.stringify(assumed.written(path))));
};

const countsOf = ({ tenants, clientNames, upstreams, upstreamNames, lost }: Facts): Counts => ({
  tenants: tenants.length,
  clients: clientNames.size,
  upstreams: upstreamNames.length,
  lanes: upstreams.length < upstreamNames.length || lost.some(([section]) => section === "upstreams") ? undefined : upstreams.reduce((sum, { value }) => sum + value.connections, 0),
});

const deepFreeze = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
};
