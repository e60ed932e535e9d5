/** Translates zod's issues into findings: what was expected, what was found, and the nearest known name. */
import type { z } from "zod";
import { suggest } from "../problems/did-you-mean.ts";
import { withoutPasswords } from "../problems/render.ts";
import { CODES, type Finding, type Path } from "../problems/problem.ts";

type Issue = z.core.$ZodIssue;

/** The information about the file that the messages need. */
export type Context = {
  readonly value: unknown;
  readonly keysAt: (path: Path) => readonly string[];
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
  if (issue.code === "invalid_key")
    return [
      { code: CODES.badValue, path, atKey: true, message: issue.issues[0]?.message ?? "expected a different name" },
    ];
  const found = valueAt(context.value, path);
  if (found === undefined) return [missing(issue, path)];
  const help = helpFor(issue, found);
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

/** Keys of earlier versions, which had no effect. */
const REMOVED: ReadonlyMap<string, string> = new Map([
  [
    "audit.postgres",
    "remove it: it never had any effect. To copy the journal into a database, use `ocsgw audit export`",
  ],
  [
    "shared",
    "remove it: it never had any effect. Several gateways share nothing in this version (src/docs/several-gateways.md)",
  ],
]);

const unknownKey = (key: string, { keysAt, value }: Context, path: Path): Finding => {
  const known = keysAt(path);
  const present = valueAt(value, path);
  const free = known.filter((name) => typeof present !== "object" || present === null || !Object.hasOwn(present, name));
  // Prefers a key that the file does not have yet.
  const help =
    REMOVED.get([...path, key].join(".")) ?? misread(key, known) ?? suggest(key, free) ?? suggest(key, known);
  return {
    code: CODES.unknownKey,
    path: [...path, key],
    atKey: true,
    message: `unknown key \`${key}\``,
    ...(help !== undefined && { help }),
  };
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

/** With more possible values, the message does not list them; the help does if none is near. */
const MANY = 12;

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

const wantsText = (issue: Issue): boolean =>
  issue.code === "invalid_value"
    ? issue.values.every((value) => typeof value === "string")
    : issue.code === "invalid_type" && issue.expected === "string";

const helpFor = (issue: Issue, found: unknown): string | undefined => {
  if (issue.code === "invalid_value") {
    if (typeof found === "string") return issue.values.length > 1 ? near(found, issue.values.map(String)) : undefined;
    const meant = issue.values.find(
      (value) => typeof value === "string" && (value === String(found) || (value !== "" && Number(value) === found)),
    );
    if (meant !== undefined) return `write it in quotes: "${String(meant)}"`;
    return typeof found === "number" && wantsText(issue)
      ? `write a text in quotes, for example "${String(issue.values[0])}"`
      : undefined;
  }
  return issue.code === "invalid_type" ? helpForType(issue.expected, found) : undefined;
};

const helpForType = (wanted: string, found: unknown): string | undefined => {
  if (wanted === "object" || wanted === "record") {
    if (found === null) return NOTHING_BELOW;
    return Array.isArray(found) ? "keys have no - before them, and no [ ] around them" : undefined;
  }
  if (wanted === "array") {
    if (found === null) return NOTHING_BELOW;
    return "begin each entry with -, or write the entries between [ ]";
  }
  if (typeof found === "string" && /^-?\d+$/.test(found))
    return "write it without quotes; a value from ${…} is always a text, so it cannot be used here";
  if (wanted !== "string") return undefined;
  if (typeof found === "number") return "write it in quotes, with its unit if it has one";
  return typeof found === "object" && found !== null && Object.keys(found).length === 1
    ? "write a text with a colon in quotes"
    : undefined;
};

const NOTHING_BELOW = "no line below this key is indented more: indent its entries, or remove the key";

/** Algorithms without a private key. They are not typing errors, so suggesting the nearest name would be wrong. */
const NO_SIGNATURE: readonly (readonly [RegExp, string])[] = [
  [
    /^HS\d{3}$/i,
    "with a shared secret, everybody who can verify tokens can also forge them; use an algorithm with a private " +
      "key, for example RS256 or ES256",
  ],
  [
    /^none$/i,
    "anybody can forge a token without a signature; use an algorithm with a private key, for example RS256 or ES256",
  ],
];

const near = (found: string, known: readonly string[]): string | undefined => {
  const unsigned = known.includes("RS256") ? NO_SIGNATURE.find(([algorithm]) => algorithm.test(found)) : undefined;
  if (unsigned) return unsigned[1];
  const help = suggest(found, known);
  return help?.startsWith("did you mean") || known.length > MANY ? help : undefined;
};

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
