/** Where the journal is to be, and what signs it: both are made at the first start when they are not there. */
import { dirname } from "node:path";
import { keyIn } from "./certificates.ts";
import type { Facts } from "./facts.ts";
import { isGone, reason, type Files } from "./fill.ts";
import type { Finding } from "./problem.ts";
import { openToOthers, unfit, type Named } from "./rules-certificates.ts";

export const findJournalProblems = ({ audit }: Facts, files: Files): readonly Finding[] => {
  if (!audit) return [];
  const key = { path: [...audit.path, "checkpoint", "key"], file: audit.value.checkpoint.key };
  const [text, why] = textOf(key, files);
  return [
    ...notWritable({ path: [...audit.path, "dir"], file: audit.value.dir }, audit.value.dir, files),
    ...(text !== undefined ? keyProblems(key, text, files) : why === undefined ? notWritable(key, dirname(key.file), files) : [unfit("OCSGW-6262", key, `it cannot be read: ${why}`)]),
  ];
};

/** The text, or why there is none, unless there is no such file. */
const textOf = ({ file }: Named, { readFile }: Files): readonly [text?: string | undefined, why?: string] => {
  try {
    return [readFile(file)];
  } catch (error) {
    return isGone(error) ? [] : [undefined, reason(error)];
  }
};

const notWritable = ({ path }: Named, folder: string, { whyNotWritable }: Files): readonly Finding[] => {
  const why = whyNotWritable?.(folder);
  return why === undefined ? [] : [{ code: "OCSGW-6268", path, message: `nothing can be written in ${folder}: ${why}` }];
};

const keyProblems = (named: Named, text: string, files: Files): readonly Finding[] => {
  const key = keyIn(text);
  const why = typeof key === "string" ? key : key.asymmetricKeyType === "ed25519" ? undefined : `expected an Ed25519 key, found one of type ${key.asymmetricKeyType}`;
  return [...(why === undefined ? [] : [unfit("OCSGW-6262", named, why)]), ...openToOthers(named, files)];
};
