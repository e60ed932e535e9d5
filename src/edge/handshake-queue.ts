/**
 * The queue in front of a TLS server. A handshake costs as much CPU as several requests, so each turn of the event loop
 * admits one connection, from one source after another: a flood of handshakes delays itself and not the requests of
 * connected clients. A client that sends nothing costs a socket and no TLS. TLS work after the first record (such as a
 * second hello) is not queued; the limit of connections per source bounds it.
 */
import type { Server, Socket } from "node:net";
import { networkOf } from "../common/net-address.ts";

/** Milliseconds that a client has to send its first record. TLS has its own limit for the handshake after it. */
const FIRST_RECORD_MS = 5000;
/** RFC 8446, 5.1: a record begins with type, version and length. */
const [RECORD_HEAD, HANDSHAKE, LONGEST_RECORD] = [5, 22, 16_384];
/** Maximum bytes read from a client while it waits. */
const MAX_BUFFERED = 4 * LONGEST_RECORD;
/**
 * The kernel's accept queue is not fair between sources, and the event loop accepts one connection a turn. While
 * connections keep arriving, one is admitted in this many turns, so that all sources come to this queue.
 */
const ACCEPT_FIRST = 8;
/**
 * While requests are under way, the queue admits nobody for a millisecond after each handshake: a request needs several
 * turns of the event loop, and would wait for a handshake in each of them. When more clients than this wait, the queue
 * does not pause, so that none waits much longer.
 */
const [REST_MS, MOST_RESTING] = [1, 256];

export type HandshakeQueueOptions = {
  /** The client's address. */
  readonly sourceOf?: (socket: Socket) => string;
  /** Is given each client that speaks HTTP in clear text; what it still sends is not read yet. */
  readonly onPlainHttp?: (socket: Socket) => void;
  /** Requests of connected clients are under way. */
  readonly isServing?: () => boolean;
};

export class HandshakeQueue {
  readonly #admit: (socket: Socket) => void;
  readonly #sourceOf: (socket: Socket) => string;
  readonly #onPlainHttp: (socket: Socket) => void;
  readonly #isServing: () => boolean;
  readonly #pending = new Set<PendingClient>();
  /** Clients that may be admitted, by source. The first source is next and then moves to the end. */
  readonly #ready = new Map<string, Set<PendingClient>>();
  #readyCount = 0;
  #isScheduled = false;
  #hasArrival = false;
  /** Turns in a row in which a connection arrived, modulo `ACCEPT_FIRST`. */
  #arrivals = 0;

  constructor(admit: (socket: Socket) => void, options: HandshakeQueueOptions = {}) {
    this.#admit = admit;
    this.#sourceOf = options.sourceOf ?? peerOf;
    this.#onPlainHttp = options.onPlainHttp ?? ((socket) => socket.destroy());
    this.#isServing = options.isServing ?? (() => false);
  }

  /** Takes over the server's `connection` listeners, which get admitted connections only. */
  static inFrontOf(server: Server, options: HandshakeQueueOptions): HandshakeQueue {
    const listeners = server.listeners("connection");
    server.removeAllListeners("connection");
    return new HandshakeQueue((socket) => {
      for (const listener of listeners) listener.call(server, socket);
    }, options);
  }

