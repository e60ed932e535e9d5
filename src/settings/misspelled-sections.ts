/**
 * The file as it was meant: a section whose name is misspelt is looked at under the name that it lacks, so that what is wrong in it is told together
 * with its name. Nothing is loaded so: an unknown key is an error.
 */
import { nearest } from "./nearest.ts";
import type { Finding, Path } from "./problem.ts";

export type Assumed = {
  readonly value: unknown;
  /** True for what stands in such a section. */
  readonly isAssumed: (path: Path) => boolean;
  /** The path as it stands in the file. */
  readonly written: (path: Path) => Path;
};

/** `known`: the names of sections. */
export const assume = (value: unknown, known: readonly string[]): Assumed => {
  const asWritten = new Map<string, string>();
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { value, isAssumed: () => false, written: (path) => path };
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => {
    const missing = known.filter((name) => !Object.hasOwn(value, name) && !asWritten.has(name));
    const meant = known.includes(key) ? undefined : nearest(key, missing);
    if (meant === undefined) return [key, each];
    asWritten.set(meant, key);
    return [meant, each];
  });
  if (asWritten.size === 0) return { value, isAssumed: () => false, written: (path) => path };
  const of = ([section]: Path): string | undefined => asWritten.get(String(section));
  return {
    value: Object.fromEntries(entries),
    isAssumed: (path) => of(path) !== undefined,
    written: (path) => [...(path.length > 0 ? [of(path) ?? path[0]!] : []), ...path.slice(1)],
  };
};

/** The same findings with the places where they stand in the file. */
export const asWritten = (findings: readonly Finding[], { written }: Assumed): readonly Finding[] =>
  findings.map((finding) => ({
    ...finding,
    path: written(finding.path),
    ...(finding.also && { also: { ...finding.also, path: written(finding.also.path) } }),
  }));
