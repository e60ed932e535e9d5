/**
 * Reads and writes request bodies by the catalog's row for the action: only the GSW_* names of the row, and any
 * user-defined field of a calling list. Attributes get the canonical name and the manual's type, so that the gateway
 * sends OCS exactly what it has checked.
 */
import { ATTRIBUTES, SPELLINGS, carriesScope, scopeOf, type AttributeName, type Shape } from "./attributes.ts";
import type { Action } from "./catalog.ts";
import { ADDRESS_TYPES, PREDICTIVE_MODES } from "./enumerations.ts";
import { FIELD_NAME_EXPECTED, foldedFieldName, isFieldName, isReservedName } from "./field-name.ts";
import { CONTACT_EXPECTED, PHONE_EXPECTED, isContact, isPhone } from "./identifiers.ts";
import { scanJson, type JsonMember, type JsonObject, type JsonValue } from "./json.ts";
import { JsonFault } from "./json-fault.ts";
import { Violation } from "./violation.ts";

export type AttributeValue = string | number | bigint | Attributes;
/** Canonical GSW_* names and user-defined fields → values, in the order of the body. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

const MAX_TEXT = 4096;
const DECIMAL = /^(?:0|-?[1-9][0-9]{0,18})$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// An agent's notes contain line breaks and tabs.
// eslint-disable-next-line no-control-regex
const CONTROL_IN_NOTES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** An empty body is an empty object. Throws Violation: json, truncated, duplicate-scope-key or attribute. */
export const readBody = (action: Action, bytes: Uint8Array): Attributes => {
  const members = bytes.length === 0 ? [] : readObject(bytes).members;
  refuseDoubledScope(members);
  const attributes = new Map<string, AttributeValue>();
  const taken = acceptedBy(action);
  for (const { key, value } of members) {
    // null means absent: Jackson writes null for fields without a value.
    if (value === null) continue;
    const known = taken.get(key);
    if (known) setOnce(attributes, known.name, readShape(known.shape, value, known.pointer), known.pointer);
    else setOnce(attributes, key, readOwn(action, key, value, attributes), pointerTo(key));
  }
  refuseMissing(action, attributes);
  refuseWrongContact(action, attributes);
  return attributes;
};

/** The body as JSON with exact integers and no blanks; empty if there are no attributes. */
export const writeBody = (attributes: Attributes): string => (attributes.size === 0 ? "" : writeObject(attributes));

const writeObject = (attributes: Attributes): string => {
  let members = "";
  for (const [name, value] of attributes)
    members += `${members === "" ? "" : ","}${JSON.stringify(name)}:${writeValue(value)}`;
  return `{${members}}`;
};

const writeValue = (value: AttributeValue): string =>
  typeof value === "string" ? JSON.stringify(value) : typeof value === "object" ? writeObject(value) : value.toString();

const readObject = (bytes: Uint8Array): JsonObject => {
  const value = scan(bytes);
  if (typeof value !== "object" || value === null || value.kind !== "object")
    throw new Violation("json", "the body is not a JSON object");
  return value;
};

const scan = (bytes: Uint8Array): JsonValue => {
  try {
    return scanJson(bytes);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new Violation(error.truncated ? "truncated" : "json", error.message);
  }
};

const refuseDoubledScope = (members: readonly JsonMember[], seen: string[] = []): void => {
  for (const { key, value } of members) {
    const scope = scopeOf(key);
    if (scope !== undefined) {
      if (seen.includes(scope)) throw new Violation("duplicate-scope-key", `${canonicalFor(key)} appears twice`);
      seen.push(scope);
    }
    if (typeof value === "object") refuseWithin(value, seen);
  }
};

const refuseWithin = (value: JsonValue, seen: string[]): void => {
  if (typeof value !== "object" || value === null || value.kind === "fraction") return;
  if (value.kind === "object") return refuseDoubledScope(value.members, seen);
  for (const item of value.items) refuseWithin(item, seen);
};

/** The table's spelling of a key, because a message must not repeat the client's text. */
const canonicalFor = (key: string): string => nearest(key) ?? key.toUpperCase();

