/**
 * The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt): a proxy of ours that passes bytes on says in front of
 * them from whom they are. It is read from listed addresses only, and demanded of them: what may or may not stand there
 * could be a client's own.
 */
import type { Socket } from "node:net";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Behind the signature: version and command, family and transport, the length of the rest. */
const HEAD = 16;
const LONGEST = 2048;
const [LOCAL, PROXY] = [0x20, 0x21];
const [UNSPECIFIED, TCP4, TCP6, UNIX] = [0x00, 0x11, 0x21, 0x31];
const PATIENCE_MS = 5000;

/** `source` is undefined where the proxy speaks for itself, as its health checks do, or of no address. */
export type ProxyHeader = { readonly length: number; readonly source: string | undefined };

/** Undefined while more bytes are needed; throws RangeError for what is no such header. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader | undefined => {
  const here = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, here).equals(SIGNATURE.subarray(0, here))) throw new RangeError("no PROXY protocol v2 header");
  if (bytes.length < HEAD) return undefined;
  const [command, family] = [bytes[12]!, bytes[13]!];
  const length = HEAD + bytes.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || length > LONGEST) {
    throw new RangeError("a PROXY protocol header of another version or command, or too long");
  }
  if (bytes.length < length) return undefined;
  if (command === LOCAL || family === UNSPECIFIED || family === UNIX) return { length, source: undefined };
  const size = family === TCP4 ? 4 : family === TCP6 ? 16 : undefined;
  if (size === undefined || length < HEAD + 2 * size + 4) {
    throw new RangeError("a PROXY protocol header that is not of TCP, or is too short");
  }
  return { length, source: addressOf(bytes.subarray(HEAD, HEAD + size)) };
};

const addressOf = (bytes: Buffer): string => {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const mapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  return mapped ? bytes.subarray(12).join(".") : compressed(groups);
};

/** As Node writes addresses (RFC 5952), so that one address has one spelling. */
const compressed = (groups: readonly string[]): string => {
  const { hostname } = new URL(`http://[${groups.join(":")}]`);
  return hostname.slice(1, -1);
};

/**
 * Reads the header in front of a connection, then hands it on with all that came behind. Whoever sends no header, another
 * one, or takes too long is sent away.
 */
export const behindHeader = (socket: Socket, done: (source: string | undefined) => void): void => {
  let said: Buffer = Buffer.alloc(0);
  const sendAway = (): void => {
    turnFrom();
    socket.destroy();
  };
  const hear = (bytes: Buffer): void => {
    said = said.length === 0 ? bytes : Buffer.concat([said, bytes]);
    let header: ProxyHeader | undefined;
    try {
      header = readProxyHeader(said);
    } catch {
      return sendAway();
    }
    if (!header) return;
    turnFrom();
    socket.pause();
    if (said.length > header.length) socket.unshift(said.subarray(header.length));
    done(header.source);
    socket.resume();
  };
  const patience = setTimeout(sendAway, PATIENCE_MS);
  const turnFrom = (): void => {
    clearTimeout(patience);
    socket.off("data", hear);
    for (const end of ENDS) socket.off(end, sendAway);
  };
  socket.on("data", hear);
  for (const end of ENDS) socket.on(end, sendAway);
};

const ENDS = ["end", "error", "close"] as const;
