/**
 * Which connections a listener accepts: those from the networks of `allow_from`; that of a proxy that must send a PROXY
 * header only after the header was read. Other connections are closed before anything else sees them.
 */
import type { BlockList, Server, Socket } from "node:net";
import { isWithin } from "../common/net-address.ts";
import type { ProxiedSources } from "./proxies/proxied-sources.ts";
import { readProxyHeaderFrom } from "./proxies/proxy-protocol.ts";
import { headerOfProxy, type TrustedProxies } from "./proxies/trusted-proxies.ts";

type Rules = { readonly allowFrom: BlockList | undefined; readonly trustedProxies?: TrustedProxies };

/** Takes over the server's `connection` listeners, which get the accepted connections only. */
export const acceptAllowed = (server: Server, rules: () => Rules, proxied: Pick<ProxiedSources, "name">): void => {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  const accept = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.on("connection", (socket: Socket) => {
    const { allowFrom, trustedProxies = [] } = rules();
    const peer = socket.remoteAddress ?? "";
    if (allowFrom && !isWithin(allowFrom, peer)) return void socket.destroy();
    // The peer has disconnected, so it is unknown whether it was a proxy.
    if (trustedProxies.length > 0 && peer === "") return void socket.destroy();
    if (trustedProxies.length === 0 || headerOfProxy(trustedProxies, peer) !== "proxy-protocol") return accept(socket);
    readProxyHeaderFrom(socket, (source) => {
      proxied.name(socket, source);
      accept(socket);
    });
  });
};
