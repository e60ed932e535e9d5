/** What of a look-up is written down: who, what, why; nobody's number. */
import { maskNumbers } from "../mask.ts";
import type { Access, Behind } from "./entry.ts";
import { parseFilter, termsOf } from "./filter.ts";
import { HANDLED, noteFault } from "./handled.ts";

/** The entry's words, as they come from who looks: everything is checked. */
export type Asked = {
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly operation: string;
  readonly query?: string | undefined;
  readonly purpose?: string | undefined;
  readonly results?: number | undefined;
  readonly tokens?: { readonly phone?: string | undefined; readonly customer_id?: string | undefined } | undefined;
};

const OPERATIONS = ["search", "look-up", "export", "open-dnc", HANDLED] as const;
const TOKEN = /^t\d{1,4}:[0-9a-f]{64}$/;
/** Nine digits and more, as a whole number has them; the mark of a case begins with letters, or has fewer. */
const DIGITS = /(?<![\p{L}\d])\+?\d(?:[\s().-]{0,2}\d){8,}/u;
const MOST_TEXT = 500;

/** A sentence, when something in it must not stand in the journal. Throws FilterError when the query is no filter. */
export const faultOf = ({ user, behind, operation, query, purpose, results, tokens }: Asked): string | undefined => {
  if (!isText(user)) return "user: expected a name";
  if (!(OPERATIONS as readonly string[]).includes(operation)) return `operation: expected ${OPERATIONS.join(", ")}`;
  if (behind !== undefined && !isBehind(behind)) return `behind: expected names under ${BEHIND.join(", ")}`;
  const fault = purpose === undefined ? undefined : purposeFault(purpose);
  if (fault !== undefined) return fault;
  if (results !== undefined && !(Number.isSafeInteger(results) && results >= 0)) return "results: expected a number";
  if (Object.values(tokens ?? {}).some((token) => token !== undefined && !TOKEN.test(token)))
    return "tokens: expected tokens of the journal";
  if (query !== undefined && typeof query !== "string") return "query: expected a filter";
  const unfit = operation === HANDLED ? noteFault({ query, purpose }) : undefined;
  if (unfit !== undefined) return unfit;
  parseFilter(query ?? "");
  return undefined;
};

/** A sentence, when a purpose must not stand in the journal. */
export const purposeFault = (purpose: unknown): string | undefined => {
  if (!isText(purpose)) return `purpose: expected up to ${MOST_TEXT} characters on one line`;
  return DIGITS.test(purpose)
    ? "purpose: it has what may be a phone number in it, and would stand in the journal; name the case by another mark"
    : undefined;
};

const BEHIND = ["login", "sudo", "doas", "pkexec"] as const satisfies readonly (keyof Behind)[];

const isBehind = (behind: unknown): behind is Behind =>
  typeof behind === "object" &&
  behind !== null &&
  Object.entries(behind).every(([from, name]) => (BEHIND as readonly string[]).includes(from) && isText(name));

const isText = (text: unknown): text is string =>
  typeof text === "string" && text !== "" && text.length <= MOST_TEXT && !/\p{Cc}/u.test(text);

export const accessEntry = ({ user, behind, operation, query, purpose, results, tokens }: Asked): Access => ({
  kind: "access",
  user: accountName(user),
  ...(behind && {
    behind: Object.fromEntries(
      BEHIND.flatMap((from) => (behind[from] === undefined ? [] : [[from, accountName(behind[from])]])),
    ),
  }),
  operation,
  ...(query !== undefined && query !== "" && { query }),
  ...(purpose !== undefined && { purpose }),
  ...(results !== undefined && { results }),
  ...(tokens && {
    tokens: {
      ...(tokens.phone !== undefined && { phone: tokens.phone }),
      ...(tokens.customer_id !== undefined && { customer_id: tokens.customer_id }),
    },
  }),
});

/** An account may be a letter and a staff number; what is digits alone may as well be a phone number. */
export const accountName = (name: string): string => (DIGITS.test(name) ? maskNumbers(name) : name);

/** A filter that names a person by token is a look-up too. */
export const tokensIn = (filter: string): Asked["tokens"] => {
  const terms = termsOf(parseFilter(filter).expression).filter(({ fact }) => fact === "phone" || fact === "customer");
  const whole = (fact: string): string | undefined =>
    terms.find((term) => term.fact === fact)?.oneOf?.find((token) => TOKEN.test(token));
  return terms.length === 0 ? undefined : { phone: whole("phone"), customer_id: whole("customer") };
};
