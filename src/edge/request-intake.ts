/**
 * The requests of one listener: admits connections, reads requests and writes replies. Handles the requests of each
 * connection one after another.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { events } from "../common/log/events.ts";
import type { Fault, Handler } from "../common/message.ts";
import { acceptAllowed } from "./allow-from.ts";
import { ClientArrival, headerLines, ServerRequest, unparsedArrival } from "./arrival.ts";
import { ownAuthorities } from "./authority.ts";
import { ClientTrust, type TrustSettings } from "./client-trust.ts";
import { Connection } from "./connection.ts";
import { ConnectionLimits, type ConnectionCount } from "./connection-limits.ts";
import { mountExpress, type MountedExpress, type RequestHandler } from "./express.ts";
import { DEFAULT_LIMITS, type ListenerOptions } from "./listener-options.ts";
import { faultOf, isAboutRequest } from "./parse-errors.ts";
import { ProxiedSources } from "./proxies/proxied-sources.ts";
import { guard } from "./request-guard.ts";
import { namesOf } from "./tls.ts";
import { clientAddress } from "./proxies/trusted-proxies.ts";
import { beginStream, writeRawReply, writeReply } from "./write-reply.ts";

/** The config keys of the limits. */
const LIMIT_KEYS = { max: "max_connections", maxPerSource: "max_connections_per_source" } as const;
const SECOND = 1000;
const MINUTE = 60_000;
const PLAIN_ON_TLS: Fault = {
  kind: "ambiguous",
  detail: "this port speaks TLS, and the request came in clear text: use https:// in place of http://",
};

/** The property of a socket that refers to its connection. */
const CONNECTION = Symbol("connection");
type ClientSocket = Socket & { [CONNECTION]?: Connection };

