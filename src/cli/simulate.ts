/** `ocsgw simulate`: replays recent requests of the journal against another config. Sends and writes nothing. */
import { KNOWN_SECRETS } from "../app/wiring/journal/index-keys.ts";
import type { Recorded } from "../journal/entry.ts";
import { IndexKeyDiffers, keyDifferences } from "../journal/integrity/key-checks.ts";
import { readEntries } from "../journal/read/read-entries.ts";
import { simulate, type Changed, type Simulated } from "../dry-run/simulate.ts";
import { loadToRead } from "../settings/load.ts";
import { readableKeys } from "../settings/unreadable-index-keys.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/schema/units.ts";
import { printProblemsToRead } from "./check/check.ts";
import { counting, journalProgress } from "./process/journal-progress.ts";
import { CANNOT_TELL, DONE, WRONG_USAGE } from "./exit-codes.ts";

/** `journal`: the directory of the journal (default: audit.dir of the config). `since`: a duration. */
export type SimulateOptions = {
  readonly config: string;
  readonly since: string;
  readonly journal?: string;
  readonly json?: boolean;
};

export const simulateCommand = async ({ config, since, journal, json }: SimulateOptions): Promise<number> => {
  const period = parseDuration(since);
  if (!period) {
    console.error(`--since: expected ${DURATION_EXPECTED}, found ${since}`);
    return WRONG_USAGE;
  }
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const dir = journal ?? loaded.settings.audit.dir;
  const { keys, why } = readableKeys(loaded.settings.audit.index_key);
  if (keys === undefined) {
    console.error(
      "not simulated: without the index key it is unknown whether the config belongs to this journal: " +
        `${why.join("; ")}`,
    );
    return CANNOT_TELL;
  }
  const from = new Date(Date.now() - period).toISOString();
  try {
    const simulated = await simulate(entriesSince(dir, from, keys), loaded.settings);
    console.log(
      json ? JSON.stringify({ config, since: from, ...simulated }, undefined, 2) : inWords(simulated, { config, from }),
    );
    return DONE;
  } catch (error) {
    if (error instanceof IndexKeyDiffers) {
      console.error(`not simulated: ${error.message}`);
      return CANNOT_TELL;
    }
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.error(`there is no journal in ${dir}; --journal names its directory`);
    return CANNOT_TELL;
  }
};

/**
 * The entries since a time, RFC 3339 in UTC, compared as text up to milliseconds. Throws IndexKeyDiffers when the
 * config has another key than the journal: then they do not belong together.
 */
const entriesSince = async function* (
  dir: string,
  from: string,
  keys: Settings["audit"]["index_key"],
): AsyncGenerator<Recorded> {
  for await (const entry of counting(readEntries(dir), await journalProgress("replaying", dir))) {
    const differences =
      "index_keys" in entry && entry.index_keys ? keyDifferences(keys, entry.index_keys, KNOWN_SECRETS) : [];
    if (differences.length > 0) throw new IndexKeyDiffers(differences);
    if (entry.time.slice(0, 23) >= from.slice(0, 23)) yield entry;
  }
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const inWords = (
  { replayed, unchanged, changes, recorded, untold }: Simulated,
  { config, from }: { readonly config: string; readonly from: string },
): string =>
  [
    `${counted(replayed, "decision")} since ${from.slice(0, 19)}Z replayed against ${config}: ${unchanged} ` +
      `unchanged, ${replayed - unchanged} changed`,
    ...(changes.length === 0 ? [] : ["", ...table(changes)]),
    ...(recorded.length === 0
      ? []
      : ["", "the request passes as before, and the journal would record something else:", ...table(recorded)]),
    ...(untold.length === 0
      ? []
      : ["", "not replayed:", ...untold.map(({ why, count }) => `  ${String(count).padStart(6)}  ${why}`)]),
    "",
    "The journal has no phone numbers and customer ids; the replay uses placeholders, because no policy depends on " +
      "them. Not replayed: rate limits, which depend on timing.",
  ].join("\n");

const table = (changes: readonly Changed[]): readonly string[] =>
  changes.flatMap(({ client, tenant, action, resource, from, to, because, count, examples }) => [
    `  ${String(count).padStart(6)}  ${client} ${action} on ${resource}${tenant === null ? "" : ` of ${tenant}`}: ` +
      `${from} -> ${to}${because === null ? "" : ` (${because})`}`,
    `          e.g. ${examples.join(" ")}`,
  ]);
