/** The options of `ocsgw discover`, read. */
import { LONGEST_WAIT_MS, parseDuration } from "../../settings/schema/units.ts";
import { WRONG_USAGE } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";
import type { Assignment } from "./plan.ts";

export type DiscoverOptions = {
  readonly config?: string;
  readonly upstream?: string;
  readonly csv?: readonly string[];
  readonly assign?: readonly string[];
  readonly dbids?: string;
  readonly pace?: string;
  readonly timeout?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
};

export const DEFAULT_PACE = "100ms";
export const DEFAULT_TIMEOUT = "10m";

/** More would load OCS for an hour. */
const MOST_DBIDS = 20_000;
const HIGHEST = 2_147_483_647;

/** 100-400,512 as numbers, ascending, each once. Throws Stop. */
export const dbidsIn = (text: string | undefined): readonly number[] => {
  if (text === undefined) return [];
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,10})(?:-(\d{1,10}))?\s*$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from < 1 || to > HIGHEST || from > to)
      throw new Stop(WRONG_USAGE, `--dbids: expected ranges of DBIDs, for example 100-400,512, found ${text}`);
    if (to - from + 1 + found.size > MOST_DBIDS)
      throw new Stop(WRONG_USAGE, `--dbids: expected ${MOST_DBIDS} DBIDs at most; ask for them in several runs`);
    for (let dbid = from; dbid <= to; dbid++) found.add(dbid);
  }
  return [...found].toSorted((a, b) => a - b);
};

/** Milliseconds. Throws Stop. */
export const durationOf = (option: string, text: string): number => {
  const found = parseDuration(text);
  if (found === undefined || found > LONGEST_WAIT_MS)
    throw new Stop(
      WRONG_USAGE,
      `${option}: expected a duration of 24d at most, for example ${DEFAULT_PACE}, found ${text}`,
    );
  return found;
};

/** TENANT=PATTERN. Throws Stop. */
export const assignmentsIn = (texts: readonly string[]): readonly Assignment[] =>
  texts.map((text) => {
    const at = text.indexOf("=");
    const [tenant, pattern] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1 || pattern === "")
      throw new Stop(
        WRONG_USAGE,
        `--assign: expected TENANT=PATTERN, for example "Alpha Tenant=Alpha *", found ${JSON.stringify(text)}`,
      );
    return { text, tenant, pattern };
  });

/** Options that contradict each other. Throws Stop. */
export const holdTogether = ({
  config,
  upstream,
  csv = [],
  dbids,
  ca,
  cert,
  key,
  serverName,
}: DiscoverOptions): void => {
  const isAddress = upstream !== undefined && /^https?:\/\//i.test(upstream);
  const fail = (why: string): never => {
    throw new Stop(WRONG_USAGE, why);
  };
  if (config === undefined && upstream === undefined && csv.length === 0)
    fail("give --upstream URL, --csv FILE, or -c FILE for the OCS of a config");
  if (config === undefined && upstream !== undefined && !isAddress)
    fail(`--upstream: expected an http or https address, found ${upstream}; a name needs -c FILE`);
  if (config !== undefined && isAddress)
    fail("with -c, --upstream is the name of an upstream in the config, whose address and TLS settings are used");
  const tls = [ca, cert, key, serverName].some((each) => each !== undefined);
  if (tls && !isAddress) fail("--ca, --cert, --key and --server-name belong to --upstream URL");
  if ((cert === undefined) !== (key === undefined)) fail("--cert and --key are needed together");
  if (dbids !== undefined && !asksOcs({ config, upstream, csv }))
    fail("--dbids is for OCS, which is not asked here: add --upstream");
};

/** With -c alone the config's OCS is asked; with --csv only if --upstream is given too. */
export const asksOcs = ({
  config,
  upstream,
  csv = [],
}: {
  readonly config?: string | undefined;
  readonly upstream?: string | undefined;
  readonly csv?: readonly string[];
}): boolean => upstream !== undefined || (config !== undefined && csv.length === 0);
