/** The words and names that filters of the journal are held against: those of the tables, and those of the config. */
import { OUTCOME_DELAYED, REFUSALS } from "../gateway/refusals.ts";
import type { Vocabulary } from "../journal/filter/vocabulary.ts";
import { ACTION_NAMES } from "../ocs/catalog.ts";
import { clientsIn } from "../settings/clients.ts";
import type { Settings } from "../settings/schema.ts";

const CODES: readonly string[] = [
  ...new Set([...Object.values(REFUSALS).map(({ code }) => code), OUTCOME_DELAYED]),
].toSorted();

const made = new WeakMap<Settings, Vocabulary>();

/** Made once for each config. */
export const vocabularyOf = (settings: Settings): Vocabulary => {
  const known = made.get(settings) ?? { actions: ACTION_NAMES, codes: CODES, names: namesIn(settings) };
  made.set(settings, known);
  return known;
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
