/** `ocsgw fmt`: gives config files one form. */
import { basename, dirname } from "node:path";
import { faultInWords } from "../common/system-error.ts";
import { FileEditError, replaceText } from "../settings/files/edit-file.ts";
import { readConfigText } from "../settings/load.ts";
import { textOf } from "../settings/files/origin.ts";
import { formatConfig, NotFormattable } from "../settings/format/format-config.ts";
import { visible } from "../settings/problems/visible.ts";
import { printProblems } from "./check/check.ts";
import { DIFFERENT, DONE, FAILED, NOT_VALID } from "./exit-codes.ts";

/** `files`: none for the config and the files of its tenants.d. `check`: changes nothing. */
export type FmtOptions = { readonly files: readonly string[]; readonly config: string; readonly check?: boolean };

/**
 * Prints the names of the files that changed, or would change. Resolves to the exit code: 0 done; 1 a file cannot be
 * read or written; 3 a file is not valid; 10 a file would change.
 */
export const fmt = async ({ files, config, check = false }: FmtOptions): Promise<number> => {
  const chosen = files.length > 0 ? files : await filesOf(config);
  if (chosen === undefined) return NOT_VALID;
  const codes: number[] = [];
  for (const file of chosen) codes.push(await formatFile(file, check));
  return codes.find((code) => code !== DONE && code !== DIFFERENT) ?? Math.max(DONE, ...codes);
};

/** Undefined if the config cannot be read; the reason is printed. */
const filesOf = async (config: string): Promise<readonly string[] | undefined> => {
  const text = await readConfigText(config);
  if ("main" in text) return [text.main, ...text.tenants].map(({ file }) => file);
  await printProblems(config);
  return undefined;
};

const formatFile = async (file: string, check: boolean): Promise<number> => {
  const before = await textOf(file);
  if (typeof before !== "string") return complain(`${file}: ${before.message}`, FAILED);
  try {
    const after = formatConfig(before, { isTenants: basename(dirname(file)) === "tenants.d" });
    if (after === before) return DONE;
    if (!check) await replaceText(file, { before, after });
    console.log(visible(file));
    return check ? DIFFERENT : DONE;
  } catch (error) {
    if (error instanceof NotFormattable) return complain(`${file}: not formatted: ${error.message}`, NOT_VALID);
    if (error instanceof FileEditError) return complain(faultInWords(error), FAILED);
    throw error;
  }
};

const complain = (message: string, code: number): number => {
  console.error(visible(message));
  return code;
};
