/**
 * What the observing tenants' clients did, collected from the journal's entries in bounded memory. An intent is a
 * request that passed, also where the policy would have refused it (`would_refuse`); a refusal passed nothing.
 */
import { REFUSALS } from "../../gateway/refusals.ts";
import { isUlid, timeOfUlid } from "../../common/ulid.ts";
import type { Flood, Intent, Recorded, Refusal } from "../../journal/entry.ts";
import { isAttributeName } from "../../ocs/attributes.ts";
import { ACTION_NAMES, type ActionName } from "../../ocs/catalog.ts";
import type { Settings, TenantSettings } from "../../settings/schema/schema.ts";
import { Seen, type Sighting } from "./evidence.ts";
import { TenantMeters } from "./meters.ts";
import { ROWS } from "./refusal-kinds.ts";
import { Refused } from "./refused.ts";

export type NameKind = "list" | "campaign" | "group";

/** What one client did for one tenant. */
export type ClientTraffic = {
  readonly requests: Seen;
  readonly actions: Seen;
  /** Actions of requests that the policy allowed, and that were refused for a reason that passes. */
  readonly tried: Seen;
  /** DBIDs of campaign groups. */
  readonly groups: Seen;
  /** GETs of all campaign groups. */
  readonly lists: Seen;
};

/** Requests refused because the tenant does not have the name. `by`: what its clients wanted to do with it. */
export type RefusedNames = {
  readonly names: Seen;
  /** By name, client and action, as JSON. */
  readonly by: Seen;
};

type RefusedByKind = Readonly<Record<NameKind, RefusedNames>>;

const newRefused = (): RefusedByKind => ({
  list: { names: new Seen(), by: new Seen() },
  campaign: { names: new Seen(), by: new Seen() },
  group: { names: new Seen(), by: new Seen() },
});

/** A tenant that may ask for the same names as another one, whether it is learned or not. */
export type Rival = { readonly place: number; readonly settings: TenantSettings; readonly refused: RefusedByKind };

export class TenantTraffic {
  readonly clients = new Map<string, ClientTraffic>();
  readonly fields = new Seen();
  /** Requests with a field whose name the journal masks. */
  readonly maskedFields = new Seen();
  readonly lists = new Seen();
  readonly campaigns = new Seen();
  /** By the code of the refusal that the policy would have caused. */
  readonly wouldRefuse = new Seen();
  readonly refused = newRefused();
  readonly meters: TenantMeters;

  constructor(settings: Pick<TenantSettings, "limits" | "clients">) {
    this.meters = new TenantMeters(settings);
  }

  client(name: string): ClientTraffic {
    let known = this.clients.get(name);
    if (!known) {
      known = { requests: new Seen(), actions: new Seen(), tried: new Seen(), groups: new Seen(), lists: new Seen() };
      this.clients.set(name, known);
    }
    return known;
  }
}

const FOREIGN_OBJECT = REFUSALS["foreign-object"].code;
/** As `common/mask.ts` writes it. */
const MASK = "······";
export const isMasked = (name: string): boolean => name.includes(MASK);

const ACTIONS: ReadonlySet<string> = new Set(ACTION_NAMES);
const isAction = (name: unknown): name is ActionName => typeof name === "string" && ACTIONS.has(name);

const POINTED: Readonly<Record<string, NameKind>> = { "/GSW_CAMPAIGN_NAME": "campaign", "/GSW_CALLING_LIST": "list" };
const IDENTIFIED: Readonly<Record<string, NameKind>> = { lists: "list", campaigngroups: "group" };
/** Kinds of refusals that are no client's fault, or of a record that has ended: the next request may pass. */
const PASSING: ReadonlySet<unknown> = new Set(["record", "not available"]);
/** Stages after the tenant is charged. */
const CHARGED: ReadonlySet<unknown> = new Set(["body", "scope", "journal", "queue", "ocs"]);

type Owner = { readonly place: number; readonly settings: TenantSettings; readonly traffic: TenantTraffic };

/** Why the requests of the period taught nothing, apart from refusals. */
export type PassedOver = {
  /** Requests of tenants that are not in the config, or that do not observe. */
  readonly otherTenants: number;
  /** Requests of clients that the tenant does not list any more. */
  readonly otherClients: number;
  /** Requests of two tenants with the same name and DBID, on two OCS. */
  readonly ambiguous: number;
};

export class Traffic {
  readonly #owners: readonly Owner[];
  /** The tenants that are not learned. */
  readonly #others: readonly Rival[];
  readonly #byName = new Map<string, Owner[]>();
  readonly #passedOver = { otherTenants: 0, otherClients: 0, ambiguous: 0 };
  readonly refused: Refused;
  /** Requests that passed. */
  requests = 0;

