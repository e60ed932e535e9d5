/**
 * Limits the connections of a listener, per source and in total. A connection over a limit is closed without reading.
 */
import type { Socket } from "node:net";
import { networkOf } from "../common/net-address.ts";

export type Limits = {
  /** Maximum connections in total. */
  readonly max: number;
  /** Maximum connections from one IPv4 address, or one IPv6 /64. */
  readonly maxPerSource: number;
};

/** `left`: how many more may be opened. */
export type ConnectionCount = { readonly open: number; readonly left: number };

export class ConnectionLimits {
  limits: Limits;
  readonly #bySource = new Map<string, number>();
  readonly #open = new Set<Socket>();

  constructor(limits: Limits) {
    this.limits = limits;
  }

  get count(): ConnectionCount {
    return { open: this.size, left: Math.max(0, this.limits.max - this.size) };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Counts the connection until it closes. Returns the limit that it would exceed; then it must be closed. */
  admit(socket: Socket, address: string): keyof Limits | undefined {
    const source = networkOf(address);
    const ofSource = this.#bySource.get(source) ?? 0;
    if (this.size >= this.limits.max) return "max";
    if (ofSource >= this.limits.maxPerSource) return "maxPerSource";
    this.#open.add(socket);
    this.#bySource.set(source, ofSource + 1);
    socket.once("close", () => this.#remove(socket, source));
    return undefined;
  }

  /** Closes every connection, also those with a request under way. */
  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #remove(socket: Socket, source: string): void {
    this.#open.delete(socket);
    const left = (this.#bySource.get(source) ?? 1) - 1;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
  }
}
