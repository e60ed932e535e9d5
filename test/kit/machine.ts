/**
 * What tests need of the machine: where it is missing they are reported as skipped, by its name; with CI they fail
 * instead.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

/** Debian keeps servers in sbin, which is not on everybody's PATH. */
const PLACES = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/sbin"];

/** The program's path, or undefined where it is not installed. */
export const programOf = (name: string): string | undefined =>
  PLACES.map((place) => join(place, name)).find(isExecutable);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A `describe` of tests that need programs; each is called with its path, in the order of the names. */
export const describeWith = (programs: readonly string[], name: string, tests: (...paths: string[]) => void): void => {
  const paths = programs.map(programOf);
  const missing = programs.filter((_, index) => paths[index] === undefined);
  describeIf(missing.length === 0, `${missing.join(", ")} on this machine`, name, () => tests(...(paths as string[])));
};

/** A `describe` of tests that need something that is there or not, said in words. */
export const describeIf = (isThere: boolean, needed: string, name: string, tests: () => void): void => {
  if (isThere) return void describe(name, tests);
  if (process.env["CI"] !== undefined && process.env["CI"] !== "" && process.env["CI"] !== "false") {
    return void describe(name, () =>
      it(`needs ${needed}`, () => Promise.reject(new Error(`with CI this must not be missing: ${needed}`))),
    );
  }
  describe(name, () => it.skipIf(true)(`needs ${needed}`, () => undefined));
};

/**
 * A `describe` of tests that need what not every machine allows, a CI machine neither, such as mounting or tracing:
 * else skipped by name everywhere.
 */
export const describeAllowed = (isAllowed: boolean, needed: string, name: string, tests: () => void): void => {
  if (isAllowed) describe(name, tests);
  else describe(name, () => it.skipIf(true)(`needs ${needed}`, () => undefined));
};