export class RequestIntake {
  /** The port that the listener is bound to; set before the first connection. */
  port = 0;
  #isDraining = false;
  /** While draining: when a request last arrived or was in progress, on the monotonic clock. */
  #lastActivity = -Infinity;
  #options: ListenerOptions;
  readonly #handler: Handler;
  readonly #express: MountedExpress<ServerRequest>;
  readonly #connections = new Set<Connection>();
  readonly #limits: ConnectionLimits;
  readonly #trust: ClientTrust;
  #limitLoggedAt = -Infinity;
  readonly #plainHttp = { loggedAt: -Infinity, unlogged: 0 };
  readonly #proxied = new ProxiedSources();
  /** By local address. */
  readonly #authorities = new Map<string, (authority: string) => boolean>();

  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#express = mountExpress(ServerRequest, this.#handle);
    this.#limits = new ConnectionLimits(options.limits ?? DEFAULT_LIMITS);
    this.#trust = new ClientTrust(trustIn(options));
  }

  /** The classes of the server's requests and responses. */
  get serverClasses(): MountedExpress<ServerRequest>["serverClasses"] {
    return this.#express.serverClasses;
  }

  get connectionCount(): ConnectionCount {
    return this.#limits.count;
  }

  /** Applies new options. Connections that they do not allow close with the current reply. */
  update(options: ListenerOptions): void {
    this.#trust.update(trustIn(options));
    this.#options = options;
    this.#authorities.clear();
    this.#limits.limits = options.limits ?? DEFAULT_LIMITS;
    for (const connection of this.#connections) if (!this.#isAllowed(connection)) connection.retire();
  }

  #isAllowed({ certificate }: Connection): boolean {
    return certificate
      ? this.#trust.peerOf(certificate).fault === undefined
      : this.#options.tls?.clientCertificates !== "require";
  }

  /** Checks `allowFrom` and reads PROXY headers before anything else sees a connection. */
  attachTo(server: Server): void {
    acceptAllowed(server, () => this.#options, this.#proxied);
  }

  /** The client's address: the peer's, or the one that a PROXY header named. */
  readonly sourceOf = (socket: Socket): string => this.#proxied.of(socket) ?? socket.remoteAddress ?? "";

  /** Counts a new connection. Returns false if it is over a limit and must be closed. */
  admit(socket: Socket): boolean {
    const source = this.sourceOf(socket);
    const limit = this.#limits.admit(socket, source);
    if (limit === undefined) return true;
    // At most one line a second.
    if (performance.now() - this.#limitLoggedAt >= SECOND) {
      events.connectionLimitReached({ listener: this.#options.name, limit: LIMIT_KEYS[limit], source });
      this.#limitLoggedAt = performance.now();
    }
    return false;
  }

  /** The connection of this socket; the first call registers it. */
  register(socket: ClientSocket): Connection {
    return (socket[CONNECTION] ??= this.#open(socket));
  }

  #open(socket: Socket): Connection {
    const connection = new Connection(socket, this.sourceOf(socket), (fault) => {
      // Not writable if the last reply closed the connection.
      if (socket.writable) void this.#refuse(socket, connection.source, fault);
    });
    if (this.#options.tls && this.#options.tls.clientCertificates !== "none") {
      const certificate = (connection.certificate = this.#trust.inspect(socket as TLSSocket));
      connection.peerNow = certificate && (() => this.#trust.peerOf(certificate));
    }
    this.#connections.add(connection);
    this.#noteActivity();
    socket.once("close", () => this.#connections.delete(connection));
    return connection;
  }

  /** Called once a second. `maxReply`: how long a client may take to read a reply, in milliseconds. */
  tick(maxReply: number): void {
    for (const connection of this.#connections) connection.tick(Math.ceil(maxReply / SECOND));
  }

  /** Makes each connection close with its next reply. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#noteActivity();
  }

  #noteActivity(): void {
    if (this.#isDraining) this.#lastActivity = performance.now();
  }

  /** `handshakesWait`: true if clients wait for their TLS handshake. */
  idleFor(handshakesWait: boolean): number {
    if (this.#limits.size === 0) return Infinity;
    const now = performance.now();
    if (handshakesWait || this.#connections.values().some(({ isBusy }) => isBusy)) this.#lastActivity = now;
    return now - this.#lastActivity;
  }

  closeSilent(): void {
    for (const connection of this.#connections) connection.closeIfSilent();
  }

  closeAll(): void {
    this.#limits.closeAll();
  }

  readonly accept = (request: ServerRequest, response: ServerResponse): void => {
    const connection = this.register(request.socket);
    this.#noteActivity();
    connection.enqueue(() => this.#begin(request, response, connection));
  };

  /** Begins a request when its turn has come, with the options at that time. */
  #begin(request: ServerRequest, response: ServerResponse, connection: Connection): void {
    if (response.destroyed || request.socket.destroyed) return connection.next();
    response.on("close", connection.next);
    const headers = headerLines(request.rawHeaders);
    const head = { version: request.httpVersion, method: request.method ?? "", target: request.url ?? "", headers };
    const { name: listener, maxBody, allowsHttp10, trustedProxies = [] } = this.#options;
    const fault = guard(head, { maxBody, isOurs: this.#authoritiesAt(connection.address), allowsHttp10 });
    const peer = connection.peerNow?.();
    // The certificate has become invalid since the handshake. The client can send a new one on a new connection only.
    if (peer?.fault !== undefined && connection.certificate!.fault === undefined) connection.closeAfterReply();
    const source =
      trustedProxies.length === 0 ? connection.source : clientAddress(trustedProxies, connection.source, headers);
    const parts = { connection, source, headers, fault, peer, listener, maxBody };
    request.arrival = new ClientArrival(request, response, parts);
    if (fault) void this.#handle(request, response);
    else this.#express.app(request, response);
  }

  /** Handles an error of Node's parser: passes it to the request in progress; without one, sends a refusal. */
  readonly parseFailed = (error: NodeJS.ErrnoException, socket: Socket): void => {
    const connection = this.register(socket);
    if (connection.fault || (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && connection.isHeldBack)) return;
    if (!socket.writable || !isAboutRequest(error, socket)) return void socket.destroy();
    // A client that closes its side in the middle of a request still gets the replies to earlier ones.
    if (error.code === "HPE_INVALID_EOF_STATE" && !connection.isBusy) return void socket.destroy();
    connection.fail(faultOf(error, connection.isBusy));
    if (!connection.isBusy) void this.#refuse(socket, connection.source, connection.fault!);
  };

  readonly #handle: RequestHandler<ServerRequest> = (request, response) =>
    this.#reply(request, response).catch((error: unknown) => endConnection(request.socket, request.arrival!.id, error));

  async #reply(request: ServerRequest, response: ServerResponse): Promise<void> {
    const arrival = request.arrival!;
    const { connection } = arrival;
    const reply = await this.#handler(arrival);
    // A proxy may reuse its connection as soon as it has the reply, even if the body is incomplete: the rest of the
    // body would be read as the next client's request.
    const isWhole = arrival.isWhole || (await arrival.restArrives());
    const endsInFault = connection.fault !== undefined && !connection.hasWaiting;
    if (endsInFault && !reply.close) void this.#refuse(undefined, arrival.source, connection.fault!);
    const isLast =
      reply.close === true ||
      reply.stream !== undefined ||
      endsInFault ||
      !isWhole ||
      connection.isRetiring ||
      (this.#isDraining && !connection.hasWaiting);
    connection.reply(isLast, reply.stream !== undefined);
    readToEnd(request);
    if (reply.stream) reply.stream(beginStream(response, reply));
    else writeReply(response, reply, isLast);
  }

  /** Replies to a client that uses http:// on a TLS port; without a reply it would see a reset. */
  readonly refusePlainHttp = (socket: Socket): void => {
    const source = this.sourceOf(socket);
    this.#options.onPlainHttp?.();
    this.#logPlainHttp(source);
    // Reads and discards further bytes: unread bytes would reset the connection and lose the reply.
    socket.on("error", () => socket.destroy()).resume();
    void this.#refuse(socket, source, PLAIN_ON_TLS);
  };

  /** At most one line a minute: a misconfigured probe comes every few seconds. */
  #logPlainHttp(source: string): void {
    const now = performance.now();
    if (now - this.#plainHttp.loggedAt < MINUTE) return void this.#plainHttp.unlogged++;
    const { unlogged } = this.#plainHttp;
    events.plainHttpOnTlsPort({ listener: this.#options.name, source, ...(unlogged > 0 && { suppressed: unlogged }) });
    Object.assign(this.#plainHttp, { loggedAt: now, unlogged: 0 });
  }

  /** Without a socket the refusal is only journalled, because the connection closes with an earlier reply. */
  async #refuse(socket: Socket | undefined, source: string, fault: Fault): Promise<void> {
    const arrival = unparsedArrival(source, this.#options.name, fault);
    try {
      const reply = await this.#handler(arrival);
      if (socket) writeRawReply(socket, reply);
    } catch (error) {
      endConnection(socket, arrival.id, error);
    }
  }

  /** A listener that is bound to all addresses accepts the one that the client connected to. */
  #authoritiesAt(address: string): (authority: string) => boolean {
    let isOurs = this.#authorities.get(address);
    if (!isOurs) {
      const { tls, host, names } = this.#options;
      isOurs = ownAuthorities({
        names: [...names, host, address, ...(tls ? namesOf(tls.cert) : [])],
        port: this.port,
        loopback: address.startsWith("127.") || address === "::1",
      });
      this.#authorities.set(address, isOurs);
    }
    return isOurs;
  }
}

const trustIn = ({ tls }: ListenerOptions): TrustSettings =>
  tls && tls.clientCertificates !== "none" ? tls : { clientCa: undefined };

/** Reads the end of a request: until then Node keeps the request, even if all bytes of its body were read. */
const readToEnd = (request: IncomingMessage): unknown => (request.complete ? request.read(0) : request.resume());

/** A handler that fails ends the connection of its request, and not the process. */
const endConnection = (socket: Socket | undefined, id: string, error: unknown): void => {
  events.internalError({ id, error });
  socket?.destroy();
};
