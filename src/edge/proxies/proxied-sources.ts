/**
 * The client addresses that PROXY headers name, by connection. A TCP socket and the TLS socket on it are two objects,
 * so a connection is known by its addresses and ports.
 */
import type { Socket } from "node:net";

/** `source` is undefined if the proxy connects for itself, as for a health check. */
type Named = { readonly source: string | undefined };

export class ProxiedSources {
  readonly #named = new Map<string, Named>();

  /** The address that a PROXY header named for this connection; undefined without one. */
  of(socket: Socket): string | undefined {
    return this.#named.size === 0 ? undefined : this.#named.get(keyOf(socket))?.source;
  }

  /** A PROXY header named this client. A proxy may reuse a port before the `close` of its last connection from it. */
  name(socket: Socket, source: string | undefined): void {
    const key = keyOf(socket);
    const named = { source };
    this.#named.set(key, named);
    socket.once("close", () => {
      if (this.#named.get(key) === named) this.#named.delete(key);
    });
  }
}

const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
