/**
 * Connections of proxies that say in front of each for whom it is: whose they are, by what a TCP connection and the TLS in
 * it have in common.
 */
import type { BlockList, Server, Socket } from "node:net";
import { isWithin } from "../network.ts";
import { behindHeader } from "./proxy-protocol.ts";
import { wayOf, type TrustedProxies } from "./trusted-proxies.ts";

type Rules = { readonly allowFrom: BlockList | undefined; readonly trustedProxies?: TrustedProxies };

/** Undefined where the proxy speaks for itself. */
type Named = { readonly source: string | undefined };

export class NamedSources {
  readonly #all = new Map<string, Named>();

  /** The address that a proxy named for this connection; undefined where none did. */
  of(socket: Socket): string | undefined {
    return this.#all.size === 0 ? undefined : this.#all.get(keyOf(socket))?.source;
  }

  /**
   * What the server does with each connection, it does from now on with those that may come, and behind the header of a
   * proxy that has to send one.
   */
  standBefore(server: Server, rules: () => Rules): void {
    const takers = server.listeners("connection");
    server.removeAllListeners("connection");
    const takeIn = (socket: Socket): void => {
      for (const take of takers) take.call(server, socket);
    };
    server.on("connection", (socket: Socket) => {
      const { allowFrom, trustedProxies = [] } = rules();
      const peer = socket.remoteAddress ?? "";
      if (allowFrom && !isWithin(allowFrom, peer)) return void socket.destroy();
      // It has gone already, and nobody can say any more whether it was a proxy's.
      if (trustedProxies.length > 0 && peer === "") return void socket.destroy();
      if (trustedProxies.length === 0 || wayOf(trustedProxies, peer) !== "proxy-protocol") return takeIn(socket);
      behindHeader(socket, (source) => {
        this.#name(socket, source);
        takeIn(socket);
      });
    });
  }

  /** The proxy may use a port again before the end of its last connection from there is told. */
  #name(socket: Socket, source: string | undefined): void {
    const key = keyOf(socket);
    const named = { source };
    this.#all.set(key, named);
    socket.once("close", () => {
      if (this.#all.get(key) === named) this.#all.delete(key);
    });
  }
}

const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
