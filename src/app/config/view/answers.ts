/** Answers questions about the config, on the view thread: to parse and check a large config takes seconds. */
import { basename } from "node:path";
import { runPolicyTests } from "../../../dry-run/policy-tests.ts";
import { differences } from "../../../settings/diff/diff.ts";
import { needsRestart, type Fixed } from "../../../settings/diff/needs-restart.ts";
import type { ParseCache } from "../../../settings/files/merge-files.ts";
import {
  hashOf,
  loadSettings,
  originOf,
  readConfigText,
  readSettings,
  type ConfigText,
  type Loaded,
} from "../../../settings/load.ts";
import { pathText, type Problem } from "../../../settings/problems/problem.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import { rawOf, rowsPage, viewOf, type Viewed } from "../../../settings/view/config-rows.ts";
import { filledTexts, scrubbedProblem, textsToHide } from "../../../settings/view/filled-texts.ts";
import { scrubber } from "../../../settings/view/hidden.ts";
import { snapshotDifferences, snapshotOf } from "../../../settings/view/snapshot.ts";
import { withhold } from "../../../settings/unreadable-index-keys.ts";
import { holdToKeyChecks } from "../../wiring/journal/index-keys.ts";
import { holdToRights } from "../../wiring/journal/journal-permissions.ts";
import { parseCacheOf, unpack } from "../parsed-cache.ts";
import type { Answers, CheckedFile, Compared, InForce, Job, Question } from "./messages.ts";
import { snapshotAt, writeSnapshot } from "./snapshot-files.ts";

/** The reason why a question has no answer, for people. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** `files`: those that the config named when it came into force, with their content. */
type Read = { readonly files: string; readonly settings: Settings };
type Texts = { readonly text: ConfigText; readonly cache: ParseCache };

/** The texts in force, of the last question; other questions are about the same ones, mostly. */
let last: { readonly hash: string; readonly texts: Texts; viewed?: Viewed; read?: Read } | undefined;

/** Rejects with NoAnswer. */
export const answerTo = async ({ inForce, question }: Job): Promise<Answers[Question["kind"]]> => {
  switch (question.kind) {
    case "rows": {
      const known = await textsOf(inForce);
      known.viewed ??= viewOf(known.texts.text, { env: process.env, cache: known.texts.cache });
      return rowsPage(known.viewed, question.query);
    }
    case "check":
      return check(inForce, question.before);
    case "differences":
      return compare(question);
    case "snapshot": {
      const { texts } = await textsOf(inForce);
      const settings = await settingsOf(inForce);
      await writeSnapshot(question.dir, snapshotOf({ ...inForce, settings, raw: rawOf(texts.text, texts.cache) }));
      return null;
    }
  }
};

const textsOf = async ({ file, hash, kept }: InForce): Promise<NonNullable<typeof last>> => {
  if (last?.hash === hash) return last;
  last = undefined;
  if (kept) {
    const { text, parsed } = unpack(kept);
    return (last = { hash, texts: { text, cache: parseCacheOf(parsed) } });
  }
  const text = await readConfigText(file);
  if (!("main" in text) || hashOf(text) !== hash)
    throw new NoAnswer("the text of the config in force is not at hand, and the file on disk is another one now");
  return (last = { hash, texts: { text, cache: parseCacheOf([]) } });
};

/** Secrets in files may be others than when the config was read. */
const settingsOf = async (inForce: InForce): Promise<Settings> => {
  const known = await textsOf(inForce);
  const files = JSON.stringify([...inForce.files]);
  if (known.read?.files === files) return known.read.settings;
  const { text, cache } = known.texts;
  const loaded = readSettings(text, originOf(inForce.file), {
    files: false,
    instead: (_path, why) => withhold(why),
    cache,
  });
  if (!loaded.ok) throw new NoAnswer("the config in force cannot be read again, because what it names has changed");
  known.read = { files, settings: loaded.settings };
  return loaded.settings;
};

