/** The words and names that journal filters may use: those of the tables, and those of the config. */
import { OUTCOME_DELAYED, REFUSALS } from "../../../gateway/refusals.ts";
import { OPERATIONS, SESSION_OPERATIONS } from "../../../journal/access.ts";
import type { Vocabulary } from "../../../journal/search/filter/vocabulary.ts";
import { ACTION_NAMES } from "../../../ocs/catalog.ts";
import { clientsIn } from "../../../settings/clients.ts";
import type { Settings } from "../../../settings/schema/schema.ts";

const CODES: readonly string[] = [
  ...new Set([...Object.values(REFUSALS).map(({ code }) => code), OUTCOME_DELAYED]),
].toSorted();

/** Of requests, and the operations of accesses. */
const ACTIONS: readonly string[] = [...ACTION_NAMES, ...OPERATIONS, ...SESSION_OPERATIONS];

const made = new WeakMap<Settings, Vocabulary>();

/** Cached by config. `dbids`: only the names of these tenants, and of nothing that they share with others. */
export const vocabularyOf = (settings: Settings, dbids?: readonly number[]): Vocabulary => {
  if (dbids)
    return { actions: ACTIONS, codes: CODES, names: namesOf(settings.tenants, new Set(dbids)), isNarrowed: true };
  const known = made.get(settings) ?? { actions: ACTIONS, codes: CODES, names: namesIn(settings) };
  made.set(settings, known);
  return known;
};

/** No listeners and lanes: what they are called, and how many there are, is about the whole gateway. */
const namesOf = (tenants: Settings["tenants"], dbids: ReadonlySet<number>): Vocabulary["names"] => {
  const own = tenants.filter(({ dbid }) => dbids.has(dbid));
  return {
    tenant: own.map(({ dbid, name }) => ({ dbid, name })),
    client: [...new Set(own.flatMap(({ clients }) => Object.keys(clients)))],
    list: own.flatMap(({ lists }) => lists),
    campaign: own.flatMap(({ campaigns }) => campaigns),
    group: own.flatMap(({ campaign_groups: groups }) => groups.map(({ dbid }) => String(dbid))),
    upstream: [...new Set(own.map(({ upstream }) => upstream))],
  };
};

const namesIn = (settings: Settings): Vocabulary["names"] => {
  const { tenants, upstreams, listeners } = settings;
  const pairs = Object.entries(upstreams);
  return {
    tenant: tenants.map(({ dbid, name }) => ({ dbid, name })),
    client: [...clientsIn(settings)],
    listener: [
      ...listeners.map(({ name }) => name),
      ...pairs.flatMap(([name, { callbacks }]) => (callbacks ? [`callbacks:${name}`] : [])),
    ],
    list: tenants.flatMap(({ lists }) => lists),
    campaign: tenants.flatMap(({ campaigns }) => campaigns),
    group: tenants.flatMap(({ campaign_groups: groups }) => groups.map(({ dbid }) => String(dbid))),
    upstream: pairs.map(([name]) => name),
    lane: pairs.flatMap(([name, { connections }]) =>
      Array.from({ length: connections }, (_, at) => `${name}/${at + 1}`),
    ),
    endpoint: pairs.flatMap(([, { primary, backup }]) => (backup === null ? [primary] : [primary, backup])),
  };
};
