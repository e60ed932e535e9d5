/**
 * An in-memory network: hosts that listen, refuse or are dark, and connections whose two directions can be slow, stuck
 * or cut at any byte. What a process wrote before it died still arrives, as with a real kernel.
 */
import type { Socket, TcpNetConnectOpts } from "node:net";
import { networkCalls } from "../../src/upstream/lanes/network-calls.ts";
import { Direction, type Piece, type Trap } from "./direction.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { SimSocket } from "./socket.ts";

/** The listening side's end of a connection. */
export type Accepted = {
  readonly id: number;
  readonly send: (bytes: Buffer) => void;
  /** Closes in order. */
  readonly close: () => void;
  readonly reset: () => void;
  onData: (bytes: Buffer) => void;
  onClose: () => void;
};

export type Accept = (connection: Accepted) => void;

export type SimHost = {
  readonly address: string;
  /** Undefined: connections are refused. */
  accept: Accept | undefined;
  /** Nothing gets there and nothing comes back. */
  isDark: boolean;
  /** The next connections fail with this code. */
  refuses: { code: string; left: number } | undefined;
  trap: Trap | undefined;
  latency: { typical: number; longest: number };
};

const DEFAULT_LATENCY = { typical: 0.4, longest: 4 };
const KEEP_ALIVE_ANSWER_MS = 2000;

export type Connection = {
  readonly id: number;
  readonly host: SimHost;
  readonly owner: Owner | undefined;
  readonly socket: SimSocket;
  readonly toServer: Direction;
  readonly toClient: Direction;
  /** The listening side still knows it. */
  isKnown: boolean;
  isOpen: boolean;
  /** Bytes of a request were written on it: it is a lane, and no watch connection or probe. */
  isLane: boolean;
  accepted: Accepted | undefined;
};

