/**
 * The watch connection of an upstream: a connection to the active OCS that stays open and carries no requests. Without
 * it, the gateway would not notice that OCS restarts while no lane is connected, and would confuse old record handles
 * with new ones. While it is open, a failing lane says nothing about roles.
 */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "../lanes/endpoint.ts";

const RECONNECT_MS = 250;
/**
 * TCP keep-alive starts after this long without traffic and repeats once a second. A rebooted or replaced host answers
 * the first probe with RST and is detected within a second. A dead host answers none of ten probes and is detected
 * after eleven seconds. Without keep-alive neither would be detected, because nothing is written on this connection.
 */
const KEEP_ALIVE_MS = 1000;
const LINGER_MS = 2500;

/** `at`: milliseconds of the monotonic clock. `inOrder`: OCS closed it with FIN, so OCS was alive until then. */
export type ConnectionEnd = { readonly at: number; readonly inOrder: boolean };

export type WatchOptions = {
  /** Called when the connection ends other than by `close`. */
  readonly onEnd: (end: ConnectionEnd) => void;
  /** Called when a new connection is open after an end. Returns false if OCS may have restarted in between. */
  readonly mayResume: () => boolean;
};

export class WatchConnection {
  readonly #options: WatchOptions;
  #endpoint: Endpoint | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: ConnectionEnd | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** The last end of the connection since `watch`, if any. */
  get ended(): ConnectionEnd | undefined {
    return this.#ended;
  }

  /** Watches this open connection, and reconnects to the same endpoint when it ends. */
  watch(endpoint: Endpoint, socket: Socket): void {
    this.close();
    this.#ended = undefined;
    this.#endpoint = endpoint;
    this.#keep(endpoint, socket);
  }

  close(): void {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#endpoint = this.#socket = undefined;
    socket?.destroy();
  }

  /** Closes after the time in which a dead host is detected. Does not keep the process alive. */
  linger(): void {
    this.#socket?.unref();
    setTimeout(() => this.close(), LINGER_MS).unref();
  }

  #connect(endpoint: Endpoint): void {
    connectTo(endpoint, (error, socket) => {
      if (this.#endpoint !== endpoint) return void socket?.destroy();
      if (error || !socket) return this.#reconnectLater(endpoint);
      if (this.#options.mayResume()) this.#keep(endpoint, socket);
      else socket.destroy();
    });
  }

  #keep(endpoint: Endpoint, socket: Socket): void {
    this.#socket = socket.setKeepAlive(true, KEEP_ALIVE_MS).resume();
    const ended = (inOrder: boolean): void => {
      if (this.#socket !== socket) return;
      this.#ended = { at: performance.now(), inOrder };
      this.#socket = undefined;
      socket.destroy();
      this.#reconnectLater(endpoint);
      this.#options.onEnd(this.#ended);
    };
    socket.once("end", () => ended(true)).once("close", () => ended(false));
  }

  #reconnectLater(endpoint: Endpoint): void {
    this.#timer = setTimeout(() => this.#endpoint === endpoint && this.#connect(endpoint), RECONNECT_MS).unref();
  }
}
