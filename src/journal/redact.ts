/**
 * Which personal data the journal records. Rules apply by field, never by type: a phone number is redacted whether it
 * is sent as a number or as text. Tokens are HMAC-SHA-256 with a key kept outside the journal, because a plain hash of
 * a phone number can be reversed by trying all numbers.
 */
import { canonicalContact } from "./contact.ts";
import { hmacWith } from "./hmac.ts";
import type { Tokens } from "./entry.ts";
import { lastFour, maskNumbers } from "../common/mask.ts";

export type Mode = "keep" | "token" | "last4" | "drop";

export type RedactRules = {
  readonly phone: Mode;
  readonly customer_id: Mode;
  /** User-defined fields by name. */
  readonly fields: Readonly<Record<string, Mode>>;
  /** The mode for user-defined fields that `fields` does not name. */
  readonly others: Mode;
};

export type Redactor = {
  /**
   * The value after /<resource>/ in the URI; null when it is dropped. `isOurs`: it is a name from the config, so not a
   * phone number.
   */
  readonly identifier: (resource: string, value: string, isOurs?: boolean) => string | null;
  /**
   * The body's fields by name, each as its rule says. In OCS's own fields, and in the names of fields without a rule,
   * numbers are masked unless `isOurs` knows the text as a name from the config.
   */
  readonly body: (
    attributes: ReadonlyMap<string, unknown>,
    isOurs?: (text: string) => boolean,
  ) => Record<string, unknown>;
  /** The names, as in the body, of user-defined fields whose values are dropped; undefined if there are none. */
  readonly dropped: (attributes: ReadonlyMap<string, unknown>) => readonly string[] | undefined;
  /** Tokens of the phone and the customer id, from the URI or else the body; undefined when there is neither. */
  readonly tokens: (
    resource: string,
    identifier: string | undefined,
    attributes: ReadonlyMap<string, unknown>,
  ) => Tokens | undefined;
  /** Of tokens made earlier, those that the rules keep; undefined when they keep none. */
  readonly kept: (tokens: Tokens) => Tokens | undefined;
  /** The current token of a value of this class. */
  readonly token: (kind: "phone" | "customer_id", value: string) => string;
};

/** An index key and its epoch; its tokens begin with `<epoch>:`. */
export type IndexKey = { readonly epoch: string; readonly secret: Uint8Array | string };

/**
 * A single key has epoch t1. Of several, the last one makes new tokens; tokens of the earlier ones can still be found.
 */
export type IndexKeys = Uint8Array | string | readonly IndexKey[];

export const indexKeysOf = (keys: IndexKeys): readonly IndexKey[] =>
  typeof keys === "string" || keys instanceof Uint8Array ? [{ epoch: "t1", secret: keys }] : keys;

/** The function that makes the tokens of one epoch. Throws RangeError when the key is shorter than 16 bytes. */
export const tokenMaker = ({ epoch, secret }: IndexKey): ((kind: string, value: string) => string) => {
  const bytes = Buffer.from(secret as string);
  if (bytes.length < MIN_KEY_BYTES)
    throw new RangeError(`index_key: expected at least ${MIN_KEY_BYTES} bytes, found ${bytes.length}`);
  const hmac = hmacWith(bytes);
  return (kind, value) => `${epoch}:${hmac(`${kind}\0${normalised(kind, value)}`)}`;
};

/** The class of a value is part of its token: the same digits as a phone and as a customer id give two tokens. */
type Rule = { readonly mode: Mode; readonly kind: string };

const MIN_KEY_BYTES = 16;

