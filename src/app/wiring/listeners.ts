/**
 * Makes listeners from the settings. A listener whose address stays the same stays open; its certificates, names,
 * networks and sizes are replaced.
 */
import { BlockList } from "node:net";
import type { Counts } from "../../admin/counters.ts";
import { listen, type Listener, type ListenerOptions } from "../../edge/listener.ts";
import type { Limits } from "../../edge/connection-limits.ts";
import { requireUsable, type TlsSettings } from "../../edge/tls.ts";
import { events } from "../../common/log/events.ts";
import type { Handler } from "../../common/message.ts";
import { descriptorLimit, shareDescriptors, connectionsWithin, type Share } from "../../settings/file-descriptors.ts";
import type { ListenerSettings, Settings } from "../../settings/schema/schema.ts";
import type { PassedSockets } from "./systemd-sockets.ts";
import { runShutdown } from "../shutdown.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";

/** By address. */
export type Listeners = ReadonlyMap<string, Listener>;

/**
 * The listeners after a change. `opened` are open already. `commit` replaces what has changed in those that stay open,
 * and cannot fail.
 */
export type NextListeners = {
  readonly listeners: Listeners;
  readonly opened: readonly Listener[];
  readonly removed: readonly Listener[];
  readonly commit: () => void;
};

export type Open = { readonly before: Listeners; readonly sockets: PassedSockets };

type ListenerDeps = { readonly handler: Handler; readonly counts: Counts; readonly isServing: () => boolean };

/** Rejects when an address is in use or a certificate is unusable; then no new listener is open. */
export const listenersFor = async (
  settings: Settings,
  { handler, counts, isServing }: ListenerDeps,
  { before, sockets }: Open,
): Promise<NextListeners> => {
  const problem = inheritedSocketProblem(settings, before);
  if (problem !== undefined) throw new Error(problem);
  const listeners = new Map<string, Listener>();
  const opened: Listener[] = [];
  const changes: (() => void)[] = [];
  try {
    for (const each of settings.listeners) {
      const options = await optionsOf(each, settings, counts);
      const existing = before.get(addressOf(each));
      if (existing) changes.push(() => existing.update(options));
      else opened.push(await open({ ...options, isServing, fd: sockets.take(each.name, each.bind) }, handler));
      listeners.set(addressOf(each), existing ?? opened.at(-1)!);
    }
  } catch (error) {
    await runShutdown(opened.map((listener) => () => listener.stop(0)));
    throw error;
  }
  return {
    listeners,
    opened,
    removed: [...before.values()].filter((listener) => ![...listeners.values()].includes(listener)),
    commit: () => changes.forEach((change) => change()),
  };
};

/**
 * An error text if these settings abandon a listener whose socket systemd passed: systemd would keep listening there,
 * and clients would connect without getting an answer.
 */
export const inheritedSocketProblem = (
  { listeners }: Pick<Settings, "listeners">,
  before: Listeners,
): string | undefined => {
  const addresses = new Set(listeners.map(addressOf));
  const left = [...before].find(
    ([address, { isSocketInherited }]) => isSocketInherited && !addresses.has(address),
  )?.[1];
  if (!left) return undefined;
  const problem = `systemd holds the socket of the listener ${left.name} (${left.url})`;
  return `${problem}; to close or move it, change the socket unit too, and restart both`;
};

/** Identifies a listener by its address. Listeners on port 0 get different ports, so their names are added. */
export const addressOf = ({ name, bind: { host, port } }: ListenerSettings): string =>
  port === 0 ? `${host}:0 ${name}` : `${host}:${port}`;

export const logListening = (
  listener: string,
  { url, isSocketInherited }: Pick<Listener, "url" | "isSocketInherited">,
): void => events.listening({ listener, address: url, ...(isSocketInherited && { socket: "passed by systemd" }) });

const open = async (options: ListenerOptions, handler: Handler): Promise<Listener> => {
  const listener = await listen(options, handler);
  logListening(options.name, listener);
  return listener;
};

const optionsOf = async (listener: ListenerSettings, settings: Settings, counts: Counts): Promise<ListenerOptions> => {
  const { upstreams } = settings;
  const { name, bind, names, allow_from, trusted_proxies, max_body, max_connections, max_connections_per_source } =
    listener;
  const aliases = Object.values(upstreams).flatMap((upstream) => upstream.aliases);
  return {
    name,
    ...bind,
    tls: await tlsOf(listener),
    names: [...names, ...aliases],
    allowFrom: allow_from === null ? undefined : blockList(allow_from),
    maxBody: max_body,
    trustedProxies: trusted_proxies.map(({ from, sends }) => ({ from: blockList(from), sends })),
    limits: limitsOf(settings, max_connections, max_connections_per_source),
    ...(listener.tls !== "none" && { onPlainHttp: counts.plainClientsOf(name) }),
  };
};

/** If file descriptors are too few, each listener gets its share of those that lanes and files leave. */
export const limitsOf = (settings: Settings, max: number, maxPerSource = max): Limits => {
  const room = connectionsWithin(max, shareOf(settings));
  return { max: room, maxPerSource: Math.min(maxPerSource, room) };
};

const shareOf = ({ listeners, upstreams, admin }: Settings): Share =>
  shareDescriptors(
    {
      listeners,
      upstreams: Object.values(upstreams),
      hasAdmin: admin !== null,
      hasProbes: admin !== null && admin.probes !== null,
    },
    LIMIT,
  );

/** Open file descriptors allowed for this process. The limit does not change while the process runs. */
export const LIMIT = descriptorLimit();

/** Rejects when a file cannot be read or OpenSSL rejects its content. */
export const tlsOf = async ({ tls }: Pick<ListenerSettings, "tls">): Promise<TlsSettings | undefined> =>
  tls === "none"
    ? undefined
    : requireUsable({
        cert: await readSmallFile(tls.cert),
        key: await readSmallFile(tls.key),
        minVersion: tls.min_version,
        clientCa: tls.client_ca === null ? undefined : await readSmallFile(tls.client_ca),
        clientCrl: tls.client_ca === null || tls.client_crl === null ? undefined : await readSmallFile(tls.client_crl),
        clientCertificates: tls.client_ca === null ? "none" : tls.client_certificates,
      });

/** `networks`: addresses or CIDR networks, already validated. */
export const blockList = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
};
