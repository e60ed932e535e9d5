/**
 * Replaces `${VAR}`, `${VAR:-default}` and `${file:PATH}` in one parsed value; a PATH may contain variables, as in
 * `${file:${CREDENTIALS_DIRECTORY:-secrets}/index.key}`. `$${` stands for `${`. Inserted text is not interpolated
 * again.
 */
import { isGone, reason } from "../common/system-error.ts";
import type { Admins, KnownTenant } from "./files/admins-file.ts";
import type { Keys } from "./files/keys-file.ts";
import { CODES, helpForUnreadable } from "./problems/problem.ts";
import type { Interpolated } from "./yaml.ts";

/** `mode`: permission bits; `uid`: of the owner. */
export type Rights = { readonly mode: number; readonly uid: number };

/** Paths are relative to the config file, or absolute. */
export type Files = {
  /** The text of a file. Throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Undefined for a missing file and on Windows. */
  readonly rightsOf?: (path: string) => Rights | undefined;
  /** True in a container, where there are no other users who could read a file. */
  readonly isContainer?: boolean;
  /** Why the gateway cannot write in the directory, which need not exist; undefined if it can. */
  readonly whyNotWritable?: (folder: string) => string | undefined;
  /** The process's limit of file descriptors; undefined without a limit. */
  readonly descriptorLimit?: () => number | undefined;
  /** Replaces `readKeys`, so that a caller gets the keys. */
  readonly readKeys?: (text: string, file: string) => Keys;
  /** Replaces `readAdmins`, so that a caller gets the console's users. */
  readonly readAdmins?: (text: string, file: string, tenants: readonly KnownTenant[] | undefined) => Admins;
};

export type Sources = Files & { readonly env: Readonly<Record<string, string | undefined>> };

const LITERAL = "write $${ for a literal ${";

const PART = /\$\$\{|\$\{(file:(?:\$\{[^}]*\}|[^}])*|[^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^$]*|[^$]*\$(?!\{)[^$]*))?$/;

class NotFilled extends Error {
  readonly failure: Interpolated & { ok: false };
  constructor(failure: Interpolated & { ok: false }) {
    super(failure.message);
    this.failure = failure;
  }
}

const fail = (code: string, message: string, help: string): never => {
  throw new NotFilled({ ok: false, code, message, help });
};

export const interpolate = (value: string, sources: Sources): Interpolated => {
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
  if (!closed) return fail(CODES.badSubstitution, `expected } after ${part}`, `add the }; ${LITERAL}`);
  if (inner.startsWith("file:")) return contents(filled(inner.slice("file:".length), sources), sources);
  const [, variable, fallback] = VARIABLE.exec(inner) ?? [];
  if (variable === undefined)
    return fail(
      CODES.badSubstitution,
      `expected \${VAR}, \${VAR:-default} or \${file:PATH}, found ${part}`,
      `a variable's name has letters, digits and _ only; ${LITERAL}`,
    );
  const set = sources.env[variable];
  // As in a shell, the default after `:-` also replaces an empty variable.
  if (set !== undefined && (set !== "" || fallback === undefined)) return set;
  return (
    fallback ??
    fail(
      CODES.unsetVariable,
      `the variable ${variable} is not set and has no default`,
      `set it for this command too (the service may get it from its unit), or write \${${variable}:-default}`,
    )
  );
};

const contents = (path: string, { readFile }: Sources): string => {
  if (path === "")
    return fail(CODES.badSubstitution, "expected a path in ${file:PATH}", "write the file's path after file:");
  try {
    return readFile(path).replace(/\r?\n$/, "");
  } catch (error) {
    const message = `cannot read the file ${path} that \${file:…} names: ${reason(error)}`;
    return fail(CODES.unreadableSubstitute, message, helpForUnreadable(path, isGone(error)));
  }
};
