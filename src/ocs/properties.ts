/**
 * Reads the JSON objects that OCS posts (pre-dial validation, call reports); integers are numbers or decimal strings. A
 * property that decides who owns a record is valid only if it appears once, at the top level, with the exact name and a
 * value of its type. Otherwise it is malformed, which callers must distinguish from absent.
 */
import { scanJsonText, type JsonArray, type JsonObject, type JsonValue } from "./json.ts";
import { Violation } from "./violation.ts";

/** `readings`: all strings and numbers found as its value. */
export type Malformed = { readonly malformed: true; readonly readings: readonly (string | number)[] };

/** Undefined: the property is absent. */
export type PropertyValue<Value extends string | number> = Value | Malformed | undefined;

const NAMES = [
  "GSW_HIST_SEQUENCE_NUM",
  "GSW_RECORD_HANDLE",
  "GSW_TENANT_DBID",
  "GSW_TENANT_NAME",
  "GSW_CAMPAIGN_GROUP_DBID",
  "GSW_CAMPAIGN_GROUP_NAME",
  "GSW_CAMPAIGN_NAME",
  "GSW_CALLING_LIST",
  "GSW_PHONE",
  "GSW_CUSTOMER_ID",
  "GSW_CALL_ATTEMPT_GUID",
] as const;
export type PropertyName = (typeof NAMES)[number];

/** One occurrence of a property; `plain`: at the top level and with the exact name. */
type Occurrence = { readonly plain: boolean; readonly value: JsonValue };

/** More members than a calling list has columns. Records may have unknown and nested properties. */
const LIMITS = { depth: 32, members: 4096, anyKey: true } as const;
const MAX_INTEGER = 2_147_483_647;
const WHOLE = /^(?:0|[1-9][0-9]{0,9})$/;
/** Control characters, and the replacement character for bytes that are not UTF-8. */
// eslint-disable-next-line no-control-regex
const UNREADABLE = /[\u0000-\u001f\u007f-\u009f\ufffd]/;
const MOST_READINGS = 32;
// Not fatal: a customer's name in another encoding must not prevent a call.
const forgiving = new TextDecoder("utf-8", { ignoreBOM: true });

export class Properties {
  readonly #occurrences = new Map<string, Occurrence[]>(NAMES.map((name) => [name, []]));

  /** Throws JsonFault, or Violation `json` if the body is not an object. */
  constructor(bytes: Uint8Array) {
    const value = scanJsonText(forgiving.decode(bytes), LIMITS);
    if (!isObject(value)) throw new Violation("json", "the body is not a JSON object");
    this.#gather(value, true);
  }

  /** An integer from `least`, given as a number or a decimal string. */
  whole(name: PropertyName, least = 1): PropertyValue<number> {
    return this.#read(name, (value) => {
      const number = typeof value === "string" && WHOLE.test(value) ? Number(value) : value;
      return typeof number === "number" && number >= least && number <= MAX_INTEGER ? number : undefined;
    });
  }

  text(name: PropertyName): PropertyValue<string> {
    return this.#read(name, (value) => (isReadable(value) ? value : undefined));
  }

  /** A string that may be given as a number. */
  digits(name: PropertyName): PropertyValue<string> {
    return this.#read(name, (value) => {
      const text = typeof value === "number" ? String(value) : value;
      return isReadable(text) ? text : undefined;
    });
  }

  #read<Value extends string | number>(
    name: PropertyName,
    read: (value: JsonValue) => Value | undefined,
  ): PropertyValue<Value> {
    const [first, ...more] = this.#occurrences.get(name)!;
    if (!first || (first.plain && first.value === null && more.length === 0)) return undefined;
    const value = first.plain && more.length === 0 ? read(first.value) : undefined;
    if (value !== undefined) return value;
    const readings = [first, ...more].flatMap((each) => scalarsIn(each.value));
    return { malformed: true, readings: readings.slice(0, MOST_READINGS) };
  }

  #gather(value: JsonValue, atTop: boolean): void {
    if (isArray(value)) return value.items.forEach((item) => this.#gather(item, false));
    if (!isObject(value)) return;
    for (const { key, value: within } of value.members) {
      const exact = this.#occurrences.get(key);
      const statements = exact ?? this.#occurrences.get(key.normalize("NFKC").trim().toUpperCase());
      statements?.push({ plain: atTop && exact !== undefined, value: within });
      this.#gather(within, false);
    }
  }
}

/** The value; undefined if it is malformed or absent. */
export const wellFormed = <Value extends string | number>(said: PropertyValue<Value>): Value | undefined =>
  isMalformed(said) ? undefined : said;

export const isMalformed = (said: PropertyValue<string | number>): said is Malformed => typeof said === "object";

const scalarsIn = (value: JsonValue): (string | number)[] => {
  if (isArray(value)) return value.items.flatMap(scalarsIn);
  if (isObject(value)) return value.members.flatMap((member) => scalarsIn(member.value));
  if (typeof value === "object") return value === null ? [] : [value.value];
  return [typeof value === "string" ? value : Number(value)];
};

const isReadable = (value: JsonValue): value is string =>
  typeof value === "string" && value !== "" && !UNREADABLE.test(value);

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && value.kind === "object";
const isArray = (value: JsonValue): value is JsonArray =>
  typeof value === "object" && value !== null && value.kind === "array";
