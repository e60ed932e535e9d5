/**
 * Makes one switchboard per upstream of the settings. A reload keeps a switchboard as long as its connections would be
 * made in the same way.
 */
import type { Counts } from "../../admin/counters.ts";
import type { Markers } from "../../admin/recent/markers.ts";
import { events } from "../../common/log/events.ts";
import type { LaneLeases } from "../../cluster/leases/lanes/lane-leases.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Settings, UpstreamSettings } from "../../settings/schema/schema.ts";
import type { Steps } from "../../common/steps.ts";
import type { Endpoint } from "../../upstream/lanes/endpoint.ts";
import { Switchboard, type UpstreamEvent, type UpstreamOptions } from "../../upstream/switchboard.ts";
import type { Alarms } from "./alarms.ts";
import { laneSettings } from "./cluster/lanes.ts";
import { tenantAt } from "./admin/upstream-states.ts";
import type { Reading } from "../config/reading.ts";
import type { ActiveOcsListener } from "./ownership.ts";
import { inSlices } from "../config/time-slices.ts";
import { VERSION } from "../version.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";

export type UpstreamEntry = {
  readonly switchboard: Switchboard;
  /** Everything that the connections depend on, serialized. */
  readonly connectionKey: string;
  /** Gets the active OCS, to which the requests go. */
  readonly activeListener: ActiveOcsListener;
  readonly gate: EventGate;
};

/**
 * The upstreams of a reading: existing ones whose connection key is the same, and `created` ones that have not begun.
 * `applyChanges` gives the existing ones their new tunables and puts the created ones in force.
 */
export type UpstreamEntries = {
  readonly entries: ReadonlyMap<string, UpstreamEntry>;
  readonly created: readonly UpstreamEntry[];
  readonly applyChanges: () => void;
};

export type UpstreamDeps = {
  readonly onEvent: (event: UpstreamEvent) => void;
  readonly activeListenerFor: (upstream: string, origins: readonly string[]) => ActiveOcsListener;
  readonly epochOf: (upstream: string) => number;
  readonly onSent?: UpstreamOptions["onSent"];
  /** Says how many lanes each upstream has; without it, `connections`. */
  readonly lanes?: LaneLeases | undefined;
};

/** Rejects when a file of an upstream cannot be read. `before`: the upstreams in force; undefined at the start. */
export const upstreamEntriesFor = async (
  reading: Reading,
  { onEvent, activeListenerFor, epochOf, onSent, lanes }: UpstreamDeps,
  before: ReadonlyMap<string, UpstreamEntry> | undefined,
): Promise<UpstreamEntries> => {
  const entries = new Map<string, UpstreamEntry>();
  const created: UpstreamEntry[] = [];
  const changes: (() => void)[] = [];
  const shares = await inSlices(shareSteps(reading.settings));
  const tunables = (name: string, upstream: UpstreamSettings): Tunables =>
    tunablesOf(upstream, shares.get(name) ?? new Map(), lanes ? lanes.limitOf(name) : upstream.connections);
  for (const [name, upstream] of Object.entries(reading.settings.upstreams)) {
    const key = connectionKeyOf(upstream, reading);
    const existing = before?.get(name);
    if (existing?.connectionKey === key) {
      entries.set(name, existing);
      changes.push(() => {
        lanes?.configure(name, laneSettings(upstream));
        existing.switchboard.retune(tunables(name, upstream));
      });
    } else {
      const activeListener = activeListenerFor(
        name,
        upstream.backup === null ? [upstream.primary] : [upstream.primary, upstream.backup],
      );
      const gate = eventGate(onEvent, epochOf);
      const switchboard: Switchboard = new Switchboard(
        {
          ...(await endpointsOf(upstream)),
          onePerTenant: upstream.lane_isolation === "tenant",
          userAgent: `ocs-gateway/${VERSION}`,
          ...tunables(name, upstream),
          name,
          onEvent: gate.pass,
          onSent,
          epoch: () => epochOf(name),
          onActiveChange: activeListener.onActiveChange,
          whenAgreed: activeListener.whenAgreed,
          beforeAssign: lanes?.check,
          onClosed: () => lanes?.remove(name, switchboard),
        },
        existing?.switchboard,
      );
      lanes?.add(name, laneSettings(upstream), switchboard);
      const entry = { connectionKey: key, activeListener, gate, switchboard };
      const open = (): void => {
        existing?.gate.close();
        const reported = existing && activeOf(existing);
        // The existing switchboard has seen a switchover since this one searched for the active OCS.
        if (reported !== undefined && reported !== activeOf(entry) && leadsTo(upstream, reported))
          entry.switchboard.recheckActive();
        activeListener.open();
        gate.open(reported);
      };
      // At the start the gate opens before the first search; after a reload, when the new settings are in force.
      if (before) changes.push(open);
      else open();
      entries.set(name, entry);
      created.push(entry);
    }
  }
  for (const [name, entry] of before ?? []) if (!entries.has(name)) changes.push(entry.activeListener.leave);
  return { entries, created, applyChanges: () => changes.forEach((change) => change()) };
};

const activeOf = ({ switchboard }: UpstreamEntry): string | undefined =>
  switchboard.status().endpoints.find(({ active }) => active)?.endpoint;
const leadsTo = ({ primary, backup }: UpstreamSettings, origin: string): boolean =>
  origin === primary || origin === backup;

/**
 * Forwards a switchboard's events about roles while the switchboard is in force. Earlier events wait until then; later
 * ones are dropped, because the next switchboard reports them.
 */
type EventGate = {
  readonly pass: (event: UpstreamEvent) => void;
  /** `reported`: the OCS that the previous switchboard reported as active. */
  readonly open: (reported: string | undefined) => void;
  readonly close: () => void;
};

