/** The sample of config/, and what a test needs to change one thing in it and see what is said. */
import { readFileSync } from "node:fs";
import { readSettings, type Loaded, type Origin } from "../../src/settings/load.ts";
import type { Problem } from "../../src/settings/problems/problem.ts";

const config = new URL("../../config/", import.meta.url);

export const SAMPLE = readFileSync(new URL("ocsgw.yaml", config), "utf8");

export const origin = (over: Partial<Origin> = {}): Origin => ({
  file: "/etc/ocsgw/ocsgw.yaml",
  env: {},
  readFile: (path) => readFileSync(new URL(path, config), "utf8"),
  ...over,
});

/**
 * The sample with one piece of its text replaced; throws when the piece is not there, so that no test loses its
 * subject.
 */
export const mutated = (...changes: readonly (readonly [from: string, to: string])[]): string =>
  changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the sample holds no ${JSON.stringify(from)}`);
    return text.replace(from, () => to);
  }, SAMPLE);

export const read = (text: string, over: Partial<Origin> = {}): Loaded => readSettings(text, origin(over));

export const problemsIn = (text: string, over: Partial<Origin> = {}): readonly Problem[] => {
  const loaded = read(text, over);
  return loaded.ok ? loaded.warnings : loaded.problems;
};

/** Line and column, from 1, of a piece of text: where a test expects the mark. `nth` counts from 0. */
export const placeOf = (text: string, piece: string, nth = 0): { line: number; column: number } => {
  let at = -1;
  for (let count = 0; count <= nth; count++) {
    at = text.indexOf(piece, at + 1);
    if (at < 0) throw new Error(`the text holds no ${JSON.stringify(piece)} number ${nth}`);
  }
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
};
