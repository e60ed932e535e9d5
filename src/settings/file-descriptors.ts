/**
 * File descriptors: the process's limit, how many the config needs, and how they are divided when they are too few.
 * Lanes and files come first: a client that cannot connect tries again, but a lane that cannot connect delays every
 * tenant.
 */
import { readFileSync } from "node:fs";
import type { CallbacksSettings, ListenerSettings, UpstreamSettings } from "./schema/schema.ts";

/** Maximum connections to a callbacks listener, by OCS and registrars. */
export const MAX_CALLBACKS_CONNECTIONS = 1000;
/** Maximum connections to the admin listener: probes, scrapers, a few users. */
export const MAX_ADMIN_CONNECTIONS = 200;
/** Maximum connections to the probes' listener. */
export const MAX_PROBES_CONNECTIONS = 50;

/** Descriptors for files, watchers, threads and fetching keys; an idle gateway uses about 60. */
const FILES = 128;
/** During a switchover or a reload a lane's old and new connections are open at the same time. */
const PER_LANE = 2;
/** Descriptors for the watch connection, probes and name look-ups. */
const PER_UPSTREAM = 8;
/** Connections to the operator's validator. */
const PER_VALIDATOR = 64;

export type Opening = {
  readonly listeners: readonly Pick<ListenerSettings, "max_connections">[];
  readonly upstreams: readonly Pick<UpstreamSettings, "connections" | "callbacks">[];
  readonly hasAdmin: boolean;
  readonly hasProbes: boolean;
};

/** Number of descriptors reserved for other purposes than client connections. */
export const reserveOf = ({ upstreams }: Pick<Opening, "upstreams">): number =>
  upstreams
    .map(({ connections, callbacks }) => PER_LANE * connections + PER_UPSTREAM + ofValidator(callbacks))
    .reduce((sum, each) => sum + each, FILES);

const ofValidator = (callbacks: CallbacksSettings | null): number =>
  callbacks === null || callbacks.validator === null ? 0 : PER_VALIDATOR;

/** Maximum number of connections of all listeners together. */
export const connectionsOf = ({ listeners, upstreams, hasAdmin, hasProbes }: Opening): number => {
  const clients = listeners.reduce((sum, { max_connections: max }) => sum + max, 0);
  const callbacks = upstreams.filter((each) => each.callbacks !== null).length * MAX_CALLBACKS_CONNECTIONS;
  return clients + callbacks + (hasAdmin ? MAX_ADMIN_CONNECTIONS : 0) + (hasProbes ? MAX_PROBES_CONNECTIONS : 0);
};

export type Share = {
  /** The process's limit of descriptors; undefined without a limit. */
  readonly limit: number | undefined;
  readonly reserve: number;
  readonly wanted: number;
  /** The fraction of its `max_connections` that each listener gets, from 0 to 1. */
  readonly part: number;
};

export const shareDescriptors = (opening: Opening, limit: number | undefined): Share => {
  const [reserve, wanted] = [reserveOf(opening), connectionsOf(opening)];
  return { limit, reserve, wanted, part: limit === undefined ? 1 : Math.min(1, Math.max(0, limit - reserve) / wanted) };
};

/** The number of connections that a listener accepts, at least one. */
export const connectionsWithin = (max: number, { part }: Share): number => Math.max(1, Math.floor(max * part));

/**
 * The process's limit of descriptors; undefined without a limit. Node raises the soft limit to the hard one at start.
 */
export const descriptorLimit = (): number | undefined => {
  const soft = process.platform === "linux" ? limitInProc() : limitInReport();
  return soft === undefined || !/^[0-9]+$/.test(soft) ? undefined : Number(soft);
};

const limitInProc = (): string | undefined =>
  /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];

const limitInReport = (): string | undefined => {
  // The network part of the report would look up a host name for every connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: string | number } } };
  return userLimits?.open_files?.soft?.toString();
};
