/**
 * The matrix: for each pair of tenants and each kind of resource, what a client of the first one sends to reach what is
 * the second one's. With each request goes the same one about what no tenant has: both answers must be equal.
 */
import type { ActionName, ResourceName } from "../../ocs/catalog.ts";
import type { ProofResource } from "../../admin/api/evidence/isolation-proofs.ts";
import { isOwned, type Canary, type Nobody } from "./canaries.ts";
import type { Sent } from "./exchange.ts";

export type Cell = {
  readonly from: Canary;
  readonly to: Canary;
  readonly resource: ProofResource;
  readonly client: string;
  /** How the client tries it. */
  readonly says: string;
  readonly sent: Sent;
  /** The same about what no tenant has. */
  readonly absent: Sent;
};

/** What a request is about: in the URI and in the body. */
type About = {
  readonly phone: string;
  readonly customer: string;
  readonly list: string;
  readonly group: number;
  readonly handle: number;
};

type Way = {
  readonly resource: ResourceName;
  readonly says: string;
  /** The second one: about what no tenant has. */
  readonly sent: readonly [Sent, Sent];
  /** Also tried by the real clients of the tenant. */
  readonly isUsual?: true;
};

export const cellsOf = (canaries: readonly Canary[], nobody: Nobody): Cell[] =>
  canaries.flatMap((from) =>
    canaries.filter((to) => to !== from).flatMap((to) => cellsOfPair(from, to, { nobody, canaries })),
  );

type World = { readonly nobody: Nobody; readonly canaries: readonly Canary[] };

const cellsOfPair = (from: Canary, to: Canary, { nobody, canaries }: World): Cell[] => {
  const ways = waysTo(from, to, nobody);
  const cell = (client: string, { resource, says, sent: [sent, absent] }: Way): Cell => ({
    from,
    to,
    resource,
    client,
    says,
    sent,
    absent,
  });
  return [
    ...ways.map((way) => cell(from.client, way)),
    ...Object.keys(from.tenant.clients)
      .filter((client) => !Object.hasOwn(to.tenant.clients, client))
      .flatMap((client) => {
        const isShared = canaries.some((each) => each !== from && Object.hasOwn(each.tenant.clients, client));
        return ways
          .filter(({ isUsual }) => isUsual)
          .map((way) =>
            cell(
              client,
              isShared ? { ...way, sent: [forTenant(from, way.sent[0]), forTenant(from, way.sent[1])] } : way,
            ),
          );
      }),
  ];
};

/** A client of several tenants says for which of them it asks. */
const forTenant = ({ tenant }: Canary, sent: Sent): Sent => ({
  ...sent,
  headers: { ...sent.headers, "Ocsgw-Tenant": String(tenant.dbid) },
});

/** Only by what both tenants have: a list of the second one needs a list in the config. */
const waysTo = (from: Canary, to: Canary, nobody: Nobody): Way[] => [
  ...byNumber("phones", from, to, nobody),
  ...byNumber("customer_ids", from, to, nobody),
  ...lists(from, to, nobody),
  ...records(from, to, nobody),
  ...groups(from, to, nobody),
];

const about = (canary: Canary, over: Partial<About> = {}): About => ({
  phone: canary.phone,
  customer: canary.customer,
  list: canary.tenant.lists[0] ?? "",
  group: canary.tenant.campaign_groups[0]?.dbid ?? 0,
  handle: canary.handle ?? 0,
  ...over,
});

/** `body`: undefined for GET. */
export const asking = (
  resource: ResourceName,
  action: ActionName,
  of: About,
  body: object | undefined = action === "ReadStatus" ? undefined : {},
): Sent => {
  const identifier = {
    records: String(of.handle),
    phones: of.phone,
    customer_ids: of.customer,
    lists: encodeURIComponent(of.list),
    campaigngroups: String(of.group),
  }[resource];
  return action === "ReadStatus"
    ? { method: "GET", target: `/${resource}/${identifier}` }
    : { method: "POST", target: `/${resource}/${identifier}?req=${action}`, body };
};

/** Two OCSs may use the same names and DBIDs: then the first tenant asks for its own. */
const theirsOnly = (from: Canary, to: Canary) => {
  const isSameOcs = from.site === to.site;
  const only = <Value>(theirs: readonly Value[], own: readonly Value[]): Value[] =>
    theirs.filter((value) => isSameOcs || !own.includes(value));
  const [mine, theirs] = [from.tenant, to.tenant];
  return {
    dbid: only([theirs.dbid], [mine.dbid]),
    name: only([theirs.name], [mine.name]),
    campaigns: only(theirs.campaigns, mine.campaigns),
    lists: only(theirs.lists, mine.lists),
    groups: only(groupsOf(theirs), groupsOf(mine)),
  };
};

const groupsOf = ({ campaign_groups }: Canary["tenant"]): number[] => campaign_groups.map(({ dbid }) => dbid);

