/** One reading of the config file, whole: checked, held to its own examples and to what cannot change. Plain values, so that a thread may give it to another. */
import { stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { KeyChecks } from "../journal/key-checks.ts";
import { holdToExamples } from "../rehearsal/policy-tests.ts";
import type { KeyRecord } from "../settings/keys-file.ts";
import {
  loadSettings,
  originOf,
  readConfigText,
  readSettings,
  sha256,
  hashOf,
  type FilesRead,
  type Loaded,
} from "../settings/load.ts";
import { pathText, type Problem } from "../settings/problem.ts";
import { needsRestart, type Fixed } from "../settings/restart.ts";
import type { Settings } from "../settings/schema.ts";
import { readSmallFile, withoutHanging } from "../small-file.ts";
import { keyProblems } from "./index-keys.ts";
import { remembering, type Content } from "./kept.ts";

/** What was read, by path with its SHA-256: `files` that the config names, and those of the config itself. */
export type FilesOfReading = { readonly hash: string; readonly files: FilesRead; readonly config: FilesRead };

export type Valid = FilesOfReading & {
  readonly ok: true;
  readonly settings: Settings;
  readonly warnings: readonly Problem[];
  /** Of the keys file; undefined where the settings name none. */
  readonly keys: readonly KeyRecord[] | undefined;
  /** How many certificates, lists and keys each file holds, where it holds any. */
  readonly pieces: ReadonlyMap<string, number>;
};

export type Checked = Valid | (FilesOfReading & { readonly ok: false; readonly problems: readonly Problem[] });

/**
 * `before`: what is in force of that which cannot change. `keyChecks`: what the journal states of index keys. `content`:
 * what the reading in force left. `parsed`: what was kept of the run before, where there is no reading in force. `scope`: of `files`, the config is the one in force, whatever is on disk, and only what
 * it names is read again.
 */
export type Asked = {
  readonly file: string;
  readonly before?: Fixed | undefined;
  readonly keyChecks?: KeyChecks | undefined;
  readonly content?: Content | undefined;
  readonly parsed?: Content["parsed"];
  readonly scope?: "all" | "files";
};

/** With what it leaves for the next reading; undefined where the config was not valid. */
export type Read = { readonly checked: Checked; readonly parsed: Content["parsed"]; readonly loaded: Loaded };

/** Never rejects. */
export const readChecked = async (asked: Asked): Promise<Checked> => (await readOnce(asked)).checked;

/** So many warnings are told with their places. */
const MOST_WARNINGS = 100;

const readOnce = async ({
  file,
  before,
  keyChecks = {},
  content,
  parsed: known,
  scope = "all",
}: Asked): Promise<Read> => {
  const memory = remembering(content?.parsed ?? known ?? []);
  const how = { files: true, memory, ended: content && new Set(content.ended), warnings: MOST_WARNINGS };
  const loaded = await holdToExamples(
    scope === "files" && content
      ? readSettings(content.text, originOf(file), how)
      : await loadSettings(file, undefined, how),
    file,
  );
  const parsed = [...memory.parsed];
  const { hash, files, config } = loaded;
  if (!loaded.ok) {
    const problems = loaded.problems.filter(({ severity }) => severity === "error");
    return { checked: { ok: false, hash, files, config, problems }, parsed, loaded };
  }
  const { settings, warnings, locate, keys, pieces } = loaded;
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
  const checked: Checked =
    problems.length === 0
      ? { ok: true, hash, files, config, settings, warnings, keys, pieces }
      : { ok: false, hash, files, config, problems };
  return { checked, parsed, loaded };
};

const APART_MS = 50;
/** Whoever writes for longer than this is heard of again when it has ended. */
const ATTEMPTS = 40;

/**
 * The same, read until two readings 50 ms apart find the same in every file: what is being written may be well-formed
 * before it is whole. Never rejects.
 */
export const readSettled = async (asked: Asked): Promise<Read> => {
  for (let attempt = 1; ; attempt++) {
    const began = performance.now();
    const read = await readOnce(asked);
    await wait(Math.max(0, APART_MS - (performance.now() - began)));
    const changed = await otherThan(read.checked, asked);
    if (changed === undefined) return read;
    if (attempt < ATTEMPTS) continue;
    const { hash, files, config } = read.checked;
    return { ...read, checked: { ok: false, hash, files, config, problems: [unsettled(asked.file, changed)] } };
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

/** The first file that holds something else now; undefined where all are as they were read. */
const otherThan = async ({ hash, files }: Checked, { file, scope }: Asked): Promise<string | undefined> => {
  if (scope !== "files") {
    const text = await readConfigText(file);
    if (("main" in text ? hashOf(text) : "") !== hash) return file;
  }
  for (const [path, read] of files) if ((await hashAt(path)) !== read) return path;
  return undefined;
};

const hashAt = (path: string): Promise<string | undefined> => readSmallFile(path).then(sha256, () => undefined);

/** A config of so many bytes is read in less time than a thread takes to begin. */
const SMALL = 64 * 1024;

/** Whether a thread of its own would be worth while for somebody who serves nobody yet. */
export const isSmall = async ({ file, content }: Asked): Promise<boolean> => {
  if (content) return false;
  const text = await withoutHanging(file, () => stat(file)).then(
    ({ size }) => (size < SMALL ? readConfigText(file) : undefined),
    () => undefined,
  );
  return text !== undefined && (!("main" in text) || text.tenants.length === 0);
};
