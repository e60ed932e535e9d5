/** `ocsgw error`: what a code or a log event means, and what to do. */
import { readLibrary } from "../../documentation/all-pages.ts";
import { CODES, explained, type Explained } from "../../documentation/codes.ts";
import { fileOfCode } from "../../documentation/made/code-pages.ts";
import { toTerminal } from "../../documentation/terminal/to-terminal.ts";
import { nearest } from "../../settings/problems/did-you-mean.ts";
import { DONE, FAILED, WRONG_USAGE } from "../exit-codes.ts";
import { columns } from "../list-file.ts";
import { screenOf } from "./screen.ts";

export type ErrorOptions = { readonly list?: boolean; readonly search?: string; readonly json?: boolean };

/** Resolves to the exit code: 2 for a code that does not exist, 1 if a search finds nothing. */
export const explainError = async (code: string | undefined, options: ErrorOptions): Promise<number> => {
  if (code === undefined) return printList(options);
  const found = explained(code);
  if (!found) {
    const near = nearest(
      code,
      CODES.map(({ id }) => id),
    );
    console.error(
      `there is no code and no log event ${JSON.stringify(code)}.` +
        `${near === undefined ? "" : ` Did you mean ${near}?`} ocsgw error --list lists all.`,
    );
    return WRONG_USAGE;
  }
  if (options.json) console.log(JSON.stringify(found, undefined, 2));
  else {
    const library = await readLibrary();
    const page = library.find(fileOfCode(found.id))!;
    process.stdout.write(toTerminal(page, library.files, screenOf(process.stdout, process.env)));
  }
  return DONE;
};

const printList = ({ search, json }: ErrorOptions): number => {
  const found = search === undefined ? CODES : CODES.filter((each) => has(each, search));
  if (json) console.log(JSON.stringify(found, undefined, 2));
  else if (found.length > 0) process.stdout.write(columns(found.map((each) => [each.id, kindOf(each), each.what])));
  if (found.length > 0) return DONE;
  console.error(`nothing found for ${JSON.stringify(search)}`);
  return FAILED;
};

/** All words, anywhere in what is known about the code. */
const has = (each: Explained, words: string): boolean => {
  const text = JSON.stringify(each).toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
};

const kindOf = (each: Explained): string => {
  switch (each.kind) {
    case "reply":
      return [...new Set(each.reasons.map(({ status }) => status))].join(", ");
    case "config":
    case "lint":
      return each.kind;
    case "event":
      return each.level;
  }
};
