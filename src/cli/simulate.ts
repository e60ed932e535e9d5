/** `ocsgw simulate`: which decisions of the last days would be other ones under another config? Nothing is sent, nothing is written. */
import { KNOWN_SECRETS } from "../assemble/index-keys.ts";
import type { Recorded } from "../journal/entry.ts";
import { IndexKeyDiffers, keyDifferences } from "../journal/key-checks.ts";
import { readEntries } from "../journal/read.ts";
import { simulate, type Changed, type Simulated } from "../rehearsal/simulate.ts";
import { loadToRead } from "../settings/load.ts";
import { readableKeys } from "../settings/withheld.ts";
import type { Settings } from "../settings/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/units.ts";
import { sayInvalidToRead } from "./check.ts";

/** `journal`: its directory, when it is not that of the config. `since`: a duration. */
export type SimulateOptions = {
  readonly config: string;
  readonly since: string;
  readonly journal?: string;
  readonly json?: boolean;
};

const DONE = 0;
const WRONG_USAGE = 2;
const CANNOT_TELL = 8;

export const simulateCommand = async ({ config, since, journal, json }: SimulateOptions): Promise<number> => {
  const period = parseDuration(since);
  if (!period) {
    console.error(`--since: expected ${DURATION_EXPECTED}, found ${since}`);
    return WRONG_USAGE;
  }
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const dir = journal ?? loaded.settings.audit.dir;
  const { keys, why } = readableKeys(loaded.settings.audit.index_key);
  if (keys === undefined) {
    console.error(
      `nothing was simulated: without its key nobody can tell whether the config is this journal's: ${why.join("; ")}`,
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
      console.error(`nothing was simulated: ${error.message}`);
      return CANNOT_TELL;
    }
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.error(`there is no journal in ${dir}`);
    return CANNOT_TELL;
  }
};

/**
 * RFC 3339 in UTC is in order as text; of microseconds only the milliseconds are compared. Throws IndexKeyDiffers when the
 * journal states another key than the config has: then one of the two is not the one that is meant.
 */
const entriesSince = async function* (
  dir: string,
  from: string,
  keys: Settings["audit"]["index_key"],
): AsyncGenerator<Recorded> {
  for await (const entry of readEntries(dir)) {
    const differences =
      "index_keys" in entry && entry.index_keys ? keyDifferences(keys, entry.index_keys, KNOWN_SECRETS) : [];
    if (differences.length > 0) throw new IndexKeyDiffers(differences);
    if (entry.time.slice(0, 23) >= from.slice(0, 23)) yield entry;
  }
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const inWords = (
  { replayed, unchanged, changes, untold }: Simulated,
  { config, from }: { readonly config: string; readonly from: string },
): string =>
  [
    `${counted(replayed, "decision")} since ${from.slice(0, 19)}Z asked of ${config}: ${unchanged} as before, ${replayed - unchanged} other ones`,
    ...(changes.length === 0 ? [] : ["", ...table(changes)]),
    ...(untold.length === 0
      ? []
      : ["", "not asked:", ...untold.map(({ why, count }) => `  ${String(count).padStart(6)}  ${why}`)]),
    "",
    "Numbers and customer ids are not in the journal, and no policy looks at them: others stood for them. Fields that audit.redact drops are not asked about, nor limits, which depend on when requests come.",
  ].join("\n");

const table = (changes: readonly Changed[]): readonly string[] =>
  changes.flatMap(({ client, tenant, action, resource, from, to, because, count, examples }) => [
    `  ${String(count).padStart(6)}  ${client} ${action} on ${resource}${tenant === null ? "" : ` of ${tenant}`}: ${from} -> ${to}${because === null ? "" : ` (${because})`}`,
    `          e.g. ${examples.join(" ")}`,
  ]);
