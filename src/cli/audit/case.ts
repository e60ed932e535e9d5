/**
 * `ocsgw audit case`: a bundle of one person's requests, found by phone number, customer id and record handle, with a
 * page for people.
 */
import { existsSync } from "node:fs";
import { KNOWN_SECRETS } from "../../app/wiring/journal/index-keys.ts";
import { NotProvable } from "../../journal/export/bundle-entries.ts";
import { writeBundle } from "../../journal/export/bundle.ts";
import { caseOf, type Case } from "../../journal/export/case/case.ts";
import { caseFileOf, notCoveredBy } from "../../journal/export/case/case-file.ts";
import { summaryLines, countRequests } from "../../journal/export/case/sentences.ts";
import { bothFilters, FilterError, parseFilter, type Filter } from "../../journal/search/filter/filter.ts";
import { unknownNames } from "../../journal/search/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/integrity/key-checks.ts";
import { preparePersonQuery, UnsearchableValue, type PersonQuery } from "../../journal/search/person-search.ts";
import { warningsFor } from "../../journal/search/unknown-names.ts";
import { JournalSearch } from "../../journal/search/journal-search.ts";
import { tokenFilter, type Person } from "../../journal/search/phone-variants.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { VERSION } from "../../app/version.ts";
import { vocabularyOf } from "../../app/wiring/journal/filter-vocabulary.ts";
import { printProblemsToRead } from "../check/check.ts";
import { keysToSearchWith } from "./index-keys.ts";
import { fail } from "./fail.ts";
import { personFrom } from "./access/person.ts";
import { purposeFrom } from "./access/purpose.ts";
import { userInWords, whoAsks } from "./access/who-asks.ts";
import { recordAccess } from "./access/record.ts";
import { CannotTell, accessTo } from "./searcher.ts";
import { journalProgress } from "../process/journal-progress.ts";
import { BROKEN, CANNOT_TELL, WRONG_USAGE } from "../exit-codes.ts";

export type CaseOptions = {
  readonly config: string;
  readonly out: string;
  readonly tenant?: string;
  readonly phoneStdin?: boolean;
  readonly customerStdin?: boolean;
  readonly purpose?: string;
  readonly json?: boolean;
};

export const auditCase = async (options: CaseOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return printProblemsToRead(options.config);
  try {
    if (existsSync(options.out))
      throw new RangeError(`${options.out} already exists and is not overwritten; choose another --out`);
    return await write(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers) return fail(`no case was written: ${error.message}`, CANNOT_TELL);
    if (error instanceof CannotTell) return fail(`no case was written: ${error.message}`, CANNOT_TELL);
    if (error instanceof NotProvable) return fail(error.message, BROKEN);
    if (!(error instanceof FilterError || error instanceof UnsearchableValue || error instanceof RangeError))
      throw error;
    return fail(error instanceof FilterError ? error.render() : error.message, WRONG_USAGE);
  }
};

const write = async (options: CaseOptions, settings: Settings, configHash: string): Promise<number> => {
  const { out, tenant } = options;
  const purpose = await purposeFrom(options.purpose);
  const sought = await readPerson(options, settings);
  const { kind } = sought.person;
  const { asked, found } = await find(settings, sought);
  const filter = bothFilters(parseFilter(tokenFilter(asked.person, asked.wanted)), asked.filter);
  const looked = {
    operation: "export",
    query: filter.text,
    purpose,
    results: found.requests.length,
    tokens: { [kind]: asked.wanted.tokens[0]! },
  };
  const recorded = await recordAccess({ settings, configHash }, looked, true);
  if (typeof recorded === "number") return recorded;
  const query = { dir: settings.audit.dir, filter, size: recorded.size };
  const about = { by: userInWords(await whoAsks()), purpose, version: VERSION, configHash, evidence: found.evidence };
  await writeBundle({ ...query, ...about, caseFile: caseFileOf(found, kind, tenant) }, out);
  printResult(options, found);
  return found.complete ? 0 : CANNOT_TELL;
};

type Sought = { readonly person: Person; readonly filter: Filter };

const readPerson = async (options: CaseOptions, { tenants }: Settings): Promise<Sought> => {
  const person = await personFrom(options);
  if (!person)
    throw new RangeError("name the person: --phone-stdin or --customer-stdin reads one line from standard input");
  return { person, filter: parseFilter(tenantTerm(options.tenant, tenants)) };
};

/** A tenant that was removed from the config may still be in the journal; its DBID finds it. */
const tenantTerm = (tenant: string | undefined, tenants: Settings["tenants"]): string => {
  if (tenant === undefined) return "";
  if (/^\d{1,10}$/.test(tenant)) return `tenant:${tenant}`;
  if (tenants.some(({ name }) => name.toLowerCase() === tenant.toLowerCase()))
    return `tenant:${JSON.stringify(tenant)}`;
  throw new RangeError(
    `--tenant: the config has no tenant ${JSON.stringify(tenant)}; known are ` +
      `${tenants.map(({ name }) => name).join(", ")}. Name a tenant that was removed from the config by its DBID`,
  );
};

const find = async (
  settings: Settings,
  sought: Sought,
): Promise<{ readonly asked: PersonQuery; readonly found: Case }> => {
  const { dir, index_key } = settings.audit;
  const keys = keysToSearchWith(index_key);
  const access = await accessTo(dir, "audit case");
  // While a gateway runs, nothing is written into its directory: the index is built in a temporary one.
  const search = new JournalSearch(dir, { isTemporary: access?.by !== "lock" });
  try {
    const progress = await journalProgress("indexing", dir);
    await search.refresh(progress.reach).finally(progress.end);
    const [unknown] = await warningsFor(search, sought.filter, unknownNames(sought.filter, vocabularyOf(settings)), []);
    if (unknown !== undefined) throw new RangeError(`no case was written: --tenant: ${unknown}`);
    const asked = await preparePersonQuery(search, { ...sought, keys, known: KNOWN_SECRETS });
    const open = new Set((await search.openDnc()).map(({ at }) => at));
    return { asked, found: await caseOf(search, asked, open) };
  } finally {
    search.close();
    if (access?.by === "lock") await access.lock.release();
  }
};

const printResult = ({ out, json }: CaseOptions, found: Case): void => {
  const about = { in_short: summaryLines(found), complete: found.complete, not_covered: notCoveredBy(found) };
  if (json)
    return console.log(
      JSON.stringify({ out, requests: countRequests(found.requests), ...about, evidence: found.evidence }),
    );
  for (const line of about.in_short) console.log(line);
  const number = countRequests(found.requests);
  console.error(`Wrote ${number} ${number === 1 ? "request" : "requests"} to ${out}; read summary.html in it first`);
  for (const line of about.not_covered) console.error(line);
  console.error(
    found.complete ? "Complete" : "NOT COMPLETE: this person may have made requests that are not in the case",
  );
};