/** Throws RangeError when the key is shorter than 16 bytes. */
export const createRedactor = (rules: RedactRules, keys: IndexKeys): Redactor => {
  const tokenOf = tokenMaker(indexKeysOf(keys).at(-1)!);
  const phone: Rule = { mode: rules.phone, kind: "phone" };
  const customer: Rule = { mode: rules.customer_id, kind: "customer_id" };

  const named: ReadonlyMap<string, Rule> = new Map(
    Object.entries(rules.fields).map(([name, mode]) => [name, { mode, kind: `field:${name}` }]),
  );

  const ruleFor = (name: string): Rule | undefined => {
    const upper = name.toUpperCase();
    if (upper === "GSW_PHONE") return phone;
    if (upper === "GSW_CUSTOMER_ID") return customer;
    if (name.startsWith("GSW_")) return undefined;
    return named.get(name) ?? { mode: rules.others, kind: `field:${name}` };
  };

  const shown = ({ mode, kind }: Rule, value: unknown, isOurs: IsOurs = neverOurs): unknown => {
    if (mode === "keep") return isMap(value) ? body(value, isOurs) : value;
    if (isDropped({ mode }, value)) return undefined;
    return mode === "token" ? tokenOf(kind, String(value)) : lastFour(normalised(kind, String(value)));
  };

  const body = (attributes: ReadonlyMap<string, unknown>, isOurs: IsOurs = neverOurs): Record<string, unknown> => {
    const redacted: Record<string, unknown> = {};
    for (const [name, value] of attributes) {
      const rule = ruleFor(name);
      const kept = rule
        ? shown(rule, value, isOurs)
        : isMap(value)
          ? body(value, isOurs)
          : ownField(name, value, isOurs);
      if (kept !== undefined) set(redacted, named.has(name) ? name : freeName(redacted, maskNumbers(name)), kept);
    }
    return redacted;
  };

  const dropped = (attributes: ReadonlyMap<string, unknown>): readonly string[] | undefined => {
    let names: string[] | undefined;
    for (const [name, value] of attributes) {
      if (name.startsWith("GSW_") || !isDropped(ruleFor(name)!, value)) continue;
      (names ??= []).push(named.has(name) ? name : maskNumbers(name));
    }
    return names;
  };

  const searchable = (rule: Rule, value: unknown): string | undefined =>
    rule.mode === "drop" || !isScalar(value) ? undefined : tokenOf(rule.kind, String(value));

  return {
    identifier: (resource, value, isOurs = false) => {
      const rule = resource === "phones" ? phone : resource === "customer_ids" ? customer : undefined;
      if (rule) return (shown(rule, value) as string | undefined) ?? null;
      return resource === "lists" && !isOurs ? maskNumbers(value) : value;
    },
    body,
    dropped,
    tokens: (resource, identifier, attributes) => {
      const byPhone = searchable(phone, resource === "phones" ? identifier : attributes.get("GSW_PHONE"));
      const byCustomer = searchable(
        customer,
        resource === "customer_ids" ? identifier : attributes.get("GSW_CUSTOMER_ID"),
      );
      if (byPhone === undefined && byCustomer === undefined) return undefined;
      return tokensOf(byPhone, byCustomer);
    },
    kept: (tokens) => {
      if (phone.mode !== "drop" && customer.mode !== "drop") return tokens;
      const byPhone = phone.mode === "drop" ? undefined : tokens.phone;
      const byCustomer = customer.mode === "drop" ? undefined : tokens.customer_id;
      return byPhone === undefined && byCustomer === undefined ? undefined : tokensOf(byPhone, byCustomer);
    },
    token: tokenOf,
  };
};

const tokensOf = (phone: string | undefined, customer: string | undefined): Tokens => ({
  ...(phone !== undefined && { phone }),
  ...(customer !== undefined && { customer_id: customer }),
});

const isDropped = ({ mode }: Pick<Rule, "mode">, value: unknown): boolean =>
  mode === "drop" || (mode !== "keep" && !isScalar(value));

type IsOurs = (text: string) => boolean;
const neverOurs: IsOurs = () => false;

/** Date and time are validated; every other text in OCS's fields may contain anything. */
const ownField = (name: string, value: unknown, isOurs: IsOurs): unknown =>
  typeof value !== "string" || name === "GSW_DATE_TIME" || isOurs(value) ? value : maskNumbers(value);

/** A free name for a field whose masked name is taken, so that both fields are kept. */
const freeName = (taken: Readonly<Record<string, unknown>>, name: string): string => {
  let free = name;
  for (let count = 2; Object.hasOwn(taken, free); count++) free = `${name} (${count})`;
  return free;
};

const isMap = (value: unknown): value is ReadonlyMap<string, unknown> => value instanceof Map;
const isScalar = (value: unknown): value is string | number | bigint | boolean =>
  value !== undefined && value !== null && typeof value !== "object";

/** +1 415 555 0100 and 14155550100 are one number. A value that is not a contact is used unchanged. */
const normalised = (kind: string, value: string): string => (kind === "phone" ? canonicalContact(value) : value);

/** A field may have any name, also one for which objects have a setter. */
const set = (object: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__") Object.defineProperty(object, name, { value, enumerable: true });
  else object[name] = value;
};
