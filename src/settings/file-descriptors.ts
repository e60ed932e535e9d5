/**
 * File descriptors: how many this process may have, what needs one, and how they are shared out when they are too
 * few. Lanes and files come first: a client that cannot connect tries again, but a lane that cannot connect delays
 * the requests of every tenant.
 */
import { readFileSync } from "node:fs";
import type { CallbacksSettings, ListenerSettings, UpstreamSettings } from "./schema.ts";

/** Connections of OCS and of registrars: a few pools. */
export const CALLBACKS_ROOM = 1000;
/** Probes, scrapers and a few people. */
export const ADMIN_ROOM = 200;
/** Probes and scrapers. */
export const PROBES_ROOM = 50;

/** Files, watchers, threads and fetches of keys; an idle gateway has some 60. */
const FILES = 128;
/** During a switchover or a reload a lane's old connection and its new one are open together. */
const PER_LANE = 2;
/** The watching connection, probes, name look-ups. */
const PER_UPSTREAM = 8;
/** Of the operator's validator. */
const PER_VALIDATOR = 64;

export type Opening = {
  readonly listeners: readonly Pick<ListenerSettings, "max_connections">[];
  readonly upstreams: readonly Pick<UpstreamSettings, "connections" | "callbacks">[];
  readonly hasAdmin: boolean;
  readonly hasProbes: boolean;
};

/** Descriptors that are kept for what is no client's. */
export const reserveOf = ({ upstreams }: Pick<Opening, "upstreams">): number =>
  upstreams
    .map(({ connections, callbacks }) => PER_LANE * connections + PER_UPSTREAM + ofValidator(callbacks))
    .reduce((sum, each) => sum + each, FILES);

const ofValidator = (callbacks: CallbacksSettings | null): number =>
  callbacks === null || callbacks.validator === null ? 0 : PER_VALIDATOR;

/** Connections that all listeners together would take. */
export const wantedBy = ({ listeners, upstreams, hasAdmin, hasProbes }: Opening): number => {
  const clients = listeners.reduce((sum, { max_connections: max }) => sum + max, 0);
  const callbacks = upstreams.filter((each) => each.callbacks !== null).length * CALLBACKS_ROOM;
  return clients + callbacks + (hasAdmin ? ADMIN_ROOM : 0) + (hasProbes ? PROBES_ROOM : 0);
};

export type Share = {
  /** Descriptors that the process may have; undefined without a limit. */
  readonly limit: number | undefined;
  readonly reserve: number;
  readonly wanted: number;
  /** The part of its connections that each listener may have, from 0 to 1. */
  readonly part: number;
};

export const shareOut = (opening: Opening, limit: number | undefined): Share => {
  const [reserve, wanted] = [reserveOf(opening), wantedBy(opening)];
  return { limit, reserve, wanted, part: limit === undefined ? 1 : Math.min(1, Math.max(0, limit - reserve) / wanted) };
};

/** A listener's share, and at least one connection. */
export const within = (max: number, { part }: Share): number => Math.max(1, Math.floor(max * part));

/**
 * Descriptors that this process may have now; undefined without a limit. Node raises the soft limit to the hard one
 * when it starts.
 */
export const descriptorLimit = (): number | undefined => {
  const soft = process.platform === "linux" ? limitInProc() : limitInReport();
  return soft === undefined || !/^[0-9]+$/.test(soft) ? undefined : Number(soft);
};

const limitInProc = (): string | undefined =>
  /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];

const limitInReport = (): string | undefined => {
  // Otherwise the report looks up a host name for every connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: string | number } } };
  return userLimits?.open_files?.soft?.toString();
};
