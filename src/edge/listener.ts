/** A listener: TCP or TLS, Node's HTTP server set as strictly as it goes, the guard, and replies written as they are. */
import {
  createServer as createHttp,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps } from "node:https";
import { Server as NetServer, type AddressInfo, type BlockList, type Socket } from "node:net";
import { Server as TlsServer, type TLSSocket } from "node:tls";
import { events } from "../events.ts";
import type { Fault, Handler, Reply } from "../message.ts";
import { Arriving, brokenArrival, ClientArrival, headerLines } from "./arrival.ts";
import { ownAuthorities } from "./authority.ts";
import { faultOf, isAboutRequest, MAX_HEAD } from "./broken.ts";
import { Connection } from "./connection.ts";
import { Crowd, type Room, type Taken } from "./crowd.ts";
import { Door } from "./door.ts";
import { mount, type Mounted, type Serve } from "./express.ts";
import { guard, type GuardRules } from "./guard.ts";
import { NamedSources } from "./named-sources.ts";
import { namesOf, tlsOptions, type TlsSettings } from "./tls.ts";
import { Trust, type TrustSettings } from "./trust.ts";
import { clientBehind, type TrustedProxies } from "./trusted-proxies.ts";

export type ListenerOptions = {
  readonly name: string;
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** A socket that listens at this address already. Closing the listener closes this descriptor of it. */
  readonly fd?: number | undefined;
  readonly tls: TlsSettings | undefined;
  /** host or host:port that count besides the address and the certificate's names. */
  readonly names: readonly string[];
  readonly allowFrom: BlockList | undefined;
  /** Proxies of ours, which say whom they speak for. `allowFrom` is asked about them, all else about whom they name. */
  readonly trustedProxies?: TrustedProxies;
  /** Bytes. */
  readonly maxBody: number;
  /** True for what may also be asked in HTTP/1.0, as old probes do; nothing when left out. */
  readonly answersOld?: GuardRules["answersOld"];
  /** Connections at a time. */
  readonly room?: Room;
  readonly patience?: Patience;
  /** Called for each client that speaks HTTP in clear text where TLS is spoken. */
  readonly plainOnTls?: () => void;
};

/** How long a client may take, in milliseconds: for a request's head, for the whole of it, and to take a reply. The last is kept to the second. */
export type Patience = { readonly head: number; readonly request: number; readonly reply: number };

export type Listener = {
  readonly name: string;
  /** scheme://host:port */
  readonly url: string;
  readonly port: number;
  /** How many connections it has, and how many more it takes. */
  readonly taken: () => Taken;
  /** Somebody else holds its socket open. */
  readonly passed: boolean;
  /** From now on these names, networks, sizes and certificates count. Connections that stand stay, but for those whose client certificate does not hold any more, or that lack one which is demanded now: each ends with the reply that is under way, if any, and within 5 s. Address and whether there is TLS cannot change. Throws when the certificate cannot be used, and then nothing has changed. */
  readonly update: (options: ListenerOptions) => void;
  /** Takes no new connection. Those that stand stay, and each one ends with its next reply, which says so. */
  readonly drain: () => void;
  /** Milliseconds since something was asked after `drain`: 0 while a request is under way, Infinity without connections. */
  readonly quietFor: () => number;
  /** Takes no new connection, closes the idle ones, lets what is under way end within `graceMs`, then closes the rest. */
  readonly stop: (graceMs: number) => Promise<void>;
};

export const PATIENCE: Patience = { head: 5000, request: 15_000, reply: 15_000 };
export const ROOM: Room = { max: 10_000, maxPerSource: 4000 };
const SECOND = 1000;
const MINUTE = 60_000;
const SPEAKS_TLS: Fault = {
  kind: "ambiguous",
  detail: "this port speaks TLS, and the request came in clear text: use https:// in place of http://",
};
/** So often the late ones are looked for. All that are found are refused in one turn of the event loop, so there must not be many. */
const LOOK_MS = 25;
/** Who comes while the event loop is busy waits in the kernel, as far as the system lets so many. One for whom there is no room asks again after a second. */
const BACKLOG = 4096;
const LINGER_MS = 1000;
/** Idle connections stay, so the kernel asks now and then whether the other side is still there: one that went without a word would keep its place for ever. */
const KEEP_ALIVE_MS = 60_000;

