/**
 * `${VAR}`, `${VAR:-default}` and `${file:PATH}` within one parsed value; a PATH may have variables in it, as in
 * `${file:${CREDENTIALS_DIRECTORY:-secrets}/index.key}`. `$${` stands for `${`. What was filled in is not read again.
 */
import { reason } from "../system-error.ts";
import type { Keys } from "./keys-file.ts";
import { CODES } from "./problem.ts";

/** `mode`: permission bits; `uid`: of the owner. */
export type Rights = { readonly mode: number; readonly uid: number };

/** Paths are relative to the config file, or absolute. */
export type Files = {
  /** Gives the text of a file. Throws when there is none. */
  readonly readFile: (path: string) => string;
  /** Undefined where there is no file, or no such rights. */
  readonly rightsOf?: (path: string) => Rights | undefined;
  /** Others who could read a file are not on this system. */
  readonly isContainer?: boolean;
  /** Why no file could be made in that folder, which may be yet to be made. */
  readonly whyNotWritable?: (folder: string) => string | undefined;
  /** Descriptors that a process may have here; undefined without a limit. */
  readonly descriptorLimit?: () => number | undefined;
  /** Reads a keys file's text, for who wants to have what was read of it. */
  readonly readKeys?: (text: string, file: string) => Keys;
};

export type Sources = Files & { readonly env: Readonly<Record<string, string | undefined>> };

export type Filled =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly help?: string };

const PART = /\$\$\{|\$\{(file:(?:\$\{[^}]*\}|[^}])*|[^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^$]*|[^$]*\$(?!\{)[^$]*))?$/;

class NotFilled extends Error {
  readonly failure: Filled & { ok: false };
  constructor(failure: Filled & { ok: false }) {
    super(failure.message);
    this.failure = failure;
  }
}

const fail = (code: string, message: string, help?: string): never => {
  throw new NotFilled({ ok: false, code, message, ...(help !== undefined && { help }) });
};

export const fill = (value: string, sources: Sources): Filled => {
  try {
    return { ok: true, value: filled(value, sources) };
  } catch (error) {
    if (error instanceof NotFilled) return error.failure;
    throw error;
  }
};

const filled = (value: string, sources: Sources): string =>
  value.replaceAll(PART, (part, inner: string | undefined, end: string | undefined) =>
    inner === undefined ? "${" : substitute(part, inner, end === "}", sources),
  );

const substitute = (part: string, inner: string, closed: boolean, sources: Sources): string => {
  if (!closed)
    return fail(CODES.badSubstitution, `expected } after ${part}`, "write $${ for a ${ that is meant as it stands");
  if (inner.startsWith("file:")) return contents(filled(inner.slice("file:".length), sources), sources);
  const [, variable, fallback] = VARIABLE.exec(inner) ?? [];
  if (variable === undefined)
    return fail(
      CODES.badSubstitution,
      `expected \${VAR}, \${VAR:-default} or \${file:PATH}, found ${part}`,
      "write $${ for a ${ that is meant as it stands",
    );
  const set = sources.env[variable];
  // As in a shell, `:-` stands in for an empty variable too.
  if (set !== undefined && (set !== "" || fallback === undefined)) return set;
  return (
    fallback ??
    fail(
      CODES.unsetVariable,
      `the variable ${variable} is not set and has no default`,
      `set it, or write \${${variable}:-default}`,
    )
  );
};

const contents = (path: string, { readFile }: Sources): string => {
  if (path === "") return fail(CODES.badSubstitution, "expected a path in ${file:PATH}");
  try {
    return readFile(path).replace(/\r?\n$/, "");
  } catch (error) {
    return fail(CODES.unreadableSubstitute, `cannot read the file ${path}: ${reason(error)}`);
  }
};
