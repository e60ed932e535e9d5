/**
 * `ocsgw audit export`: writes all results of a query to a file: as lines, as CSV, or as a bundle that can be verified
 * elsewhere. The journal records the export.
 */
import { existsSync } from "node:fs";
import { KNOWN_SECRETS } from "../../app/wiring/journal/index-keys.ts";
import { tokensIn } from "../../journal/access.ts";
import { NotProvable } from "../../journal/export/bundle-entries.ts";
import { writeBundle } from "../../journal/export/bundle.ts";
import { madeBy } from "../../journal/export/html-summary.ts";
import { exportTo, type Exported, type PlainFormat } from "../../journal/export/export.ts";
import { bothFilters, FilterError, parseFilter, type Filter } from "../../journal/search/filter/filter.ts";
import { readFilter, unknownNames, type UnknownName } from "../../journal/search/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/integrity/key-checks.ts";
import {
  preparePersonQuery,
  UnsearchableValue,
  type PersonQuery,
  type Evidence,
} from "../../journal/search/person-search.ts";
import { describeSetAside } from "../../journal/search/missing-segments.ts";
import { tokenFilter, type Person } from "../../journal/search/phone-variants.ts";
import { requireSameKeys } from "../../journal/integrity/stated-key-checks.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { VERSION } from "../../app/version.ts";
import { vocabularyOf } from "../../app/wiring/journal/filter-vocabulary.ts";
import { printProblemsToRead } from "../check/check.ts";
import { withGivenConfig } from "../process/given-config.ts";
import { showProgress } from "../process/progress.ts";
import { evidenceLines } from "./evidence.ts";
import { expressionOf } from "./expression.ts";
import { fail } from "./fail.ts";
import { keysToSearchWith } from "./index-keys.ts";
import { personFrom } from "./access/person.ts";
import { purposeFrom } from "./access/purpose.ts";
import { userInWords, whoAsks } from "./access/who-asks.ts";
import { recordAccess } from "./access/record.ts";
import { CannotTell, openSearcher, type Searcher } from "./searcher.ts";
import { inShell } from "../../common/shell-word.ts";
import { BROKEN, CANNOT_TELL, WRONG_USAGE } from "../exit-codes.ts";

export type ExportOptions = {
  readonly words: readonly string[];
  readonly config: string;
  readonly out: string;
  readonly as: PlainFormat | "bundle";
  readonly since?: string;
  readonly until?: string;
  readonly phoneStdin?: boolean;
  readonly customerStdin?: boolean;
  readonly purpose?: string;
  readonly json?: boolean;
};

export const auditExport = async (options: ExportOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return printProblemsToRead(options.config);
  if (options.out !== "-" && existsSync(options.out))
    return fail(`${options.out} already exists and is not overwritten; choose another --out`, WRONG_USAGE);
  if (options.out === "-" && options.as === "bundle")
    return fail("a bundle is a directory or a .zip file: --out must name one, not -", WRONG_USAGE);
  try {
    return await write(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers) return fail(`nothing was exported: ${error.message}`, CANNOT_TELL);
    if (error instanceof CannotTell) return fail(`nothing was exported: ${error.message}`, CANNOT_TELL);
    if (error instanceof NotProvable) return fail(error.message, BROKEN);
    if (!(error instanceof FilterError || error instanceof UnsearchableValue || error instanceof RangeError))
      throw error;
    return fail(error instanceof FilterError ? error.render() : error.message, WRONG_USAGE);
  }
};

const write = async (options: ExportOptions, settings: Settings, configHash: string): Promise<number> => {
  const { filter, names, sought } = await filterOf(options, settings);
  const { out, as } = options;
  const purpose = await purposeFrom(options.purpose);
  const recorded = await recordAccess(
    { settings, ...(sought && { configHash }) },
    { operation: "export", query: filter.text, purpose, tokens: tokensIn(filter.text) },
    true,
  );
  if (typeof recorded === "number") return recorded;
  const progress = showProgress("exporting", recorded.size, { unit: "entries" });
  const pace = async (index: number): Promise<void> => progress.reach(index);
  const query = { dir: settings.audit.dir, filter, names, size: recorded.size, pace };
  const evidence = sought && (await evidenceFor(settings.audit, sought, names));
  const about = { by: userInWords(await whoAsks()), purpose, version: VERSION, configHash, evidence };
  const exporting =
    as === "bundle" ? writeBundle({ ...query, ...about }, out) : exportTo(query, { out, as, says: madeBy(about) });
  const done = await exporting.finally(progress.end);
  printResult(options, done, { size: recorded.size, evidence });
  return evidence?.complete === false || (!sought && done.set_aside.length > 0) ? CANNOT_TELL : 0;
};

