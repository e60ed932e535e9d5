/** Settings → listeners. One that listens at the same address stays open when settings change; certificates, names, networks and sizes are swapped. */
import { BlockList } from "node:net";
import type { Counts } from "../console/counts.ts";
import { listen, type Listener, type ListenerOptions } from "../edge/listener.ts";
import type { Room } from "../edge/crowd.ts";
import { requireUsable, type TlsSettings } from "../edge/tls.ts";
import { events } from "../events.ts";
import type { Handler } from "../message.ts";
import { descriptorLimit, shareOut, within, type Share } from "../settings/descriptors.ts";
import type { ListenerSettings, Settings } from "../settings/schema.ts";
import type { PassedSockets } from "./passed-sockets.ts";
import { undo } from "./stops.ts";
import { readSmallFile } from "../small-file.ts";

/** By address. */
export type Listeners = ReadonlyMap<string, Listener>;

/** What is to listen next. New ones are open already. `commit` cannot fail: it swaps what has changed of those that stay. */
export type NextListeners = {
  readonly listeners: Listeners;
  readonly opened: readonly Listener[];
  readonly gone: readonly Listener[];
  readonly commit: () => void;
};

export type Open = { readonly before: Listeners; readonly sockets: PassedSockets };

type Behind = { readonly handler: Handler; readonly counts: Counts };

/** Rejects when an address is taken or a certificate cannot be used; then nothing new listens. */
export const listenersFor = async (
  settings: Settings,
  { handler, counts }: Behind,
  { before, sockets }: Open,
): Promise<NextListeners> => {
  const held = heldBySystemd(settings, before);
  if (held !== undefined) throw new Error(held);
  const listeners = new Map<string, Listener>();
  const opened: Listener[] = [];
  const changes: (() => void)[] = [];
  try {
    for (const each of settings.listeners) {
      const options = await optionsOf(each, settings, counts);
      const stays = before.get(addressOf(each));
      if (stays) changes.push(() => stays.update(options));
      else opened.push(await open({ ...options, fd: sockets.take(each.name, each.bind) }, handler));
      listeners.set(addressOf(each), stays ?? opened.at(-1)!);
    }
  } catch (error) {
    await undo(opened.map((listener) => () => listener.stop(0)));
    throw error;
  }
  return {
    listeners,
    opened,
    gone: [...before.values()].filter((listener) => ![...listeners.values()].includes(listener)),
    commit: () => changes.forEach((change) => change()),
  };
};

/**
 * In words, a listener whose passed socket these settings would leave: systemd would go on listening there, and clients
 * would connect and wait for nobody.
 */
export const heldBySystemd = ({ listeners }: Settings, before: Listeners): string | undefined => {
  const addresses = new Set(listeners.map(addressOf));
  const left = [...before].find(([address, { passed }]) => passed && !addresses.has(address))?.[1];
  if (!left) return undefined;
  const held = `systemd holds the socket of the listener ${left.name} (${left.url})`;
  return `${held}; to close or move it, change the socket unit too, and restart both`;
};

/** Free ports differ, however they are written. */
export const addressOf = ({ name, bind: { host, port } }: ListenerSettings): string =>
  port === 0 ? `${host}:0 ${name}` : `${host}:${port}`;

const open = async (options: ListenerOptions, handler: Handler): Promise<Listener> => {
  const listener = await listen(options, handler);
  events.listening(options.name, listener.url, listener.passed);
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
    room: roomOf(settings, max_connections, max_connections_per_source),
    ...(listener.tls !== "none" && { plainOnTls: counts.plainClientsOf(name) }),
  };
};

/** Where descriptors are too few, every listener has its part of what lanes and files leave. */
export const roomOf = (settings: Settings, max: number, maxPerSource = max): Room => {
  const room = within(max, shareOf(settings));
  return { max: room, maxPerSource: Math.min(maxPerSource, room) };
};

const shareOf = ({ listeners, upstreams, admin }: Settings): Share =>
  shareOut(
    {
      listeners,
      upstreams: Object.values(upstreams),
      hasAdmin: admin !== null,
      hasProbes: admin !== null && admin.probes !== null,
    },
    LIMIT,
  );

/** Descriptors that the process may have. It does not change while the process lives. */
export const LIMIT = descriptorLimit();

/** Rejects when files cannot be read, or OpenSSL does not take what they hold. */
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

export const blockList = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
};
