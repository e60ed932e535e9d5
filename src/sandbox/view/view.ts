/**
 * The embedded OCS as people are shown it: phone numbers, customer ids and user fields are masked. Reading changes
 * nothing but what is due by the sandbox's clock.
 */
import { ACTION_NAMES } from "../../ocs/catalog.ts";
import { lastFour } from "../../common/mask.ts";
import type { ControlParts } from "../control/command.ts";
import type { Announcement } from "../dialer/announcements.ts";
import { diallingLists } from "../dialer/retrieve-records.ts";
import type { Fault, FiringNote } from "../faults/faults.ts";
import { KIND_NAMES, kindOf } from "../faults/kinds.ts";
import type { Instance, PendingRequest, RecordedRequest } from "../server/recorder.ts";
import { settle } from "../world/groups.ts";
import { valueOf, type World } from "../world/world.ts";
import { groupViews, type GroupView } from "./groups.ts";
import { listViews, recordsPage, type ListView, type RecordsPage } from "./lists.ts";
import { masked, type MaskedRequest } from "./masked.ts";

export type StateView = {
  /** ISO 8601, by the sandbox's clock. */
  readonly now: string;
  /** Milliseconds by which it is ahead of the machine's clock. */
  readonly ahead: number;
  readonly active: Instance;
  /** False: neither instance answers. */
  readonly answers: boolean;
  /** Counts switchovers from 1; record handles are valid within a run. */
  readonly run: number;
  readonly instances: {
    readonly instance: Instance;
    readonly connections: number;
    readonly requests: number;
    readonly violations: number;
  }[];
  readonly groups: GroupView[];
  readonly lists: ListView[];
  readonly handles: { readonly open: number; readonly oldest: HandleView[]; readonly stale_after: number };
  readonly dialer: DialerView;
  readonly faults: FaultView[];
};

/** A record that was retrieved and that no request has finalized. */
export type HandleView = {
  readonly handle: number;
  readonly tenant: string;
  readonly list: string;
  readonly group: number;
  readonly phone: string;
  readonly since: string;
  readonly stale_at: string;
};

export type DialerView = {
  /** Records per second; 0: off. */
  readonly rate: number;
  /** Names of the lists of running campaign groups. */
  readonly lists: string[];
  readonly validation_uri: string | null;
  readonly history_uri: string | null;
  /** The newest first. */
  readonly announcements: Announcement[];
};

export type FaultView = Omit<Fault, "firings" | "sees"> & {
  /** The newest first. */
  readonly firings: FiringNote[];
};

export type RequestView = MaskedRequest & {
  readonly number: number;
  readonly time: string;
  readonly instance: Instance;
  readonly connection: number;
  readonly action: string | null;
  readonly tenant: string | null;
  readonly state: "waiting" | "done" | "cut";
  readonly status: number | null;
  readonly faults: string[];
  /** The id of the gateway's request; null if no gateway of this process sent it. */
  readonly flow: string | null;
};

export type RequestsView = {
  readonly now: string;
  /** The newest first. */
  readonly requests: RequestView[];
  /** How many OCS has read since the start, or since the last reset. */
  readonly total: number;
  /** Of those in `requests` that no gateway of this process sent. */
  readonly past_gateway: number;
};

export type FaultKindView = {
  readonly kind: string;
  readonly sees: string;
  readonly assumes: string | null;
  readonly value: { readonly expected: string; readonly optional: boolean } | null;
  readonly selects: "requests" | "connections";
  /** Happens when it is added, unless action, tenant, count or probability select requests. */
  readonly at_once: boolean;
};

export type SandboxView = {
  readonly state: () => StateView;
  readonly fault: (id: string) => FaultView | undefined;
  readonly requests: () => RequestsView;
  /** Undefined: there is no such list. */
  readonly records: (
    list: number,
    page: { readonly offset: number; readonly limit: number },
  ) => RecordsPage | undefined;
  readonly faultKinds: () => {
    readonly kinds: FaultKindView[];
    readonly actions: string[];
    readonly tenants: string[];
  };
};

const MOST_REQUESTS = 100;
const MOST_HANDLES = 20;
const MOST_FIRINGS = 5;

