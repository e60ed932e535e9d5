/** What to write instead of a malformed value or name: the next step for zod's issues. */
import type { z } from "zod";
import { FIELD_NAME_EXPECTED, isReservedName } from "../../../ocs/field-name.ts";
import { suggest } from "../../problems/did-you-mean.ts";
import type { Path } from "../../problems/problem.ts";

type Issue = z.core.$ZodIssue;

/** With more possible values, the message does not list them; the help does if none is near. */
export const MANY = 12;

export const wantsText = (issue: Issue): boolean =>
  issue.code === "invalid_value"
    ? issue.values.every((value) => typeof value === "string")
    : issue.code === "invalid_type" && issue.expected === "string";

/** For the name of an entry; undefined if the message says enough. */
export const helpForName = (message: string, name: string, path: Path): string | undefined =>
  message === `expected ${FIELD_NAME_EXPECTED}` ? helpForField(name, path) : undefined;

/** What to write instead of an attribute of OCS; undefined for other names. */
const helpForField = (name: string, path: Path): string | undefined => {
  if (!isReservedName(name)) return undefined;
  const redacts = path.includes("redact")
    ? "; phone numbers and customer ids have keys of their own: redact.phone, redact.customer_id"
    : "";
  return `${OWN_ATTRIBUTES}${redacts}`;
};

const OWN_ATTRIBUTES =
  "GSW_ names are OCS's own attributes: each action takes its own (ocsgw help actions), and they are not " +
  "listed here; list only the send_attribute of your calling lists' own columns";

/**
 * What to write instead of a malformed value. `keys`: those of the map that is expected; empty for other values and for
 * maps of names of your choice.
 */
export const helpForValue = (issue: Issue, found: unknown, keys: readonly string[]): string | undefined => {
  if (typeof found === "string" && issue.message === `expected ${FIELD_NAME_EXPECTED}`)
    return helpForField(found, issue.path as Path);
  if (issue.code === "invalid_value") {
    if (issue.values.includes("observe") && OBSERVE.test(String(found))) return OBSERVE_HELP;
    if (issue.values.some((value) => typeof value !== "string" && String(value) === found)) return WITHOUT_QUOTES;
    if (issue.values.includes(true)) return helpForBoolean(found);
    if (typeof found === "string") return issue.values.length > 1 ? near(found, issue.values.map(String)) : undefined;
    const meant = issue.values.find(
      (value) => typeof value === "string" && (value === String(found) || (value !== "" && Number(value) === found)),
    );
    if (meant !== undefined) return `write it in quotes: "${String(meant)}"`;
    return typeof found === "number" && wantsText(issue)
      ? `write a text in quotes, for example "${String(issue.values[0])}"`
      : undefined;
  }
  return issue.code === "invalid_type" ? helpForType(issue.expected, found, keys) : undefined;
};

const helpForType = (wanted: string, found: unknown, keys: readonly string[]): string | undefined => {
  if (wanted === "object" || wanted === "record") {
    if (found === null) return NOTHING_BELOW;
    if (Array.isArray(found)) return "keys have no - before them, and no [ ] around them";
    return keys.length > 0
      ? `write its keys in lines of their own below it, or between { }: ${keys.join(", ")}`
      : "write an entry for each name in lines of their own below it, or between { }";
  }
  if (wanted === "array") {
    if (found === null) return NOTHING_BELOW;
    return "begin each entry with -, or write the entries between [ ]";
  }
  if (wanted === "boolean") return helpForBoolean(found);
  if (typeof found === "string" && /^-?\d+(?:\.\d+)?$/.test(found)) return WITHOUT_QUOTES;
  if (Array.isArray(found)) return "write one value, without [ ] and without -";
  if (wanted !== "string") return undefined;
  if (typeof found === "number") return "write it in quotes, with its unit if it has one";
  if (typeof found === "boolean") return `if "${found}" is meant as a text, write it in quotes`;
  return typeof found === "object" && found !== null && Object.keys(found).length === 1
    ? "write a text with a colon in quotes"
    : undefined;
};

const WITHOUT_QUOTES = "write it without quotes; a value from ${…} is always a text, so it cannot be used here";

/** What other versions of YAML read as true and false. */
const YES = /^(?:y|yes|on)$/i;
const NO = /^(?:n|no|off)$/i;

const helpForBoolean = (found: unknown): string | undefined => {
  if (found === "true" || found === "false") return WITHOUT_QUOTES;
  const meant = typeof found !== "string" ? undefined : YES.test(found) ? true : NO.test(found) ? false : undefined;
  return meant === undefined
    ? undefined
    : `write ${meant}: the file is read as YAML 1.2, where ${String(found)} is a text`;
};

const NOTHING_BELOW =
  "no line below this key is indented more: indent its entries, or remove the key if it is not required";

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

/** Words of other products for a policy that refuses nothing, also as YAML reads them. */
const OBSERVE = new RegExp(
  "^(?:dry[-_ ]?run|shadow|audit|monitor(?:ing)?|permissive|(?:report|log)(?:[-_ ]only)?|test|off|no|none|disabled?|" +
    "false)$",
  "i",
);
const OBSERVE_HELP =
  "observe records what this tenant's policy would refuse and sends the request anyway; credentials and isolation " +
  "are enforced in any mode (ocsgw help policy)";
