/** zod's issues → findings in our words: what was expected, what was found, the nearest known name. */
import type { z } from "zod";
import { suggest } from "./nearest.ts";
import { withoutPasswords } from "./render.ts";
import { CODES, type Finding, type Path } from "./problem.ts";

type Issue = z.core.$ZodIssue;

/** What the messages may know about the file besides the issue. */
export type Context = {
  readonly value: unknown;
  readonly keysAt: (path: Path) => readonly string[];
  /** The value there is not to be shown: a secret, or filled in from outside. */
  readonly hidden: (path: Path) => boolean;
};

export const findingsOf = (issues: readonly Issue[], context: Context, base: Path = []): readonly Finding[] =>
  withoutEchoes(issues.flatMap((issue) => findingsOfOne(issue, context, [...base, ...(issue.path as Path)])));

/** Where a key is unknown because it is misspelt, the right one is missing for no other reason. */
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
    return [{ code: CODES.badValue, path, atKey: true, message: issue.issues[0]?.message ?? "expected another name" }];
  const found = valueAt(context.value, path);
  if (found === undefined) return [missing(issue, path)];
  const help = helpFor(issue, found);
  return [
    {
      code: CODES.badValue,
      path,
      message: `${expectation(issue)}, found ${context.hidden(path) ? kindOf(found) : show(found)}`,
      ...(help !== undefined && { help }),
    },
  ];
};

/** Keys of earlier versions that did nothing. */
const REMOVED: Readonly<Record<string, string>> = {
  "audit.postgres":
    "remove it: it never did anything. The journal's files are complete; `ocsgw audit export` gives them to a database",
  shared:
    "remove it: it never did anything. Several gateways share nothing in this version (src/docs/several-gateways.md)",
};

const unknownKey = (key: string, { keysAt, value }: Context, path: Path): Finding => {
  const known = keysAt(path);
  const standing = valueAt(value, path);
  const free = known.filter(
    (name) => typeof standing !== "object" || standing === null || !Object.hasOwn(standing, name),
  );
  // A key that already stands is not what was meant, unless nothing else is near.
  const help = REMOVED[[...path, key].join(".")] ?? suggest(key, free) ?? suggest(key, known);
  return {
    code: CODES.unknownKey,
    path: [...path, key],
    atKey: true,
    message: `unknown key \`${key}\``,
    ...(help !== undefined && { help }),
  };
};

/** Speaks about the branch that was meant: the one whose kind of value stands there. */
const union = (issue: Issue & { code: "invalid_union" }, context: Context, path: Path): readonly Finding[] => {
  const meant = issue.errors.find(
    (branch) =>
      !branch.some(({ path: at, code }) => at.length === 0 && (code === "invalid_type" || code === "invalid_value")),
  );
  if (meant) return findingsOf(meant, context, path);
  const found = valueAt(context.value, path);
  const told = issue.message.startsWith("expected ") ? issue.message.replace(/^expected /, "") : undefined;
  const kinds =
    told !== undefined
      ? [told]
      : issue.errors.flatMap((branch) => branch.slice(0, 1).map((each) => expectation(each).replace(/^expected /, "")));
  if (found === undefined)
    return [{ code: CODES.missing, path, message: `\`${String(path.at(-1))}\` is needed: ${kinds.join(" or ")}` }];
  return [
    {
      code: CODES.badValue,
      path,
      message: `expected ${kinds.join(" or ")}, found ${context.hidden(path) ? kindOf(found) : show(found)}`,
    },
  ];
};

const missing = (issue: Issue, path: Path): Finding => {
  const last = path.at(-1);
  const what = typeof last === "string" ? `\`${last}\` is needed` : "a value is needed";
  return { code: CODES.missing, path, message: `${what}: ${expectation(issue).replace(/^expected /, "")}` };
};

/** More values than this are listed in the help, and only when none is near. */
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
    return `expected one of the ${issue.values.length} names known here`;
  if (issue.code === "invalid_value")
    return `expected ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
  return `expected another value (${issue.message})`;
};

const helpFor = (issue: Issue, found: unknown): string | undefined => {
  if (issue.code === "invalid_value") {
    if (typeof found === "string") return issue.values.length > 1 ? near(found, issue.values.map(String)) : undefined;
    return issue.values.some((value) => typeof value === "string" && value === String(found))
      ? "write it in quotes"
      : undefined;
  }
  if (issue.code === "invalid_type" && typeof found === "string" && /^-?\d+$/.test(found))
    return "write it without quotes; what ${…} fills in is always a text";
  if (typeof found === "number" && issue.code === "invalid_type" && issue.expected === "string")
    return "write it in quotes, with its unit if it has one";
  return undefined;
};

/** No letter was mistyped, and the nearest name means another key. */
const NO_SIGNATURE: readonly (readonly [RegExp, string])[] = [
  [
    /^HS\d{3}$/i,
    "with a shared secret whoever verifies tokens could mint them too: let the issuer sign with a private key, as for RS256 or ES256",
  ],
  [
    /^none$/i,
    "anybody can write a token without a signature: let the issuer sign with a private key, as for RS256 or ES256",
  ],
];

const near = (found: string, known: readonly string[]): string | undefined => {
  const unsigned = known.includes("RS256") ? NO_SIGNATURE.find(([algorithm]) => algorithm.test(found)) : undefined;
  if (unsigned) return unsigned[1];
  const help = suggest(found, known);
  return help?.startsWith("did you mean") || known.length > MANY ? help : undefined;
};

/** Of a value that must not be shown. */
const kindOf = (value: unknown): string => {
  if (typeof value === "object") return show(value);
  return typeof value === "number" ? "a number" : typeof value === "boolean" ? "true or false" : "another value";
};

const show = (value: unknown): string => {
  if (value === null) return "nothing (~)";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return Object.keys(value).length === 0 ? "an empty map" : "a map of keys";
  const text =
    typeof value === "string" || typeof value === "boolean"
      ? withoutPasswords(JSON.stringify(value))
      : String(value as number);
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
