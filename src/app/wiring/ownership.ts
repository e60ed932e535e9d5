/**
 * Ownership of record handles: the owners in memory, their database, which OCS may announce records, and events for
 * operators. A reload does not replace it.
 */
import { join } from "node:path";
import type { Counts } from "../../admin/counters.ts";
import type { HandlesState } from "../../admin/status.ts";
import { events } from "../../common/log/events.ts";
import type { Journal } from "../../journal/journal.ts";
import type { LastSwitchovers } from "../../journal/write/last-switchovers.ts";
import type { Tenant } from "../../journal/entry.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import {
  needsOwner,
  openOwnershipStore,
  Ownership,
  type OwnershipEvent,
  type OwnershipStore,
  type StoreThread,
} from "../../ownership/ownership.ts";
import { ActiveSource } from "../../callbacks/active-source.ts";
import type { ActiveChange } from "../../upstream/switchboard.ts";
import { createAlarms, type Alarms } from "./alarms.ts";
import { replayOutcomes } from "./replay-outcomes.ts";
import type { ShutdownSteps } from "../shutdown.ts";

export type Records = {
  readonly ownership: Ownership;
  /** By upstream. */
  readonly activeSources: ReadonlyMap<string, ActiveSource>;
  readonly alarms: Alarms;
  /** For a switchboard with these addresses. */
  readonly activeListenerFor: (upstream: string, origins: readonly string[]) => ActiveOcsListener;
};

/**
 * Gets the active OCS of one switchboard before the first request is sent to it. After `open`, it is the only listener
 * in force for its upstream.
 */
export type ActiveOcsListener = {
  readonly onActiveChange: (change: ActiveChange | undefined) => void;
  readonly open: () => void;
  /** The upstream was removed from the config, so its OCS is no longer watched. */
  readonly leave: () => void;
};

type OwnershipServices = {
  readonly journal: Journal;
  readonly counts: Counts;
  /** Settings in force now. */
  readonly current: () => Settings;
  /** The last switchovers according to the journal; when left out, they are read from its entries. */
  readonly switchovers?: LastSwitchovers;
  /** When left out, the SQLite thread. */
  readonly storeThread?: () => StoreThread;
};

/** Default for callbacks without `stale_after`, and for upstreams without callbacks. */
const STALE_AFTER_MS = 30 * 60_000;
const HANDLE_WINDOW = 64;

/**
 * Without callbacks there is no database. A corrupt database is moved aside, and record handles have no owner until OCS
 * announces them again.
 */
