/** Whose record handles are: the memory of it, its file, which OCS counts, and what operators are told. It outlasts a change of settings. */
import { join } from "node:path";
import type { Counts } from "../console/counts.ts";
import type { HandlesState } from "../console/status.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { LastSwitchovers } from "../journal/last-switchovers.ts";
import type { Tenant } from "../journal/entry.ts";
import type { Settings } from "../settings/schema.ts";
import {
  needsOwner,
  openOwnershipStore,
  Ownership,
  type OwnershipNews,
  type OwnershipStore,
  type StoreThread,
} from "../tenants/ownership.ts";
import { Announcers } from "../upstream/announcers.ts";
import type { Settled } from "../upstream/switchboard.ts";
import { createAlarms, type Alarms } from "./alarms.ts";
import { replayOutcomes } from "./replay-outcomes.ts";
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
export type Ear = {
  readonly hear: (settled: Settled | undefined) => void;
  readonly open: () => void;
  /** The upstream is not in the config any more, and nobody watches its OCS. */
  readonly leave: () => void;
};

type House = {
  readonly journal: Journal;
  readonly counts: Counts;
  /** Settings in force now. */
  readonly current: () => Settings;
  /** As the journal tells them; looked for in its lines when left out. */
  readonly switchovers?: LastSwitchovers;
  /** The SQLite thread when left out. */
  readonly storeThread?: () => StoreThread;
};

/** Callbacks without a stated time, and upstreams without callbacks. */
const STALE_AFTER_MS = 30 * 60_000;
const HANDLE_WINDOW = 64;

export const startOwnership = async ({ upstreams, audit }: Settings, house: House, stops: Stops): Promise<Records> => {
  const { journal, counts, current, switchovers, storeThread } = house;
  const alarms = createAlarms(journal, counts);
  const hearsOcs = Object.values(upstreams).some(({ callbacks }) => callbacks !== null);
  const journalSize = (): number => journal.status().size;
  let mark: (() => number) | undefined;
  const store = hearsOcs ? await openStore(audit.dir, () => mark?.(), storeThread?.()) : undefined;
  const { doubt, now: believed } = journal.believed();
  // Ages of handles go on from a time that is believed, by the monotonic clock.
  const ahead = doubt ? believed / 1000 - performance.now() : performance.timeOrigin;
  const ownership = new Ownership({
    store,
    journalSize,
    now: () => ahead + performance.now(),
    staleAfter: (upstream) => current().upstreams[upstream]?.callbacks?.stale_after ?? STALE_AFTER_MS,
    window: (upstream) => current().upstreams[upstream]?.handle_window ?? HANDLE_WINDOW,
    restartGrace: (upstream) => current().upstreams[upstream]?.restart_grace ?? 0,
    tell: (news) => tell(news, { journal, alarms, counts, settings: current() }),
  });
  stops.push(() => ownership.close());
  const isEmpty =
    store?.mark === 0 && [...ownership.counts()].every(({ owned, unconfirmed }) => owned + unconfirmed === 0);
  if (store) await replayOutcomes(journal, ownership, store.mark, { isEmpty, switchovers: switchovers?.all() });
  mark = () => ownership.mark;
  const announcers = new Map<string, Announcers>();
  return {
    ownership,
    announcers,
    alarms,
    earFor: (upstream, origins) => earFor(ownership, announcers, { upstream, origins }),
  };
};

const openStore = async (
  dir: string,
  mark: () => number | undefined,
  thread?: StoreThread,
): Promise<OwnershipStore> => {
  const store: OwnershipStore = await openOwnershipStore(join(dir, "ownership.sqlite"), {
    mark: () => mark() ?? store.mark,
    thread,
  });
  if (store.movedAside !== undefined) events.ownershipMovedAside(store.movedAside);
  return store;
};

type Way = { readonly upstream: string; readonly origins: readonly string[] };

