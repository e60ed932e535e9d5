/** What can be wrong with a config file, said once: a code, a place, what was expected and what was found. */

/** Keys and indices from the top of the file. */
export type Path = readonly (string | number)[];

/** Line and column count from 1. `file`: left out for the config file itself. */
export type Place = { readonly line: number; readonly column: number; readonly file?: string };

export type Severity = "error" | "warning";

/** A problem that knows where it is by its path; the file's reader adds line and column. */
export type Finding = {
  readonly code: string;
  /** An error when left out. */
  readonly severity?: Severity;
  readonly path: Path;
  /** Point at the key and not at its value. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly help?: string;
  /** The other place of a conflict. */
  readonly also?: { readonly path: Path; readonly message: string };
};

export type Problem = Place & {
  readonly severity: Severity;
  /** OCSGW-60xx the file, 61xx a value, 62xx a contradiction, 63xx a warning, 64xx a setting that this version does not carry out. */
  readonly code: string;
  readonly file: string;
  /** As in `tenants[0].clients.alpha-ops`; empty for the file itself. */
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

export const pathText = (path: Path): string =>
  path
    .map((part, at) => {
      if (typeof part === "number") return `[${part}]`;
      const plain = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
      return at === 0 ? plain : `.${plain}`;
    })
    .join("");

/** Errors before warnings, each in the order of the file. */
export const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted(
    (a, b) =>
      Number(a.severity === "warning") - Number(b.severity === "warning") ||
      Number(a.file > b.file) - Number(a.file < b.file) ||
      a.line - b.line ||
      a.column - b.column,
  );