export const startOwnership = async (
  { upstreams, audit }: Settings,
  services: OwnershipServices,
  stops: ShutdownSteps,
): Promise<Records> => {
  const { journal, counts, current, switchovers, storeThread } = services;
  const alarms = createAlarms(journal, counts);
  const hasCallbacks = Object.values(upstreams).some(({ callbacks }) => callbacks !== null);
  const journalSize = (): number => journal.status().size;
  let mark: (() => number) | undefined;
  const store = hasCallbacks ? await openStore(audit.dir, () => mark?.(), storeThread?.()) : undefined;
  const { doubt, now: believed } = journal.believed();
  // Ages of handles start at a trusted time and then follow the monotonic clock.
  const ahead = doubt ? believed / 1000 - performance.now() : performance.timeOrigin;
  const ownership = new Ownership({
    store,
    journalSize,
    now: () => ahead + performance.now(),
    staleAfter: (upstream) => current().upstreams[upstream]?.callbacks?.stale_after ?? STALE_AFTER_MS,
    window: (upstream) => current().upstreams[upstream]?.handle_window ?? HANDLE_WINDOW,
    restartGrace: (upstream) => current().upstreams[upstream]?.restart_grace ?? 0,
    onEvent: (event) => reportEvent(event, { journal, alarms, counts, settings: current() }),
  });
  stops.push(() => ownership.close());
  const isEmpty =
    store?.mark === 0 && [...ownership.counts()].every(({ owned, unconfirmed }) => owned + unconfirmed === 0);
  if (store) await replayOutcomes(journal, ownership, store.mark, { isEmpty, switchovers: switchovers?.all() });
  mark = () => ownership.mark;
  const activeSources = new Map<string, ActiveSource>();
  return {
    ownership,
    activeSources,
    alarms,
    activeListenerFor: (upstream, origins) => activeOcsListenerFor(ownership, activeSources, { upstream, origins }),
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
  if (store.movedAside !== undefined) events.ownershipDbCorrupt({ file: store.movedAside });
  return store;
};

type Scope = { readonly upstream: string; readonly origins: readonly string[] };

export const activeOcsListenerFor = (
  ownership: Ownership,
  activeSources: Map<string, ActiveSource>,
  { upstream, origins }: Scope,
): ActiveOcsListener => {
  const own = new ActiveSource(origins);
  let last: ActiveChange | undefined;
  let wasOpened = false;
  const apply = (): void => {
    if (!last) {
      ownership.onLost(upstream);
      return own.onLost();
    }
    // First invalidate handles, then accept announcements.
    ownership.onActive(upstream, last);
    own.onActive(last.endpoint);
  };
  return {
    onActiveChange: (change) => {
      last = change;
      const inForce = activeSources.get(upstream);
      if (inForce === own) return apply();
      // A reload replaced this switchboard while it was searching for OCS. The new one inherits the result, but the
      // connections were lost all the same. A new one that has found OCS itself already knows what it lost.
      if (wasOpened && change?.how === "reconnected" && inForce?.isActiveKnown === false) ownership.unconfirm(upstream);
    },
    open: () => {
      wasOpened = true;
      activeSources.set(upstream, own);
      if (last) apply();
    },
    leave: () => ownership.unconfirm(upstream),
  };
};

/** Counts of handles for each tenant in force whose handles need an owner. */
export const handlesOf = (ownership: Ownership, { tenants }: Settings): readonly HandlesState[] => {
  const counts = new Map(
    [...ownership.counts()].map((count) => [JSON.stringify([count.upstream, count.tenant]), count]),
  );
  return tenants.filter(needsOwner).map(({ upstream, dbid, name }) => {
    const { owned = 0, unconfirmed = 0 } = counts.get(JSON.stringify([upstream, dbid])) ?? {};
    return { upstream, tenant: name, handles: owned, unconfirmed };
  });
};

type EventDeps = {
  readonly journal: Journal;
  readonly alarms: Alarms;
  readonly counts: Counts;
  readonly settings: Settings;
};

const reportEvent = (event: OwnershipEvent, { journal, alarms, counts, settings }: EventDeps): void => {
  if (event.kind !== "epoch")
    return alarms[ONGOING.has(event.kind) ? "raiseOngoing" : "raise"](alarmOf(event, settings));
  const { upstream, endpoint, from = endpoint, epoch, reason, proof } = event;
  counts.switchover(upstream);
  events.epochStarted({ upstream, epoch, reason });
  journal.note({ kind: "switchover", upstream, from, to: endpoint, epoch, reason, ...(proof && { proof }) });
};

/** Conditions that are reported again with each record, or each second, as long as they last. */
const ONGOING: ReadonlySet<OwnershipEvent["kind"]> = new Set(["store-failed", "removals-pending"]);

type AlarmEntry = Parameters<Alarms["raise"]>[0];

const alarmOf = (event: Exclude<OwnershipEvent, { kind: "epoch" }>, { tenants }: Settings): AlarmEntry => {
  if (event.kind === "removals-pending") {
    return {
      reason: "the ownership database cannot be written: revoked owners are still stored; the gateway retries",
      advice:
        "Requests are decided correctly while the gateway runs. Free disk space or repair the disk of audit.dir " +
        "before the gateway is restarted",
      upstream: "",
      resource: "records",
      detail: `${event.count} changes pending`,
    };
  }
  const { upstream } = event;
  const tenantOf = (is: (tenant: Settings["tenants"][number]) => boolean): { tenant?: Tenant } => {
    const found = tenants.find((tenant) => tenant.upstream === upstream && is(tenant));
    return found ? { tenant: { dbid: found.dbid, name: found.name } } : {};
  };
  switch (event.kind) {
    case "probes":
      // Only the sum: an auditor of this tenant may read it, and must not learn which handles other tenants have.
      return {
        reason: "a tenant requests record handles that do not belong to it",
        advice:
          "These requests got 410 OCSGW-2106, and many in a second 429 OCSGW-2108; nothing was sent to OCS. Find out " +
          "which of the tenant's clients sends them, and where it got the handles",
        upstream,
        ...tenantOf(({ dbid }) => dbid === event.tenant),
        resource: "records",
        detail: `${event.foreign + event.unknown} requests`,
      };
    case "shared-use":
      return {
        reason: "one record handle was used by two tenants",
        advice:
          "Both requests were sent to OCS, because the tenant's records setting is unscoped. Find out which of the " +
          "two tenants has the call; set records: pre-dial or registered to separate tenants",
        upstream,
        ...tenantOf(({ name }) => name === event.tenants[1]),
        resource: "records",
        identifier: event.handle,
      };
    case "disputed":
      return {
        ...whyDisputed(event.malformed),
        advice:
          "Requests with this handle get 503 OCSGW-5103 from the tenants that may own it, and 410 OCSGW-2106 from " +
          "others. Compare the tenants, groups, campaigns and lists in the config with OCS",
        upstream,
        resource: "records",
        identifier: String(event.handle),
      };
    case "store-failed":
      return {
        reason: "the ownership database cannot be written: the gateway tells OCS not to dial announced records",
        advice:
          "Requests by phone number, customer id, list and group are served as usual. Free disk space or repair the " +
          "disk of audit.dir; the gateway tries again with each record",
        upstream,
        resource: "records",
        detail: event.reason,
      };
    case "log-stalled":
      return {
        reason: "the shared log of record handles contains what this gateway cannot apply",
        advice:
          "Requests with record handles get 503 OCSGW-5103 here, and OCS is told not to dial; all others are served. " +
          "If another gateway has a newer version, upgrade this one; otherwise see the page Two gateways",
        upstream,
        resource: "records",
        detail: event.reason,
      };
    case "log-lost":
      return {
        reason: "the shared database has lost announcements of record handles",
        advice:
          "It was restored, or a standby took over that did not have the last commits. Requests with handles that " +
          "OCS has not announced since get 503 OCSGW-5103; all others are served. Make the standby synchronous",
        upstream,
        resource: "records",
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
