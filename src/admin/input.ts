/** Reads parameters and bodies by a route's schema. Messages name the parameter and never repeat its value. */
import { z } from "zod";
import type { Arrival } from "../common/message.ts";
import { nearestOf } from "../journal/search/filter/text.ts";

/** The input does not fit the schema; the message is for the user. */
export class InvalidInput {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** The query of a request target, decoded. Rejects an unknown or a repeated parameter: it would not have its effect. */
export const readQuery = (target: string, schema: z.ZodObject | undefined): unknown => {
  const at = target.indexOf("?");
  const text = at === -1 ? "" : target.slice(at + 1);
  const given = [...new URLSearchParams(text)];
  const names = given.map(([name]) => name);
  const known = Object.keys(schema?.shape ?? {});
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined && known.length === 0)
    return new InvalidInput(`${unknownName(unknown, known)}; no parameters are expected`);
  if (unknown !== undefined) return new InvalidInput(unknownName(unknown, known));
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) return new InvalidInput(`${repeated}: given twice`);
  const [garbled] = given.find(([, value]) => value.includes(REPLACED) && !WRITTEN.test(text)) ?? [];
  if (garbled !== undefined) return new InvalidInput(`${garbled}: expected percent-encoded UTF-8`);
  return schema && checked(schema, Object.fromEntries(given));
};

/** What a decoder writes for bytes that are not UTF-8, and the same character if a client means it. */
const REPLACED = "\ufffd";
const WRITTEN = /%EF%BF%BD/i;

/** The JSON body; undefined if it is empty and the schema allows that. Rejects with BodyFault for an incomplete one. */
export const readBody = async (arrival: Pick<Arrival, "body">, schema: z.ZodType): Promise<unknown> => {
  const value = parsed(await arrival.body());
  return value instanceof InvalidInput ? value : checked(schema, value);
};

const utf8 = new TextDecoder("utf-8", { fatal: true });
/** Fits no schema. */
const NOT_JSON = Symbol("not JSON");

const parsed = (bytes: Uint8Array): unknown => {
  try {
    const text = utf8.decode(bytes).trim();
    if (text === "") return undefined;
    const value: unknown = JSON.parse(text);
    return memberFault(text) ?? value;
  } catch {
    return NOT_JSON;
  }
};

/**
 * Of valid JSON: a member that is given twice, of which JSON.parse keeps the last one, and one named `__proto__`, which
 * zod passes over.
 */
const memberFault = (text: string): InvalidInput | undefined => {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const members = open.at(-1)!;
      if (name === "__proto__") return new InvalidInput(unknownName(name, []));
      if (members.has(name)) return new InvalidInput(`${name.slice(0, 40)}: given twice`);
      members.add(name);
    }
  }
  return undefined;
};

const checked = (schema: z.ZodType, value: unknown): unknown => {
  const { success, data, error } = schema.safeParse(value, { error: expectation });
  if (success) return data;
  const issue = error.issues.find(({ code }) => code === "unrecognized_keys") ?? error.issues[0]!;
  return new InvalidInput(sentenceOf(issue, schema));
};

const sentenceOf = (issue: z.core.$ZodIssue, schema: z.ZodType): string => {
  const place = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys" && issue.message === UNKNOWN) {
    const known = issue.path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    return place === ""
      ? unknownName(issue.keys[0]!, known)
      : `${place}: ${JSON.stringify(issue.keys[0]!.slice(0, 40))} is unknown here`;
  }
  return place === "" ? issue.message : `${place}: ${issue.message}`;
};

const unknownName = (name: string, known: readonly string[]): string => {
  const shown = `${JSON.stringify(name.slice(0, 40))} is unknown here`;
  if (known.length === 0) return shown;
  const near = nearestOf(name, known);
  return `${shown}; ${near === undefined ? "" : `${near.replace(/\?$/, "")}? `}known are ${known.join(", ")}`;
};

const UNKNOWN = "unknown";

const TYPES: Readonly<Record<string, string>> = {
  object: "a JSON object",
  record: "a JSON object",
  array: "a list",
  string: "a text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  nonoptional: "a value",
};

/** For each issue without a message of its own in the schema. */
const expectation = (issue: z.core.$ZodRawIssue): string => {
  switch (issue.code) {
    case "unrecognized_keys":
      return UNKNOWN;
    case "invalid_type":
      return `expected ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `expected at least ${String(issue.minimum)}${issue.origin === "string" ? " characters" : ""}`;
    case "too_big":
      return `expected at most ${String(issue.maximum)}${issue.origin === "string" ? " characters" : ""}`;
    default:
      return "expected another value";
  }
};
