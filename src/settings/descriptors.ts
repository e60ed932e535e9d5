/**
 * File descriptors: how many this process may have, what needs one, and how they are shared out where they are too few. Lanes and files come first,
 * because a client that cannot connect asks again, and a lane that cannot loses every tenant's requests.
 */
import { readFileSync } from "node:fs";
import type { CallbacksSettings, ListenerSettings, UpstreamSettings } from "./schema.ts";

/** Connections of OCS and of registrars: a few pools. */
export const CALLBACKS_ROOM = 1000;
/** Probes, scrapers and a few people. */
export const ADMIN_ROOM = 200;

/** Files, watchers, threads and fetches of keys; an idle gateway has some 60. */
const FILES = 128;
/** On a lane's way from one OCS to the other, and through a reload, the old connection and the new one are there together. */
const PER_LANE = 2;
/** The watching connection, probes, name look-ups. */
const PER_UPSTREAM = 8;
/** Of the operator's validator. */
const PER_VALIDATOR = 64;

export type Opening = { readonly listeners: readonly Pick<ListenerSettings, "max_connections">[]; readonly upstreams: readonly Pick<UpstreamSettings, "connections" | "callbacks">[]; readonly hasAdmin: boolean };

/** Descriptors that are kept for what is no client's. */
export const reserveOf = ({ upstreams }: Pick<Opening, "upstreams">): number =>
  upstreams.reduce((sum, { connections, callbacks }) => sum + PER_LANE * connections + PER_UPSTREAM + (hasValidator(callbacks) ? PER_VALIDATOR : 0), FILES);

const hasValidator = (callbacks: CallbacksSettings | null): boolean => callbacks !== null && callbacks.validator !== null;

/** Connections that all listeners together would take. */
export const wantedBy = ({ listeners, upstreams, hasAdmin }: Opening): number =>
  listeners.reduce((sum, { max_connections: max }) => sum + max, upstreams.filter(({ callbacks }) => callbacks !== null).length * CALLBACKS_ROOM + (hasAdmin ? ADMIN_ROOM : 0));

/** `limit`: descriptors that the process may have; undefined without a limit. */
export type Share = { readonly limit: number | undefined; readonly reserve: number; readonly wanted: number; /** What part of its connections each listener may have: 1 where there are enough. */ readonly part: number };

export const shareOut = (opening: Opening, limit: number | undefined): Share => {
  const [reserve, wanted] = [reserveOf(opening), wantedBy(opening)];
  return { limit, reserve, wanted, part: limit === undefined ? 1 : Math.min(1, Math.max(0, limit - reserve) / wanted) };
};

/** A listener's share, and at least one connection. */
export const within = (max: number, { part }: Share): number => Math.max(1, Math.floor(max * part));

/** Descriptors that this process may have now. Node raises the soft limit to the hard one when it starts. Undefined where there is none. */
export const descriptorLimit = (): number | undefined => {
  const soft = process.platform === "linux" ? /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] : limitInReport();
  return soft === undefined || !/^[0-9]+$/.test(soft) ? undefined : Number(soft);
};

const limitInReport = (): string | undefined => {
  // Else it would look up a name for every connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: string | number } } };
  return userLimits?.open_files?.soft?.toString();
};
