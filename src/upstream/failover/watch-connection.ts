/**
 * The watch connection: one connection to OCS that carries nothing and stays open, on every upstream. Lanes come and go with requests; without it
 * an OCS that restarts while no lane is connected would go unnoticed, and handles of its former life would meet those that it gives out now.
 * While it is open, no lane that fails says anything about roles.
 */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "./endpoint.ts";

const AGAIN_MS = 250;
/**
 * After so long without traffic the kernel asks OCS's host for a sign of life, and then once a second. A host that was replaced or rebooted at the
 * same address answers with RST to the first question: noticed within a second. One that is dead answers none of ten: noticed after eleven.
 * Without the question neither would ever be noticed, because nothing is written on this connection.
 */
const KEEP_ALIVE_MS = 1000;
const LINGER_MS = 2500;

/** `at`: the monotonic clock's milliseconds. `inOrder`: OCS ended it with FIN, so it was open until then. */
export type Ended = { readonly at: number; readonly inOrder: boolean };

export type VigilOptions = {
  /** It has ended, and not we have ended it. */
  readonly lost: (ended: Ended) => void;
  /** A new one is there after an end: false when OCS may have restarted between the two. */
  readonly goesOn: () => boolean;
};

export class Vigil {
  readonly #options: VigilOptions;
  #endpoint: Endpoint | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: Ended | undefined;

  constructor(options: VigilOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** How it last ended, if it did since `watch`. */
  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** Stays on this open connection, and makes another one to the same endpoint when it ends. */
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

  /** Closes when a dead host would have been noticed. Keeps no process alive. */
  linger(): void {
    this.#socket?.unref();
    setTimeout(() => this.close(), LINGER_MS).unref();
  }

  #connect(endpoint: Endpoint): void {
    connectTo(endpoint, (error, socket) => {
      if (this.#endpoint !== endpoint) return void socket?.destroy();
      if (error || !socket) return this.#tryAgain(endpoint);
      if (this.#options.goesOn()) this.#keep(endpoint, socket);
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
      this.#tryAgain(endpoint);
      this.#options.lost(this.#ended);
    };
    socket.once("end", () => ended(true)).once("close", () => ended(false));
  }

  #tryAgain(endpoint: Endpoint): void {
    this.#timer = setTimeout(() => this.#endpoint === endpoint && this.#connect(endpoint), AGAIN_MS).unref();
  }
}