type Query = { readonly filter: Filter; readonly names: readonly UnknownName[]; readonly sought?: Sought };
/** `narrowed`: the filter that the user gave besides the person. */
type Sought = { readonly person: Person; readonly narrowed: Filter };

/** Replaces the person's number or id by tokens, so that no file contains it. */
const filterOf = async (options: ExportOptions, settings: Settings): Promise<Query> => {
  const { audit } = settings;
  const vocabulary = vocabularyOf(settings);
  const filter = readFilter(expressionOf(options.words, options), vocabulary);
  const names = unknownNames(filter, vocabulary);
  const person = await personFrom(options);
  if (!person) return { filter, names };
  const asked: PersonQuery = await withSearcher(audit.dir, async (searcher) => {
    // An exported line does not say which index key made its tokens.
    const keys = keysToSearchWith(audit.index_key);
    await requireSameKeys(searcher, keys, KNOWN_SECRETS);
    return preparePersonQuery(searcher, { person, keys, filter, known: KNOWN_SECRETS });
  });
  return {
    filter: bothFilters(parseFilter(tokenFilter(person, asked.wanted)), filter),
    names,
    sought: { person, narrowed: filter },
  };
};

/** What the person search covered. */
const evidenceFor = async (
  audit: Settings["audit"],
  { person, narrowed }: Sought,
  names: readonly UnknownName[],
): Promise<Evidence | undefined> => {
  const searcher = await openSearcher(audit.dir, "audit export");
  try {
    const question = {
      kind: "person",
      person,
      keys: keysToSearchWith(audit.index_key),
      known: KNOWN_SECRETS,
      filter: narrowed.text,
      names,
      limit: 1,
    } as const;
    return (await searcher.ask(question)).evidence;
  } finally {
    await searcher.close();
  }
};

const withSearcher = async <Found>(dir: string, work: (searcher: Searcher) => Promise<Found>): Promise<Found> => {
  const searcher = await openSearcher(dir, "audit export");
  try {
    return await work(searcher);
  } finally {
    await searcher.close();
  }
};

const NOTHING_FOUND = "nothing found: no entry of the journal matches the filter";
const NOTHING_BUT_RECORDS =
  `${NOTHING_FOUND}; only the journal's own records of this export and of deletions ` + "were written";

type ExportContext = { readonly size: number; readonly evidence: Evidence | undefined };

const printResult = (
  { out, as, json }: ExportOptions,
  { transactions, entries, matching, warnings, set_aside: asides }: Exported,
  { size, evidence }: ExportContext,
): void => {
  if (json && out !== "-")
    return console.log(
      JSON.stringify({
        out,
        as,
        requests_and_events: transactions,
        entries,
        fitting: matching,
        warnings,
        checkpoint: size,
        set_aside: asides,
        ...(evidence && { evidence }),
      }),
    );
  const counted =
    as === "bundle" && transactions > matching
      ? `${matching} requests/events, and the entry of this export`
      : `${transactions} requests/events`;
  console.error(
    `Exported ${counted} (${entries} journal entries)${out === "-" ? "" : ` to ${out}`}. ` +
      `The journal had ${size} entries at that time.`,
  );
  if (matching === 0) console.error(transactions > 0 ? NOTHING_BUT_RECORDS : NOTHING_FOUND);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  for (const line of evidence
    ? evidenceLines(evidence)
    : as === "bundle"
      ? []
      : asides.map((each) => withGivenConfig(`Not covered: ${describeSetAside(each)}`)))
    console.error(line);
  if (as === "bundle")
    console.error(
      "verify anywhere, with the gateway's verifier key: node verify.mjs --key KEY (inside it), or ocsgw audit " +
        `verify ${inShell(out)} --key KEY`,
    );
};
