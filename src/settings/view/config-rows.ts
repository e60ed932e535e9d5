/** The settings in force as rows that people search, a page at a time. */
import type { ConfigText } from "../files/config-text.ts";
import { merge, type Merged, type ParseCache } from "../files/merge-files.ts";
import { interpolate } from "../interpolate.ts";
import { pathText, type Path } from "../problems/problem.ts";
import type { HiddenBecause } from "./hidden-because.ts";
import { leavesOf, type Leaf, type Written } from "./leaves.ts";
import type { Source } from "./sources.ts";

export type ConfigRow = {
  /** For example `tenants[0].clients.alpha.actions`. */
  readonly key: string;
  readonly rule: string;
  readonly entry: string | null;
  readonly value: string;
  /** The value has more characters than these. */
  readonly is_cut: boolean;
  readonly hidden: HiddenBecause | null;
  readonly origin: "file" | "variable" | "named-file" | "default";
  readonly sources: readonly Source[];
  /** Null for a default, and where places are not looked for. */
  readonly at: { readonly file: string; readonly line: number; readonly column: number } | null;
  readonly explanation: string;
};

/** `find`: words that all occur in a row. `section`: a key at the top of the file. `after`: rows to skip. */
export type RowsQuery = {
  readonly find: string;
  readonly section: string | undefined;
  readonly after: number;
  readonly limit: number;
};

/** `next`: of the following page; undefined on the last one. */
export type RowsPage = { readonly rows: readonly ConfigRow[]; readonly next: number | undefined };

export type Viewed = {
  readonly file: string;
  readonly written: Written;
  /** Undefined for a large config: to look for one line all of it would be parsed again. */
  readonly locate: Merged["locate"] | undefined;
};

type Env = Written["env"];

/** Characters. */
const LARGE = 1 << 20;

/** The values as written, before interpolation. */
export const rawOf = (text: ConfigText, cache: ParseCache): unknown => writtenIn(text, cache).value;

const writtenIn = (text: ConfigText, cache: ParseCache): Merged =>
  merge(text, { fill: (value) => ({ ok: true, value }), cache });

/** The text as it is written and with its variables. No file is read: what a `${file:}` names is never shown. */
export const viewOf = (text: ConfigText, { env, cache }: { readonly env: Env; readonly cache: ParseCache }): Viewed => {
  const raw = writtenIn(text, cache);
  const sources = { env, readFile: () => "" };
  const filled = merge(text, {
    fill: (value) => (value.includes("${file:") ? { ok: true, value } : interpolate(value, sources)),
    instead: () => "",
    cache,
  });
  const size = [text.main, ...text.tenants].reduce((sum, part) => sum + part.text.length, 0);
  return {
    file: text.main.file,
    written: { raw: raw.value, value: filled.value, env },
    locate: size > LARGE ? undefined : raw.locate,
  };
};

/** The text as it is written, with the names of its variables and files. */
export const writtenView = (
  text: ConfigText,
  { env, cache }: { readonly env: Env; readonly cache: ParseCache },
): Viewed => {
  const { value: raw, locate } = writtenIn(text, cache);
  return { file: text.main.file, written: { raw, value: raw, env, names: true }, locate };
};

/** Characters of a value that are shown. */
const LONGEST = 4000;

export const rowsPage = (viewed: Viewed, { find, section, after, limit }: RowsQuery): RowsPage => {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: ConfigRow[] = [];
  let skipped = 0;
  for (const leaf of leavesOf(viewed.written)) {
    if (section !== undefined && leaf.path[0] !== section) continue;
    if (words.length > 0 && !contains(leaf, words)) continue;
    if (skipped < after) {
      skipped++;
      continue;
    }
    if (rows.length === limit) return { rows, next: after + limit };
    rows.push(rowOf(leaf, viewed));
  }
  return { rows, next: undefined };
};

const contains = ({ path, rule, value, entry = "", sources, explanation }: Leaf, words: readonly string[]): boolean => {
  const names = sources.map((source) => (source.kind === "file" ? source.path : source.name));
  const text = [pathText(path), rule, value, entry, ...names, explanation].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
};

const rowOf = (leaf: Leaf, viewed: Viewed): ConfigRow => {
  const { path, rule, entry, value, hidden, isDefault, sources, explanation } = leaf;
  return {
    key: pathText(path),
    rule,
    entry: entry ?? null,
    value: value.slice(0, LONGEST),
    is_cut: value.length > LONGEST,
    hidden: hidden ?? null,
    origin: originOf(leaf),
    sources,
    at: isDefault ? null : placeOf(path, viewed),
    explanation,
  };
};

const originOf = ({ isDefault, sources }: Leaf): ConfigRow["origin"] => {
  if (isDefault) return "default";
  if (sources.some(({ kind }) => kind === "file")) return "named-file";
  return sources.length > 0 ? "variable" : "file";
};

const placeOf = (path: Path, { locate, file }: Viewed): ConfigRow["at"] => {
  if (!locate) return null;
  const { line, column, file: part = file } = locate(path);
  return { file: part, line, column };
};
