/** Settings → one switchboard per upstream. They outlast a change of settings as long as they lead to the same OCS in the same way. */
import type { Counts } from "../console/counts.ts";
import type { UpstreamState } from "../console/status.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Settings, UpstreamSettings } from "../settings/schema.ts";
import type { Steps } from "../tenants/steps.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import { Switchboard, type UpstreamNews, type UpstreamOptions, type UpstreamStatus } from "../upstream/switchboard.ts";
import type { Alarms } from "./alarms.ts";
import type { Reading } from "./generation.ts";
import type { Ear } from "./ownership.ts";
import { inSlices } from "./slices.ts";
import { VERSION } from "./version.ts";
import { readSmallFile } from "../small-file.ts";

export type Board = {
  readonly switchboard: Switchboard;
  /** What its connections depend on. */
  readonly way: string;
  /** Hears which OCS its requests go to. */
  readonly ear: Ear;
  readonly report: Report;
};

/** The boards of a reading: those of before where the way is the same, and new ones that have not begun. `retune` gives the ones that stayed what has changed of theirs. */
export type Boards = {
  readonly boards: ReadonlyMap<string, Board>;
  readonly fresh: readonly Board[];
  readonly retune: () => void;
};

export type BoardParts = {
  readonly tell: (news: UpstreamNews) => void;
  readonly earFor: (upstream: string, origins: readonly string[]) => Ear;
  readonly epochOf: (upstream: string) => number;
};

export const boardsFor = async (
  reading: Reading,
  { tell, earFor, epochOf }: BoardParts,
  before: ReadonlyMap<string, Board> | undefined,
): Promise<Boards> => {
  const boards = new Map<string, Board>();
  const fresh: Board[] = [];
  const changes: (() => void)[] = [];
  const shares = await inSlices(shareSteps(reading.settings));
  const measures = (name: string, upstream: UpstreamSettings): Measures =>
    measuresOf(upstream, shares.get(name) ?? new Map());
  for (const [name, upstream] of Object.entries(reading.settings.upstreams)) {
    const way = wayOf(upstream, reading);
    const stays = before?.get(name);
    if (stays?.way === way) {
      boards.set(name, stays);
      changes.push(() => stays.switchboard.retune(measures(name, upstream)));
    } else {
      const ear = earFor(name, upstream.backup === null ? [upstream.primary] : [upstream.primary, upstream.backup]);
      const report = reportOf(tell, epochOf);
      const board = {
        way,
        ear,
        report,
        switchboard: new Switchboard({
          ...(await endpointsOf(upstream)),
          onePerTenant: upstream.lane_isolation === "tenant",
          userAgent: `ocs-gateway/${VERSION}`,
          ...measures(name, upstream),
          name,
          tell: report.say,
          epoch: () => epochOf(name),
          settled: ear.hear,
          inherits: stays?.switchboard,
        }),
      };
      const open = (): void => {
        stays?.report.end();
        const reported = stays && activeOf(stays);
        // The other one has gone over since this one looked.
        if (reported !== undefined && reported !== activeOf(board) && leadsTo(upstream, reported))
          board.switchboard.lookAgain();
        ear.open();
        report.open(reported);
      };
      // Later ones are heard when they are in force; the first one is before it begins.
      if (before) changes.push(open);
      else open();
      boards.set(name, board);
      fresh.push(board);
    }
  }
  for (const [name, board] of before ?? []) if (!boards.has(name)) changes.push(board.ear.leave);
  return { boards, fresh, retune: () => changes.forEach((change) => change()) };
};

const activeOf = ({ switchboard }: Board): string | undefined =>
  switchboard.status().endpoints.find(({ active }) => active)?.endpoint;
const leadsTo = ({ primary, backup }: UpstreamSettings, origin: string): boolean =>
  origin === primary || origin === backup;

/** What one board says of roles counts while it is in force: before that it waits, and afterwards the next board says it. */
type Report = {
  readonly say: (news: UpstreamNews) => void;
  /** `reported`: where the board before was by its own report. */
  readonly open: (reported: string | undefined) => void;
  readonly end: () => void;
};

