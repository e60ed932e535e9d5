/** What the journal records about a look-up: the user, the operation and the purpose, never a phone number. */
import { hasPhoneNumber, maskNumbers } from "../common/mask.ts";
import type { Access, Behind, VerifyVerdict } from "./entry.ts";
import { parseFilter, allTerms, type Term } from "./search/filter/filter.ts";
import { HANDLED, noteFault } from "./open-dnc/handled-notes.ts";

/** The members of an `access` entry as a user or program supplies them; `faultOf` checks every one. */
export type AccessRequest = {
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly operation: string;
  readonly query?: string | undefined;
  readonly purpose?: string | undefined;
  readonly results?: number | undefined;
  readonly tokens?: { readonly phone?: string | undefined; readonly customer_id?: string | undefined } | undefined;
  /** The roles of a person with a session, for example `auditor`. */
  readonly role?: string | undefined;
  readonly verdict?: VerifyVerdict | undefined;
  readonly digest?: string | undefined;
  /** The gateway that the user asked, if that is another one; it asked this gateway. */
  readonly node?: string | undefined;
};

/** The operation of a proof of isolation; the entry of its end has the verdict and the digest of its report. */
export const PROVE_ISOLATION = "prove-isolation";
/** A node was removed from the list of nodes for good; `purpose` names it. */
export const FORGET_NODE = "forget-node";
export const OPERATIONS = [
  "search",
  "look-up",
  "export",
  "open-dnc",
  "flows",
  "verify",
  "download",
  HANDLED,
  PROVE_ISOLATION,
  FORGET_NODE,
] as const;
/** Of the console, which the gateway records itself: no client may say them. */
export const SESSION_OPERATIONS = [
  "login",
  "login-by-link",
  "login-by-oidc",
  "login-failed",
  "logout",
  "logout-everywhere",
] as const;
export type SessionOperation = (typeof SESSION_OPERATIONS)[number];
const VERDICTS: readonly string[] = ["ok", "broken", "cannot-tell", "cancelled", "failed"] satisfies VerifyVerdict[];
const DIGEST = /^[0-9a-f]{64}$/;
const TOKEN = /^t\d{1,4}:[0-9a-f]{64}$/;
/** Characters of a user's name or a purpose. */
export const MOST_TEXT = 500;

/** The fault, in words, of members that must not be recorded. Throws FilterError when `query` is not a valid filter. */
export const faultOf = ({
  user,
  behind,
  operation,
  query,
  purpose,
  results,
  tokens,
  role,
  verdict,
  digest,
  node,
}: AccessRequest): string | undefined => {
  if (!isText(user)) return "user: expected a name";
  if (!(OPERATIONS as readonly string[]).includes(operation)) return `operation: expected ${OPERATIONS.join(", ")}`;
  if (role !== undefined && !isText(role)) return "role: expected a role";
  if (node !== undefined && !isText(node)) return "node: expected the name of a gateway";
  if (verdict !== undefined && !VERDICTS.includes(verdict)) return `verdict: expected ${VERDICTS.join(", ")}`;
  if (digest !== undefined && !DIGEST.test(digest)) return "digest: expected a SHA-256 in hexadecimal";
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

/** The fault, in words, of a purpose that must not be recorded. */
export const purposeFault = (purpose: unknown): string | undefined => {
  if (!isText(purpose)) return `purpose: expected up to ${MOST_TEXT} characters on one line`;
  return hasPhoneNumber(purpose)
    ? "purpose: it contains what may be a phone number, which the journal must not record; name the case differently"
    : undefined;
};

const BEHIND = ["login", "sudo", "doas", "pkexec"] as const satisfies readonly (keyof Behind)[];

const isBehind = (behind: unknown): behind is Behind =>
  typeof behind === "object" &&
  behind !== null &&
  Object.entries(behind).every(([from, name]) => (BEHIND as readonly string[]).includes(from) && isText(name));

const isText = (text: unknown): text is string =>
  typeof text === "string" && text !== "" && text.length <= MOST_TEXT && !/\p{Cc}/u.test(text);

export const accessEntry = ({
  user,
  behind,
  role,
  operation,
  query,
  purpose,
  results,
  tokens,
  verdict,
  digest,
  node,
}: AccessRequest): Access => ({
  kind: "access",
  user: accountName(user),
  ...(behind && {
    behind: Object.fromEntries(
      BEHIND.flatMap((from) => (behind[from] === undefined ? [] : [[from, accountName(behind[from])]])),
    ),
  }),
  ...(role !== undefined && { role }),
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
  ...(verdict !== undefined && { verdict }),
  ...(digest !== undefined && { digest }),
  ...(node !== undefined && { node }),
});

/** An account name may be a letter and a staff number; a name of digits only could be a phone number. */
export const accountName = (name: string): string => (hasPhoneNumber(name) ? maskNumbers(name) : name);

const personTerms = (filter: string): readonly Term[] =>
  allTerms(parseFilter(filter).expression).filter(({ field }) => field === "phone" || field === "customer");

/** All tokens in a filter, or beginnings of tokens. */
export const allTokensIn = (filter: string): readonly string[] =>
  personTerms(filter).flatMap(({ values }) => values.map(({ text }) => text.toLowerCase()));

/** A filter that names a person by token counts as a look-up of that person. */
export const tokensIn = (filter: string): AccessRequest["tokens"] => {
  const terms = personTerms(filter);
  const whole = (field: string): string | undefined =>
    terms.find((term) => term.field === field)?.oneOf?.find((token) => TOKEN.test(token));
  return terms.length === 0 ? undefined : { phone: whole("phone"), customer_id: whole("customer") };
};
