/**
 * The journal over the admin API, for who has the token: searching, one request, what is still owed, and the entries that say who looked.
 * A person's number comes in a body and never in an address; looking for one is itself an entry, which is on disk before anything is told.
 */
import { faultOf, tokensIn, type Asked } from "../journal/access.ts";
import { FilterError } from "../journal/filter.ts";
import { readFilter, unknownNames, type UnknownName, type Vocabulary } from "../journal/filter/vocabulary.ts";
import { owedOf } from "../journal/owed.ts";
import type { IndexKeys } from "../journal/redact.ts";
import { SearchFailed, WrongQuestion } from "../journal/search/desk.ts";
import type { Answer, Question } from "../journal/search/questions.ts";
import { TookTooLong } from "../journal/search/time-limit.ts";
import type { Person } from "../journal/spellings.ts";
import { cursorOf, readCursor, viewOf } from "../journal/view.ts";
import type { Arrival, Reply } from "../message.ts";
import { json } from "./reply.ts";

export type AuditParts = {
  readonly ask: (question: Question) => Promise<Answer>;
  /** Those in force. */
  readonly keys: () => IndexKeys;
  /** Of the config in force. */
  readonly vocabulary: () => Vocabulary;
  /** Resolves when the entry is on disk; with `sign` a checkpoint covers it. `size`: entries in the journal, or those that are covered. */
  readonly record: (asked: Asked, sign: boolean) => Promise<{ readonly size: number }>;
};

type Show = (parts: AuditParts, arrival: Arrival) => Promise<Reply>;
type AuditPage = { readonly method: "GET" | "POST"; readonly show: Show };

const LIMIT = 50;
const MOST = 1000;
/** Who has the token has no name of its own. */
const HOLDER = "admin token";

const search: Show = async ({ ask, record, vocabulary }, { target }) => {
  const given = new URLSearchParams(target.split("?").slice(1).join("?"));
  requireKnown([...given.keys()], ["filter", "cursor", "limit", "purpose"]);
  const filter = given.get("filter") ?? "";
  const names = namesIn(filter, vocabulary());
  const paged = pagedOf(given.get("cursor"), given.get("limit"));
  const answer = await ask({ kind: "page", filter, names, ...paged });
  const tokens = tokensIn(filter);
  if (tokens)
    await note(record, {
      user: HOLDER,
      operation: "look-up",
      query: filter,
      purpose: given.get("purpose") ?? undefined,
      results: answer.stories?.length,
      tokens,
    });
  return json(200, pageOf(answer));
};

const lookUp: Show = async ({ ask, record, keys, vocabulary }, arrival) => {
  const given = await bodyOf(arrival);
  requireKnown(Object.keys(given), ["phone", "customer_id", "filter", "cursor", "limit", "purpose", "user"]);
  const { purpose, user = HOLDER } = given;
  const filter = textOf("filter", given["filter"] ?? "");
  const names = namesIn(filter, vocabulary());
  const answer = await ask({
    kind: "person",
    person: personOf(given),
    keys: keys(),
    filter,
    names,
    ...pagedOf(given["cursor"], given["limit"]),
  });
  const token = answer.evidence?.tokens.at(0);
  await note(record, {
    user: textOf("user", user),
    operation: "look-up",
    query: filter,
    results: answer.stories?.length,
    ...(purpose !== undefined && { purpose: textOf("purpose", purpose) }),
    tokens: given["phone"] === undefined ? { customer_id: token } : { phone: token },
  });
  return json(200, { ...pageOf(answer), evidence: answer.evidence });
};

/** For who searched by itself, and wants it recorded before it shows what was found. */
const access: Show = async ({ record }, arrival) => {
  const { sign, ...asked } = await bodyOf(arrival);
  return json(200, await note(record, asked as unknown as Asked, sign === true));
};

const request: Show = async ({ ask }, { target }) => {
  const id = target.split("?", 1)[0]!.split("/").at(-1)!;
  const { stories = [] } = await ask({ kind: "story", id });
  return stories.length === 0
    ? json(404, { error: "no request of that id in the journal" })
    : json(200, { requests: stories.map(viewOf) });
};

