/** Texts of the filter language: what may be part of an address, and how values are quoted. */

/** Keys whose values are numbers or times by nature. */
const NUMERIC: ReadonlySet<string> = new Set([
  "record",
  "list",
  "group",
  "dnc",
  "id",
  "code",
  "would",
  "config",
  "source",
  "endpoint",
  "lane",
  "tenant",
  "status",
  "queue",
  "total",
  "ocs.time",
  "ocs.error",
  "time",
  "since",
  "until",
]);
/** A token is a key's name and 12 or more hex digits. */
const TOKEN = /^[a-z]\w{0,15}:[0-9a-f]{12,64}$/i;
/** Seven digits or more, written as people write phone numbers. */
const NUMBER = /(?:\+?\d[\s().-]*){7,}/;

/** A value that could be a person's number: it is found with a look-up, whose body and journal entry are guarded. */
export const looksPersonal = (filter: string): boolean => {
  if (/^[+\d][\d\s().-]{5,}\d$/.test(filter.trim()) && NUMBER.test(filter)) return true;
  return wordsOf(filter).some((word) => {
    const personal = /^-?(?:phone|customer|customer_id):(.*)$/i.exec(word)?.[1];
    if (personal !== undefined) return personal.split(",").some((each) => !isTokenOrOpen(each));
    const key = /^-?([\w.]+):/.exec(word)?.[1]?.toLowerCase() ?? "";
    return !NUMERIC.has(key) && NUMBER.test(word);
  });
};

const isTokenOrOpen = (value: string): boolean => {
  const bare = value.replaceAll('"', "");
  return bare === "" || TOKEN.test(bare);
};

/** Splits at blanks outside quotes. */
export const wordsOf = (filter: string): string[] => filter.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];

/** A value as the filter language wants it. */
export const quoted = (value: string): string =>
  /^[\w.:/@%+-]+$/.test(value) && !/^(?:OR|AND)$/i.test(value) ? value : JSON.stringify(value);

/** The filter with a further term; a term that is there already is not added twice, and its opposite is taken out. */
export const withTerm = (filter: string, term: string): string => {
  const opposite = term.startsWith("-") ? term.slice(1) : `-${term}`;
  const words = wordsOf(filter).filter((word) => word !== opposite);
  return (words.includes(term) ? words : [...words, term]).join(" ");
};

const WHOLE_TOKEN = /\b(t\d{1,4}:[0-9a-f]{12})[0-9a-f]{20,52}\b/g;
const TOKEN_LIST = /(t\d{1,4}:[0-9a-f]{12}…)((?:,t\d{1,4}:[0-9a-f]{12}…)+)/g;

/** The text with the beginnings of tokens, for reading: a person has one for each spelling and index key. */
export const shortTokens = (text: string): string =>
  text
    .replaceAll(WHOLE_TOKEN, "$1…")
    .replaceAll(TOKEN_LIST, (_all, first: string, others: string) => `${first} +${others.split(",").length - 1}`);
