/**
 * `ocsgw learn`: proposes the least config that allows exactly what the journal shows of tenants that observe, as a
 * diff with the evidence of each change. Sends nothing; writes nothing unless asked.
 */
import { dirname, resolve } from "node:path";
import { KNOWN_SECRETS, holdToKeyChecks } from "../../app/wiring/journal/index-keys.ts";
import { learn, type Learned } from "../../dry-run/learn/learn.ts";
import { MIN_FOR_LIMITS } from "../../dry-run/learn/proposal.ts";
import { runPolicyTests } from "../../dry-run/policy-tests.ts";
import { IndexKeyDiffers, keyDifferences } from "../../journal/integrity/key-checks.ts";
import { LineDamaged, PeriodReader } from "../../journal/read/period.ts";
import { ConfigEdit, literal, writeConfig } from "../../settings/edit/config-edit.ts";
import { FileEditError } from "../../settings/files/edit-file.ts";
import { FOR_READING, loadToRead, originOf, readSettings, type Loaded } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../../settings/schema/units.ts";
import { readableKeys } from "../../settings/unreadable-index-keys.ts";
import { reason } from "../../common/system-error.ts";
import { printProblemsToRead, rendered } from "../check/check.ts";
import { counting, journalProgress } from "../process/journal-progress.ts";
import { CANNOT_TELL, DONE, FAILED, NOT_VALID, WRONG_USAGE } from "../exit-codes.ts";
import { inWords } from "./in-words.ts";
import { placesOf } from "./places.ts";
import type { LearnCommandOptions, LearnReport } from "./report.ts";
import { writeNew } from "./write-new.ts";

