/**
 * Sends bytes over a TCP or TLS connection of their own, and waits until the receiver has closed it. TCP has no receipt
 * for what a program has read. But a receiver that closes in order after the gateway's end has read everything before
 * it: with unread bytes its system answers with a reset.
 */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Receiver } from "./send-datagrams.ts";

/** Contents of PEM files. `ca`: default: the system's. `server_name`: default: the host. */
export type StreamTls = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
};

export type StreamReceiver = Receiver & { readonly tls?: StreamTls | undefined };

export type StreamOptions = {
  /**
   * How long the connection stays open after the last byte was handed to the system, longer than a round trip: a
   * receiver that had closed it before answers these bytes with a reset.
   */
  readonly settleMs?: number;
  /** The longest time without progress. */
  readonly timeoutMs?: number;
};

/** Rejects unless the receiver closed the connection in order after all bytes; then any of them may have arrived. */
export const sendStream = (
  at: StreamReceiver,
  bytes: Uint8Array,
  { settleMs = 0, timeoutMs = 5000 }: StreamOptions = {},
): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = open(at);
  let state: "sending" | "ending" | "confirmed" = "sending";
  let fault: Error | undefined;
  let settle: NodeJS.Timeout | undefined;
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("the receiver did not answer in time")));
  socket.on("error", (error) => (fault ??= error));
  socket.once(at.tls ? "secureConnect" : "connect", () =>
    socket.write(bytes, (error) => {
      if (error || socket.destroyed) return;
      settle = setTimeout(() => {
        if (fault) return;
        state = "ending";
        socket.end();
      }, settleMs);
    }),
  );
  socket.on("end", () => {
    if (state === "ending") state = "confirmed";
    else fault ??= new Error("the receiver closed the connection before it had read everything");
  });
  socket.on("close", () => {
    clearTimeout(settle);
    if (state === "confirmed" && !fault) resolve();
    else reject(fault ?? new Error("the receiver closed the connection before it had read everything"));
  });
  socket.resume();
  return promise;
};

/** Connects, and closes the connection without a byte. Resolves to what TLS found. */
export const tryStream = async (at: StreamReceiver, timeoutMs: number): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = open(at);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("the receiver did not answer in time")));
  socket.once("error", reject);
  socket.once(at.tls ? "secureConnect" : "connect", resolve);
  try {
    await promise;
  } finally {
    socket.destroy();
  }
};

const open = ({ host, port, tls }: StreamReceiver): Socket => {
  if (!tls) return connect({ host, port });
  const { ca, cert, key, serverName } = tls;
  // A server name is not for addresses (RFC 6066).
  const servername = serverName ?? (isIP(host) === 0 ? host : undefined);
  return connectTls({
    host,
    port,
    minVersion: "TLSv1.2",
    ...(servername !== undefined && { servername }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  });
};
