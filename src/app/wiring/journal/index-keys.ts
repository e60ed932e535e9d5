/** Compares the index keys of a config with the check values in the journal. */
import { join } from "node:path";
import { existsSync } from "node:fs";
import type { Journal } from "../../../journal/journal.ts";
import { replaceWhole } from "../../../journal/disk.ts";
import { keyDifferences, KEY_REMEDY } from "../../../journal/integrity/key-checks.ts";
import type { KeyChecks } from "../../../journal/entry.ts";
import { paths } from "../../../journal/paths.ts";
import type { Draft, Loaded } from "../../../settings/load.ts";
import { pathText, type Path, type Problem } from "../../../settings/problems/problem.ts";
import { TRIAL_KEY } from "../../../settings/rules/access.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { reason } from "../../../common/system-error.ts";

type At = Draft & { /** As problems name it. */ readonly file: string };

export const KNOWN_SECRETS = { "the sample's trial key": TRIAL_KEY };

/** One error for each key whose content differs from the journal's key of the same name. */
export const keyProblems = ({ settings: { audit }, locate, file }: At, recorded: KeyChecks): readonly Problem[] =>
  keyDifferences(audit.index_key, recorded, KNOWN_SECRETS).map(({ epoch, why }) => {
    const path = pathOf(audit.index_key, epoch);
    return {
      severity: "error",
      code: "OCSGW-6274",
      file,
      ...locate(path),
      path: pathText(path),
      message: `the index key of epoch ${epoch}: ${why}`,
      help: KEY_REMEDY,
    };
  });

const pathOf = (keys: Settings["audit"]["index_key"], epoch: string): Path =>
  typeof keys === "string"
    ? ["audit", "index_key"]
    : ["audit", "index_key", keys.findIndex((each) => each.epoch === epoch), "secret"];

const MOST_BYTES = 1 << 20;

const copyIn = (auditDir: string): string => join(auditDir, "index-keys.json");

/**
 * Copies the journal's check values into a file, so that `check` need not read the journal. Only `check` reads the
 * copy; the journal stays the source of truth. Rejects when the file cannot be written.
 */
export const copyKeyChecks = async ({ dir, disk, keys }: Pick<Journal, "dir" | "disk" | "keys">): Promise<void> =>
  replaceWhole(disk, copyIn(dir), Buffer.from(`${JSON.stringify(keys.all())}\n`));

/** For `check`, which must not wait for the journal: compares with the copy. A journal without a copy is a warning. */
export const holdToKeyChecks = async <Held extends Loaded>(
  loaded: Held,
  file: string,
): Promise<Held | (Held & { readonly ok: false })> => {
  const draft: Draft | undefined = loaded.ok ? loaded : loaded.draft;
  if (!draft) return loaded;
  const { settings, locate } = draft;
  const recorded = await readCopy(settings.audit.dir);
  if (typeof recorded === "string") {
    const path = ["audit", "index_key"];
    const warning: Problem = {
      severity: "warning",
      code: "OCSGW-6324",
      file,
      ...locate(path),
      path: pathText(path),
      message: `cannot tell whether this is the key of the journal in ${settings.audit.dir}: ${recorded}`,
      help: "ocsgw run compares the key with the journal itself, and writes the copy again",
    };
    return loaded.ok
      ? { ...loaded, warnings: [...loaded.warnings, warning] }
      : { ...loaded, problems: [...loaded.problems, warning] };
  }
  const problems = keyProblems({ settings, locate, file }, recorded);
  return problems.length === 0
    ? loaded
    : { ...loaded, ok: false, problems: [...problems, ...(loaded.ok ? loaded.warnings : loaded.problems)] };
};

/** Empty where there is no journal yet; a text when the copy cannot be read. */
const readCopy = async (auditDir: string): Promise<KeyChecks | string> => {
  if (!existsSync(paths(auditDir).segments)) return {};
  const file = copyIn(auditDir);
  try {
    const value: unknown = JSON.parse(await readSmallFile(file, MOST_BYTES));
    return isChecks(value) ? value : `${file} is damaged`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return `${file} does not exist`;
    return `${file} cannot be read: ${error instanceof SyntaxError ? "it is damaged" : reason(error)}`;
  }
};

const isChecks = (value: unknown): value is KeyChecks =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((each: unknown) => {
    const { check, from } = (each ?? {}) as { readonly check?: unknown; readonly from?: unknown };
    return typeof check === "string" && /^[0-9a-f]{64}$/.test(check) && Number.isSafeInteger(from);
  });
