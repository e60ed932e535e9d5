/** One connection to OCS: what is written leaves in one piece, and what comes is given on at once, with nothing in between that could keep any of it. */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "./endpoint.ts";

type Told = {
  /** It can carry a request. */
  readonly ready: () => void;
  /** It could not be made. */
  readonly failed: (error: Error) => void;
  /** The bytes are only lent. */
  readonly took: (bytes: Buffer) => void;
  /** It has ended, and not we have ended it. */
  readonly gone: () => void;
};

const ENDS = ["end", "error", "close"] as const;

export class Wire {
  readonly #told: Told;
  #socket: Socket | undefined;
  #over = false;

  /** Begins to connect. Nothing is told any more after `destroy`, `failed` or `gone`. */
  constructor(endpoint: Endpoint, told: Told) {
    this.#told = told;
    connectTo(endpoint, (error, socket) => this.#connected(error, socket), (bytes) => this.#over || told.took(bytes));
  }

  /** It can carry a request. */
  get isReady(): boolean {
    return this.#socket !== undefined;
  }

  /** All that was written has left. */
  get isFlushed(): boolean {
    return this.#socket?.writableLength === 0;
  }

  write(text: string): void {
    this.#socket!.write(text, "utf8");
  }

  destroy(): void {
    this.#over = true;
    this.#socket?.destroy();
  }

  #connected(error: Error | null, socket: Socket | null): void {
    if (this.#over) return void socket?.destroy();
    if (!socket) {
      this.#over = true;
      return this.#told.failed(error ?? new Error("no connection"));
    }
    this.#socket = socket;
    for (const end of ENDS) socket.once(end, () => this.#gone());
    this.#told.ready();
  }

  #gone(): void {
    if (this.#over) return;
    this.destroy();
    this.#told.gone();
  }
}
