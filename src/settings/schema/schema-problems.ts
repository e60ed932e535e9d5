/** Translates zod's issues into findings: what was expected, what was found, and the nearest known name. */
import type { z } from "zod";
import { nearest, suggest } from "../problems/did-you-mean.ts";
import { withoutPasswords } from "../problems/render.ts";
import { CODES, type Finding, type Path } from "../problems/problem.ts";
import { helpForName, helpForValue, MANY, wantsText } from "./findings/value-help.ts";

type Issue = z.core.$ZodIssue;

/** The information about the file that the messages need. */
export type Context = {
  readonly value: unknown;
  readonly keysAt: (path: Path) => readonly string[];
  /** The sections that have this key, as `check --explain` writes them; the top of the file is "". */
  readonly homesOf?: (key: string) => readonly string[];
  /** True for a value that must not be shown: a secret, or one from a variable or file. */
  readonly hidden: (path: Path) => boolean;
};

export const findingsOf = (issues: readonly Issue[], context: Context, base: Path = []): readonly Finding[] =>
  withoutEchoes(issues.flatMap((issue) => findingsOfOne(issue, context, [...base, ...(issue.path as Path)])));

/** Drops "missing" for a key that is misspelled, because it is reported as unknown. */
const withoutEchoes = (findings: readonly Finding[]): readonly Finding[] => {
  const meant = new Set(
    findings.flatMap(({ code, path, help }) => {
      const name = code === CODES.unknownKey ? /^did you mean `(.*)`\?$/.exec(help ?? "")?.[1] : undefined;
      return name === undefined ? [] : JSON.stringify([...path.slice(0, -1), name]);
    }),
  );
  return findings.filter(({ code, path }) => code !== CODES.missing || !meant.has(JSON.stringify(path)));
};

const findingsOfOne = (issue: Issue, context: Context, path: Path): readonly Finding[] => {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, context, path));
  if (issue.code === "invalid_union") return union(issue, context, path);
  if (issue.code === "invalid_key") return [invalidName(issue, path)];
  const found = valueAt(context.value, path);
  if (found === undefined) return [missing(issue, path)];
  const help = helpForValue(issue, found, context.keysAt(path));
  // A contradiction inside a list or map: "found a list" would say nothing.
  const isInside = issue.code === "custom" && typeof found === "object" && Object.keys(found ?? {}).length > 0;
  const shown = context.hidden(path) ? kindOf(found) : show(found, wantsText(issue));
  return [
    {
      code: CODES.badValue,
      path,
      message: isInside ? expectation(issue) : `${expectation(issue)}, found ${shown}`,
      ...(help !== undefined && { help }),
    },
  ];
};

const invalidName = (issue: Issue & { code: "invalid_key" }, path: Path): Finding => {
  const message = issue.issues[0]?.message ?? "expected a different name";
  const name = String(path.at(-1));
  const help = helpForName(message, name, path);
  return {
    code: CODES.badValue,
    path,
    atKey: true,
    message: `${message}, found ${show(name)}`,
    ...(help !== undefined && { help }),
  };
};

/** Keys of earlier versions, which had no effect. */
const REMOVED: ReadonlyMap<string, string> = new Map([
  [
    "audit.postgres",
    "remove it: it never had any effect. To copy the journal into a database, use `ocsgw audit export`",
  ],
]);

const unknownKey = (key: string, { keysAt, homesOf, value }: Context, path: Path): Finding => {
  const known = keysAt(path);
  const present = valueAt(value, path);
  const free = known.filter((name) => typeof present !== "object" || present === null || !Object.hasOwn(present, name));
  // Prefers a key that the file does not have yet.
  const near = nearest(key, free) ?? nearest(key, known);
  const help =
    REMOVED.get([...path, key].join(".")) ??
    misread(key, known) ??
    (near === undefined ? homeOf(key, homesOf?.(key) ?? []) : undefined) ??
    suggest(key, free) ??
    suggest(key, known);
  return {
    code: CODES.unknownKey,
    path: [...path, key],
    atKey: true,
    message: `unknown key \`${key}\``,
    ...(help !== undefined && { help }),
  };
};

