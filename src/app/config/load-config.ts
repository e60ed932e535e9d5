/**
 * One complete reading of the config: parsed, checked, tested with its own policy tests, and compared with what a
 * reload cannot change. The result has plain values only, so that a worker thread can send it.
 */
import { stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { KeyChecks } from "../../journal/entry.ts";
import { runPolicyTests } from "../../dry-run/policy-tests.ts";
import type { AdminRecord } from "../../settings/files/admins-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import {
  loadSettings,
  originOf,
  readConfigText,
  readSettings,
  sha256,
  hashOf,
  type FilesRead,
  type Loaded,
} from "../../settings/load.ts";
import { pathText, type Problem } from "../../settings/problems/problem.ts";
import { needsRestart, type Fixed } from "../../settings/diff/needs-restart.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { scrubber } from "../../settings/view/hidden.ts";
import { filledTexts, scrubbedProblem, textsToHide } from "../../settings/view/filled-texts.ts";
import { readSmallFile, withoutHanging } from "../../common/small-file/small-file.ts";
import { keyProblems } from "../wiring/journal/index-keys.ts";
import { parseCacheOf, type Content } from "./parsed-cache.ts";

/** SHA-256 by path. `files`: those that the config names. `config`: those of the config itself, and `hash` of it. */
export type FilesOfReading = { readonly hash: string; readonly files: FilesRead; readonly config: FilesRead };

export type ValidConfig = FilesOfReading & {
  readonly ok: true;
  readonly settings: Settings;
  readonly warnings: readonly Problem[];
  /** The rows of the keys file; undefined where the settings name no keys file. */
  readonly keys: readonly KeyRecord[] | undefined;
  /** The console's users; undefined where the settings name no file of users, or where it is missing. */
  readonly admins: readonly AdminRecord[] | undefined;
  /** How many certificates, revocation lists and keys each file contains, by path; only files that contain any. */
  readonly pieces: ReadonlyMap<string, number>;
  /** Texts from variables and named files, which no sentence may quote. */
  readonly filled: readonly string[];
};

export type CheckedConfig =
  | ValidConfig
  | (FilesOfReading & { readonly ok: false; readonly problems: readonly Problem[] });

/**
 * `before`: the values in force that a reload cannot change. `keyChecks`: the journal's check values of index keys.
 * `content`: what the reading in force left for this one. `parsed`: what the previous run left, when no reading is in
 * force. `scope`: "files" ignores the config on disk, takes the one in force, and reads again only the files that it
 * names.
 */
export type ReadOptions = {
  readonly file: string;
  readonly before?: Fixed | undefined;
  readonly keyChecks?: KeyChecks | undefined;
  readonly content?: Content | undefined;
  readonly parsed?: Content["parsed"];
  readonly scope?: "all" | "files";
};

/** A reading, with what the next one reuses. After an invalid config, `loaded` has no text. */
export type ReadResult = {
  readonly checked: CheckedConfig;
  readonly parsed: Content["parsed"];
  readonly loaded: Loaded;
};

/** Reads the config once. Never rejects. */
export const readChecked = async (options: ReadOptions): Promise<CheckedConfig> => (await readOnce(options)).checked;

/** At most this many warnings get a line and column; the others are counted. */
const MOST_WARNINGS = 100;

const readOnce = async ({
  file,
  before,
  keyChecks = {},
  content,
  parsed: known,
  scope = "all",
}: ReadOptions): Promise<ReadResult> => {
  const cache = parseCacheOf(content?.parsed ?? known ?? []);
  const how = { files: true, cache, ended: content && new Set(content.ended), warnings: MOST_WARNINGS };
  const loaded = await runPolicyTests(
    scope === "files" && content
      ? readSettings(content.text, originOf(file), how)
      : await loadSettings(file, undefined, how),
    file,
  );
  const parsed = [...cache.parsed];
  const { hash, files, config } = loaded;
  if (!loaded.ok) {
    const hide = scrubber(textsToHide(loaded, originOf(file), cache));
    const problems = loaded.problems
      .filter(({ severity }) => severity === "error")
      .map((each) => scrubbedProblem(each, hide));
    return { checked: { ok: false, hash, files, config, problems }, parsed, loaded };
  }
  const { settings, warnings, locate, keys, admins, pieces } = loaded;
  const fixed = before ? needsRestart(before, settings) : [];
  const problems: readonly Problem[] = [
    ...fixed.map(({ code, path, message, help }): Problem => ({
      severity: "error",
      code,
      file,
      ...locate(path),
      path: pathText(path),
      message,
      ...(help !== undefined && { help }),
    })),
    ...keyProblems({ settings, locate, file }, keyChecks),
  ];
  const checked: CheckedConfig =
    problems.length === 0
      ? {
          ok: true,
          hash,
          files,
          config,
          settings,
          warnings,
          keys,
          admins,
          pieces,
          filled: filledTexts(loaded.text!, settings, cache),
        }
      : { ok: false, hash, files, config, problems };
  return { checked, parsed, loaded };
};

const APART_MS = 50;
/** A file that still changes after this many readings is rejected; the watcher reports it again when it changes. */
const ATTEMPTS = 40;

/**
 * Reads the config until two readings 50 ms apart find the same content in every file, because a file that is being
 * written may be well-formed before it is complete. Never rejects.
 */
export const readSettled = async (options: ReadOptions): Promise<ReadResult> => {
  for (let attempt = 1; ; attempt++) {
    const began = performance.now();
    const read = await readOnce(options);
    await wait(Math.max(0, APART_MS - (performance.now() - began)));
    const changed = await otherThan(read.checked, options);
    if (changed === undefined) return read;
    if (attempt < ATTEMPTS) continue;
    const { hash, files, config } = read.checked;
    return { ...read, checked: { ok: false, hash, files, config, problems: [unsettled(options.file, changed)] } };
  }
};

const unsettled = (file: string, changed: string): Problem => ({
  severity: "error",
  code: "OCSGW-6354",
  file,
  line: 1,
  column: 1,
  path: "",
  message: `${changed} changes while it is read: two readings ${APART_MS} ms apart were never the same`,
  help: "write the file beside its place and rename it, or wait until it is written",
});

/** The first file whose content has changed since it was read; undefined if none has. */
const otherThan = async ({ hash, files }: CheckedConfig, { file, scope }: ReadOptions): Promise<string | undefined> => {
  if (scope !== "files") {
    const text = await readConfigText(file);
    if (("main" in text ? hashOf(text) : "") !== hash) return file;
  }
  for (const [path, read] of files) if ((await hashAt(path)) !== read) return path;
  return undefined;
};

const hashAt = (path: string): Promise<string | undefined> => readSmallFile(path).then(sha256, () => undefined);

/** Bytes. A smaller config is read in less time than a worker thread takes to start. */
const SMALL = 64 * 1024;

/** Whether the first reading can run on the main thread: the config is small, and no request waits yet. */
export const isSmall = async ({ file, content }: ReadOptions): Promise<boolean> => {
  if (content) return false;
  const text = await withoutHanging(file, () => stat(file)).then(
    ({ size }) => (size < SMALL ? readConfigText(file) : undefined),
    () => undefined,
  );
  return text !== undefined && (!("main" in text) || text.tenants.length === 0);
};