const reportOf = (tell: (news: UpstreamNews) => void, epochOf: (upstream: string) => number): Report => {
  let stage: "waiting" | "open" | "over" = "waiting";
  let waiting: UpstreamNews[] = [];
  return {
    say: (news) => {
      if (news.kind === "suspicion" || stage === "open") tell(news);
      else if (stage === "waiting") waiting.push(news);
    },
    open: (reported) => {
      stage = "open";
      for (const news of waiting) {
        if (news.kind !== "switchover") tell(news);
        else if (news.to !== reported) tell({ ...news, epoch: epochOf(news.upstream) });
      }
      waiting = [];
    },
    end: () => {
      stage = "over";
    },
  };
};

const wayOf = (
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

type Measures = Pick<UpstreamOptions, "connections" | "answerTimeout" | "queue" | "shareOf" | "standby">;
type Shares = ReadonlyMap<string, number>;

/** By upstream and DBID. */
const shareSteps = function* ({ tenants }: Settings): Steps<ReadonlyMap<string, Shares>> {
  const shares = new Map<string, Map<string, number>>();
  for (const { upstream, dbid, share } of tenants) {
    let those = shares.get(upstream);
    if (!those) shares.set(upstream, (those = new Map()));
    // Whoever is not there has one.
    if (share !== 1) those.set(String(dbid), share);
    yield;
  }
  return shares;
};

const measuresOf = (upstream: UpstreamSettings, shares: Shares): Measures => ({
  connections: upstream.connections,
  answerTimeout: upstream.timeouts.answer,
  queue: { max: upstream.queue.max, maxBytes: upstream.queue.max_bytes, maxWait: upstream.queue.max_wait },
  standby: upstream.standby ?? undefined,
  shareOf: (tenant) => shares.get(tenant) ?? 1,
});

type TenantSettings = Settings["tenants"][number];

/** The tenants of one generation by upstream and DBID: made when first asked for. */
const indexes = new WeakMap<Settings["tenants"], ReadonlyMap<string, TenantSettings>>();

/** In the words of an upstream, which knows a tenant by its DBID. */
const tenantAt = (
  tenants: Settings["tenants"],
  upstream: string,
  dbid: string | undefined,
): TenantSettings | undefined => {
  let index = indexes.get(tenants);
  if (!index)
    indexes.set(tenants, (index = new Map(tenants.map((tenant) => [`${tenant.dbid} ${tenant.upstream}`, tenant]))));
  return dbid === undefined ? undefined : index.get(`${dbid} ${upstream}`);
};

/** What each upstream says of itself, for people: with tenants' names, and the DBID of a tenant that the settings have no more. */
export const statesOf = (boards: Iterable<Board>, { tenants }: Settings): UpstreamState[] =>
  [...boards].map(({ switchboard }) => {
    const status = switchboard.status();
    const named = <Of extends { readonly tenant: string | undefined }>(of: Of): Of =>
      of.tenant === undefined ? of : { ...of, tenant: tenantAt(tenants, status.name, of.tenant)?.name ?? of.tenant };
    const connected = (lane: UpstreamStatus["lanes"][number]): UpstreamState["lanes"][number] => ({
      ...named(lane),
      endpoint: lane.state === "idle" ? null : lane.endpoint,
    });
    return { ...status, lanes: status.lanes.map(connected), queue: status.queue.map(named) };
  });

type Ears = {
  readonly journal: Journal;
  readonly counts: Counts;
  readonly alarms: Alarms;
  readonly current: () => Settings;
};

/** What operators and the journal are told of an upstream: a change of roles, an OCS that is gone, an answer that may be another request's. */
export const tellOf =
  ({ journal, counts, alarms, current }: Ears) =>
  (news: UpstreamNews): void => {
    const { upstream } = news;
    if (news.kind === "down") return events.upstreamDown(upstream);
    if (news.kind === "standby") return events.standby(upstream, news.endpoint, news);
    if (news.kind === "reconnected") return events.reconnected(upstream, news.endpoint, news.reason);
    if (news.kind === "suspicion") {
      const tenant = tenantAt(current().tenants, upstream, news.tenant);
      return alarms.raise({
        reason: news.what,
        upstream,
        ...(tenant && { tenant: { dbid: tenant.dbid, name: tenant.name } }),
        detail: `lane ${news.lane}`,
      });
    }
    const { from, to, epoch, reason } = news;
    counts.switchover(upstream);
    events.switchover(upstream, from, to, epoch);
    journal.note({ kind: "switchover", upstream, from, to, epoch, reason });
  };
