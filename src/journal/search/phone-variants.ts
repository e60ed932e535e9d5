/** The ways in which one phone number may have been written, and the tokens that they have under every key. */
import { canonicalContact, isNumber } from "./contact.ts";
import { indexKeysOf, tokenMaker, type IndexKeys } from "./redact.ts";

export type Person = { readonly kind: "phone" | "customer_id"; readonly value: string };

export type Wanted = {
  /** Without a person's data: how many spellings were looked for, and of what sort they are. */
  readonly spellings: readonly string[];
  /** Of every spelling under every key. */
  readonly tokens: readonly string[];
  /** Epochs of the keys that are there, oldest first. */
  readonly epochs: readonly string[];
};

const NATIONAL_DIGITS = 10;

type Spelling = { readonly text: string; readonly says: string };

/** Tokens of numbers are made of digits alone; what stands between them does not count. */
const spellingsOf = ({ kind, value }: Person): readonly Spelling[] => {
  if (kind === "customer_id") return [{ text: value, says: "as given" }];
  if (!isNumber(value)) return [{ text: canonicalContact(value), says: "as given, in small or capital letters" }];
  const digits = value.replaceAll(/[^0-9]/g, "");
  const abroad = /^(?:00|011)([1-9]\d{6,})$/.exec(digits)?.[1];
  const given: Spelling[] = [{ text: digits, says: "as given, with or without + and signs between the digits" }];
  if (abroad !== undefined) given.push({ text: abroad, says: "without 00 or 011 in front" });
  const known = [...given, ...given.flatMap(({ text }) => withCountry(text))];
  return firstOfEach([...known, ...known.flatMap(({ text }) => fromAbroad(text))]);
};

const withCountry = (digits: string): Spelling[] => {
  if (digits.length === NATIONAL_DIGITS) return [{ text: `1${digits}`, says: "with country code 1" }];
  return digits.length === NATIONAL_DIGITS + 1 && digits.startsWith("1")
    ? [{ text: digits.slice(1), says: "without country code 1" }]
    : [];
};

/** As a client dials it that has another country's number: 00 of most countries, 011 of North America. */
const fromAbroad = (digits: string): Spelling[] =>
  /^[1-9]\d{6,}$/.test(digits) ? ["00", "011"].map((prefix) => ({ text: prefix + digits, says: FROM_ABROAD })) : [];

const FROM_ABROAD = "with 00 or 011 in front";

const firstOfEach = (spellings: readonly Spelling[]): readonly Spelling[] =>
  spellings.filter(({ text }, at) => spellings.findIndex((each) => each.text === text) === at);

/** Undefined when there is nothing to look for: no digits, or an empty customer id. */
export const wantedOf = (person: Person, keys: IndexKeys): Wanted | undefined => {
  const spellings = spellingsOf(person);
  if (spellings[0]!.text === "") return undefined;
  const held = indexKeysOf(keys);
  const makers = held.map(tokenMaker);
  return {
    spellings: [...new Set(spellings.map(({ says }) => says))],
    tokens: makers.flatMap((make) => spellings.map(({ text }) => make(person.kind, text))),
    epochs: held.map(({ epoch }) => epoch),
  };
};

/** As a filter, which holds no person's data. Who looked for the person before is no request of theirs. */
export const filterFor = ({ kind }: Person, { tokens }: Wanted): string =>
  `${kind === "phone" ? "phone" : "customer"}:${tokens.join(",")} -kind:access`;
