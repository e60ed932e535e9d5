/**
 * A request body as OCS takes it: what it does not know it ignores, of keys that stand twice the last counts, and the URI goes before the body.
 * What remains is read by the catalog's rule, as everywhere else.
 */
import { SPELLINGS, isAttributeName } from "../ocs/attributes.ts";
import { readBody, type Attributes } from "../ocs/body.ts";
import { CATALOG, type Action } from "../ocs/catalog.ts";
import { scanJson, type JsonValue } from "../ocs/json.ts";
import { Violation } from "../ocs/violation.ts";
import { bytesOf } from "../message.ts";
import { refuse } from "./refusal.ts";
import { USER_FIELDS } from "./schema.ts";

/** Throws JsonFault, Violation or Refusal. */
export const readLeniently = (action: Action, bytes: Uint8Array): Attributes => {
  if (bytes.length === 0) return readBody(action, bytes);
  const document = scanJson(bytes);
  if (typeof document !== "object" || document === null || document.kind !== "object")
    throw new Violation("json", "the body is not a JSON object");
  const understood = new Map<string, JsonValue>();
  for (const { key, value } of document.members) {
    const name = SPELLINGS.get(key) ?? key;
    if (understands(action, name)) understood.set(name, value);
  }
  return readUnderstood(action, understood);
};

/** A dial mode that does not exist has an error number of its own. */
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

const understands = (action: Action, name: string): boolean => {
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
