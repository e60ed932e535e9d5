/** A problem of a config file: a code, a place, what was expected, what was found, and what to do. */

import { isAbsolute } from "node:path";

/** Keys and indices from the top of the file. */
export type Path = readonly (string | number)[];

/** Line and column count from 1. `file` is absent for the config file itself. */
export type Place = { readonly line: number; readonly column: number; readonly file?: string };

export type Severity = "error" | "warning";

/** A problem whose place is a path; `locate.ts` adds line and column. */
export type Finding = {
  readonly code: string;
  /** Default: error. */
  readonly severity?: Severity;
  readonly path: Path;
  /** Points at the key instead of the value. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly help?: string;
  /** The other place of a conflict. */
  readonly also?: { readonly path: Path; readonly message: string };
};

/** A row of a table of problems: a finding without its place. */
export type ProblemText = Pick<Finding, "code" | "severity" | "message" | "help">;

/** Adds a hint that depends on the file, if there is one. */
export const withHelp = (text: ProblemText, help: string | undefined): ProblemText =>
  help === undefined ? text : { ...text, help };

export type Problem = Place & {
  readonly severity: Severity;
  /** OCSGW-60xx: the file. 61xx: a value. 62xx: a contradiction. 63xx: a warning. */
  readonly code: string;
  readonly file: string;
  /** For example `tenants[0].clients.alpha-ops`; empty for the file itself. */
  readonly path: string;
  readonly message: string;
  readonly help?: string;
  readonly also?: Place & { readonly message: string };
};

export const CODES = {
  unreadableFile: "OCSGW-6001",
  notYaml: "OCSGW-6002",
  duplicateKey: "OCSGW-6003",
  forbiddenYaml: "OCSGW-6004",
  unsetVariable: "OCSGW-6011",
  unreadableSubstitute: "OCSGW-6012",
  badSubstitution: "OCSGW-6013",
  unknownKey: "OCSGW-6101",
  missing: "OCSGW-6102",
  badValue: "OCSGW-6103",
} as const;

/** What to do about a file, named by the config, that cannot be read. An absolute path can mean one place only. */
export const helpForUnreadable = (path: string, isMissing: boolean): string => {
  if (!isMissing) return "correct the path, or the permissions for the gateway's user, and run check as that user";
  const base = isAbsolute(path) ? "" : "; it is relative to the folder of the config file";
  return `correct the path, or put the file there${base}`;
};

export const pathText = (path: Path): string =>
  path
    .map((part, at) => {
      if (typeof part === "number") return `[${part}]`;
      const plain = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
      return at === 0 ? plain : `.${plain}`;
    })
    .join("");

/** Errors before warnings, each in file order. */
export const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted(
    (a, b) =>
      Number(a.severity === "warning") - Number(b.severity === "warning") ||
      Number(a.file > b.file) - Number(a.file < b.file) ||
      a.line - b.line ||
      a.column - b.column,
  );
