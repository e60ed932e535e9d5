/** The forms in which a phone number may have been written, and their tokens under every index key. */
import { canonicalContact, isNumber } from "../contact.ts";
import { indexKeysOf, tokenMaker, type IndexKeys } from "../redact.ts";

export type Person = { readonly kind: "phone" | "customer_id"; readonly value: string };

export type PersonTokens = {
  /** Descriptions of the searched forms, without the person's data. */
  readonly spellings: readonly string[];
  /** The tokens of every form under every key. */
  readonly tokens: readonly string[];
  /** Epochs of the keys, oldest first. */
  readonly epochs: readonly string[];
};

const NATIONAL_DIGITS = 10;

type PhoneVariant = { readonly text: string; readonly says: string };

/** Tokens of numbers are made from the digits only; punctuation is ignored. */
const phoneVariants = ({ kind, value }: Person): readonly PhoneVariant[] => {
  if (kind === "customer_id") return [{ text: value, says: "as given" }];
  if (!isNumber(value)) return [{ text: canonicalContact(value), says: "as given, in lower or upper case" }];
  const digits = value.replaceAll(/[^0-9]/g, "");
  const abroad = /^(?:00|011)([1-9]\d{6,})$/.exec(digits)?.[1];
  const given: PhoneVariant[] = [{ text: digits, says: "as given, with and without + and punctuation" }];
  if (abroad !== undefined) given.push({ text: abroad, says: "without 00 or 011 in front" });
  const known = [...given, ...given.flatMap(({ text }) => withCountry(text))];
  return firstOfEach([...known, ...known.flatMap(({ text }) => fromAbroad(text))]);
};

const withCountry = (digits: string): PhoneVariant[] => {
  if (digits.length === NATIONAL_DIGITS) return [{ text: `1${digits}`, says: "with country code 1" }];
  return digits.length === NATIONAL_DIGITS + 1 && digits.startsWith("1")
    ? [{ text: digits.slice(1), says: "without country code 1" }]
    : [];
};

/** With the international prefix: 00 in most countries, 011 in North America. */
const fromAbroad = (digits: string): PhoneVariant[] =>
  /^[1-9]\d{6,}$/.test(digits) ? ["00", "011"].map((prefix) => ({ text: prefix + digits, says: FROM_ABROAD })) : [];

const FROM_ABROAD = "with 00 or 011 in front";

const firstOfEach = (spellings: readonly PhoneVariant[]): readonly PhoneVariant[] =>
  spellings.filter(({ text }, at) => spellings.findIndex((each) => each.text === text) === at);

/** Undefined if there is nothing to search for: no digits, or an empty customer id. */
export const tokensFor = (person: Person, keys: IndexKeys): PersonTokens | undefined => {
  const spellings = phoneVariants(person);
  if (spellings[0]!.text === "") return undefined;
  const held = indexKeysOf(keys);
  const makers = held.map(tokenMaker);
  return {
    spellings: [...new Set(spellings.map(({ says }) => says))],
    tokens: makers.flatMap((make) => spellings.map(({ text }) => make(person.kind, text))),
    epochs: held.map(({ epoch }) => epoch),
  };
};

/** A filter without the person's data. It leaves out entries about earlier searches for the person. */
export const tokenFilter = ({ kind }: Pick<Person, "kind">, { tokens }: Pick<PersonTokens, "tokens">): string =>
  `${kind === "phone" ? "phone" : "customer"}:${tokens.join(",")} -kind:access`;