const nearest = (key: string): string | undefined => {
  const wanted = key.toLowerCase();
  return [...Object.keys(ATTRIBUTES), ...SPELLINGS.keys()].find((name) => name.toLowerCase() === wanted);
};

const setOnce = (
  attributes: Map<string, AttributeValue>,
  name: string,
  value: AttributeValue,
  pointer: string,
): void => {
  const before = attributes.get(name);
  // The manual's own example has GSW_PHONE_TYPE twice, with the same value.
  if (before !== undefined && writeValue(before) !== writeValue(value)) {
    if (carriesScope(name))
      throw new Violation("duplicate-scope-key", `${name} appears twice, with different values`, { pointer });
    throw new Violation("attribute", `${name} appears twice, with different values`, { pointer });
  }
  attributes.set(name, value);
};

/** An attribute that an action accepts under one spelling of its name. */
type AcceptedAttribute = { readonly name: AttributeName; readonly shape: Shape; readonly pointer: string };

const acceptedByAction = new WeakMap<Action, ReadonlyMap<string, AcceptedAttribute>>();

const acceptedBy = (action: Action): ReadonlyMap<string, AcceptedAttribute> => {
  let taken = acceptedByAction.get(action);
  if (!taken) acceptedByAction.set(action, (taken = acceptedAttributes(action)));
  return taken;
};

const acceptedAttributes = ({ required, optional }: Action): ReadonlyMap<string, AcceptedAttribute> => {
  const names = new Set([...required, ...optional]);
  const spellings = [
    ...[...names].map((name) => [name, name] as const),
    ...[...SPELLINGS].filter(([, name]) => names.has(name)),
  ];
  return new Map(
    spellings.map(([key, name]) => [key, { name, shape: ATTRIBUTES[name].shape, pointer: pointerTo(key) }]),
  );
};

/** Reads a user-defined field of the calling list. */
const readOwn = (
  action: Action,
  key: string,
  value: JsonValue,
  before: ReadonlyMap<string, AttributeValue>,
): AttributeValue => {
  if (isReservedName(key))
    throw new Violation("attribute", `not an attribute of ${action.name} on ${action.resource}${hint(key)}`, {
      pointer: pointerTo(key),
    });
  if (!action.userFields)
    throw new Violation("attribute", `${action.name} on ${action.resource} takes no fields of your own`, {
      pointer: pointerTo(key),
    });
  if (!isFieldName(key)) throw new Violation("attribute", `a field's name: expected ${FIELD_NAME_EXPECTED}`);
  refuseAlike(key, before);
  return readField(value, pointerTo(key));
};

/** Refuses a field whose name a database might not distinguish from an earlier one. */
const refuseAlike = (key: string, before: ReadonlyMap<string, AttributeValue>): void => {
  const folded = foldedFieldName(key);
  for (const name of before.keys()) {
    if (name === key || foldedFieldName(name) !== folded) continue;
    throw new Violation("attribute", "two fields have names that differ only in how they are encoded", {
      pointer: pointerTo(key),
    });
  }
};

const hint = (key: string): string => {
  const name = nearest(key);
  return name !== undefined && name !== key ? `; did you mean ${name}?` : "";
};

const readField = (value: JsonValue, pointer: string): AttributeValue => {
  if (typeof value === "string") return readText(value, MAX_TEXT, pointer, CONTROL_IN_NOTES);
  if (typeof value === "number" || typeof value === "bigint") return value;
  throw expected("a string or an integer", pointer);
};

const readText = (value: string, max: number, pointer: string, unstorable = CONTROL): string => {
  if (value.length > max) throw expected(`at most ${max} characters`, pointer);
  if (unstorable.test(value)) throw new Violation("attribute", "control characters cannot be stored", { pointer });
  return value;
};

