/** A listener: TCP or TLS, and Node's HTTP server set to parse as strictly as it can. */
import { createServer as createHttp, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Handler } from "../common/message.ts";
import type { ConnectionCount } from "./connection-limits.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { ListenerDrain } from "./listener-drain.ts";
import { DEFAULT_TIMEOUTS, type ListenerOptions } from "./listener-options.ts";
import { MAX_HEAD } from "./parse-errors.ts";
import { RequestIntake } from "./request-intake.ts";
import { renewTls, tlsOptions } from "./tls.ts";

export { DEFAULT_LIMITS, DEFAULT_TIMEOUTS, type ListenerOptions } from "./listener-options.ts";

export type Listener = {
  readonly name: string;
  /** scheme://host:port */
  readonly url: string;
  readonly port: number;
  readonly connectionCount: () => ConnectionCount;
  /** True if another process, such as systemd, has the listening socket open too. */
  readonly isSocketInherited: boolean;
  /**
   * Applies new names, networks, sizes and certificates. Existing connections are kept, unless their client
   * certificate is no longer valid or one is now required; those close after the current reply, within 5 s. The
   * address, and whether the listener uses TLS, cannot change. Throws if the certificate cannot be used; then nothing
   * changes.
   */
  readonly update: (options: ListenerOptions) => void;
  /** Accepts no new connections. Each existing connection closes with its next reply, which has `Connection: close`. */
  readonly drain: () => void;
  /**
   * After `drain`: milliseconds since the last request arrived or was in progress. 0 while one is in progress, Infinity
   * without connections.
   */
  readonly idleFor: () => number;
  /** Accepts no new connections, closes idle ones, and closes busy ones after at most `graceMs`. */
  readonly stop: (graceMs: number) => Promise<void>;
};

/**
 * Interval of checking for clients that exceed a timeout. All found clients are refused in one iteration of the event
 * loop, so there must be few.
 */
const CHECK_MS = 25;
/**
 * While the event loop is busy, new connections wait in the kernel, up to this many or the system's limit. Beyond that
 * a client's SYN is dropped, and it tries again after a second.
 */
const BACKLOG = 4096;
/** Idle connections stay open, so TCP keep-alive detects those whose client is gone. */
const KEEP_ALIVE_MS = 60_000;

export const listen = async (options: ListenerOptions, handler: Handler): Promise<Listener> => {
  const { timeouts = DEFAULT_TIMEOUTS } = options;
  const intake = new RequestIntake(options, handler);
  const settings = {
    ...intake.serverClasses,
    maxHeaderSize: MAX_HEAD,
    insecureHTTPParser: false,
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    connectionsCheckingInterval: CHECK_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  };
  const server: Server = options.tls
    ? createHttps({ ...settings, ...tlsOptions(options.tls), allowHalfOpen: true })
    : createHttp(settings);
  // No idle timeout, because OCS's clients expect connections to stay open. Half-open connections are allowed, so that
  // a client that closes its sending side still gets its reply.
  Object.assign(server, {
    keepAliveTimeout: 0,
    headersTimeout: timeouts.head,
    requestTimeout: timeouts.request,
    maxHeadersCount: 100,
    maxRequestsPerSocket: 0,
    httpAllowHalfOpen: true,
  });
  const port = (intake.port = await bind(server, options));
  const seconds = setInterval(() => intake.tick(timeouts.reply), 1000).unref();
  server.once("close", () => clearInterval(seconds));
  const handshakes = options.tls
    ? HandshakeQueue.inFrontOf(server, {
        sourceOf: intake.sourceOf,
        onPlainHttp: intake.refusePlainHttp,
        ...(options.isServing && { isServing: options.isServing }),
      })
    : undefined;
  server.on("connection", (socket: Socket) => (intake.admit(socket) ? handshakes?.add(socket) : socket.destroy()));
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => intake.register(socket));
  intake.attachTo(server);
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, intake.accept);
  server.on("clientError", intake.parseFailed);
  server.on("connect", (_request, socket: Socket) => {
    // Node detaches such a socket from its server and no longer handles its errors.
    socket.on("error", () => socket.destroy());
    intake.parseFailed(Object.assign(new Error("CONNECT"), { code: "HPE_INVALID_METHOD" }), socket);
  });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const ending = new ListenerDrain(server, intake, handshakes, CHECK_MS);
  return {
    name: options.name,
    port,
    isSocketInherited: options.fd !== undefined,
    url: `${options.tls ? "https" : "http"}://${host}:${port}`,
    connectionCount: () => intake.connectionCount,
    update: (next) => update(server, intake, next),
    drain: () => void ending.drain(),
    idleFor: () => ending.idleFor(),
    stop: (graceMs) => ending.stop(graceMs),
  };
};

const update = (server: Server, intake: RequestIntake, options: ListenerOptions): void => {
  if (options.tls) renewTls(server, options.tls);
  intake.update(options);
};

const bind = (server: Server, { host, port, fd }: ListenerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...(fd === undefined ? { host, port } : { fd }), backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
