/**
 * Lists, campaigns and campaign groups that clients named and that their tenant does not have (OCSGW-2104). Isolation
 * refused these requests, with mode: observe too, so nothing in the journal shows whose they are: a name is added only
 * when the operator says that these are the tenants' own, and never when another tenant has it or asks for it as well.
 */
import { isListName } from "../../ocs/identifiers.ts";
import { fold, sitesOf } from "../../settings/rules/compare.ts";
import { name as nameSchema } from "../../settings/schema/units.ts";
import type { Settings, TenantSettings } from "../../settings/schema/schema.ts";
import { Seen, type Evidence } from "./evidence.ts";
import type { RefusedName } from "./proposal.ts";
import { isMasked, type NameKind, type Rival, type TenantTraffic } from "./traffic.ts";

export type NameOptions = {
  readonly minRequests: number;
  /** The operator says that names that no other tenant has or uses are the tenant's own. */
  readonly acceptNames: boolean;
};

type Owner = { readonly place: number; readonly settings: TenantSettings; readonly traffic: TenantTraffic };

const KINDS: readonly NameKind[] = ["list", "campaign", "group"];

/** By place of the tenant, in the order of requests, most frequent first. */
export const judgeNames = (
  settings: Settings,
  { tenants: owners, rivals: all }: { readonly tenants: readonly Owner[]; readonly rivals: readonly Rival[] },
  options: NameOptions,
): ReadonlyMap<number, readonly RefusedName[]> => {
  const siteOf = sites(settings);
  return new Map(
    owners.map((owner) => [
      owner.place,
      KINDS.flatMap((kind) =>
        owner.traffic.refused[kind].names.entries().map(([name, evidence]): RefusedName => {
          const neighbours = settings.tenants.filter(
            (tenant, place) => place !== owner.place && siteOf(tenant) === siteOf(owner.settings),
          );
          const rivals = all.filter(
            (other) => other.place !== owner.place && siteOf(other.settings) === siteOf(owner.settings),
          );
          return {
            kind,
            name,
            evidence,
            ...judge({ kind, name, evidence }, owner, { neighbours, rivals, ...options }),
          };
        }),
      ).toSorted((one, other) => other.evidence.requests - one.evidence.requests),
    ]),
  );
};

const sites = ({ upstreams }: Settings): ((tenant: TenantSettings) => string) => {
  const bySite = sitesOf({
    upstreams: Object.entries(upstreams).map(([name, value]) => ({ name, value })),
    upstreamNames: Object.keys(upstreams),
  });
  return ({ upstream }) => bySite.get(upstream) ?? upstream;
};

type Around = NameOptions & { readonly neighbours: readonly TenantSettings[]; readonly rivals: readonly Rival[] };
type Asked = { readonly kind: NameKind; readonly name: string; readonly evidence: Evidence };

const judge = (
  { kind, name, evidence }: Asked,
  { settings }: Owner,
  { neighbours, rivals, minRequests, acceptNames }: Around,
): Pick<RefusedName, "verdict" | "detail"> => {
  if (isMasked(name))
    return { verdict: "masked", detail: "the journal masks numbers in it: ask the client's developers" };
  const folded = fold(name);
  const holders = neighbours.filter((tenant) => namesOf(tenant, kind).some((own) => fold(own) === folded));
  if (holders.length > 0) return { verdict: "another tenant's", detail: quoted(holders.map((each) => each.name)) };
  const spelled = namesOf(settings, kind).find((own) => own !== name && fold(own) === folded);
  if (spelled !== undefined)
    return { verdict: "spelled differently", detail: `the tenant has ${JSON.stringify(spelled)}` };
  const users = rivals.filter(({ refused }) => refused[kind].names.names().some((own) => fold(own) === folded));
  if (users.length > 0)
    return { verdict: "two tenants use it", detail: `also ${quoted(users.map((each) => each.settings.name))}` };
  if (kind === "group")
    return {
      verdict: "unknown group",
      detail: "add it to campaign_groups, with its name in OCS, if it is this tenant's",
    };
  if (kind === "list" ? !isListName(name) : !isName(name))
    return { verdict: "not a name", detail: `a ${kind} cannot have this name` };
  if (evidence.requests < minRequests) return { verdict: "rare", detail: "" };
  return { verdict: acceptNames ? "added" : "may be added", detail: "" };
};

const isName = (text: string): boolean => nameSchema.safeParse(text).success;

const namesOf = (tenant: TenantSettings, kind: NameKind): readonly string[] =>
  kind === "list"
    ? tenant.lists
    : kind === "campaign"
      ? tenant.campaigns
      : tenant.campaign_groups.map(({ dbid }) => String(dbid));

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");

/** What the clients wanted to do with the names that are added: by client, the actions. */
export const actionsFor = ({ refused }: TenantTraffic, names: readonly RefusedName[]): ReadonlyMap<string, Seen> => {
  const actions = new Map<string, Seen>();
  for (const { kind, name, verdict } of names) {
    if (verdict !== "added") continue;
    for (const [id, { requests, first, ids }] of refused[kind].by.entries()) {
      const [of, client, action] = JSON.parse(id) as [string, string, string | null];
      if (of !== name || action === null) continue;
      const seen = actions.get(client) ?? new Seen();
      seen.add(action, { time: first, id: ids[0], count: requests });
      actions.set(client, seen);
    }
  }
  return actions;
};