/** Ends the command with a message and an exit code. */
class Stopped extends Error {
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Resolves to the exit code. */
export const learnCommand = async (options: LearnCommandOptions): Promise<number> => {
  const period = parseDuration(options.since);
  if (!period) {
    console.error(`--since: expected ${DURATION_EXPECTED}, found ${options.since}`);
    return WRONG_USAGE;
  }
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return printProblemsToRead(options.config);
  try {
    return await learnFrom(loaded, options, new Date(Date.now() - period).toISOString());
  } catch (error) {
    if (error instanceof Stopped) {
      console.error(error.message);
      return error.code;
    }
    if (error instanceof FileEditError) {
      console.error(error.message);
      for (const each of await rendered(error.problems, { colour: false })) console.error(each);
      return FAILED;
    }
    throw error;
  }
};

const learnFrom = async (
  { settings, text }: Extract<Loaded, { ok: true }>,
  options: LearnCommandOptions,
  since: string,
): Promise<number> => {
  const { config, json } = options;
  // Places of tenants are those of this text: the file may be changed while the journal is read.
  const edit = new ConfigEdit(text!);
  const places = placesOf(settings, options.tenant);
  if ("problem" in places) throw new Stopped(places.problem, places.code);
  const { learned, missing, oldest } = await readJournal(settings, { ...options, places: places.found }, since);
  const isComplete = missing.length === 0;
  // What a part of the journal does not show may have been used: nothing is removed or restricted then.
  if (!isComplete && !options.addOnly) throw new Stopped(incomplete(missing), CANNOT_TELL);
  apply(edit, learned);
  const judged = await judge(edit, options);
  const problems = judged.ok ? [] : judged.problems;
  const written = problems.length === 0 ? await write(edit, options) : [];
  const report: LearnReport = {
    config,
    since,
    oldest: oldest ?? null,
    min_requests: options.minRequests,
    complete: isComplete,
    missing,
    ...learned,
    diff: edit.diff(),
    problems,
    written,
  };
  console.log(json ? JSON.stringify(report, undefined, 2) : inWords(report, options));
  if (problems.length > 0) {
    if (!json) for (const each of await rendered(problems, { colour: false })) console.error(`${each}\n`);
    console.error(NOT_WRITTEN);
    return NOT_VALID;
  }
  return isComplete ? DONE : CANNOT_TELL;
};

const NOT_WRITTEN =
  "the proposed config is not valid, so nothing was written: correct what it names, for example a policy test that " +
  "expects what was not seen, or use --add-only, which removes nothing";

const incomplete = (missing: readonly string[]): string =>
  `cannot tell: the journal does not have the whole period, so it does not show what is unused.\n` +
  `${missing.map((each) => `  ${each}`).join("\n")}\n` +
  "Choose a later --since, or use --add-only, which only adds what was seen.";

type Reading = LearnCommandOptions & { readonly places: readonly number[] };
type Read = { readonly learned: Learned; readonly missing: readonly string[]; readonly oldest: string | undefined };

const readJournal = async (settings: Settings, options: Reading, since: string): Promise<Read> => {
  const dir = options.journal ?? settings.audit.dir;
  const { keys, why } = readableKeys(settings.audit.index_key);
  if (keys === undefined)
    throw new Stopped(
      "cannot tell: without the index key it is unknown whether the config belongs to this journal: " + why.join("; "),
      CANNOT_TELL,
    );
  const reader = new PeriodReader(dir, since);
  try {
    const entries = counting(reader.entries(), await journalProgress("reading the journal", dir));
    const learned = await learn(entries, settings, {
      places: options.places,
      minRequests: options.minRequests,
      minForLimits: MIN_FOR_LIMITS,
      acceptNames: options.acceptNames === true,
      addOnly: options.addOnly === true,
      enforce: options.enforce === true,
      unnamed: () => (reader.records("dropped_fields") ? undefined : UNNAMED),
    });
    const differences = keyDifferences(keys, reader.keyChecks, KNOWN_SECRETS);
    if (differences.length > 0) throw new IndexKeyDiffers(differences);
    return { learned, missing: await reader.missing(), oldest: reader.oldest };
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw new Stopped(`cannot tell: ${unreadable(error, dir)}`, CANNOT_TELL);
  }
};

const UNNAMED = "an older gateway wrote a part of this period, and its journal does not have the names of all fields";

const unreadable = (error: unknown, dir: string): string => {
  if (error instanceof IndexKeyDiffers || error instanceof LineDamaged) return error.message;
  if ((error as NodeJS.ErrnoException).code === "ENOENT")
    return `there is no journal in ${dir}, or a part of it is missing; --journal names its directory`;
  return `the journal in ${dir} cannot be read: ${reason(error)}`;
};

const apply = (edit: ConfigEdit, { tenants }: Learned): void => {
  for (const { path, ...change } of tenants.flatMap(({ edits }) => edits)) {
    if (change.value === undefined) edit.remove(path);
    else edit.set(path, Array.isArray(change.value) ? change.value.map(asText) : change.value);
  }
};

const asText = (value: unknown): unknown => (typeof value === "string" ? literal(value) : value);

/** What will be written is judged as by `ocsgw check`; a mere proposal without reading other files. */
const judge = async (edit: ConfigEdit, { config, write: isWritten, out }: LearnCommandOptions): Promise<Loaded> => {
  const proposed =
    isWritten || out !== undefined
      ? edit.check(process.env)
      : readSettings(edit.text(), originOf(config, process.env), FOR_READING);
  return holdToKeyChecks(await runPolicyTests(proposed, config), config);
};

const write = async (
  edit: ConfigEdit,
  { config, write: inPlace, out }: LearnCommandOptions,
): Promise<readonly string[]> => {
  if (out !== undefined) {
    if (dirname(resolve(out)) !== dirname(resolve(config)))
      throw new Stopped("--out: name a file in the folder of the config, because its paths are relative", WRONG_USAGE);
    const { main, tenants } = edit.text();
    if (edit.changes().some(({ file }) => tenants.some((part) => part.file === file)))
      throw new Stopped(
        `--out has room for one file, and tenants.d has changes; use --write, or the diff`,
        WRONG_USAGE,
      );
    await writeNew(out, main.text, config);
    return [out];
  }
  return inPlace ? writeConfig(edit) : [];
};
