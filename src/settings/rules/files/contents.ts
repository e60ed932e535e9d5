/** Reads a file that the config names. */
import { isGone, reason } from "../../../common/system-error.ts";
import type { Files } from "../../interpolate.ts";
import type { Origin } from "../../files/origin.ts";
import { helpForUnreadable, type ProblemText } from "../../problems/problem.ts";

/** `file`: the config file, as printed commands name it. */
export type FilesOf = Files & Pick<Origin, "file">;

export type Unreadable = { readonly why: string; readonly isMissing: boolean };

export const contents = (file: string, { readFile }: Files): { readonly text: string } | Unreadable => {
  try {
    return { text: readFile(file) };
  } catch (error) {
    return { why: reason(error), isMissing: isGone(error) };
  }
};

export const unreadable = (file: string, { why, isMissing }: Unreadable): ProblemText => ({
  code: "OCSGW-6252",
  message: `cannot read the file ${file}: ${why}`,
  help: helpForUnreadable(file, isMissing),
});
