/**
 * Reads a request body as leniently as OCS: ignores unknown keys, takes the last of duplicate keys, and ignores keys
 * that the URI overrides. `ocs/body.ts` reads the rest.
 */
import { SPELLINGS, isAttributeName } from "../../ocs/attributes.ts";
import { readBody, type Attributes } from "../../ocs/body.ts";
import { CATALOG, type Action } from "../../ocs/catalog.ts";
import { scanJson, type JsonValue } from "../../ocs/json.ts";
import { Violation } from "../../ocs/violation.ts";
import { bytesOf } from "../../common/message.ts";
import { refuse } from "../refusal.ts";
import { USER_FIELDS } from "../world/schema.ts";

/** Throws JsonFault, Violation or Refusal. */
export const readLeniently = (action: Action, bytes: Uint8Array): Attributes => {
  if (bytes.length === 0) return readBody(action, bytes);
  const document = scanJson(bytes);
  if (typeof document !== "object" || document === null || document.kind !== "object")
    throw new Violation("json", "the body is not a JSON object");
  const understood = new Map<string, JsonValue>();
  for (const { key, value } of document.members) {
    const name = SPELLINGS.get(key) ?? key;
    if (isKnownKey(action, name)) understood.set(name, value);
  }
  return readUnderstood(action, understood);
};

/** Reads the known keys; turns an invalid dial mode into the Refusal that GSW_CM_AttrError defines for it. */
const readUnderstood = (action: Action, understood: ReadonlyMap<string, JsonValue>): Attributes => {
  try {
    return readBody(action, bytesOf(textOf(understood)));
  } catch (error) {
    if (error instanceof Violation && error.pointer === "/GSW_CM_AttrDialMode" && understood.has("GSW_CM_AttrDialMode"))
      return refuse("unknown-dial-mode", error.message);
    throw error;
  }
};

const userKeys: ReadonlySet<string> = new Set(USER_FIELDS.map(({ key }) => key));

const isKnownKey = (action: Action, name: string): boolean => {
  if (name === CATALOG[action.resource].identifiedBy) return false;
  if (isAttributeName(name)) return action.required.includes(name) || action.optional.includes(name);
  return action.userFields && userKeys.has(name);
};

const textOf = (members: Iterable<readonly [string, JsonValue]>): string =>
  `{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(",")}}`;

const write = (value: JsonValue): string => {
  if (typeof value !== "object" || value === null)
    return typeof value === "bigint" ? value.toString() : JSON.stringify(value);
  if (value.kind === "fraction") return JSON.stringify(value.value);
  if (value.kind === "array") return `[${value.items.map(write).join(",")}]`;
  return textOf(value.members.map((member) => [member.key, member.value] as const));
};
