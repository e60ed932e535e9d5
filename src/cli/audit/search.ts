/**
 * `ocsgw audit search`: searches the journal by a filter, newest first, one page at a time. --phone-stdin searches for
 * a phone number without showing it.
 */
import { KNOWN_SECRETS } from "../../app/wiring/journal/index-keys.ts";
import { tokensIn } from "../../journal/access.ts";
import { stringify } from "../../journal/entry-line.ts";
import { FilterError, type Filter } from "../../journal/search/filter/filter.ts";
import { readFilter, unknownNames, type UnknownName } from "../../journal/search/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/integrity/key-checks.ts";
import { UnsearchableValue, type Evidence } from "../../journal/search/person-search.ts";
import type { PageOptions, Searched } from "../../journal/search/journal-search.ts";
import { describeDeletedKinds, describeSetAside } from "../../journal/search/missing-segments.ts";
import { SearchTimeout } from "../../journal/search/worker/time-limit.ts";
import type { Person } from "../../journal/search/phone-variants.ts";
import type { Transaction } from "../../journal/search/transaction.ts";
import { cursorOf, readCursor, toJson } from "../../journal/search/to-json.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../../settings/schema/units.ts";
import { vocabularyOf } from "../../app/wiring/journal/filter-vocabulary.ts";
import { printProblemsToRead } from "../check/check.ts";
import { expressionOf } from "./expression.ts";
import { withGivenConfig } from "../process/given-config.ts";
import { evidenceLines } from "./evidence.ts";
import { keysToSearchWith } from "./index-keys.ts";
import { linesOf } from "./output/lines.ts";
import { personFrom } from "./access/person.ts";
import { purposeFrom } from "./access/purpose.ts";
import { recordAccess } from "./access/record.ts";
import { CannotTell, openSearcher } from "./searcher.ts";
import { CANNOT_TELL, WRONG_USAGE } from "../exit-codes.ts";

export type SearchOptions = {
  readonly words: readonly string[];
  readonly config: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly json?: boolean;
  readonly phoneStdin?: boolean;
  readonly customerStdin?: boolean;
  readonly purpose?: string;
  /** How long the search may take, for example 30s. Default: one minute. */
  readonly timeout?: string;
};

type Found = {
  readonly transactions: readonly Transaction[];
  readonly next: number | undefined;
  readonly searched: Searched;
  readonly evidence?: Evidence;
  readonly warnings: readonly string[];
};
type Asking = {
  readonly settings: Settings;
  readonly filter: Filter;
  readonly names: readonly UnknownName[];
  readonly person: Person | undefined;
  readonly paged: Omit<PageOptions, "timeLimit">;
  readonly timeoutMs: number;
};

const LIMIT = 50;

export const auditSearch = async (options: SearchOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return printProblemsToRead(options.config);
  try {
    return await search(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers || error instanceof CannotTell) {
      console.error(error instanceof CannotTell ? error.message : `nothing was searched: ${error.message}`);
      return CANNOT_TELL;
    }
    if (error instanceof SearchTimeout) {
      console.error(`${error.message}. Or allow more time with --timeout`);
      return CANNOT_TELL;
    }
    if (!(error instanceof FilterError || error instanceof UnsearchableValue || error instanceof RangeError))
      throw error;
    console.error(error instanceof FilterError ? error.render() : error.message);
    return WRONG_USAGE;
  }
};

const search = async (options: SearchOptions, settings: Settings, configHash: string): Promise<number> => {
  const vocabulary = vocabularyOf(settings);
  const filter = readFilter(expressionOf(options.words, options), vocabulary);
  const names = unknownNames(filter, vocabulary);
  if (options.limit === 0) throw new RangeError("--limit: expected a number from 1");
  const paged = { before: cursorIn(options.cursor), limit: options.limit ?? LIMIT };
  const timeoutMs = timeoutIn(options.timeout);
  const person = await personFrom(options);
  const purpose = person || tokensIn(filter.text) ? await purposeFrom(options.purpose) : options.purpose;
  const found = await find({ settings, filter, names, person, paged, timeoutMs });
  const tokens = person ? { [person.kind]: found.evidence!.tokens[0]! } : tokensIn(filter.text);
  if (tokens) {
    const place = { settings, ...(person && { configHash }) };
    const recorded = await recordAccess(
      place,
      { operation: "look-up", query: filter.text, purpose, results: found.transactions.length, tokens },
      false,
    );
    if (typeof recorded === "number") return recorded;
  }
  if (options.json)
    console.log(
      stringify({
        requests: found.transactions.map(toJson),
        next: cursorOf(found.next),
        searched: found.searched,
        ...(found.evidence && { evidence: found.evidence }),
        warnings: found.warnings,
      }),
    );
  else print(found);
  const isSearched = found.evidence ? found.evidence.complete : found.searched.set_aside.length === 0;
  return isSearched ? 0 : CANNOT_TELL;
};

const cursorIn = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const cursor = readCursor(text);
  if (cursor === undefined) throw new RangeError("--cursor: expected the value of next from an earlier page");
  return cursor;
};

const TIMEOUT_MS = 60_000;

const timeoutIn = (text: string | undefined): number => {
  const timeout = text === undefined ? TIMEOUT_MS : parseDuration(text);
  if (!timeout) throw new RangeError(`--timeout: expected ${DURATION_EXPECTED}, found ${text}`);
  return timeout;
};

const find = async ({ settings: { audit }, filter, names, person, paged, timeoutMs }: Asking): Promise<Found> => {
  const searcher = await openSearcher(audit.dir, "audit search");
  try {
    const asked = { filter: filter.text, names, ...paged };
    const question = person
      ? { kind: "person" as const, person, keys: keysToSearchWith(audit.index_key), known: KNOWN_SECRETS, ...asked }
      : { kind: "page" as const, ...asked };
    const { transactions = [], next, searched, evidence, warnings = [] } = await searcher.ask(question, timeoutMs);
    return { transactions, next, searched: evidence?.searched ?? searched!, ...(evidence && { evidence }), warnings };
  } finally {
    await searcher.close();
  }
};

const print = ({ transactions, next, searched, evidence, warnings }: Found): void => {
  for (const line of linesOf(transactions)) console.log(line);
  console.error(
    transactions.length === 0
      ? "Nothing found"
      : `${transactions.length} found${next === undefined ? "" : `; for the next page: --cursor ${next}`}`,
  );
  console.error(
    `Searched ${searched.to - searched.from} ` +
      `entries${searched.first === undefined ? "" : `, from ${searched.first} to ${searched.last}`}`,
  );
  for (const line of evidence
    ? evidenceLines(evidence)
    : [
        ...searched.set_aside.map((each) => withGivenConfig(describeSetAside(each))),
        ...describeDeletedKinds(searched.deleted_kinds).map(({ text }) => text),
      ].map((each) => `Not covered: ${each}`))
    console.error(line);
  for (const warning of warnings) console.error(`warning: ${warning}`);
};
