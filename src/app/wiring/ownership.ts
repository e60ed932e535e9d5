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
import type { Settings } from "../../settings/schema/schema.ts";
import {
  needsOwner,
  openOwnershipStore,
  type OwnershipEvent,
  type OwnershipOptions,
  Ownership,
  type OwnershipService,
  type OwnershipStore,
  type StoreThread,
} from "../../ownership/ownership.ts";
import type { LogStatus } from "../../ownership/replicated/options.ts";
import { ActiveSource } from "../../callbacks/active-source.ts";
import type { ActiveChange } from "../../upstream/switchboard.ts";
import { createAlarms, type Alarms } from "./alarms.ts";
import { startSharedOwnership } from "./cluster/shared-ownership.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { reportEvent } from "./records/ownership-events.ts";
import { replayOutcomes } from "./replay-outcomes.ts";
import type { ShutdownSteps } from "../shutdown.ts";

export type Records = {
  readonly ownership: OwnershipService;
  /** Where gateways share the owners: the state of each upstream's log. */
  readonly logs: (() => Iterable<LogStatus>) | undefined;
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
  /** Resolves when gateways that share record handles agree which OCS is active; undefined if they do. */
  readonly whenAgreed: () => Promise<void> | undefined;
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
  /** Undefined: this gateway alone has the owners. */
  readonly cluster?: Cluster | undefined;
  /** Called when another gateway is connected to this OCS, and this gateway to another one. */
  readonly onOtherOcs?: (upstream: string, endpoint: string) => void;
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
  settings: Settings,
  services: OwnershipServices,
  stops: ShutdownSteps,
): Promise<Records> => {
  const { journal, counts, current, cluster } = services;
  const alarms = createAlarms(journal, counts);
  const onEvent = (event: OwnershipEvent): void => reportEvent(event, { journal, alarms, counts, settings: current() });
  const settingsOf: OwnershipSettings = {
    staleAfter: (upstream) => current().upstreams[upstream]?.callbacks?.stale_after ?? STALE_AFTER_MS,
    window: (upstream) => current().upstreams[upstream]?.handle_window ?? HANDLE_WINDOW,
  };
  const shared = cluster && (await startSharedOwnership(cluster, { ...services, ...settingsOf, onEvent }, stops));
  const ownership = shared ?? (await startLocal(settings, { ...services, ...settingsOf, onEvent }, stops));
  const activeSources = new Map<string, ActiveSource>();
  return {
    ownership,
    logs: shared && (() => shared.status()),
    activeSources,
    alarms,
    activeListenerFor: (upstream, origins) => activeOcsListenerFor(ownership, activeSources, { upstream, origins }),
  };
};

type OwnershipSettings = Required<Pick<OwnershipOptions, "staleAfter" | "window">>;
type LocalServices = OwnershipServices & OwnershipSettings & Pick<OwnershipOptions, "onEvent">;

const startLocal = async (
  { upstreams, audit }: Settings,
  { journal, current, switchovers, storeThread, ...options }: LocalServices,
  stops: ShutdownSteps,
): Promise<Ownership> => {
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
    ...options,
    restartGrace: (upstream) => current().upstreams[upstream]?.restart_grace ?? 0,
  });
  stops.push(() => ownership.close());
  const isEmpty =
    store?.mark === 0 && [...ownership.counts()].every(({ owned, unconfirmed }) => owned + unconfirmed === 0);
  if (store) await replayOutcomes(journal, ownership, store.mark, { isEmpty, switchovers: switchovers?.all() });
  mark = () => ownership.mark;
  return ownership;
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
  ownership: OwnershipService,
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
    whenAgreed: () => ownership.whenAgreed(upstream),
  };
};

/** Counts of handles for each tenant in force whose handles need an owner. */
export const handlesOf = (ownership: OwnershipService, { tenants }: Settings): readonly HandlesState[] => {
  const counts = new Map(
    [...ownership.counts()].map((count) => [JSON.stringify([count.upstream, count.tenant]), count]),
  );
  return tenants.filter(needsOwner).map(({ upstream, dbid, name }) => {
    const { owned = 0, unconfirmed = 0 } = counts.get(JSON.stringify([upstream, dbid])) ?? {};
    return { upstream, tenant: name, handles: owned, unconfirmed };
  });
};
