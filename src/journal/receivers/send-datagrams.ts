/** Sends datagrams. UDP has no receipt; a connected socket at least reports a port at which nothing listens. */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { setTimeout } from "node:timers/promises";

export type Receiver = { readonly host: string; readonly port: number };

/** The largest payload of a datagram over IPv4. */
export const MOST_DATAGRAM_BYTES = 65_507;

/** Datagrams beyond this number wait a moment, so that a receiver's buffer does not overflow. */
const AT_ONCE = 100;
const PAUSE_MS = 10;

/**
 * Resolves when all datagrams are sent and, for `listenMs` after the last one, nothing has reported that the port is
 * closed. Rejects at the first error: then any of them may have arrived.
 */
export const sendDatagrams = async (
  { host, port }: Receiver,
  datagrams: readonly Uint8Array[],
  listenMs = 0,
): Promise<void> => {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const { promise: fault, reject } = Promise.withResolvers<never>();
  fault.catch(() => undefined);
  socket.on("error", reject);
  try {
    await Promise.race([fault, connected(socket, port, address)]);
    for (const [at, datagram] of datagrams.entries()) {
      await Promise.race([fault, sent(socket, datagram)]);
      if (at % AT_ONCE === AT_ONCE - 1) await Promise.race([fault, setTimeout(PAUSE_MS)]);
    }
    if (listenMs > 0) await Promise.race([fault, setTimeout(listenMs)]);
  } finally {
    socket.close();
  }
};

const connected = (socket: Socket, port: number, address: string): Promise<void> =>
  new Promise((resolve) => socket.connect(port, address, resolve));

const sent = (socket: Socket, datagram: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => socket.send(datagram, (error) => (error ? reject(error) : resolve())));