/** A number belongs to nobody by itself: the body says whose it is. */
const byNumber = (resource: "phones" | "customer_ids", from: Canary, to: Canary, nobody: Nobody): Way[] => {
  const inBody = (name: string, value: unknown): Sent => asking(resource, "DoNotCall", about(from), { [name]: value });
  const inHeader = (value: number): Sent => ({
    ...asking(resource, "DoNotCall", about(from)),
    headers: { "Ocsgw-Tenant": String(value) },
  });
  const way = (says: string, name: string, theirs: unknown, nobodys: unknown): Way => ({
    resource,
    says,
    sent: [inBody(name, theirs), inBody(name, nobodys)],
  });
  const { dbid, name, campaigns, lists: names } = theirsOnly(from, to);
  return [
    ...dbid.flatMap((each): Way[] => [
      { ...way("by the tenant's DBID in the body", "GSW_TENANT_DBID", each, nobody.dbid), isUsual: true },
      {
        resource,
        says: "by the tenant's DBID in the header Ocsgw-Tenant",
        sent: [inHeader(each), inHeader(nobody.dbid)],
      },
    ]),
    ...name.map((each) => way("by the tenant's name in the body", "GSW_TENANT_NAME", each, nobody.name)),
    ...campaigns.map((each) => way("by a campaign in the body", "GSW_CAMPAIGN_NAME", each, nobody.campaign)),
    ...names.map((each) => way("by a list in the body", "GSW_CALLING_LIST", each, nobody.list)),
  ];
};

const newRecord = (phone: string, campaign: string): object => ({
  GSW_CAMPAIGN_NAME: campaign,
  GSW_PHONE: phone,
  GSW_TZ_NAME: "GMT",
});

/** A record of the second tenant's number in the first one's list, and the reverse. */
const lists = (from: Canary, to: Canary, nobody: Nobody): Way[] => {
  const own = { list: from.tenant.lists[0], campaign: from.tenant.campaigns[0] };
  const theirs = theirsOnly(from, to);
  const add = (list: string, body: object): Sent => asking("lists", "AddRecord", about(from, { list }), body);
  const inTheirs = theirs.lists.map((list): Way => {
    const body = newRecord(from.phone, own.campaign ?? nobody.campaign);
    return {
      resource: "lists",
      says: "by the list in the URI",
      sent: [add(list, body), add(nobody.list, body)],
      isUsual: true,
    };
  });
  if (own.list === undefined || own.campaign === undefined) return inTheirs;
  const { list, campaign } = own;
  return [
    ...inTheirs,
    ...theirs.campaigns.map((each): Way => ({
      resource: "lists",
      says: "by the campaign in the body",
      sent: [add(list, newRecord(from.phone, each)), add(list, newRecord(from.phone, nobody.campaign))],
    })),
    ...theirs.dbid.map((dbid): Way => ({
      resource: "lists",
      says: "by the tenant's DBID in the body",
      sent: [
        add(list, { ...newRecord(from.phone, campaign), GSW_TENANT_DBID: dbid }),
        add(list, { ...newRecord(from.phone, campaign), GSW_TENANT_DBID: nobody.dbid }),
      ],
    })),
  ];
};

/** Whether the config lets a client of the first tenant use a handle of the second one. */
export const isRecordOpen = (from: Canary, to: Canary): boolean =>
  from.tenant.records === "unscoped" && from.site === to.site;

const records = (from: Canary, to: Canary, nobody: Nobody): Way[] => {
  if (to.handle === undefined || isRecordOpen(from, to)) return [];
  const theirs = to.handle;
  const way = (action: ActionName, says: string): Way => ({
    resource: "records",
    says,
    sent: [
      asking("records", action, about(from, { handle: theirs })),
      asking("records", action, about(from, { handle: nobody.handle })),
    ],
    isUsual: true,
  });
  return [
    way("UpdateCallCompletionStats", "by the handle, to change the record"),
    // Without owners each request may end a record.
    ...(isOwned(from) ? [way("RecordReject", "by the handle, to end the record")] : []),
  ];
};

const groups = (from: Canary, to: Canary, nobody: Nobody): Way[] => {
  const way = (action: ActionName, says: string, group: number): Way => ({
    resource: "campaigngroups",
    says,
    sent: [
      asking("campaigngroups", action, about(from, { group })),
      asking("campaigngroups", action, about(from, { group: nobody.group })),
    ],
    isUsual: true,
  });
  return theirsOnly(from, to).groups.flatMap((dbid) => [
    way("ReadStatus", "by its DBID, to read its status", dbid),
    way("StopDialing", "by its DBID, to stop it", dbid),
  ]);
};

/** What each tenant may do: without it, refusals would prove nothing. */
export type OwnRequest = { readonly of: Canary; readonly resource: ProofResource; readonly sent: Sent };

export const ownRequestsOf = (canary: Canary): OwnRequest[] => {
  const { tenant, handle } = canary;
  const own = (resource: ResourceName, sent: Sent): OwnRequest => ({ of: canary, resource, sent });
  const of = about(canary);
  return [
    own("phones", asking("phones", "DoNotCall", of)),
    own("customer_ids", asking("customer_ids", "DoNotCall", of)),
    ...(tenant.lists.length > 0 && tenant.campaigns.length > 0
      ? [own("lists", asking("lists", "AddRecord", of, newRecord(canary.phone, tenant.campaigns[0]!)))]
      : []),
    ...(handle === undefined ? [] : [own("records", asking("records", "UpdateCallCompletionStats", of))]),
    ...tenant.campaign_groups.map(({ dbid }) =>
      own("campaigngroups", asking("campaigngroups", "ReadStatus", { ...of, group: dbid })),
    ),
  ];
};