  /** `places`: of the tenants that are learned. */
  constructor({ tenants }: Pick<Settings, "tenants">, places: readonly number[]) {
    this.#owners = places.map((place) => ({
      place,
      settings: tenants[place]!,
      traffic: new TenantTraffic(tenants[place]!),
    }));
    for (const owner of this.#owners) {
      const key = keyOf(owner.settings);
      this.#byName.set(key, [...(this.#byName.get(key) ?? []), owner]);
    }
    this.#others = tenants.flatMap((settings, place) =>
      places.includes(place) ? [] : [{ place, settings, refused: newRefused() }],
    );
    const clients = new Set(this.#owners.flatMap(({ settings }) => Object.keys(settings.clients)));
    const others = new Set(
      tenants.flatMap((tenant, place) => (places.includes(place) ? [] : Object.keys(tenant.clients))),
    );
    this.refused = new Refused((client) => clients.has(client) || !others.has(client));
  }

  get tenants(): readonly Owner[] {
    return this.#owners;
  }

  get rivals(): readonly Rival[] {
    return [
      ...this.#owners.map(({ place, settings, traffic: { refused } }) => ({ place, settings, refused })),
      ...this.#others,
    ];
  }

  get passedOver(): PassedOver {
    return this.#passedOver;
  }

  add(entry: Recorded): void {
    if (entry.kind === "intent") this.#addIntent(entry);
    else if (entry.kind === "refusal") this.#addRefusal(entry);
    else if (entry.kind === "flood") this.#addFlood(entry);
  }

  #addIntent(entry: Intent & Recorded): void {
    const owner = this.#ownerOf(entry.tenant, entry.client, this.#passedOver);
    if (!owner || !isAction(entry.action)) return;
    this.requests++;
    const { traffic } = owner;
    const client = traffic.client(entry.client);
    const sighting: Sighting = { time: entry.time, id: entry.id };
    client.requests.add("", sighting);
    client.actions.add(entry.action, sighting);
    if (entry.resource === "campaigngroups") {
      if (entry.identifier === null) client.lists.add("", sighting);
      else client.groups.add(entry.identifier, sighting);
    }
    if (entry.would_refuse !== undefined) traffic.wouldRefuse.add(entry.would_refuse, sighting);
    addNames(traffic, entry, sighting);
    traffic.meters.add(arrivalOf(entry), entry.client, entry.action);
  }

  #addRefusal(entry: Refusal & Recorded): void {
    const { tenant, client, action } = entry;
    const sighting: Sighting = { time: entry.time, id: entry.id };
    if (!tenant || typeof client !== "string") {
      this.refused.add(entry, sighting);
      return;
    }
    const named = entry.code === FOREIGN_OBJECT ? namesIn(entry) : [];
    for (const { settings, refused } of named.length === 0 ? [] : this.#others)
      if (keyOf(settings) === keyOf(tenant))
        for (const { kind, name } of named) refused[kind].names.add(name, sighting);
    const owner = this.#ownerOf(tenant, client);
    if (!owner) return;
    if (isAction(action) && CHARGED.has(entry.stage)) {
      owner.traffic.meters.add(arrivalOf(entry), client, action);
      if (entry.would_refuse === undefined && PASSING.has(ROWS.get(entry.code)?.kind))
        owner.traffic.client(client).tried.add(action, sighting);
    }
    for (const { kind, name } of named) {
      const { names, by } = owner.traffic.refused[kind];
      names.add(name, sighting);
      by.add(JSON.stringify([name, client, action ?? null]), sighting);
    }
    if (named.length === 0) this.refused.add(entry, sighting);
  }

  /** Refusals that the journal only counts. They name no object. */
  #addFlood(entry: Flood & Recorded): void {
    if (entry.tenant && !this.#byName.has(keyOf(entry.tenant))) return;
    for (const [code, count] of Object.entries(entry.codes ?? {}))
      this.refused.add({ ...entry, code }, { time: entry.time, id: entry.first_id, count });
  }

  /** `counts`: why a request has no owner. */
  #ownerOf(
    tenant: { readonly dbid: number; readonly name: string },
    client: string,
    counts: { -readonly [Key in keyof PassedOver]: number } = { ...this.#passedOver },
  ): Owner | undefined {
    const owners = this.#byName.get(keyOf(tenant)) ?? [];
    const [owner, another] = owners.filter(({ settings }) => Object.hasOwn(settings.clients, client));
    if (owner && !another) return owner;
    if (another) counts.ambiguous++;
    else if (owners.length > 0) counts.otherClients++;
    else counts.otherTenants++;
    return undefined;
  }
}

const keyOf = ({ dbid, name }: { readonly dbid: number; readonly name: string }): string => `${dbid} ${name}`;

/** Milliseconds since 1970. The id is made when the request arrives, the entry when it is about to be sent. */
const arrivalOf = ({ id, time }: { readonly id: string; readonly time: string }): number => {
  const written = Date.parse(time);
  const arrived = isUlid(id) ? timeOfUlid(id) : written;
  // A clock that was set in between makes the id's time useless.
  return Math.abs(written - arrived) < LONGEST_REQUEST_MS ? arrived : written;
};

const LONGEST_REQUEST_MS = 600_000;

const addNames = (traffic: TenantTraffic, entry: Intent, sighting: Sighting): void => {
  const { GSW_CALLING_LIST: list, GSW_CAMPAIGN_NAME: campaign } = entry.body;
  if (entry.resource === "lists" && entry.identifier !== null) traffic.lists.add(entry.identifier, sighting);
  if (typeof list === "string") traffic.lists.add(list, sighting);
  if (typeof campaign === "string") traffic.campaigns.add(campaign, sighting);
  for (const name of [...Object.keys(entry.body), ...(entry.dropped_fields ?? [])]) {
    if (isAttributeName(name)) continue;
    if (isMasked(name)) traffic.maskedFields.add("", sighting);
    else traffic.fields.add(name, sighting);
  }
};

type Named = { readonly kind: NameKind; readonly name: string };

/** The names that may be the cause; empty for an entry of an older gateway, which does not have the name. */
const namesIn = ({ pointer, named, resource, identifier }: Refusal): readonly Named[] => {
  const identified = IDENTIFIED[resource ?? ""];
  const inUri: readonly Named[] = identified && identifier ? [{ kind: identified, name: identifier }] : [];
  if (pointer === undefined) return inUri;
  const kind = POINTED[pointer];
  return kind && named !== undefined ? [{ kind, name: named }] : [];
};
