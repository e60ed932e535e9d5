/** The sources as plain JavaScript: every module that the package's entry points reach, at the same paths. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";

/** What a module names: `from "./x.ts"`, `import("./x.ts")`, `new URL("./x.ts", import.meta.url)`. */
const NAMED = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(["'])([^"'\n]+\.)ts\2/g;

/**
 * JavaScript of a TypeScript source; each token keeps its line and column, so that stack traces fit the sources.
 * Throws for syntax that stripping types alone cannot remove.
 */
export const toJavaScript = (source: string): string =>
  withJavaScriptNames(stripTypeScriptTypes(source, { mode: "strip" }));

export const withJavaScriptNames = (source: string): string => source.replace(NAMED, "$1$2$3js$2");

/**
 * `entries`: paths below `src`. Returns the JavaScript of each TypeScript module that they reach, by its path below
 * `src`, ending in .js. Throws if a module names a file that does not exist.
 */
export const reachedModules = (src: string, entries: readonly string[]): ReadonlyMap<string, string> => {
  const made = new Map<string, string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const target = path.replace(/\.ts$/, ".js");
    if (made.has(target)) continue;
    const source = readFileSync(join(src, path), "utf8");
    const stripped = path.endsWith(".ts") ? stripTypeScriptTypes(source, { mode: "strip" }) : source;
    made.set(target, withJavaScriptNames(stripped));
    for (const [, , , stem] of stripped.matchAll(NAMED)) open.push(normalize(join(dirname(path), `${stem}ts`)));
  }
  return made;
};

/** Every file below a folder, as paths below it, sorted by code unit. */
export const filesBelow = (folder: string, below = ""): readonly string[] =>
  readdirSync(join(folder, below))
    .flatMap((name) => {
      const path = join(below, name);
      return statSync(join(folder, path)).isDirectory() ? filesBelow(folder, path) : [path];
    })
    .toSorted();
