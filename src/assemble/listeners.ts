/** Settings → listeners. */
import { readFile } from "node:fs/promises";
import { BlockList } from "node:net";
import { listen, type Listener } from "../edge/listener.ts";
import type { TlsSettings } from "../edge/tls.ts";
import { events } from "../events.ts";
import type { Handler } from "../message.ts";
import type { ListenerSettings, Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";

const DRAIN_MS = 15_000;

export const startListeners = async (settings: Settings, handler: Handler, stops: Stops): Promise<Listener[]> => {
  const aliases = Object.values(settings.upstreams).flatMap((upstream) => upstream.aliases);
  const listeners: Listener[] = [];
  for (const listener of settings.listeners) {
    const { name, bind, names, allow_from, max_body } = listener;
    const started = await listen({
      name, ...bind, tls: await tlsOf(listener), names: [...names, ...aliases], allowFrom: allow_from === null ? undefined : blockList(allow_from), maxBody: max_body,
    }, handler);
    listeners.push(started);
    events.listening(name, started.url);
  }
  // In reverse order of the stops this comes first: no new work before what is under way has ended.
  stops.push(async () => void (await Promise.all(listeners.map((listener) => listener.stop(DRAIN_MS)))));
  return listeners;
};

export const tlsOf = async ({ tls }: Pick<ListenerSettings, "tls">): Promise<TlsSettings | undefined> =>
  tls === "none" ? undefined : {
    cert: await readFile(tls.cert, "utf8"),
    key: await readFile(tls.key, "utf8"),
    minVersion: tls.min_version,
    clientCa: tls.client_ca === null ? undefined : await readFile(tls.client_ca, "utf8"),
    clientCertificates: tls.client_ca === null ? "none" : tls.client_certificates,
  };

export const blockList = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
};