export const listen = async (options: ListenerOptions, handler: Handler): Promise<Listener> => {
  const { patience = PATIENCE } = options;
  const desk = new Desk(options, handler);
  const settings = {
    ...desk.born,
    maxHeaderSize: MAX_HEAD,
    insecureHTTPParser: false,
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    connectionsCheckingInterval: LOOK_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  };
  const server: Server = options.tls
    ? createHttps({ ...settings, ...tlsOptions(options.tls), allowHalfOpen: true })
    : createHttp(settings);
  // No idle timeout: OCS's clients expect connections to stay. A client that closes its sending side still gets its answer.
  Object.assign(server, {
    keepAliveTimeout: 0,
    headersTimeout: patience.head,
    requestTimeout: patience.request,
    maxHeadersCount: 100,
    maxRequestsPerSocket: 0,
    httpAllowHalfOpen: true,
  });
  const port = (desk.port = await bind(server, options));
  const seconds = setInterval(() => desk.tick(patience), SECOND).unref();
  server.once("close", () => clearInterval(seconds));
  const door = options.tls ? Door.before(server, desk.sourceOf, desk.refusePlain) : undefined;
  server.on("connection", (socket: Socket) => (desk.mayEnter(socket) ? door?.knock(socket) : socket.destroy()));
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => desk.greet(socket));
  desk.standBefore(server);
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, desk.accept);
  server.on("clientError", desk.fail);
  server.on("connect", (_request, socket: Socket) => {
    // Node lets go of such a socket, and nobody else would hear of its end.
    socket.on("error", () => socket.destroy());
    desk.fail(Object.assign(new Error("CONNECT"), { code: "HPE_INVALID_METHOD" }), socket);
  });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const ending = new Ending(server, desk, door);
  return {
    name: options.name,
    port,
    passed: options.fd !== undefined,
    url: `${options.tls ? "https" : "http"}://${host}:${port}`,
    taken: () => desk.taken,
    update: (next) => update(server, desk, next),
    drain: () => void ending.drain(),
    quietFor: () => ending.quietFor(),
    stop: (graceMs) => ending.stop(graceMs),
  };
};

const update = (server: Server, desk: Desk, options: ListenerOptions): void => {
  if (options.tls && server instanceof TlsServer) {
    const { requestCert, rejectUnauthorized, ...context } = tlsOptions(options.tls);
    server.setSecureContext(context);
    // Read by Node for each connection that is accepted.
    Object.assign(server, { requestCert, rejectUnauthorized });
  }
  desk.update(options);
};