export const createView = (parts: ControlParts): SandboxView => {
  const { world, pair } = parts;
  return {
    state: () => stateOf(parts),
    fault: (id) =>
      parts.faults
        .list()
        .filter((fault) => fault.id === id)
        .map(faultView)[0],
    requests: () => {
      const all: readonly (RecordedRequest | PendingRequest)[] = [
        ...pair.recorder.requests(),
        ...pair.recorder.pending(),
      ];
      const newest = all.toSorted((one, other) => other.number - one.number).slice(0, MOST_REQUESTS);
      const { primary, backup } = pair.recorder.counters();
      return {
        now: isoAt(world.clock.now()),
        requests: newest.map(requestView),
        total: primary.requests + backup.requests,
        past_gateway: newest.filter(({ flow }) => flow === undefined).length,
      };
    },
    records: (list, page) => recordsPage(world, list, page),
    faultKinds: () => ({
      kinds: KIND_NAMES.map(kindView),
      actions: [...ACTION_NAMES],
      tenants: world.db.all<{ name: string }>("SELECT name FROM tenant ORDER BY dbid").map(({ name }) => name),
    }),
  };
};

const isoAt = (ms: number): string => new Date(ms).toISOString();

const stateOf = ({ world, pair, dialer, faults }: ControlParts): StateView => {
  world.db.transaction(() => {
    settle(world);
  });
  const counters = pair.recorder.counters();
  const { rate, validationUri = null, historyUri = null } = dialer.settings();
  const now = world.clock.now();
  return {
    now: isoAt(now),
    ahead: world.clock.ahead(),
    active: pair.active(),
    answers: pair.answers(),
    run: valueOf(world, "run"),
    instances: (["primary", "backup"] as const).map((instance) => ({
      instance,
      connections: counters[instance].connections.open,
      requests: counters[instance].requests,
      violations: counters[instance].violations,
    })),
    groups: groupViews(world),
    lists: listViews(world),
    handles: handlesOf(world),
    dialer: {
      rate,
      lists: diallingLists(world).map(({ name }) => name),
      validation_uri: validationUri,
      history_uri: historyUri,
      announcements: dialer.announcements().map((each) => ({ ...each, phone: lastFour(each.phone) })),
    },
    faults: faults.list().map(faultView),
  };
};

const faultView = (fault: Fault): FaultView => {
  const { sees: _, firings, ...shown } = fault;
  return { ...shown, firings: firings.slice(-MOST_FIRINGS).reverse() };
};

type HandleRow = Omit<HandleView, "since" | "stale_at"> & { readonly opened_at: number };

const handlesOf = ({ db, staleTimeout }: World): StateView["handles"] => ({
  open: db.get<{ count: number }>("SELECT count(*) AS count FROM record_handle WHERE state = 'open'")!.count,
  stale_after: staleTimeout,
  oldest: db
    .all<HandleRow>(
      `SELECT handle, tenant.name AS tenant, calling_list.name AS list, group_dbid AS "group", contact_info AS phone,
        opened_at FROM record_handle JOIN record USING (record_id) JOIN calling_list ON calling_list.dbid = list_dbid
        JOIN tenant ON tenant.dbid = tenant_dbid WHERE state = 'open' ORDER BY opened_at, handle LIMIT ${MOST_HANDLES}`,
    )
    .map(({ opened_at, phone, ...row }) => ({
      ...row,
      phone: lastFour(phone),
      since: isoAt(opened_at * 1000),
      stale_at: isoAt(opened_at * 1000 + staleTimeout),
    })),
});

const requestView = (request: RecordedRequest | PendingRequest): RequestView => {
  const { number, time, instance, connection, action = null, tenant = null, flow = null } = request;
  const [status, faults] = "faults" in request ? [request.status, [...request.faults]] : [null, []];
  return {
    number,
    time,
    instance,
    connection,
    ...masked(request),
    action,
    tenant,
    state: !("faults" in request) ? "waiting" : status === null ? "cut" : "done",
    status,
    faults,
    flow,
  };
};

const kindView = (kind: (typeof KIND_NAMES)[number]): FaultKindView => {
  const { sees, assumes = null, value, selects = "requests", event } = kindOf(kind);
  return {
    kind,
    sees,
    assumes,
    value: value ? { expected: value.expected, optional: value.optional } : null,
    selects,
    at_once: event !== undefined,
  };
};
