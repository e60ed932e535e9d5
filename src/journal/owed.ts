/** Do-Not-Calls that OCS has not taken yet, a line for each number, tenant and scope, whoever asked how often. */
import { factsOf, type Story } from "./story.ts";

export type Owed = {
  readonly tenant: string | null;
  readonly tenant_dbid: number | null;
  /** As the journal shows it: masked, or a token. */
  readonly number: string | null;
  readonly resource: string;
  readonly token: string | null;
  /** What the request was restricted to; null for all of the tenant. */
  readonly campaign: string | null;
  readonly list: string | null;
  /** RFC 3339, when it was asked for first and last. */
  readonly first: string;
  readonly last: string;
  readonly tries: number;
  readonly clients: readonly string[];
  /** How the last try ended, with the status or code that says why. */
  readonly ended: string;
  /** Of the last try. */
  readonly id: string;
};

/** Stories of open Do-Not-Calls, in their order. */
export const owedOf = (stories: readonly Story[]): Owed[] => [...Map.groupBy(stories, keyOf).values()].map(itemOf).toSorted((one, other) => (one.first < other.first ? -1 : 1));

const keyOf = (story: Story): string => {
  const { tenant, client, resource, phone, customer, record, campaign, list } = factsOf(story);
  return JSON.stringify([tenant?.dbid ?? client, resource === "customer_ids" ? customer : phone ?? customer ?? record, campaign, list]);
};

const itemOf = (tries: readonly Story[]): Owed => {
  const all = tries.map(factsOf);
  const last = all.at(-1)!;
  const [entry] = tries.at(-1)!.entries;
  return {
    tenant: last.tenant?.name ?? null,
    tenant_dbid: last.tenant?.dbid ?? null,
    number: (entry && "identifier" in entry ? entry.identifier : undefined) ?? null,
    resource: last.resource ?? "",
    token: last.phone ?? last.customer ?? null,
    campaign: last.campaign ?? null,
    list: last.list ?? null,
    first: tries[0]!.entries[0]!.time,
    last: entry!.time,
    tries: tries.length,
    clients: [...new Set(all.flatMap(({ client }) => client ?? []))],
    ended: [last.state, last.code ?? last.status].filter((part) => part !== undefined).join(" "),
    id: last.id ?? "",
  };
};
