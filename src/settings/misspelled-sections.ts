/**
 * Checks a section with a misspelled name as the section with the nearest known name, so that its problems are reported
 * together with the unknown name. The file is rejected in any case, because an unknown key is an error.
 */
import { nearest } from "./problems/did-you-mean.ts";
import type { Finding, Path } from "./problems/problem.ts";

export type Assumed = {
  readonly value: unknown;
  /** True for paths in a section with a misspelled name. */
  readonly isAssumed: (path: Path) => boolean;
  /** The path with the name as written in the file. */
  readonly written: (path: Path) => Path;
};

/** `known`: the valid names of sections. */
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

/** The same findings with paths as written in the file. */
export const asWritten = (findings: readonly Finding[], { written }: Assumed): readonly Finding[] =>
  findings.map((finding) => ({
    ...finding,
    path: written(finding.path),
    ...(finding.also && { also: { ...finding.also, path: written(finding.also.path) } }),
  }));