/** A key with more homes, such as `name`, says too little about where it belongs. */
const MOST_HOMES = 3;

const homeOf = (key: string, homes: readonly string[]): string | undefined => {
  if (homes.length === 0 || homes.length > MOST_HOMES) return undefined;
  const places = homes.map((home) => (home === "" ? "at the top of the file" : `under ${home}`));
  return `\`${key}\` belongs ${places.join(", or ")}`;
};

/** What YAML took for a part of the key; undefined when the key is only unknown. */
const misread = (key: string, known: readonly string[]): string | undefined => {
  const [, name = "", value] = /^([\w-]+):(.+)$/s.exec(key) ?? [];
  if (value !== undefined && known.includes(name)) return `write a space after the colon: \`${name}: …\``;
  return /^[\p{Zs}\p{Cf}]/u.test(key)
    ? "it begins with an invisible character, such as a no-break space: delete it, and indent with ordinary spaces"
    : undefined;
};

/** Reports the problems of the alternative that has the same type as the value in the file. */
const union = (issue: Issue & { code: "invalid_union" }, context: Context, path: Path): readonly Finding[] => {
  const meant = issue.errors.find(
    (branch) =>
      !branch.some(({ path: at, code }) => at.length === 0 && (code === "invalid_type" || code === "invalid_value")),
  );
  if (meant) return findingsOf(meant, context, path);
  const found = valueAt(context.value, path);
  const stated = issue.message.startsWith("expected ") ? issue.message.replace(/^expected /, "") : undefined;
  const kinds =
    stated !== undefined
      ? [stated]
      : issue.errors.flatMap((branch) => branch.slice(0, 1).map((each) => expectation(each).replace(/^expected /, "")));
  if (found === undefined) return [missingValue(path, kinds.join(" or "))];
  return [
    {
      code: CODES.badValue,
      path,
      message: `expected ${kinds.join(" or ")}, found ${context.hidden(path) ? kindOf(found) : show(found)}`,
    },
  ];
};

const missing = (issue: Issue, path: Path): Finding => missingValue(path, expectation(issue).replace(/^expected /, ""));

const missingValue = (path: Path, what: string): Finding => {
  const last = path.at(-1);
  return {
    code: CODES.missing,
    path,
    message: `${typeof last === "string" ? `\`${last}\`` : "a value"} is missing; expected ${what}`,
  };
};

const TYPES: Readonly<Record<string, string>> = {
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
  string: "a text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
};

const expectation = (issue: Issue): string => {
  if (issue.message.startsWith("expected ")) return issue.message;
  if (issue.code === "invalid_type") return `expected ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value" && issue.values.length > MANY)
    return `expected one of ${issue.values.length} known names`;
  if (issue.code === "invalid_value")
    return `expected ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(showExpected).join(", ")}`;
  return `expected a different value (${issue.message})`;
};

/** Texts that would be numbers or true and false without quotes are shown with them. */
const showExpected = (value: unknown): string =>
  typeof value === "string" && /^[\d.]+$|^(?:true|false|null)$/.test(value) ? JSON.stringify(value) : String(value);

/** The type of a value that must not be shown, as text. */
const kindOf = (value: unknown): string => {
  if (typeof value === "object") return show(value);
  return typeof value === "number" ? "a number" : typeof value === "boolean" ? "true or false" : "another value";
};

/** `isNoText`: a text is expected, so a number is shown as one. */
const show = (value: unknown, isNoText = false): string => {
  if (value === null) return "nothing (~)";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return Object.keys(value).length === 0 ? "an empty map" : "a map of keys";
  const text =
    typeof value === "string" || typeof value === "boolean"
      ? withoutPasswords(JSON.stringify(value))
      : `${isNoText ? "the number " : ""}${String(value as number)}`;
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
};

export const valueAt = (value: unknown, path: Path): unknown => {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
};