const owed: Show = async ({ ask }) => {
  const { stories = [], notes } = await ask({ kind: "owed" });
  const open = owedOf(stories, Date.now(), notes);
  return json(200, { open, handled: open.filter(({ handled }) => handled !== null).length });
};

export const AUDIT_PAGES: readonly (readonly [path: string, page: AuditPage])[] = (
  [
    ["/api/audit/search", "GET", search],
    ["/api/audit/look-up", "POST", lookUp],
    ["/api/audit/access", "POST", access],
    ["/api/requests/", "GET", request],
    ["/api/dnc/open", "GET", owed],
  ] as const
).map(([path, method, show]) => [path, { method, show: mannered(show) }]);

/** What is wrong with a question is told as 400, and a search that failed as 503: the gateway goes on. */
function mannered(show: Show): Show {
  return async (parts, arrival) => {
    try {
      return await show(parts, arrival);
    } catch (error) {
      if (error instanceof FilterError) return json(400, { error: error.render() });
      if (error instanceof WrongQuestion) return json(400, { error: error.message });
      // The same question would take as long again: no Retry-After.
      if (error instanceof TookTooLong) return json(503, { error: error.message });
      if (error instanceof SearchFailed) return json(503, { error: error.message }, [["Retry-After", "5"]]);
      throw error;
    }
  };
}

const note = async (record: AuditParts["record"], asked: Asked, sign = false): Promise<{ readonly size: number }> => {
  const fault = faultOf(asked);
  if (fault !== undefined) throw new WrongQuestion(fault);
  try {
    return await record(asked, sign);
  } catch {
    throw new SearchFailed("the journal cannot take the entry that says who looked, so nothing is told");
  }
};

const namesIn = (filter: string, vocabulary: Vocabulary): readonly UnknownName[] =>
  unknownNames(readFilter(filter, vocabulary), vocabulary);

const pageOf = ({ stories = [], next, searched, warnings = [] }: Answer) => ({
  requests: stories.map(viewOf),
  next: cursorOf(next),
  ...(searched && { searched }),
  warnings,
});

/** One that is misspelt would not narrow the answer, or would look for nobody. */
const requireKnown = (names: readonly string[], known: readonly string[]): void => {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new WrongQuestion(`${JSON.stringify(unknown.slice(0, 40))} is unknown here; known are ${known.join(", ")}`);
};

const pagedOf = (cursor: unknown, limit: unknown): { readonly before?: number; readonly limit: number } => {
  const before = cursor === undefined || cursor === null ? undefined : readCursor(textOf("cursor", cursor));
  if (before === undefined && cursor !== undefined && cursor !== null)
    throw new WrongQuestion("cursor: expected what an earlier page gave as next");
  const number = limit === undefined || limit === null ? LIMIT : Number(limit);
  if (!Number.isSafeInteger(number) || number < 1 || number > MOST)
    throw new WrongQuestion(`limit: expected a number from 1 to ${MOST} for one page`);
  return { ...(before !== undefined && { before }), limit: number };
};

const personOf = ({ phone, customer_id: customer }: Readonly<Record<string, unknown>>): Person => {
  if ((phone === undefined) === (customer === undefined)) throw new WrongQuestion("expected phone or customer_id");
  return phone === undefined
    ? { kind: "customer_id", value: textOf("customer_id", customer) }
    : { kind: "phone", value: textOf("phone", phone) };
};

const textOf = (name: string, value: unknown): string => {
  if (typeof value !== "string" || value.length > 2000) throw new WrongQuestion(`${name}: expected a text`);
  return value;
};

const bodyOf = async (arrival: Arrival): Promise<Readonly<Record<string, unknown>>> => {
  const value = parsed(Buffer.from(await arrival.body()).toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WrongQuestion("expected a JSON object");
  return value as Record<string, unknown>;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
