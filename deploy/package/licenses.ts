/** The licenses of the packages that the gateway needs at run time. */
import { productionPackages, type Lock } from "./manifest.ts";

/** Licenses that ask for no more than their text and the names of their holders. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
]);

/** `expression`: SPDX. Of alternatives (OR) one must be allowed, of parts (AND) all. Brackets inside are not read. */
export const isAllowed = (expression: string | undefined): boolean =>
  expression !== undefined &&
  expression
    .replace(/^\((.*)\)$/, "$1")
    .split(" OR ")
    .some((each) => each.split(" AND ").every((part) => ALLOWED.has(part.trim())));

export type Licensed = { readonly name: string; readonly version: string; readonly license: string };

/** Sorted by name and version. Throws if a license is unknown, or is not one of those that the project accepts. */
export const productionLicenses = (lock: Lock): readonly Licensed[] => {
  const found = new Map<string, Licensed>();
  const wrong: string[] = [];
  for (const [path, { name, version, license }] of productionPackages(lock)) {
    const called = name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    if (version === undefined || license === undefined || !isAllowed(license))
      wrong.push(`${called}@${version ?? "?"}: ${license ?? "license unknown"}`);
    else found.set(`${called}@${version}`, { name: called, version, license });
  }
  if (wrong.length > 0) throw new Error(`licenses that the project does not accept:\n  ${wrong.join("\n  ")}`);
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
};

export const licensesPage = (licenses: readonly Licensed[]): string =>
  `# Licenses of the packages that ocs-gateway needs

Generated from the lock file. Each package contains the text of its license; on a platform npm installs only the Node
package that fits it.

| package | version | license |
| --- | --- | --- |
${licenses.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |\n`).join("")}`;
