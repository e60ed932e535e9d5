/**
 * In front of a TLS server. A handshake costs as much as several requests, so with each turn of the event loop one connection is let in, from one
 * source after the other: who is inside is served in between, and a crowd waits for itself. Who says nothing costs a socket, and nothing of TLS.
 * What a client has TLS do behind its first record (a second hello, say) takes no turns: against that stands how many may come from one address.
 */
import type { Server, Socket } from "node:net";
import { networkOf } from "../network.ts";

/** Milliseconds that a client has for its first record. For the handshake behind it TLS has a limit of its own. */
const PATIENCE_MS = 5000;
/** RFC 8446, 5.1: a record's type, version and length stand before what it holds. */
const [RECORD_HEAD, HANDSHAKE, LONGEST_RECORD] = [5, 22, 16_384];
/** Bytes after which a client that waits is not read any further. */
const ENOUGH = 4 * LONGEST_RECORD;
/** In the kernel's line sources do not take turns, and the event loop takes one connection a turn from there. While more come, one is let in for so many. */
const COME_FIRST = 8;

export class Door {
  readonly #letIn: (socket: Socket) => void;
  readonly #sourceOf: (socket: Socket) => string;
  readonly #turnAway: (socket: Socket) => void;
  readonly #outside = new Set<Caller>();
  /** Who may be let in, by source. The first source is next, and then goes behind the others. */
  readonly #ready = new Map<string, Set<Caller>>();
  #opening = false;
  #someoneCame = false;
  /** In so many turns, one behind the other, and nobody was let in. */
  #came = 0;

  /** `turnAway` is given who speaks HTTP in clear text, with nothing read that is still to come. */
  constructor(
    letIn: (socket: Socket) => void,
    sourceOf: (socket: Socket) => string = peerOf,
    turnAway = (socket: Socket): unknown => socket.destroy(),
  ) {
    this.#letIn = letIn;
    this.#sourceOf = sourceOf;
    this.#turnAway = turnAway;
  }

  /** What the server does with each connection, it does from now on with those that are let in. */
  static before(server: Server, sourceOf?: (socket: Socket) => string, turnAway?: (socket: Socket) => void): Door {
    const takers = server.listeners("connection");
    server.removeAllListeners("connection");
    return new Door(
      (socket) => {
        for (const take of takers) take.call(server, socket);
      },
      sourceOf,
      turnAway,
    );
  }

  knock(socket: Socket): void {
    const caller = new Caller(socket, this.#sourceOf(socket), {
      ready: () => this.#line(caller),
      gone: () => this.#forget(caller),
      plain: () => this.#turnAway(socket),
    });
    this.#outside.add(caller);
    this.#someoneCame = true;
  }

  /** Somebody waits for a turn to be let in. */
  get isBusy(): boolean {
    return this.#ready.size > 0;
  }

  /** Sends away who has not been let in. */
  close(): void {
    for (const caller of this.#outside) caller.sendAway();
  }

  #line(caller: Caller): void {
    const others = this.#ready.get(caller.source);
    if (others) others.add(caller);
    else this.#ready.set(caller.source, new Set([caller]));
    if (this.#opening) return;
    this.#opening = true;
    setImmediate(this.#open);
  }

  readonly #open = (): void => {
    const [next] = this.#ready;
    this.#opening = next !== undefined;
    if (!next) return;
    setImmediate(this.#open);
    if (this.#moreCome()) return;
    const [source, callers] = next;
    const [caller] = callers;
    this.#forget(caller!);
    if (this.#ready.delete(source)) this.#ready.set(source, callers);
    const socket = caller!.enter();
    if (!socket.destroyed) this.#letIn(socket);
  };

  #moreCome(): boolean {
    this.#came = this.#someoneCame ? (this.#came + 1) % COME_FIRST : 0;
    this.#someoneCame = false;
    return this.#came > 0;
  }

  #forget(caller: Caller): void {
    this.#outside.delete(caller);
    const callers = this.#ready.get(caller.source);
    callers?.delete(caller);
    if (callers?.size === 0) this.#ready.delete(caller.source);
  }
}

const peerOf = ({ remoteAddress = "" }: Socket): string => remoteAddress;

type Told = { readonly ready: () => void; readonly gone: () => void; readonly plain: () => void };

/** A client outside. What it says is kept for TLS. */
class Caller {
  readonly source: string;
  readonly #socket: Socket;
  readonly #told: Told;
  readonly #patience: NodeJS.Timeout;
  #said: Buffer = NOTHING;
  #isReady = false;

  constructor(socket: Socket, source: string, told: Told) {
    [this.#socket, this.#told] = [socket, told];
    this.source = networkOf(source);
    this.#patience = setTimeout(this.sendAway, PATIENCE_MS);
    socket.on("data", this.#hear);
    for (const end of ENDS) socket.on(end, this.sendAway);
  }

  /** The connection as it was when it came, with all that was said. */
  enter(): Socket {
    this.#turnFrom();
    this.#socket.pause().unshift(this.#said);
    return this.#socket;
  }

  readonly sendAway = (): void => {
    this.#turnFrom();
    this.#told.gone();
    this.#socket.destroy();
  };

  readonly #hear = (bytes: Buffer): void => {
    this.#said = this.#said.length === 0 ? bytes : Buffer.concat([this.#said, bytes]);
    if (this.#said.length >= ENOUGH) this.#socket.pause();
    if (this.#isReady || mayBecomeHttp(this.#said)) return;
    if (isHttp(this.#said)) {
      this.#turnFrom();
      this.#told.gone();
      return this.#told.plain();
    }
    if (!isHello(this.#said)) return;
    this.#isReady = true;
    clearTimeout(this.#patience);
    this.#told.ready();
  };

  #turnFrom(): void {
    clearTimeout(this.#patience);
    this.#socket.off("data", this.#hear);
    for (const end of ENDS) this.#socket.off(end, this.sendAway);
  }
}

const NOTHING = Buffer.alloc(0);
/** A client that closes its side before its handshake has nothing more to say. */
const ENDS = ["end", "error", "close"] as const;

const LONGEST_LINE = 4096;
const NEWLINE = 10;

/** No record of TLS begins with a capital letter, and the line that one began is not whole yet. */
const mayBecomeHttp = (said: Buffer): boolean =>
  isCapital(said[0]!) && said.length < LONGEST_LINE && !said.includes(NEWLINE);

const isCapital = (byte: number): boolean => byte >= 65 && byte <= 90;

const isHttp = (said: Buffer): boolean =>
  isCapital(said[0]!) && /^[A-Z]{3,20} \S+ HTTP\/\d\.\d\r?\n/.test(said.toString("latin1", 0, LONGEST_LINE));

/** A whole first record; or bytes that are none, which is for TLS to say. */
const isHello = (said: Buffer): boolean =>
  said[0] !== HANDSHAKE ||
  (said.length >= RECORD_HEAD && said.length >= RECORD_HEAD + Math.min(said.readUInt16BE(3), LONGEST_RECORD));
