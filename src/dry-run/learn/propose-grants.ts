/** The actions and campaign groups of each client of a tenant: exactly those that were seen. */
import { CATALOG } from "../../ocs/catalog.ts";
import type { Path } from "../../settings/problems/problem.ts";
import type { TenantSettings } from "../../settings/schema/schema.ts";
import { sumOf, type Evidence, type Seen } from "./evidence.ts";
import { merged, NOTHING, type Change, type Edit, type Proposal, type Rare, type Thresholds } from "./proposal.ts";
import type { ClientTraffic, TenantTraffic } from "./traffic.ts";

/** `granted`: further actions by client, which only the refusals for a name have, once that name is added. */
export type GrantOptions = Thresholds & {
  readonly granted: ReadonlyMap<string, Seen>;
  /** The mode that the tenant will have. */
  readonly mode: "observe" | "enforce";
};

type Client = {
  readonly name: string;
  readonly grant: TenantSettings["clients"][string];
  readonly traffic: ClientTraffic | undefined;
  readonly path: Path;
};

export const proposeGrants = (
  path: Path,
  tenant: TenantSettings,
  traffic: TenantTraffic,
  options: GrantOptions,
): Proposal =>
  merged(
    Object.entries(tenant.clients).map(([name, grant]) => {
      const client = { name, grant, traffic: traffic.clients.get(name), path: [...path, "clients", name] };
      const actions = proposeActions(client, options);
      return actions.kept.length === 0 && options.mode === "enforce" && !options.addOnly
        ? { ...actions.proposal, ...removal(client) }
        : merged([actions.proposal, proposeGroups(client, tenant, actions.kept, options)]);
    }),
  );

/** What is kept or added of a list of grants, and what is too rare to add. */
const partition = (
  key: string,
  given: readonly string[],
  seen: (name: string) => Evidence | undefined,
  found: readonly string[],
  { minRequests, addOnly }: Thresholds,
): { readonly kept: readonly string[]; readonly changes: readonly Change[]; readonly rare: readonly Rare[] } => {
  const kept = given.filter((name) => addOnly || seen(name) !== undefined);
  const news = found.filter((name) => !given.includes(name));
  const [added, rare] = [
    news.filter((name) => seen(name)!.requests >= minRequests),
    news.filter((name) => seen(name)!.requests < minRequests),
  ];
  return {
    kept: [...kept, ...added],
    changes: [
      ...added.map((name): Change => ({ change: "add", key, value: name, evidence: seen(name) })),
      ...given
        .filter((name) => !kept.includes(name))
        .map((name): Change => ({ change: "remove", key, value: name, evidence: undefined })),
    ],
    rare: rare.map((name): Rare => ({ key, value: name, evidence: seen(name)! })),
  };
};

const proposeActions = (
  { name, grant, traffic, path }: Client,
  options: GrantOptions,
): { readonly kept: readonly string[]; readonly proposal: Proposal } => {
  const more = options.granted.get(name);
  const seen = (action: string): Evidence | undefined => sumOf([traffic?.actions.get(action), more?.get(action)]);
  const found = [...new Set([...(traffic?.actions.names() ?? []), ...(more?.names() ?? [])])];
  const key = `clients.${name}.actions`;
  // Every request of these was refused because of the record or of a failure: that does not show them unused.
  const tried: readonly string[] = options.addOnly
    ? []
    : grant.actions.filter((action) => seen(action) === undefined && traffic?.tried.has(action));
  const used = (action: string): Evidence | undefined =>
    seen(action) ?? (tried.includes(action) ? traffic?.tried.get(action) : undefined);
  const { kept, changes, rare } = partition(key, grant.actions, used, found, options);
  const edits: readonly Edit[] = changes.length === 0 ? [] : [{ path: [...path, "actions"], value: kept }];
  return { kept, proposal: { ...NOTHING, changes, edits, rare, notes: tried.map((action) => noteOn(key, action)) } };
};

const noteOn = (key: string, action: string): string =>
  `${key} keeps ${action}: its requests were allowed, and refused because of their records or of a failure`;

/** A client without actions is allowed with mode: observe only. */
const removal = ({ name, path, grant, traffic }: Client): Pick<Proposal, "changes" | "edits" | "notes"> => ({
  changes: [
    {
      change: "remove",
      key: `clients.${name}`,
      value: `the client with ${grant.actions.join(", ") || "no action"}`,
      evidence: undefined,
      why: traffic
        ? "none of its actions was seen often enough"
        : "no request of it was seen; with its entry removed, its credential gets 401 OCSGW-2001 for this tenant",
    },
  ],
  edits: [{ path }],
  notes: [],
});

/** Actions that name a campaign group in the URI, and are limited to the client's groups. */
const ON_GROUPS: ReadonlySet<string> = new Set(Object.keys(CATALOG.campaigngroups.actions));

const proposeGroups = (
  { name, grant, traffic, path }: Client,
  { campaign_groups: own }: TenantSettings,
  actions: readonly string[],
  options: GrantOptions,
): Proposal => {
  if (!actions.some((action) => ON_GROUPS.has(action))) return NOTHING;
  const key = `clients.${name}.campaign_groups`;
  const all = own.map(({ dbid }) => String(dbid));
  const given = grant.campaign_groups?.map(String);
  // Whoever reads the list of all groups has seen each that is granted: without one of them the answer would differ.
  const readsAll = traffic?.lists.get("");
  if (readsAll && given === undefined)
    return all.length < 2
      ? NOTHING
      : { ...NOTHING, notes: [`${key} stays all of the tenant's: ${name} reads the list of all groups`] };
  if (given === undefined && options.addOnly) return NOTHING;
  const thresholds = { ...options, addOnly: options.addOnly || readsAll !== undefined };
  const found = (traffic?.groups.names() ?? []).filter((dbid) => all.includes(dbid));
  const seen = (dbid: string): Evidence | undefined => traffic?.groups.get(dbid);
  const { kept, changes, rare } = partition(key, given ?? all, seen, found, thresholds);
  if (changes.length === 0) return { ...NOTHING, rare };
  const value = kept.map(Number).toSorted((left, right) => left - right);
  if (given !== undefined) return { ...NOTHING, changes, edits: [{ path: [...path, "campaign_groups"], value }], rare };
  const restricted: Change = {
    change: "set",
    key,
    value: `[${value.join(", ")}]`,
    evidence: sumOf(value.map((dbid) => seen(String(dbid)))),
    why: `not seen: ${changes.map((each) => each.value).join(", ")}`,
  };
  return { ...NOTHING, changes: [restricted], edits: [{ path: [...path, "campaign_groups"], value }] };
};