const MOST_PROBLEMS = 200;
const MOST_CHANGES = 200;

/** The same steps as `ocsgw check`. */
const check = async (inForce: InForce, before: Fixed): Promise<CheckedFile> => {
  const { file } = inForce;
  const loaded = await holdToRights(
    await holdToKeyChecks(
      await runPolicyTests(await loadSettings(file, undefined, { files: true, warnings: MOST_PROBLEMS }), file),
      file,
    ),
    file,
  );
  const scrub = scrubber([...textsToHide(loaded, originOf(file)), ...(await filledIn(inForce))]);
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const restart = loaded.ok ? restartProblems(loaded, before, file) : [];
  return {
    hash: loaded.hash,
    same: loaded.hash === inForce.hash && sameFiles(loaded.files, inForce.files),
    valid: loaded.ok,
    problems: problems.slice(0, MOST_PROBLEMS).map((each) => scrubbed(each, scrub)),
    more: Math.max(0, problems.length - MOST_PROBLEMS),
    changes: loaded.ok ? shortened(await changesTo(loaded, inForce)).map(scrub) : [],
    listeners: loaded.ok ? loaded.settings.listeners : undefined,
    restart: restart.map((each) => scrubbed(each, scrub)),
  };
};

type Valid = Extract<Loaded, { ok: true }>;

const restartProblems = ({ settings, locate }: Valid, before: Fixed, file: string): readonly Problem[] =>
  needsRestart(before, settings).map(({ code, path, message, help }) => ({
    severity: "error",
    code,
    file,
    ...locate(path),
    path: pathText(path),
    message,
    ...(help !== undefined && { help }),
  }));

const sameFiles = (one: Valid["files"], other: InForce["files"]): boolean =>
  one.size === other.size && [...one].every(([path, hash]) => other.get(path) === hash);

/** Also names a changed file that no setting leads to by its path, as a secret's. */
const changesTo = async (loaded: Valid, inForce: InForce): Promise<readonly string[]> => {
  const before = { settings: await settingsOf(inForce), files: inForce.files };
  const changes = differences(before, loaded);
  const others = [...loaded.files]
    .filter(([path, hash]) => inForce.files.has(path) && inForce.files.get(path) !== hash)
    .map(([path]) => `content of ${basename(path)} changed`)
    .filter((each) => !changes.some((change) => change.endsWith(each)));
  return [...changes, ...others];
};

const shortened = (changes: readonly string[]): readonly string[] =>
  changes.length <= MOST_CHANGES
    ? changes
    : [...changes.slice(0, MOST_CHANGES), `and ${changes.length - MOST_CHANGES} more`];

/** Of the config in force: a sentence about a change quotes what was there before. */
const filledIn = async (inForce: InForce): Promise<readonly string[]> => {
  try {
    const settings = await settingsOf(inForce);
    const { text, cache } = (await textsOf(inForce)).texts;
    return filledTexts(text, settings, cache);
  } catch (error) {
    // Without it there are no changes to tell.
    if (error instanceof NoAnswer) return [];
    throw error;
  }
};

/** A policy test is not quoted: it may contain phone numbers. */
const scrubbed = (problem: Problem, scrub: (text: string) => string): Problem => {
  const isTest = /^tests\b/.test(problem.path);
  const shown = { message: `${problem.path} fails or is malformed; ocsgw check shows it`, help: "run ocsgw check" };
  return scrubbedProblem(isTest ? { ...problem, ...shown } : problem, scrub);
};

const compare = async ({ dir, from, to }: Extract<Question, { kind: "differences" }>): Promise<Compared> => {
  const [before, after] = [await snapshotAt(dir, from), await snapshotAt(dir, to)];
  const missing = [...(before ? [] : [from]), ...(after ? [] : [to])];
  if (!before || !after) return { changes: null, missing: [...new Set(missing)] };
  const changes = snapshotDifferences(before, after);
  return { changes: changes ? shortened(changes) : null, missing: [] };
};
