/** `ocsgw audit export`: a whole query into a file, as lines, as a table, or as a bundle that is verified elsewhere, with the key. The export is itself an entry. */
import { existsSync } from "node:fs";
import { KNOWN_SECRETS } from "../../assemble/index-keys.ts";
import { tokensIn } from "../../journal/access.ts";
import { NotProvable, writeBundle } from "../../journal/bundle.ts";
import { exportTo, type Exported, type PlainFormat } from "../../journal/export.ts";
import { bothOf, FilterError, parseFilter, type Filter } from "../../journal/filter.ts";
import { readFilter, unknownNames, type UnknownName } from "../../journal/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/key-checks.ts";
import { askedFor, NothingToLookFor, type Asked, type Evidence } from "../../journal/lookup.ts";
import { saysAside } from "../../journal/search/asides.ts";
import { filterFor, type Person } from "../../journal/spellings.ts";
import { requireSameKeys } from "../../journal/stated-key-checks.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { VERSION } from "../../assemble/version.ts";
import { vocabularyOf } from "../../assemble/vocabulary.ts";
import { sayInvalidToRead } from "../check.ts";
import { evidenceLines } from "./evidence.ts";
import { expressionOf } from "./expression.ts";
import { keysToSearchWith } from "./index-keys.ts";
import { personFrom } from "./person.ts";
import { purposeFrom } from "./purpose.ts";
import { userInWords, whoAsks } from "./who-asks.ts";
import { recordAccess } from "./record.ts";
import { CannotTell, openSearcher, type Searcher } from "./searcher.ts";
import { inShell } from "../../shell-word.ts";

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

const WRONG_USAGE = 2;
const BROKEN = 7;
const CANNOT_TELL = 8;

export const auditExport = async (options: ExportOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return sayInvalidToRead(options.config);
  if (options.out !== "-" && existsSync(options.out))
    return said(`${options.out} is there already; an export does not write over anything`, WRONG_USAGE);
  if (options.out === "-" && options.as === "bundle")
    return said("a bundle is a directory or a .zip file, and does not go to standard output", WRONG_USAGE);
  try {
    return await write(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers) return said(`nothing was exported: ${error.message}`, CANNOT_TELL);
    if (error instanceof CannotTell) return said(`nothing was exported: ${error.message}`, CANNOT_TELL);
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
  const query = { dir: settings.audit.dir, filter, names, size: recorded.size };
  const evidence = sought && (await evidenceFor(settings.audit, sought, names));
  const about = { by: userInWords(await whoAsks()), purpose, version: VERSION, configHash, evidence };
  const done = as === "bundle" ? await writeBundle({ ...query, ...about }, out) : await exportTo(query, { out, as });
  tell(options, done, { size: recorded.size, evidence });
  return evidence?.complete === false || (!sought && done.set_aside.length > 0) ? CANNOT_TELL : 0;
};

type Query = { readonly filter: Filter; readonly names: readonly UnknownName[]; readonly sought?: Sought };
/** `narrowed`: what must hold besides. */
type Sought = { readonly person: Person; readonly narrowed: Filter };

/** A person's spellings become tokens here, so that nothing that is written holds the number. */
const filterOf = async (options: ExportOptions, settings: Settings): Promise<Query> => {
  const { audit } = settings;
  const vocabulary = vocabularyOf(settings);
  const filter = readFilter(expressionOf(options.words, options), vocabulary);
  const names = unknownNames(filter, vocabulary);
  const person = await personFrom(options);
  if (!person) return { filter, names };
  const asked: Asked = await withSearcher(audit.dir, async (searcher) => {
    // The lines of a file cannot say that some of its tokens were made with another secret.
    const keys = keysToSearchWith(audit.index_key);
    await requireSameKeys(searcher, keys, KNOWN_SECRETS);
    return askedFor(searcher, { person, keys, filter, known: KNOWN_SECRETS });
  });
  return {
    filter: bothOf(parseFilter(filterFor(person, asked.wanted)), filter),
    names,
    sought: { person, narrowed: filter },
  };
};

/** What the look-up of a person covers, as a search tells it. */
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

const withSearcher = async <Found>(dir: string, look: (searcher: Searcher) => Promise<Found>): Promise<Found> => {
  const searcher = await openSearcher(dir, "audit export");
  try {
    return await look(searcher);
  } finally {
    await searcher.close();
  }
};

type Told = { readonly size: number; readonly evidence: Evidence | undefined };

const tell = (
  { out, as, json }: ExportOptions,
  { stories, entries, fitting, warnings, set_aside: asides }: Exported,
  { size, evidence }: Told,
): void => {
  if (json && out !== "-")
    return console.log(
      JSON.stringify({
        out,
        as,
        requests_and_events: stories,
        entries,
        fitting,
        warnings,
        checkpoint: size,
        set_aside: asides,
        ...(evidence && { evidence }),
      }),
    );
  console.error(
    `${stories} requests and events, ${entries} entries, of the first ${size}${out === "-" ? "" : `, in ${out}`}`,
  );
  if (fitting === 0)
    console.error(
      `nothing found: no entry of the journal fits the filter${stories > 0 ? "; what was written are the journal's own records of this export and of deletions" : ""}`,
    );
  for (const warning of warnings) console.error(`warning: ${warning}`);
  for (const line of evidence
    ? evidenceLines(evidence)
    : as === "bundle"
      ? []
      : asides.map((each) => `not covered: ${saysAside(each)}`))
    console.error(line);
  if (as === "bundle")
    console.error(
      `verify anywhere, with the gateway's verifier key: node verify.mjs --key KEY (inside it), or ocsgw audit verify ${inShell(out)} --key KEY`,
    );
};
