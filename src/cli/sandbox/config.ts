/** The config of the sandbox's gateway, generated from the seed; the same file that an operator would write. */
import { createHash } from "node:crypto";
import { ACTIONS, type ActionName, type ResourceName } from "../../ocs/catalog.ts";
import { CAMPAIGNS, GROUPS, LISTS, TENANTS } from "../../sandbox/world/seed.ts";

const on = (...resources: ResourceName[]): ActionName[] => [
  ...new Set(ACTIONS.filter(({ resource }) => resources.includes(resource)).map(({ name }) => name)),
];

/** Typical clients, by tenant: a strategy server (ORS), an IVR, a CRM backend, campaign operators. */
export const CLIENTS: Readonly<Record<number, Readonly<Record<string, readonly ActionName[]>>>> = {
  101: {
    "alpha-ors": on("records", "lists"),
    "alpha-ivr": ["UpdateCallCompletionStats", "RecordProcessed", "RecordReschedule", "DoNotCall"],
    "alpha-crm": on("phones", "customer_ids", "lists"),
    "alpha-ops": on("campaigngroups"),
  },
  102: {
    "beta-crm": on("records", "phones", "customer_ids", "lists"),
    "beta-ops": on("campaigngroups"),
  },
};

export const keyOf = (client: string): string => `sk_sandbox_${client}`;

export type Binds = {
  readonly http: number;
  readonly https: number;
  readonly admin: number;
  readonly callbacks: number;
};
/** Name of the sandbox's OCS in `upstreams`. */
export const UPSTREAM = "sandbox";
export type SandboxFiles = {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly keys: string;
  readonly checkpointKey: string;
  readonly audit: string;
};

/** The authorities of the embedded OCS and of the manual's examples. */
const aliasesOf = (ocs: readonly string[]): string[] => [
  ...ocs.map((url) => new URL(url).host),
  "ocs.us.int.genesyslab.com:8080",
  "ocs.genesyslab.com:8080",
  "ocs.genesyslab.com",
];

export type SandboxPlaces = {
  readonly ports: Binds;
  readonly files: SandboxFiles;
  readonly primary: string;
  readonly backup: string;
  readonly aliases: readonly string[];
  readonly indexKey: string;
};

/** The config file, without defaults. */
export const sandboxConfig = ({
  ports,
  files,
  primary,
  backup,
  aliases,
  indexKey,
}: SandboxPlaces): Record<string, unknown> => ({
  version: 1,
  listeners: [
    { name: "http", bind: `127.0.0.1:${ports.http}`, tls: "none" },
    { name: "https", bind: `127.0.0.1:${ports.https}`, tls: { cert: files.cert, key: files.key } },
  ],
  identity: { keys: { file: files.keys } },
  upstreams: {
    [UPSTREAM]: {
      primary,
      backup,
      tls: { ca: files.ca },
      aliases: aliasesOf([primary, backup, ...aliases]),
      callbacks: { bind: `127.0.0.1:${ports.callbacks}`, allow_from: ["127.0.0.0/8"] },
    },
  },
  tenants: TENANTS.map(({ dbid, name }) => ({
    name,
    dbid,
    upstream: UPSTREAM,
    clients: Object.fromEntries(Object.entries(CLIENTS[dbid]!).map(([client, actions]) => [client, { actions }])),
    campaigns: CAMPAIGNS.filter(({ tenant }) => tenant === dbid).map((campaign) => campaign.name),
    campaign_groups: groupsOf(dbid).map((group) => ({
      dbid: group.dbid,
      name: group.name,
      campaign_id: group.campaign,
      group_id: group.group,
    })),
    lists: LISTS.filter(({ tenant }) => tenant === dbid).map((list) => list.name),
    records: "pre-dial",
  })),
  audit: {
    dir: files.audit,
    index_key: indexKey,
    checkpoint: { key: files.checkpointKey, origin: "sandbox.ocs-gateway/trial" },
  },
  admin: { bind: `127.0.0.1:${ports.admin}` },
});

const groupsOf = (dbid: number): (typeof GROUPS)[number][] => {
  const campaigns = new Set<number>(CAMPAIGNS.filter(({ tenant }) => tenant === dbid).map((campaign) => campaign.dbid));
  return GROUPS.filter(({ campaign }) => campaigns.has(campaign));
};

/** The keys file of the sandbox's clients: well-known keys, for this machine only. */
export const sandboxKeys = (): Record<string, unknown> => ({
  version: 1,
  keys: Object.values(CLIENTS)
    .flatMap((clients) => Object.keys(clients))
    .map((client) => ({
      id: client,
      client,
      hash: `sha256:${createHash("sha256").update(keyOf(client)).digest("hex")}`,
      created: "2026-01-01T00:00:00Z",
    })),
});

/** Tenants with clients, keys, groups and lists, for the ready file and the screen. */
export const readyTenants = (): readonly ReadyTenant[] =>
  TENANTS.map(({ dbid, name }) => ({
    name,
    dbid,
    clients: Object.entries(CLIENTS[dbid]!).map(([client, actions]) => ({ client, key: keyOf(client), actions })),
    campaign_groups: groupsOf(dbid).map((group) => ({ dbid: group.dbid, name: group.name })),
    lists: LISTS.filter(({ tenant }) => tenant === dbid).map((list) => list.name),
    campaigns: CAMPAIGNS.filter(({ tenant }) => tenant === dbid).map((campaign) => campaign.name),
  }));

export type ReadyTenant = {
  readonly name: string;
  readonly dbid: number;
  readonly clients: readonly {
    readonly client: string;
    readonly key: string;
    readonly actions: readonly ActionName[];
  }[];
  readonly campaign_groups: readonly { readonly dbid: number; readonly name: string }[];
  readonly lists: readonly string[];
  readonly campaigns: readonly string[];
};