const eventGate = (onEvent: (event: UpstreamEvent) => void, epochOf: (upstream: string) => number): EventGate => {
  let stage: "waiting" | "open" | "over" = "waiting";
  let waiting: UpstreamEvent[] = [];
  return {
    pass: (event) => {
      if (event.kind === "suspicion" || stage === "open") onEvent(event);
      else if (stage === "waiting") waiting.push(event);
    },
    open: (reported) => {
      stage = "open";
      for (const event of waiting) {
        if (event.kind !== "switchover") onEvent(event);
        else if (event.to !== reported) onEvent({ ...event, epoch: epochOf(event.upstream) });
      }
      waiting = [];
    },
    close: () => {
      stage = "over";
    },
  };
};

const connectionKeyOf = (
  { primary, backup, lane_isolation, tls, timeouts: { connect } }: UpstreamSettings,
  { files }: Reading,
): string =>
  JSON.stringify([
    primary,
    backup,
    lane_isolation,
    connect,
    tls,
    files.get(tls.ca ?? ""),
    files.get(tls.crl ?? ""),
    files.get(tls.cert ?? ""),
    files.get(tls.key ?? ""),
  ]);

/** Rejects when a file cannot be read. */
export const endpointsOf = async (upstream: UpstreamSettings): Promise<Pick<UpstreamOptions, "primary" | "backup">> => {
  const { min_version, ciphers, ca, crl, pins, cert, key, server_name } = upstream.tls;
  const tls = {
    ...(min_version !== null && { minVersion: min_version }),
    ...(ciphers !== null && { ciphers }),
    ...(ca !== null && { ca: await readSmallFile(ca) }),
    ...(crl !== null && { crl: await readSmallFile(crl) }),
    ...(pins !== null && { pins }),
    ...(cert !== null && { cert: await readSmallFile(cert) }),
    ...(key !== null && { key: await readSmallFile(key) }),
    ...(server_name !== null && { serverName: server_name }),
  };
  const endpoint = (origin: string): Endpoint => ({ origin, tls, connectTimeout: upstream.timeouts.connect });
  return {
    primary: endpoint(upstream.primary),
    backup: upstream.backup === null ? undefined : endpoint(upstream.backup),
  };
};

type Tunables = Pick<UpstreamOptions, "connections" | "answerTimeout" | "queue" | "shareOf" | "standby">;
type Shares = ReadonlyMap<string, number>;

/** Shares by upstream and DBID. */
const shareSteps = function* ({ tenants }: Settings): Steps<ReadonlyMap<string, Shares>> {
  const shares = new Map<string, Map<string, number>>();
  for (const { upstream, dbid, share } of tenants) {
    let those = shares.get(upstream);
    if (!those) shares.set(upstream, (those = new Map()));
    // A tenant without an entry has share 1.
    if (share !== 1) those.set(String(dbid), share);
    yield;
  }
  return shares;
};

const tunablesOf = (upstream: UpstreamSettings, shares: Shares, connections: number): Tunables => ({
  connections,
  answerTimeout: upstream.timeouts.answer,
  queue: { max: upstream.queue.max, maxBytes: upstream.queue.max_bytes, maxWait: upstream.queue.max_wait },
  standby: upstream.standby ?? undefined,
  shareOf: (tenant) => shares.get(tenant) ?? 1,
});

type EventDeps = {
  readonly journal: Journal;
  readonly counts: Counts;
  readonly markers?: Pick<Markers, "note">;
  readonly alarms: Alarms;
  readonly current: () => Settings;
  /** Gateways that share record handles report a switchover when the log has it: see `reportEvent`. */
  readonly isShared?: boolean;
};

const SUSPICION_ADVICE =
  "The gateway closed that connection, so that no answer reaches the wrong client; a request on it got 502 " +
  "OCSGW-4103, or an answer that may belong to another request. Check whether a proxy or firewall between the " +
  "gateway and OCS changes answers; otherwise ask OCS's vendor";

/** Logs, counts and journals an upstream's events: switchovers, lost connections, answers of another request. */
export const upstreamEventHandler =
  ({ journal, counts, markers, alarms, current, isShared = false }: EventDeps) =>
  (event: UpstreamEvent): void => {
    const { upstream } = event;
    if (event.kind === "down") {
      markers?.note({ kind: "down", upstream });
      return events.upstreamDown({ upstream });
    }
    if (event.kind === "standby") return logStandby(event);
    if (event.kind === "reconnected") {
      const { endpoint, reason } = event;
      markers?.note({ kind: "reconnected", upstream, endpoint, reason });
      return events.reconnected({ upstream, endpoint, reason });
    }
    if (event.kind === "suspicion") {
      const tenant = tenantAt(current().tenants, upstream, event.tenant);
      return alarms.raise({
        reason: event.what,
        advice: SUSPICION_ADVICE,
        upstream,
        ...(tenant && { tenant: { dbid: tenant.dbid, name: tenant.name } }),
        detail: `lane ${event.lane}`,
      });
    }
    if (isShared) return;
    const { from, to, epoch, reason } = event;
    counts.switchover(upstream);
    events.switchover({ upstream, from, to, epoch, reason });
    journal.note({ kind: "switchover", upstream, from, to, epoch, reason });
  };

const logStandby = ({
  upstream,
  endpoint,
  seen,
  detail,
  expected,
  healthy,
}: Extract<UpstreamEvent, { kind: "standby" }>): void =>
  events[healthy ? "standbyOcsHealthy" : "standbyOcsUnhealthy"]({ upstream, endpoint, seen, detail, expected });
