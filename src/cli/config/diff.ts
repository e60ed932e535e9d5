/** `ocsgw config diff`: what changes between two configs, in sentences. */
import { filledTexts, withoutFilled } from "../../settings/view/filled-texts.ts";
import { differences } from "../../settings/diff/diff.ts";
import { loadToRead } from "../../settings/load.ts";
import { printProblemsToRead } from "../check/check.ts";
import { DIFFERENT, DONE, NOT_VALID } from "../exit-codes.ts";

export type DiffOptions = { readonly before: string; readonly after: string; readonly json?: boolean };

/** Resolves to the exit code: 0 equal settings; 3 one of the files is not valid; 10 different. */
export const configDiff = async ({ before, after, json }: DiffOptions): Promise<number> => {
  const [old, now] = [await loadToRead(before), await loadToRead(after)];
  if (!old.ok || !now.ok) {
    if (!old.ok) await printProblemsToRead(before);
    if (!now.ok) await printProblemsToRead(after);
    return NOT_VALID;
  }
  const hide = withoutFilled(
    { filled: filledTexts(old.text!, old.settings) },
    { filled: filledTexts(now.text!, now.settings) },
  );
  const found = differences(old, now).map(hide);
  if (json) console.log(JSON.stringify({ before, after, differences: found }, undefined, 2));
  else for (const each of found) console.log(each);
  if (found.length === 0 && !json) console.error(`${before} and ${after} have the same settings`);
  return found.length === 0 ? DONE : DIFFERENT;
};
