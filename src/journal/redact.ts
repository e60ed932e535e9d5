/**
 * What of a person's data is written down. Rules go by field and never by type: a phone that came as a number is as hidden as one in quotes.
 * Tokens are HMAC-SHA-256 with a key kept outside the journal, because a plain hash of a phone number is found by trying all numbers.
 */
import { canonicalContact } from "./contact.ts";
import { hmacWith } from "./hmac.ts";
import type { Tokens } from "./entry.ts";
import { lastFour, maskNumbers } from "../mask.ts";

export type Mode = "keep" | "token" | "last4" | "drop";

export type RedactRules = {
  readonly phone: Mode;
  readonly customer_id: Mode;
  /** User-defined fields by name. */
  readonly fields: Readonly<Record<string, Mode>>;
  /** User-defined fields that `fields` does not name. */
  readonly others: Mode;
};

export type Redactor = {
  /** What stands behind /<resource>/ in the URI; null when it is dropped. `isOurs`: it is a name from the config, so not a phone number. */
  readonly identifier: (resource: string, value: string, isOurs?: boolean) => string | null;
  /**
   * The body's fields by name, each as its rule says. Text in OCS's own fields, and the names of fields that no rule
   * names, have numbers masked, unless `isOurs` knows the text as a name from the config.
   */
  readonly body: (
    attributes: ReadonlyMap<string, unknown>,
    isOurs?: (text: string) => boolean,
  ) => Record<string, unknown>;
  /** Tokens of the phone and the customer id, from the URI or else the body; undefined when there is neither. */
  readonly tokens: (
    resource: string,
    identifier: string | undefined,
    attributes: ReadonlyMap<string, unknown>,
  ) => Tokens | undefined;
  /** Those of the tokens, made earlier, of which the rules keep any. */
  readonly kept: (tokens: Tokens) => Tokens | undefined;
  /** The token that a value of this class has from now on. */
  readonly token: (kind: "phone" | "customer_id", value: string) => string;
};

/** A key of the tokens, by its epoch: what it made begins with `<epoch>:`. */
export type IndexKey = { readonly epoch: string; readonly secret: Uint8Array | string };

/** One key is that of epoch t1; of several the last one is in force, and what the earlier ones made can still be found. */
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

/** A value's class separates tokens: the same digits as a phone and as a customer id are two tokens. */
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

  const shown = ({ mode, kind }: Rule, value: unknown, isOurs: IsOurs = nobodys): unknown => {
    if (mode === "keep") return isMap(value) ? body(value, isOurs) : value;
    if (mode === "drop" || !isScalar(value)) return undefined;
    return mode === "token" ? tokenOf(kind, String(value)) : lastFour(normalised(kind, String(value)));
  };

  const body = (attributes: ReadonlyMap<string, unknown>, isOurs: IsOurs = nobodys): Record<string, unknown> => {
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

  const searchable = (rule: Rule, value: unknown): string | undefined =>
    rule.mode === "drop" || !isScalar(value) ? undefined : tokenOf(rule.kind, String(value));

  return {
    identifier: (resource, value, isOurs = false) => {
      const rule = resource === "phones" ? phone : resource === "customer_ids" ? customer : undefined;
      if (rule) return (shown(rule, value) as string | undefined) ?? null;
      return resource === "lists" && !isOurs ? maskNumbers(value) : value;
    },
    body,
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

type IsOurs = (text: string) => boolean;
const nobodys: IsOurs = () => false;

/** Date and time are validated; all other text of OCS's fields is what the client makes of it. */
const ownField = (name: string, value: unknown, isOurs: IsOurs): unknown =>
  typeof value !== "string" || name === "GSW_DATE_TIME" || isOurs(value) ? value : maskNumbers(value);

/** Of two names that are the same when they are masked, both are kept. */
const freeName = (taken: Readonly<Record<string, unknown>>, name: string): string => {
  let free = name;
  for (let count = 2; Object.hasOwn(taken, free); count++) free = `${name} (${count})`;
  return free;
};

const isMap = (value: unknown): value is ReadonlyMap<string, unknown> => value instanceof Map;
const isScalar = (value: unknown): value is string | number | bigint | boolean =>
  value !== undefined && value !== null && typeof value !== "object";

/** +1 415 555 0100 and 14155550100 are one number. What is no contact is taken as it stands. */
const normalised = (kind: string, value: string): string => (kind === "phone" ? canonicalContact(value) : value);

/** A field may be called anything, also what an object has a setter for. */
const set = (object: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__") Object.defineProperty(object, name, { value, enumerable: true });
  else object[name] = value;
};