export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #hosts = new Map<string, SimHost>();
  readonly connections = new Set<Connection>();
  /** Told of what the gateway hands to the kernel. */
  wrote: (bytes: Buffer, connection: Connection) => void = () => undefined;
  /** Told of each connection of the gateway that is refused. */
  refused: (connection: Connection) => void = () => undefined;
  /**
   * Told when the gateway has no connection to a host any more, or one was reset: since when OCS is gone it cannot
   * know.
   */
  lostAll: (host: SimHost) => void = () => undefined;
  /** Milliseconds that a connection takes besides. */
  delayOf: (connection: Connection) => number = () => 0;
  #count = 0;

  constructor(scheduler: Scheduler, random: Random) {
    [this.#scheduler, this.#random] = [scheduler, random];
    networkCalls.connectTcp = (options) => this.#connect(options);
    networkCalls.connectTls = () => {
      throw new Error("the simulation has no TLS");
    };
    networkCalls.addressesOf = (host) =>
      new Promise((resolve) =>
        this.#scheduler.outside(this.#random.latency(0.5, 3), () => resolve([host]), this.#scheduler.current),
      );
  }

  host(address: string): SimHost {
    let host = this.#hosts.get(address);
    if (!host)
      this.#hosts.set(
        address,
        (host = {
          address,
          accept: undefined,
          isDark: false,
          refuses: undefined,
          trap: undefined,
          latency: { ...DEFAULT_LATENCY },
        }),
      );
    return host;
  }

  connectionsTo(host: SimHost): Connection[] {
    return [...this.connections].filter((each) => each.host === host && each.isOpen);
  }

  /** The host can be reached again. `rebooted`: it knows none of its connections any more. */
  lighten(host: SimHost, rebooted: boolean): void {
    host.isDark = false;
    for (const connection of this.connectionsTo(host)) {
      if (rebooted) connection.isKnown = false;
      const { keepAlive } = connection.socket;
      // Whatever is sent to a host that has forgotten the connection is answered by a reset; keep-alive sends by
      // itself.
      if (!connection.isKnown && keepAlive !== undefined)
        this.#scheduler.outside(
          this.#random.between(1, KEEP_ALIVE_ANSWER_MS),
          () => this.#resetClient(connection),
          connection.owner,
        );
      connection.toServer.release();
      connection.toClient.release();
    }
  }

  /** The process on the host is gone: its kernel closes what it had, as far as anybody can hear it. */
  forget(host: SimHost, how: "close" | "reset"): void {
    for (const connection of this.connectionsTo(host)) {
      if (how === "close") connection.accepted?.close();
      else connection.accepted?.reset();
      connection.isKnown = false;
    }
  }

  reset(connection: Connection): void {
    this.lostAll(connection.host);
    this.#resetClient(connection);
    this.#hangUp(connection);
  }

  /** A process died: its kernel closes its connections behind what was written. */
  kill(owner: Owner): void {
    for (const connection of this.connections) if (connection.owner === owner) this.#closeClient(connection);
  }

  #connect(options: TcpNetConnectOpts): Socket {
    const owner = this.#scheduler.current;
    const host = this.host(`${options.host}:${options.port}`);
    const connection: Connection = this.#lay(host, owner, options.onread as never);
    const { socket } = connection;
    const { code } = host.refuses ?? {};
    if (host.refuses && --host.refuses.left <= 0) host.refuses = undefined;
    const arrive = (): void => {
      if (host.isDark || socket.destroyed) return;
      if (code !== undefined || !host.accept) {
        this.refused(connection);
        return socket.failed(code ?? "ECONNREFUSED");
      }
      this.#establish(connection, host.accept);
    };
    this.#scheduler.outside(
      this.delayOf(connection) + 2 * this.#random.latency(host.latency.typical, host.latency.longest),
      arrive,
      owner,
    );
    return socket as unknown as Socket;
  }

  #lay(host: SimHost, owner: Owner | undefined, onRead: ConstructorParameters<typeof SimSocket>[2]): Connection {
    const id = ++this.#count;
    const parts = { scheduler: this.#scheduler, random: this.#random, host };
    const cut = (): void => this.reset(connection);
    const socket = new SimSocket(
      id,
      { write: (bytes) => this.#write(connection, bytes), close: () => this.#closeClient(connection) },
      onRead,
    );
    const connection: Connection = {
      id,
      host,
      owner,
      socket,
      toServer: new Direction({ ...parts, owner: undefined }, (piece) => this.#atServer(connection, piece), cut),
      toClient: new Direction({ ...parts, owner }, (piece) => this.#atClient(connection, piece), cut),
      isKnown: false,
      isOpen: false,
      isLane: false,
      accepted: undefined,
    };
    return connection;
  }

  #write(connection: Connection, bytes: Buffer): void {
    if (!connection.isOpen) return;
    connection.isLane = true;
    this.wrote(bytes, connection);
    connection.toServer.put(bytes);
  }

  #establish(connection: Connection, accept: Accept): void {
    const { host, socket } = connection;
    Object.assign(connection, { isKnown: true, isOpen: true });
    this.connections.add(connection);
    if (host.trap) {
      const direction = host.trap.towards === "server" ? connection.toServer : connection.toClient;
      direction.trap = host.trap;
      host.trap = undefined;
    }
    connection.accepted = {
      id: connection.id,
      send: (bytes) => connection.isKnown && connection.toClient.put(bytes),
      close: () => {
        if (connection.isKnown) connection.toClient.put("fin");
      },
      reset: () => {
        if (connection.isKnown) connection.toClient.put("rst");
      },
      onData: () => undefined,
      onClose: () => undefined,
    };
    accept(connection.accepted);
    socket.connected(host.address.split(":")[0]!);
  }

  #atServer(connection: Connection, piece: Piece): void {
    if (!connection.isKnown) {
      if (piece !== "rst")
        this.#scheduler.outside(this.#random.latency(0.4, 4), () => this.#resetClient(connection), connection.owner);
      return;
    }
    if (typeof piece !== "string") return connection.accepted!.onData(piece);
    this.#hangUp(connection);
  }

  #atClient(connection: Connection, piece: Piece): void {
    if (!connection.isOpen) return;
    if (piece === "rst") return this.#resetClient(connection);
    if (piece === "fin") return connection.socket.ended();
    connection.socket.came(piece);
  }

  #resetClient(connection: Connection): void {
    if (!connection.isOpen) return;
    this.#forgetClient(connection);
    connection.socket.failed("ECONNRESET");
  }

  /** The gateway's side has closed. */
  #closeClient(connection: Connection): void {
    if (!connection.isOpen) return;
    this.#forgetClient(connection);
    connection.toServer.put("fin");
  }

  #forgetClient(connection: Connection): void {
    connection.isOpen = false;
    this.connections.delete(connection);
    if (this.connectionsTo(connection.host).length === 0) this.lostAll(connection.host);
  }

  #hangUp(connection: Connection): void {
    if (!connection.isKnown) return;
    connection.isKnown = false;
    connection.accepted!.onClose();
  }
}
