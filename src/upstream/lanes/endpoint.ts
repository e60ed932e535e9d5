/** One OCS address, and connecting to it. */
import type { OnReadOpts, Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { faultInWords } from "../../common/system-error.ts";
import { networkCalls } from "./network-calls.ts";
import { contextOf, identityOf, type EndpointTls } from "./tls.ts";
import { describeTlsError } from "./tls-errors.ts";
import { TlsSessions } from "./tls-sessions.ts";

export type Endpoint = {
  /** scheme://host:port */
  readonly origin: string;
  readonly tls: EndpointTls;
  /** Milliseconds for TCP and TLS together. */
  readonly connectTimeout: number;
};

/**
 * A connection that could not be made. `local`: this host lacks file descriptors, ports or memory, which says nothing
 * about OCS. `invalid`: TLS failed. `closed`: OCS accepted the connection and closed it before TLS was established.
 */
export class ConnectFailed extends Error {
  readonly how: "local" | "refused" | "closed" | "silent" | "invalid";
  readonly code: string | undefined;
  constructor(how: ConnectFailed["how"], error: Error) {
    super(how === "invalid" ? describeTlsError(error) : faultInWords(error), { cause: error });
    this.name = "ConnectFailed";
    this.how = how;
    // For TLS errors the message is more specific than the code.
    this.code = how === "invalid" ? undefined : (error as NodeJS.ErrnoException).code;
  }
}

const LOCAL = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EAGAIN", "EADDRNOTAVAIL", "EADDRINUSE"]);
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET"]);
const CLOSED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);

/** `reached`: true if TCP was connected. */
const howFailed = (error: Error, reached: boolean): ConnectFailed["how"] => {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (LOCAL.has(code)) return "local";
  if (code === "ETIMEDOUT") return "silent";
  if (reached) return CLOSED.has(code) ? "closed" : "invalid";
  return REFUSED.has(code) ? "refused" : "silent";
};

const KEEP_ALIVE_MS = 30_000;
/** Later errors show as `close`; without a listener they would end the process. */
const ignore = (): void => undefined;

/** All connections read into this buffer, so receivers must copy what they keep. */
const readBuffer = Buffer.alloc(65_536);

type Reading = { readonly onread?: OnReadOpts };
type Target = { readonly host: string; readonly port: number } & Reading;

const readingTo = (onBytes: (bytes: Buffer) => void): Reading => ({
  onread: {
    buffer: readBuffer,
    callback: (length) => {
      onBytes(readBuffer.subarray(0, length));
      return true;
    },
  },
});

/**
 * Calls `done` when the connection can carry a request, or has failed; no byte of a request is sent before. `onBytes`
 * gets received bytes at once, without a stream in between; the buffer is reused after the call.
 */
export const connectTo = (
  endpoint: Endpoint,
  done: (error: Error | null, socket: Socket | null) => void,
  onBytes?: (bytes: Buffer) => void,
): void => {
  const { protocol, hostname, port } = new URL(endpoint.origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  const target: Target = {
    host,
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    ...(onBytes && readingTo(onBytes)),
  };
  const socket =
    protocol === "https:" ? overTls(endpoint, target) : networkCalls.connectTcp({ ...target, noDelay: true });
  const late = (): void =>
    void socket.destroy(new ConnectFailed("silent", new Error(`no connection within ${endpoint.connectTimeout} ms`)));
  const timer = setTimeout(late, endpoint.connectTimeout);
  let reached = false;
  const finish = (error: Error | null): void => {
    clearTimeout(timer);
    socket.off("error", finish).off("close", end).off(ready, succeed).on("error", ignore);
    done(
      error && (error instanceof ConnectFailed ? error : new ConnectFailed(howFailed(error, reached), error)),
      error ? null : socket,
    );
  };
  const succeed = (): void => finish(null);
  const end = (): void =>
    finish(
      new ConnectFailed(
        reached ? "closed" : "refused",
        new Error("the connection ended before it could carry a request"),
      ),
    );
  const ready = protocol === "https:" ? "secureConnect" : "connect";
  socket.once("connect", () => {
    reached = true;
  });
  socket.setKeepAlive(true, KEEP_ALIVE_MS).once("error", finish).once("close", end).once(ready, succeed);
};

const overTls = ({ tls, origin }: Endpoint, target: Target): TLSSocket => {
  const { host } = target;
  const sessions = sessionsOf(tls, origin);
  const offered = sessions.offer();
  const options: ConnectionOptions & Reading = {
    ...target,
    ...(offered && { session: offered.bytes }),
    secureContext: contextOf(tls),
    servername: tls.serverName ?? (/^[\d.]+$|:/.test(host) ? "" : host),
    rejectUnauthorized: true,
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_name, certificate) => identityOf(tls, host, certificate),
  };
  const socket = networkCalls.connectTls(options).setNoDelay(true);
  sessions.storeFrom(socket, offered);
  return socket;
};

/** TLS sessions by TLS settings and origin. */
const allSessions = new WeakMap<EndpointTls, Map<string, TlsSessions>>();

const sessionsOf = (tls: EndpointTls, origin: string): TlsSessions => {
  const byOrigin = allSessions.get(tls) ?? new Map<string, TlsSessions>();
  allSessions.set(tls, byOrigin);
  const sessions = byOrigin.get(origin) ?? new TlsSessions();
  byOrigin.set(origin, sessions);
  return sessions;
};
