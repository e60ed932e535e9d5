/**
 * One connection to OCS that carries nothing and stays open. Lanes come and go with requests; without it an OCS that begins anew while none is
 * connected would go unnoticed, and handles of before would meet those that it gives out now. And one lane that OCS ends is then not all of them.
 */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "./endpoint.ts";

const AGAIN_MS = 250;

export class Vigil {
  readonly #lost: () => void;
  #endpoint: Endpoint | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `lost` is called when the connection ends and not we have ended it. */
  constructor(lost: () => void) {
    this.#lost = lost;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** From now on at this one, for as long as nobody says otherwise. */
  watch(endpoint: Endpoint): void {
    this.close();
    this.#endpoint = endpoint;
    this.#connect(endpoint);
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
      this.#socket = socket.resume().once("end", () => socket.destroy()).once("close", () => this.#ended(endpoint, socket));
    });
  }

  #ended(endpoint: Endpoint, socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#tryAgain(endpoint);
    this.#lost();
  }

  #tryAgain(endpoint: Endpoint): void {
    this.#timer = setTimeout(() => this.#endpoint === endpoint && this.#connect(endpoint), AGAIN_MS).unref();
  }
}
