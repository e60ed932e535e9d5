/** `ocsgw audit case`: one person's case, joined from numbers, customer ids and record handles, as a bundle that an officer can read. */
import { existsSync } from "node:fs";
import { KNOWN_SECRETS } from "../../assemble/index-keys.ts";
import { NotProvable, writeBundle } from "../../journal/bundle.ts";
import { caseOf, type Case } from "../../journal/case.ts";
import { caseFileOf, notCoveredBy } from "../../journal/case/file.ts";
import { inShort, numberOf } from "../../journal/case/sentences.ts";
import { bothOf, FilterError, parseFilter, type Filter } from "../../journal/filter.ts";
import { unknownNames } from "../../journal/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/key-checks.ts";
import { askedFor, NothingToLookFor, type Asked } from "../../journal/lookup.ts";
import { warningsFor } from "../../journal/search/names.ts";
import { Finder } from "../../journal/search.ts";
import { filterFor, type Person } from "../../journal/spellings.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { VERSION } from "../../assemble/version.ts";
import { vocabularyOf } from "../../assemble/vocabulary.ts";
import { sayInvalidToRead } from "../check.ts";
import { keysToSearchWith } from "./index-keys.ts";
import { personFrom } from "./person.ts";
import { purposeFrom } from "./purpose.ts";
import { userInWords, whoAsks } from "./who-asks.ts";
import { recordAccess } from "./record.ts";
import { CannotTell, wayTo } from "./searcher.ts";

export type CaseOptions = {
  readonly config: string;
  readonly out: string;
  readonly tenant?: string;
  readonly phoneStdin?: boolean;
  readonly customerStdin?: boolean;
  readonly purpose?: string;
  readonly json?: boolean;
};

const WRONG_USAGE = 2;
const BROKEN = 7;
const CANNOT_TELL = 8;

export const auditCase = async (options: CaseOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return sayInvalidToRead(options.config);
  try {
    if (existsSync(options.out))
      throw new RangeError(`${options.out} is there already; a case file does not write over anything`);
    return await write(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers) return said(`no case was written: ${error.message}`, CANNOT_TELL);
    if (error instanceof CannotTell) return said(`no case was written: ${error.message}`, CANNOT_TELL);
    if (error instanceof NotProvable) return said(error.message, BROKEN);
    if (!(error instanceof FilterError || error instanceof NothingToLookFor || error instanceof RangeError))
      throw error;
    return said(error instanceof FilterError ? error.render() : error.message, WRONG_USAGE);
  }
};

const said = (why: string, code: number): number => {
  console.error(why);
  return code;
};

const write = async (options: CaseOptions, settings: Settings, configHash: string): Promise<number> => {
  const { out, tenant } = options;
  const purpose = await purposeFrom(options.purpose);
  const sought = await soughtIn(options, settings);
  const { kind } = sought.person;
  const { asked, found } = await find(settings, sought);
  const filter = bothOf(parseFilter(filterFor(asked.person, asked.wanted)), asked.filter);
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
  tell(options, found);
  return found.complete ? 0 : CANNOT_TELL;
};

type Sought = { readonly person: Person; readonly filter: Filter };

const soughtIn = async (options: CaseOptions, { tenants }: Settings): Promise<Sought> => {
  const person = await personFrom(options);
  if (!person) throw new RangeError("whose case? --phone-stdin or --customer-stdin takes one line from standard input");
  return { person, filter: parseFilter(tenantTerm(options.tenant, tenants)) };
};

/** A tenant that has left the config may still be in the journal: it is asked for by DBID. */
const tenantTerm = (tenant: string | undefined, tenants: Settings["tenants"]): string => {
  if (tenant === undefined) return "";
  if (/^\d{1,10}$/.test(tenant)) return `tenant:${tenant}`;
  if (tenants.some(({ name }) => name.toLowerCase() === tenant.toLowerCase()))
    return `tenant:${JSON.stringify(tenant)}`;
  throw new RangeError(
    `--tenant: no tenant of the config is called ${JSON.stringify(tenant)}; known are ${tenants.map(({ name }) => name).join(", ")}. One that has left the config is named by its DBID`,
  );
};

const find = async (settings: Settings, sought: Sought): Promise<{ readonly asked: Asked; readonly found: Case }> => {
  const { dir, index_key } = settings.audit;
  const keys = keysToSearchWith(index_key);
  const way = await wayTo(dir, "audit case");
  // Beside a gateway nothing is written in the directory: the index is made elsewhere.
  const finder = new Finder(dir, { elsewhere: way?.by !== "lock" });
  try {
    await finder.refresh();
    const [unknown] = await warningsFor(finder, sought.filter, unknownNames(sought.filter, vocabularyOf(settings)), []);
    if (unknown !== undefined) throw new RangeError(`no case was written: --tenant: ${unknown}`);
    const asked = await askedFor(finder, { ...sought, keys, known: KNOWN_SECRETS });
    const open = new Set((await finder.owed()).map(({ at }) => at));
    return { asked, found: await caseOf(finder, asked, open) };
  } finally {
    finder.close();
    if (way?.by === "lock") await way.lock.release();
  }
};

const tell = ({ out, json }: CaseOptions, found: Case): void => {
  const about = { in_short: inShort(found), complete: found.complete, not_covered: notCoveredBy(found) };
  if (json)
    return console.log(JSON.stringify({ out, requests: numberOf(found.requests), ...about, evidence: found.evidence }));
  for (const line of about.in_short) console.log(line);
  const number = numberOf(found.requests);
  console.error(
    `${number} ${number === 1 ? "request" : "requests"} of the case, in ${out}: summary.html is for people`,
  );
  for (const line of about.not_covered) console.error(line);
  console.error(found.complete ? "complete" : "NOT COMPLETE: what is not in it may have been requested all the same");
};
