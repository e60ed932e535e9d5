/**
 * The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt): a header in front of a connection that names the
 * client's address. It is read from listed proxies only, and required of them: an optional header could be forged by a
 * client.
 */
import type { Socket } from "node:net";
import { plainAddress } from "../../common/net-address.ts";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Bytes of signature, version and command, family and transport, and the length of the rest. */
const HEAD = 16;
const LONGEST = 2048;
const [LOCAL, PROXY] = [0x20, 0x21];
const [UNSPECIFIED, TCP4, TCP6, UNIX] = [0x00, 0x11, 0x21, 0x31];
const HEADER_MS = 5000;

/** `source` is undefined when the proxy connects for itself, as health checks do, or names no IP address. */
export type ProxyHeader = { readonly length: number; readonly source: string | undefined };

/** Undefined while more bytes are needed. Throws RangeError when the bytes are no such header. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader | undefined => {
  const known = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known)))
    throw new RangeError("no PROXY protocol v2 header");
  if (bytes.length < HEAD) return undefined;
  const [command, family] = [bytes[12]!, bytes[13]!];
  const length = HEAD + bytes.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || length > LONGEST) {
    throw new RangeError("the PROXY header has an unknown version or command, or is too long");
  }
  if (bytes.length < length) return undefined;
  if (command === LOCAL || family === UNSPECIFIED || family === UNIX) return { length, source: undefined };
  const size = family === TCP4 ? 4 : family === TCP6 ? 16 : undefined;
  if (size === undefined || length < HEAD + 2 * size + 4) {
    throw new RangeError("the PROXY header is not about TCP, or is too short");
  }
  return { length, source: addressOf(bytes.subarray(HEAD, HEAD + size)) };
};

const addressOf = (bytes: Buffer): string => {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return plainAddress(groups.join(":"));
};

/**
 * Reads the PROXY header of a connection, then calls `done`; the bytes after the header stay unread. Without a valid
 * header within `HEADER_MS` the connection is closed.
 */
export const readProxyHeaderFrom = (socket: Socket, done: (source: string | undefined) => void): void => {
  let received: Buffer = Buffer.alloc(0);
  const reject = (): void => {
    stopListening();
    socket.destroy();
  };
  const receive = (bytes: Buffer): void => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    let header: ProxyHeader | undefined;
    try {
      header = readProxyHeader(received);
    } catch {
      return reject();
    }
    if (!header) return;
    stopListening();
    socket.pause();
    if (received.length > header.length) socket.unshift(received.subarray(header.length));
    done(header.source);
    socket.resume();
  };
  const timer = setTimeout(reject, HEADER_MS);
  const stopListening = (): void => {
    clearTimeout(timer);
    socket.off("data", receive);
    for (const end of ENDS) socket.off(end, reject);
  };
  socket.on("data", receive);
  for (const end of ENDS) socket.on(end, reject);
};

const ENDS = ["end", "error", "close"] as const;