  add(socket: Socket): void {
    const client = new PendingClient(socket, this.#sourceOf(socket), {
      onReady: () => this.#enqueue(client),
      onGone: () => this.#forget(client),
      onPlainHttp: () => this.#onPlainHttp(socket),
    });
    this.#pending.add(client);
    this.#hasArrival = true;
  }

  /** True if a client is ready for its handshake. */
  get hasWaiting(): boolean {
    return this.#ready.size > 0;
  }

  /** Closes every connection that has not been admitted. */
  close(): void {
    for (const client of this.#pending) client.close();
  }

  #enqueue(client: PendingClient): void {
    const ofSource = this.#ready.get(client.source);
    if (ofSource) ofSource.add(client);
    else this.#ready.set(client.source, new Set([client]));
    this.#readyCount++;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#admitNext);
  }

  readonly #admitNext = (): void => {
    const [next] = this.#ready;
    this.#isScheduled = next !== undefined;
    if (!next) return;
    if (this.#acceptsFirst()) return void setImmediate(this.#admitNext);
    if (this.#readyCount <= MOST_RESTING && this.#isServing()) setTimeout(this.#admitNext, REST_MS);
    else setImmediate(this.#admitNext);
    const [source, clients] = next;
    const [client] = clients;
    this.#forget(client!);
    if (this.#ready.delete(source)) this.#ready.set(source, clients);
    const socket = client!.detach();
    if (!socket.destroyed) this.#admit(socket);
  };

  #acceptsFirst(): boolean {
    this.#arrivals = this.#hasArrival ? (this.#arrivals + 1) % ACCEPT_FIRST : 0;
    this.#hasArrival = false;
    return this.#arrivals > 0;
  }

  #forget(client: PendingClient): void {
    this.#pending.delete(client);
    const ofSource = this.#ready.get(client.source);
    if (ofSource?.delete(client)) this.#readyCount--;
    if (ofSource?.size === 0) this.#ready.delete(client.source);
  }
}

const peerOf = ({ remoteAddress = "" }: Socket): string => remoteAddress;

type PendingHandlers = {
  readonly onReady: () => void;
  readonly onGone: () => void;
  readonly onPlainHttp: () => void;
};

/** A client that is not admitted yet. Keeps the client's bytes for TLS. */
class PendingClient {
  readonly source: string;
  readonly #socket: Socket;
  readonly #handlers: PendingHandlers;
  readonly #timer: NodeJS.Timeout;
  #received: Buffer = NOTHING;
  #isReady = false;

  constructor(socket: Socket, source: string, handlers: PendingHandlers) {
    [this.#socket, this.#handlers] = [socket, handlers];
    this.source = networkOf(source);
    this.#timer = setTimeout(this.close, FIRST_RECORD_MS);
    socket.on("data", this.#receive);
    for (const end of ENDS) socket.on(end, this.close);
  }

  /** Returns the accepted connection with all bytes unread. */
  detach(): Socket {
    this.#stopListening();
    this.#socket.pause().unshift(this.#received);
    return this.#socket;
  }

  readonly close = (): void => {
    this.#stopListening();
    this.#handlers.onGone();
    this.#socket.destroy();
  };

  readonly #receive = (bytes: Buffer): void => {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    if (this.#received.length >= MAX_BUFFERED) this.#socket.pause();
    if (this.#isReady || mayBecomeHttp(this.#received)) return;
    if (isHttp(this.#received)) {
      this.#stopListening();
      this.#handlers.onGone();
      return this.#handlers.onPlainHttp();
    }
    if (!isHello(this.#received)) return;
    this.#isReady = true;
    clearTimeout(this.#timer);
    this.#handlers.onReady();
  };

  #stopListening(): void {
    clearTimeout(this.#timer);
    this.#socket.off("data", this.#receive);
    for (const end of ENDS) this.#socket.off(end, this.close);
  }
}

const NOTHING = Buffer.alloc(0);
/** A client that closes its side before its handshake cannot finish it. */
const ENDS = ["end", "error", "close"] as const;

const LONGEST_LINE = 4096;
const NEWLINE = 10;

/** TLS records do not begin with a capital letter, so this may be a request line that is not complete yet. */
const mayBecomeHttp = (bytes: Buffer): boolean =>
  isCapital(bytes[0]!) && bytes.length < LONGEST_LINE && !bytes.includes(NEWLINE);

const isCapital = (byte: number): boolean => byte >= 65 && byte <= 90;

const isHttp = (bytes: Buffer): boolean =>
  isCapital(bytes[0]!) && /^[A-Z]{3,20} \S+ HTTP\/\d\.\d\r?\n/.test(bytes.toString("latin1", 0, LONGEST_LINE));

/** True for a complete first record, and for bytes that are not a handshake record, which TLS refuses. */
const isHello = (bytes: Buffer): boolean =>
  bytes[0] !== HANDSHAKE ||
  (bytes.length >= RECORD_HEAD && bytes.length >= RECORD_HEAD + Math.min(bytes.readUInt16BE(3), LONGEST_RECORD));
