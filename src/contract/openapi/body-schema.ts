/**
 * JSON Schemas of request bodies, from the rows of the action table. They describe what new clients should send:
 * whatever fits is accepted by the gateway. The gateway also accepts integers as decimal strings, null for an absent
 * attribute, and two other spellings of the manual, for clients that exist.
 */
import { ATTRIBUTES, type AttributeName, type Shape } from "../../ocs/attributes.ts";
import type { Action } from "../../ocs/catalog.ts";
import { ADDRESS_TYPES, PREDICTIVE_MODES } from "../../ocs/enumerations.ts";
import { CONTACT_PATTERN, PHONE_PATTERN } from "../../ocs/identifiers.ts";
import { MEANINGS } from "../meanings.ts";
import { idOf } from "../names.ts";

export type JsonSchema = { readonly [key: string]: unknown };

export const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** No control characters: databases cannot store them. */
const STORABLE = String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`;
const STORABLE_NOTES = String.raw`^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$`;

/** By name of the component: one for each attribute, one for each action with a body, and the user-defined field. */
export const bodyComponents = (actions: readonly Action[]): Readonly<Record<string, JsonSchema>> => ({
  ...Object.fromEntries(
    Object.entries(ATTRIBUTES).map(([name, { shape }]) => [
      name,
      { ...schemaOf(shape), description: MEANINGS[name as AttributeName] },
    ]),
  ),
  UserField: {
    type: ["string", "integer"],
    maxLength: 4096,
    pattern: STORABLE_NOTES,
    description: "A user-defined field of the calling list, by the send_attribute of its column",
  },
  ...Object.fromEntries(
    actions.filter(({ method }) => method === "POST").map((action) => [idOf(action), bodySchema(action)]),
  ),
});

const schemaOf = (shape: Shape): JsonSchema => {
  switch (shape.kind) {
    case "integer":
      return { type: "integer", minimum: shape.min, maximum: shape.max };
    case "enumeration":
      return {
        type: "integer",
        enum: [...shape.accepts],
        "x-enum-varnames": [...shape.accepts].map((value) => shape.values.get(value)!),
      };
    case "word":
      return { type: "string", enum: [...shape.words] };
    case "text":
      return { type: "string", minLength: 1, maxLength: shape.max, pattern: shape.pattern ?? STORABLE };
    case "properties":
      return {
        type: "object",
        properties: {
          GSW_AUTO_COMPLETION: schemaRef("GSW_AUTO_COMPLETION"),
          camp_group_data: { type: "object", maxProperties: 0 },
        },
        additionalProperties: false,
      };
  }
};

const bodySchema = (action: Action): JsonSchema => {
  const names = [...new Set([...action.required, ...action.optional])];
  const conditions = [...predictive(action), ...contacts(action)];
  return {
    type: "object",
    title: `${action.name} on ${action.resource}`,
    properties: Object.fromEntries(names.map((name) => [name, schemaRef(name)])),
    ...(action.required.length > 0 && { required: [...action.required] }),
    ...(action.userFields
      ? { propertyNames: fieldName(names), additionalProperties: schemaRef("UserField") }
      : { additionalProperties: false }),
    ...(conditions.length > 0 && { allOf: conditions }),
  };
};

/** One of OCS's names, or a field's name: not beginning with GSW_, nor with a letter that normalizes to it. */
const fieldName = (names: readonly string[]): JsonSchema => ({
  anyOf: [{ enum: [...names] }, { maxLength: 64, pattern: FIELD_NAME }],
});

const FIRST = String.raw`[A-Za-z0-9_\u00c0-\u024f\u0370-\u1cff\u3040-\u9fff\uac00-\ud7a3]`;
const OTHER = String.raw`[^\p{C}\p{Zl}\p{Zp}"'\x60\u2018-\u201f\u00b4]`;
const LAST = String.raw`[^\p{C}\p{Z}"'\x60\u2018-\u201f\u00b4]`;
const FIELD_NAME = `^(?![Gg][Ss][Ww]_)${FIRST}(?:${OTHER}*${LAST})?$`;

/** Where the first schema fits, the second must too. */
const implies = (condition: JsonSchema, then: JsonSchema): JsonSchema => ({ anyOf: [{ not: condition }, then] });
const has = (name: AttributeName, values: Iterable<number>): JsonSchema => ({
  properties: { [name]: { enum: [...values] } },
  required: [name],
});

/** In predictive modes the optimization pair is required. */
const predictive = ({ requiredWhenPredictive }: Action): JsonSchema[] =>
  requiredWhenPredictive.length === 0
    ? []
    : [implies(has("GSW_CM_AttrDialMode", PREDICTIVE_MODES), { required: [...requiredWhenPredictive] })];

/** GSW_PHONE is a phone number unless GSW_PHONE_TYPE says that it is an address; see `refuseWrongContact`. */
const contacts = ({ required, optional }: Action): JsonSchema[] => {
  const names: readonly string[] = [...required, ...optional];
  if (!names.includes("GSW_PHONE")) return [];
  const isOf = (pattern: string): JsonSchema => ({ properties: { GSW_PHONE: { pattern } } });
  const untyped = isOf(required.includes("GSW_PHONE") ? PHONE_PATTERN : CONTACT_PATTERN);
  if (!names.includes("GSW_PHONE_TYPE")) return [untyped];
  return [{ anyOf: [has("GSW_PHONE_TYPE", ADDRESS_TYPES), isOf(PHONE_PATTERN), untypedOnly(untyped)] }];
};

const untypedOnly = (schema: JsonSchema): JsonSchema => ({ ...schema, not: { required: ["GSW_PHONE_TYPE"] } });
