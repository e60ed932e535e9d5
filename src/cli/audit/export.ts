/** `ocsgw audit export`: a whole query into a file, as lines, as a table, or as a bundle that proves itself. The export is itself an entry. */
import { existsSync } from "node:fs";
import { KNOWN_SECRETS } from "../../assemble/index-keys.ts";
import { tokensIn } from "../../journal/access.ts";
import { NotProvable, writeBundle } from "../../journal/bundle.ts";
import { exportTo, type Exported, type PlainFormat } from "../../journal/export.ts";
import { bothOf, FilterError, parseFilter, type Filter } from "../../journal/filter.ts";
import { readFilter, unknownNames, type UnknownName } from "../../journal/filter/vocabulary.ts";
import { IndexKeyDiffers } from "../../journal/key-checks.ts";
import { NothingToLookFor } from "../../journal/lookup.ts";
import { Finder } from "../../journal/search.ts";
import { filterFor, wantedOf } from "../../journal/spellings.ts";
import { requireSameKeys } from "../../journal/stated-key-checks.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { VERSION } from "../../assemble/version.ts";
import { vocabularyOf } from "../../assemble/vocabulary.ts";
import { sayInvalid } from "../check.ts";
import { expressionOf } from "./expression.ts";
import { personFrom } from "./person.ts";
import { purposeFrom } from "./purpose.ts";
import { userInWords, whoAsks } from "./who-asks.ts";
import { recordAccess } from "./record.ts";

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
  if (!loaded.ok) return sayInvalid(options.config);
  if (options.out !== "-" && existsSync(options.out)) return said(`${options.out} is there already; an export does not write over anything`, WRONG_USAGE);
  if (options.out === "-" && options.as === "bundle") return said("a bundle is a directory or a .zip file, and does not go to standard output", WRONG_USAGE);
  try {
    return await write(options, loaded.settings, loaded.hash);
  } catch (error) {
    if (error instanceof IndexKeyDiffers) return said(`nothing was exported: ${error.message}`, CANNOT_TELL);
    if (error instanceof NotProvable) return said(error.message, BROKEN);
    if (!(error instanceof FilterError || error instanceof NothingToLookFor || error instanceof RangeError)) throw error;
    return said(error instanceof FilterError ? error.render() : error.message, WRONG_USAGE);
  }
};

const said = (why: string, code: number): number => {
  console.error(why);
  return code;
};

const write = async (options: ExportOptions, settings: Settings, configHash: string): Promise<number> => {
  const { filter, names, byPerson } = await filterOf(options, settings);
  const { out, as, config } = options;
  const purpose = await purposeFrom(options.purpose);
  const recorded = await recordAccess({ config, settings, ...(byPerson && { configHash }) }, { operation: "export", query: filter.text, purpose, tokens: tokensIn(filter.text) }, true);
  if (typeof recorded === "number") return recorded;
  const query = { dir: settings.audit.dir, filter, names, size: recorded.size };
  const done = as === "bundle" ? await writeBundle({ ...query, by: userInWords(await whoAsks()), purpose, version: VERSION, configHash }, out) : await exportTo(query, { out, as });
  tell(options, done, recorded.size);
  return 0;
};

type Asked = { readonly filter: Filter; readonly names: readonly UnknownName[]; readonly byPerson: boolean };

/** A person's spellings become tokens here, so that nothing that is written holds the number. */
const filterOf = async (options: ExportOptions, settings: Settings): Promise<Asked> => {
  const vocabulary = vocabularyOf(settings);
  const filter = readFilter(expressionOf(options.words, options), vocabulary);
  const names = unknownNames(filter, vocabulary);
  const person = await personFrom(options);
  if (!person) return { filter, names, byPerson: false };
  await requireKeysOf(settings.audit);
  const wanted = wantedOf(person, settings.audit.index_key);
  if (!wanted) throw new NothingToLookFor("expected a phone number or a customer id on standard input");
  return { filter: bothOf(parseFilter(filterFor(person, wanted)), filter), names, byPerson: true };
};

/** A file has no room to say that some of its tokens were made with another secret. */
const requireKeysOf = async ({ dir, index_key: keys }: Settings["audit"]): Promise<void> => {
  const finder = new Finder(dir);
  try {
    await finder.refresh();
    await requireSameKeys(finder, keys, KNOWN_SECRETS);
  } finally {
    finder.close();
  }
};

const tell = ({ out, as, json }: ExportOptions, { stories, entries, fitting, warnings }: Exported, size: number): void => {
  if (json && out !== "-") return console.log(JSON.stringify({ out, as, requests_and_events: stories, entries, fitting, warnings, checkpoint: size }));
  console.error(`${stories} requests and events, ${entries} entries, of the first ${size}${out === "-" ? "" : `, in ${out}`}`);
  if (fitting === 0) console.error(`nothing found: no entry of the journal fits the filter${stories > 0 ? "; what was written are the journal's own records of this export and of deletions" : ""}`);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  if (as === "bundle") console.error(`verify anywhere, with the gateway's verifier key: node verify.mjs --key KEY (inside it), or ocsgw audit verify ${out} --key KEY`);
};