export const earFor = (ownership: Ownership, announcers: Map<string, Announcers>, { upstream, origins }: Way): Ear => {
  const own = new Announcers(origins);
  let last: Settled | undefined;
  let wasOpened = false;
  const apply = (): void => {
    if (!last) {
      ownership.unsettle(upstream);
      return own.unsettle();
    }
    // First what is void, then whose word counts.
    ownership.settle(upstream, last);
    own.settle(last.endpoint);
  };
  return {
    hear: (settled) => {
      last = settled;
      const inForce = announcers.get(upstream);
      if (inForce === own) return apply();
      // It was replaced while it looked for OCS, and the next one will begin where it stands now: all was lost
      // nevertheless. One that has found OCS already knows by itself what it lost.
      if (wasOpened && settled?.how === "reconnected" && inForce?.isSettled === false) ownership.unconfirm(upstream);
    },
    open: () => {
      wasOpened = true;
      announcers.set(upstream, own);
      if (last) apply();
    },
    leave: () => ownership.unconfirm(upstream),
  };
};

/** Of every tenant in force that needs an owner for its handles. */
export const handlesOf = (ownership: Ownership, { tenants }: Settings): readonly HandlesState[] => {
  const counts = new Map(
    [...ownership.counts()].map((count) => [JSON.stringify([count.upstream, count.tenant]), count]),
  );
  return tenants.filter(needsOwner).map(({ upstream, dbid, name }) => {
    const { owned = 0, unconfirmed = 0 } = counts.get(JSON.stringify([upstream, dbid])) ?? {};
    return { upstream, tenant: name, handles: owned, unconfirmed };
  });
};

type Told = {
  readonly journal: Journal;
  readonly alarms: Alarms;
  readonly counts: Counts;
  readonly settings: Settings;
};

const tell = (news: OwnershipNews, { journal, alarms, counts, settings }: Told): void => {
  if (news.kind !== "epoch") return alarms[GOES_ON.has(news.kind) ? "raiseOngoing" : "raise"](alarmOf(news, settings));
  const { upstream, endpoint, epoch, reason, proof } = news;
  counts.switchover(upstream);
  events.epochBegun(upstream, epoch, reason);
  journal.note({ kind: "switchover", upstream, from: endpoint, to: endpoint, epoch, reason, proof });
};

/** Told again with each record, or each second, for as long as it lasts. */
const GOES_ON: ReadonlySet<OwnershipNews["kind"]> = new Set(["unstored", "unremoved"]);

type AlarmEntry = Parameters<Alarms["raise"]>[0];

const alarmOf = (news: Exclude<OwnershipNews, { kind: "epoch" }>, { tenants }: Settings): AlarmEntry => {
  if (news.kind === "unremoved") {
    return {
      reason: "owners that were taken away cannot be removed from the ownership database; it is retried",
      upstream: "",
      resource: "records",
      detail: `${news.count} changes wait`,
    };
  }
  const { upstream } = news;
  const tenantOf = (is: (tenant: Settings["tenants"][number]) => boolean): { tenant?: Tenant } => {
    const found = tenants.find((tenant) => tenant.upstream === upstream && is(tenant));
    return found ? { tenant: { dbid: found.dbid, name: found.name } } : {};
  };
  switch (news.kind) {
    case "strays":
      // Not how many of them were another's: an auditor of this tenant may read it.
      return {
        reason: "a tenant asks for record handles that are not its own",
        upstream,
        ...tenantOf(({ dbid }) => dbid === news.tenant),
        resource: "records",
        detail: `${news.foreign + news.unknown} requests`,
      };
    case "shared":
      return {
        reason: "one record handle was used by two tenants",
        upstream,
        ...tenantOf(({ name }) => name === news.tenants[1]),
        resource: "records",
        identifier: news.handle,
      };
    case "disputed":
      return { ...whyDisputed(news.malformed), upstream, resource: "records", identifier: String(news.handle) };
    case "unstored":
      return {
        reason: "the ownership database cannot be written: OCS is told not to dial what it announces",
        upstream,
        resource: "records",
        detail: news.reason,
      };
  }
};

const whyDisputed = (
  malformed: readonly string[] | undefined,
): { readonly reason: string; readonly detail?: string } => {
  if (!malformed) return { reason: "a record handle in use was announced for another tenant; it has no owner now" };
  if (malformed.length === 0)
    return {
      reason: "OCS announced a record whose tenant, group, campaign and list contradict each other; it has no owner",
    };
  return {
    reason: "OCS announced a record whose tenant, group, campaign or list is malformed; it has no owner",
    detail: `malformed: ${malformed.join(", ")}`,
  };
};
