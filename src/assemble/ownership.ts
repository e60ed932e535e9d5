/** Whose record handles are: the memory of it, its file, which OCS counts, and what operators are told. It outlasts a change of settings. */
import { join } from "node:path";
import type { Counts } from "../console/counts.ts";
import type { HandlesState } from "../console/status.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Tenant } from "../journal/entry.ts";
import type { Settings } from "../settings/schema.ts";
import { needsOwner, openOwnershipStore, Ownership, type OwnershipNews, type OwnershipStore } from "../tenants/ownership.ts";
import { Announcers } from "../upstream/announcers.ts";
import type { Settled } from "../upstream/switchboard.ts";
import { createAlarms, type Alarms } from "./alarms.ts";
import type { Stops } from "./stops.ts";

export type Records = {
  readonly ownership: Ownership;
  /** By upstream. */
  readonly announcers: ReadonlyMap<string, Announcers>;
  readonly alarms: Alarms;
  /** For a switchboard that leads to these addresses. */
  readonly earFor: (upstream: string, origins: readonly string[]) => Ear;
};

/** Hears which OCS the requests of one switchboard go to, before the first of them goes. It counts from `open` on, and then no other of its upstream. */
export type Ear = { readonly hear: (settled: Settled | undefined) => void; readonly open: () => void };

type House = { readonly journal: Journal; readonly counts: Counts; /** Settings in force now. */ readonly current: () => Settings };

/** Callbacks without a stated time, and upstreams without callbacks. */
const STALE_AFTER_MS = 30 * 60_000;

export const startOwnership = async ({ upstreams, audit }: Settings, { journal, counts, current }: House, stops: Stops): Promise<Records> => {
  const alarms = createAlarms(journal, counts);
  const hearsOcs = Object.values(upstreams).some(({ callbacks }) => callbacks !== null);
  const store = hearsOcs ? await openStore(audit.dir) : undefined;
  const ownership = new Ownership({
    store,
    staleAfter: (upstream) => current().upstreams[upstream]?.callbacks?.stale_after ?? STALE_AFTER_MS,
    tell: (news) => alarms.raise(alarmOf(news, current())),
  });
  stops.push(() => ownership.close());
  const announcers = new Map<string, Announcers>();
  return { ownership, announcers, alarms, earFor: (upstream, origins) => earFor(ownership, announcers, { upstream, origins }) };
};

const openStore = async (dir: string): Promise<OwnershipStore> => {
  const store = await openOwnershipStore(join(dir, "ownership.sqlite"));
  if (store.putAside !== undefined) events.ownershipPutAside(store.putAside);
  return store;
};

type Way = { readonly upstream: string; readonly origins: readonly string[] };

const earFor = (ownership: Ownership, announcers: Map<string, Announcers>, { upstream, origins }: Way): Ear => {
  const own = new Announcers(origins);
  let last: Settled | undefined;
  const apply = (): void => {
    if (!last) return own.unsettle();
    // First what is void, then whose word counts.
    if (last.how === "start") ownership.resume(upstream, last.endpoint);
    else ownership.newEpoch(upstream, last.endpoint);
    own.settle(last.endpoint);
  };
  return {
    hear: (settled) => {
      last = settled;
      if (announcers.get(upstream) === own) apply();
    },
    open: () => {
      announcers.set(upstream, own);
      if (last) apply();
    },
  };
};

/** Of every tenant in force that needs an owner for its handles. */
export const handlesOf = (ownership: Ownership, { tenants }: Settings): readonly HandlesState[] => {
  const counts = new Map([...ownership.counts()].map(([upstream, tenant, handles]) => [JSON.stringify([upstream, tenant]), handles]));
  return tenants.filter(needsOwner).map(({ upstream, dbid, name }) => ({ upstream, tenant: name, handles: counts.get(JSON.stringify([upstream, dbid])) ?? 0 }));
};

type AlarmEntry = Parameters<Alarms["raise"]>[0];

const alarmOf = (news: OwnershipNews, { tenants }: Settings): AlarmEntry => {
  const { upstream } = news;
  const tenantOf = (is: (tenant: Settings["tenants"][number]) => boolean): { tenant?: Tenant } => {
    const found = tenants.find((tenant) => tenant.upstream === upstream && is(tenant));
    return found ? { tenant: { dbid: found.dbid, name: found.name } } : {};
  };
  switch (news.kind) {
    case "strays":
      // Not how many of them were another's: an auditor of this tenant may read it.
      return { reason: "a tenant asks for record handles that are not its own", upstream, ...tenantOf(({ dbid }) => dbid === news.tenant), resource: "records", detail: `${news.foreign + news.unknown} requests` };
    case "shared":
      return { reason: "one record handle was used by two tenants", upstream, ...tenantOf(({ name }) => name === news.tenants[1]), resource: "records", identifier: news.handle };
    case "disputed":
      return { reason: "a record handle in use was announced for another tenant: it is nobody's now", upstream, resource: "records", identifier: String(news.handle) };
    case "unstored":
      return { reason: "ownership cannot be written: announced records are nobody's", upstream, resource: "records", detail: news.reason };
  }
};