const bind = (server: Server, { host, port, fd }: ListenerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...(fd === undefined ? { host, port } : { fd }), backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** How a listener ends: it drains, and then closes what is idle, and at last what is not. */
class Ending {
  readonly #server: Server;
  readonly #desk: Desk;
  readonly #door: Door | undefined;
  #over: Promise<void> | undefined;

  constructor(server: Server, desk: Desk, door: Door | undefined) {
    [this.#server, this.#desk, this.#door] = [server, desk, door];
  }

  /**
   * Resolves when the last connection is closed. Not by the HTTP server's own `close`, which would cut the idle ones,
   * and look for late clients no more.
   */
  drain(): Promise<void> {
    this.#desk.drain();
    return (this.#over ??= new Promise((resolve) => NetServer.prototype.close.call(this.#server, () => resolve())));
  }

  quietFor(): number {
    return this.#desk.quietFor(this.#door?.isBusy ?? false);
  }

  async stop(graceMs: number): Promise<void> {
    const over = this.drain();
    this.#door?.close();
    this.#desk.closeSilent();
    // Again and again: one whose reply was on its way may be idle a moment later.
    const idle = setInterval(() => this.#server.closeIdleConnections(), LOOK_MS);
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#desk.disperse(), graceMs);
    await over;
    clearInterval(idle);
    clearTimeout(timer);
    // There is nothing left to close but the timer with which it looked for late clients.
    this.#server.close(() => undefined);
  }
}

const trustIn = ({ tls }: ListenerOptions): TrustSettings =>
  tls && tls.clientCertificates !== "none" ? tls : { clientCa: undefined };

/** Under which a socket keeps its connection. */
const CONNECTION = Symbol("connection");
type Known = Socket & { [CONNECTION]?: Connection };

/** Where requests of one listener are taken in, in turn per connection, and replies handed out. */
class Desk {
  port = 0;
  #draining = false;
  /** When, while it drains, somebody was seen to ask or to be answered. */
  #movedAt = -Infinity;
  #options: ListenerOptions;
  readonly #handler: Handler;
  readonly #mounted: Mounted<Arriving>;
  readonly #connections = new Set<Connection>();
  readonly #crowd: Crowd;
  readonly #trust: Trust;
  #toldAt = -Infinity;
  readonly #plain = { toldAt: -Infinity, untold: 0 };
  readonly #named = new NamedSources();
  readonly #authorities = new Map<string, (authority: string) => boolean>();

  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#mounted = mount(Arriving, this.#serve);
    this.#crowd = new Crowd(options.room ?? ROOM);
    this.#trust = new Trust(trustIn(options));
  }

  /** What the server makes its requests and responses of. */
  get born(): Mounted<Arriving>["born"] {
    return this.#mounted.born;
  }

  update(options: ListenerOptions): void {
    this.#trust.renew(trustIn(options));
    this.#options = options;
    this.#authorities.clear();
    this.#crowd.room = options.room ?? ROOM;
    for (const connection of this.#connections) if (!this.#mayStay(connection)) connection.retire();
  }

  get taken(): Taken {
    return this.#crowd.taken;
  }

  #mayStay({ shown }: Connection): boolean {
    return shown ? this.#trust.ask(shown).fault === undefined : this.#options.tls?.clientCertificates !== "require";
  }

  /** Before anything else is done with a connection. */
  standBefore(server: Server): void {
    this.#named.standBefore(server, () => this.#options);
  }

  /** The client's address: the peer's, or that which a proxy's header named. */
  readonly sourceOf = (socket: Socket): string => this.#named.of(socket) ?? socket.remoteAddress ?? "";

  mayEnter(socket: Socket): boolean {
    const source = this.sourceOf(socket);
    const over = this.#crowd.enter(socket, source);
    if (over === undefined) return true;
    // One line a second tells as much as thousands.
    if (performance.now() - this.#toldAt >= SECOND) events.connectionRefused(this.#options.name, over, source);
    this.#toldAt = performance.now();
    return false;
  }

  greet(socket: Known): Connection {
    return (socket[CONNECTION] ??= this.#welcome(socket));
  }

  #welcome(socket: Socket): Connection {
    const connection = new Connection(socket, this.sourceOf(socket), (fault) => {
      // It came when the last reply was out already: that one did not close.
      if (socket.writable) void this.#refuseRaw(socket, fault);
    });
    if (this.#options.tls && this.#options.tls.clientCertificates !== "none") {
      const shown = (connection.shown = this.#trust.greet(socket as TLSSocket));
      connection.peerNow = shown && (() => this.#trust.ask(shown));
    }
    this.#connections.add(connection);
    if (this.#draining) this.#movedAt = performance.now();
    socket.once("close", () => this.#connections.delete(connection));
    return connection;
  }

  tick({ reply }: Patience): void {
    for (const connection of this.#connections) connection.tick(Math.ceil(reply / SECOND));
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#movedAt = performance.now();
  }

  /** `someoneEnters`: a client is about to be let in. */
  quietFor(someoneEnters: boolean): number {
    if (this.#crowd.size === 0) return Infinity;
    const now = performance.now();
    if (someoneEnters || this.#connections.values().some(({ busy }) => busy)) this.#movedAt = now;
    return now - this.#movedAt;
  }

  closeSilent(): void {
    for (const connection of this.#connections) connection.closeIfSilent();
  }

  disperse(): void {
    this.#crowd.disperse();
  }

  readonly accept = (request: Arriving, response: ServerResponse): void => {
    const connection = this.greet(request.socket);
    if (this.#draining) this.#movedAt = performance.now();
    connection.enqueue(() => this.#begin(request, response, connection));
  };

  /** When its turn has come: a request that waited is judged by what is in force then, here as behind the handler. */
  #begin(request: Arriving, response: ServerResponse, connection: Connection): void {
    if (response.destroyed || request.socket.destroyed) return connection.next();
    response.on("close", connection.next);
    const headers = headerLines(request.rawHeaders);
    const head = { version: request.httpVersion, method: request.method ?? "", target: request.url ?? "", headers };
    const { maxBody: max, answersOld } = this.#options;
    const fault = guard(head, { maxBody: max, isOurs: this.#authoritiesAt(connection.address), answersOld });
    const peer = connection.peerNow?.();
    // It has ended since the handshake. Only with another connection can a client show a new one.
    if (peer?.fault !== undefined && connection.shown!.fault === undefined) connection.retired = true;
    const { name: listener, maxBody, trustedProxies = [] } = this.#options;
    const source =
      trustedProxies.length === 0 ? connection.source : clientBehind(trustedProxies, connection.source, headers);
    request.arrival = new ClientArrival(request, response, {
      connection,
      source,
      headers,
      fault,
      peer,
      listener,
      maxBody,
    });
    if (fault) void this.#serve(request, response);
    else this.#mounted.app(request, response);
  }

  /** Bytes that are no request. Behind one that is under way they are told to it; else they get their own refusal. */
  readonly fail = (error: NodeJS.ErrnoException, socket: Socket): void => {
    const connection = this.greet(socket);
    if (connection.fault || (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && connection.heldBack)) return;
    if (!socket.writable || !isAboutRequest(error, socket)) return void socket.destroy();
    // A client that closes its side in the middle of its next request still gets the answers to those before.
    if (error.code === "HPE_INVALID_EOF_STATE" && !connection.busy) return void socket.destroy();
    connection.fail(faultOf(error, connection.busy));
    if (!connection.busy) void this.#refuseRaw(socket, connection.fault!);
  };

  readonly #serve: Serve<Arriving> = async (request, response) => {
    const arrival = request.arrival!;
    const { connection } = arrival;
    const reply = await this.#handler(arrival);
    // Whoever passes requests on may take a connection for free once the reply is there, also while the body is still to come: another's request would be taken for it.
    const isWhole = arrival.isWhole || (await arrival.rest());
    const cut = connection.fault !== undefined && connection.last;
    if (cut && !reply.close) void this.#handler(brokenArrival(arrival.source, arrival.listener, connection.fault!));
    const close = reply.close === true || cut || !isWhole || connection.retired || (this.#draining && connection.last);
    if (close) connection.close();
    connection.replying();
    readToEnd(request);
    write(response, reply, close);
  };

  /** Whoever forgot the s of https:// would see a connection that ends without a word. */
  readonly refusePlain = (socket: Socket): void => {
    const source = this.sourceOf(socket);
    this.#options.plainOnTls?.();
    this.#tellOfPlain(source);
    // What it has sent, and still sends, is read: else the connection would be reset, and the reply with it.
    socket.on("error", () => socket.destroy()).resume();
    void this.#answerRaw(socket, source, SPEAKS_TLS);
  };

  /** One line a minute: a probe that is set up wrong comes every few seconds. */
  #tellOfPlain(source: string): void {
    const now = performance.now();
    if (now - this.#plain.toldAt < MINUTE) return void this.#plain.untold++;
    events.plainOnTls(this.#options.name, source, this.#plain.untold);
    Object.assign(this.#plain, { toldAt: now, untold: 0 });
  }

  #refuseRaw(socket: Socket, fault: Fault): Promise<void> {
    return this.#answerRaw(socket, this.greet(socket).source, fault);
  }

  async #answerRaw(socket: Socket, source: string, fault: Fault): Promise<void> {
    const reply = await this.#handler(brokenArrival(source, this.#options.name, fault));
    const lines = [
      ...reply.headers,
      ["Content-Length", String(reply.body.length)],
      ["Connection", "close"],
      ["Date", new Date().toUTCString()],
    ];
    if (!socket.writable) return void socket.destroy();
    const head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
    socket.end(Buffer.concat([Buffer.from(head, "latin1"), reply.body]));
    destroyLater(socket);
  }

  /** A listener on every address answers to the one that was connected to. */
  #authoritiesAt(address: string): (authority: string) => boolean {
    let isOurs = this.#authorities.get(address);
    if (!isOurs) {
      const { tls, host, names } = this.#options;
      const loopback = address.startsWith("127.") || address === "::1";
      isOurs = ownAuthorities({
        names: [...names, host, address, ...(tls ? namesOf(tls.cert) : [])],
        port: this.port,
        loopback,
      });
      this.#authorities.set(address, isOurs);
    }
    return isOurs;
  }
}

/** Node keeps a connection's last request until its end was read, and who has taken all its bytes has not read that. */
const readToEnd = (request: IncomingMessage): unknown => (request.complete ? request.read(0) : request.resume());

const write = (response: ServerResponse, { status, headers, body }: Reply, close: boolean): void => {
  const hasBody = status !== 304 && status !== 204;
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  if (hasBody) lines.push("Content-Length", String(body.length));
  if (close) lines.push("Connection", "close");
  if (close && response.socket) linger(response.socket);
  response.writeHead(status, lines);
  response.end(hasBody && body.length > 0 ? body : undefined);
};

/** Closing on unread bytes would reset the connection and take the reply with it: stop sending, read on for a moment, then close. */
const linger = (socket: Socket): void => {
  socket.destroySoon = () => {
    socket.end();
    destroyLater(socket);
  };
};

/** Unless it closes before: a timer that went on would hold its socket, and all it has read, for as long. */
const destroyLater = (socket: Socket): void => {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
};