const readShape = (shape: Shape, value: JsonValue, pointer: string): AttributeValue => {
  switch (shape.kind) {
    case "integer": {
      const number = integerIn(value);
      if (number !== undefined && number >= shape.min && number <= shape.max) return number;
      throw expected(`a whole number from ${shape.min} to ${shape.max}`, pointer);
    }
    case "enumeration": {
      const number = integerIn(value);
      if (number !== undefined && shape.accepts.has(number)) return number;
      throw expected(`one of ${Math.min(...shape.accepts)} to ${Math.max(...shape.accepts)}`, pointer);
    }
    case "word":
      if (typeof value === "string" && shape.words.includes(value)) return value;
      throw expected(shape.words.join(" or "), pointer);
    case "text":
      if (typeof value !== "string" || value === "") throw expected(shape.expected ?? "a string", pointer);
      if (shape.is && !shape.is(value)) throw expected(`${shape.expected}`, pointer);
      return readText(value, shape.max, pointer);
    case "properties":
      return readProperties(value, pointer);
  }
};

const expected = (what: string, pointer: string): Violation =>
  new Violation("attribute", `expected ${what}`, { pointer });

/** An integer as a JSON number or as a decimal string: deployed clients send both. */
const integerIn = (value: JsonValue): number | undefined => {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
};

/**
 * GSW_CM_AttrProperties: an object with an optional GSW_AUTO_COMPLETION and an optional empty camp_group_data, as in
 * OCS's answers to GET.
 */
const readProperties = (value: JsonValue, pointer: string): Attributes => {
  if (typeof value !== "object" || value === null || value.kind !== "object") throw expected("an object", pointer);
  const properties = new Map<string, AttributeValue>();
  for (const member of value.members) {
    if (member.value === null) continue;
    const inside = `${pointer}/${escapePointer(member.key)}`;
    if (member.key === "GSW_AUTO_COMPLETION")
      setOnce(properties, member.key, readShape(ATTRIBUTES.GSW_AUTO_COMPLETION.shape, member.value, inside), inside);
    else if (member.key === "camp_group_data" && isEmptyObject(member.value)) properties.set(member.key, new Map());
    else
      throw new Violation("attribute", "GSW_CM_AttrProperties takes GSW_AUTO_COMPLETION and an empty camp_group_data", {
        pointer: inside,
      });
  }
  return properties;
};

const isEmptyObject = (value: JsonValue): boolean =>
  typeof value === "object" && value !== null && value.kind === "object" && value.members.length === 0;

const refuseMissing = (action: Action, attributes: Attributes): void => {
  for (const name of action.required) requireThat(action, attributes, name);
  if (!PREDICTIVE_MODES.has(attributes.get("GSW_CM_AttrDialMode") as number)) return;
  for (const name of action.requiredWhenPredictive) requireThat(action, attributes, name);
};

/**
 * GSW_PHONE must be a phone number unless GSW_PHONE_TYPE is an address type. Without a type, only requests for existing
 * records may have an address.
 */
const refuseWrongContact = (action: Action, attributes: Attributes): void => {
  const contact = attributes.get("GSW_PHONE") as string | undefined;
  const type = attributes.get("GSW_PHONE_TYPE") as number | undefined;
  if (contact === undefined || isPhone(contact) || (type !== undefined && ADDRESS_TYPES.has(type))) return;
  const numberOnly = type !== undefined || action.required.includes("GSW_PHONE");
  if (!numberOnly && isContact(contact)) return;
  const wanted = numberOnly
    ? `${PHONE_EXPECTED}; addresses have GSW_PHONE_TYPE 10 (e-mail) or 11 (instant messaging)`
    : CONTACT_EXPECTED;
  throw expected(wanted, pointerTo("GSW_PHONE"));
};

const requireThat = (action: Action, attributes: Attributes, name: AttributeName): void => {
  if (!attributes.has(name))
    throw new Violation("attribute", `${action.name} on ${action.resource} needs ${name}`, {
      pointer: pointerTo(name),
    });
};

const escapePointer = (key: string): string =>
  /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
/** JSON pointer (RFC 6901) to a member of the body. */
export const pointerTo = (key: string): string => `/${escapePointer(key)}`;
