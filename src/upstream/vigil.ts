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

export class Vigil {
  readonly #lost: () => void;
  #endpoint: Endpoint | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #endedInOrderAt = -Infinity;

  /** `lost` is called when the connection ends and not we have ended it. */
  constructor(lost: () => void) {
    this.#lost = lost;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** When OCS last ended it with FIN; the monotonic clock's milliseconds. */
  get endedInOrderAt(): number {
    return this.#endedInOrderAt;
  }

  /** Stays on this open connection, and makes another one to the same endpoint when it ends. */
  watch(endpoint: Endpoint, socket: Socket): void {
    this.close();
    this.#endpoint = endpoint;
    this.#keep(endpoint, socket);
  }

  close(): void {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#endpoint = this.#socket = undefined;
    socket?.destroy();
  }

  #connect(endpoint: Endpoint): void {
    connectTo(endpoint, (error, socket) => {
      if (this.#endpoint !== endpoint) return void socket?.destroy();
      if (error || !socket) return this.#tryAgain(endpoint);
      this.#keep(endpoint, socket);
    });
  }

  #keep(endpoint: Endpoint, socket: Socket): void {
    this.#socket = socket.setKeepAlive(true, KEEP_ALIVE_MS).resume();
    const ended = (inOrder: boolean): void => {
      if (this.#socket !== socket) return;
      if (inOrder) this.#endedInOrderAt = performance.now();
      this.#socket = undefined;
      socket.destroy();
      this.#tryAgain(endpoint);
      this.#lost();
    };
    socket.once("end", () => ended(true)).once("close", () => ended(false));
  }

  #tryAgain(endpoint: Endpoint): void {
    this.#timer = setTimeout(() => this.#endpoint === endpoint && this.#connect(endpoint), AGAIN_MS).unref();
  }
}
