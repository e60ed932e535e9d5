/** How many connections a listener holds, from each source and in all. One too many is closed at once, before a byte of it is read. */
import type { Socket } from "node:net";
import { networkOf } from "../network.ts";

export type Room = {
  /** In all. */ readonly max: number;
  /** From one address; of IPv6, from one /64. */ readonly maxPerSource: number;
};

export type Taken = { readonly open: number; readonly left: number };

export class Crowd {
  room: Room;
  readonly #bySource = new Map<string, number>();
  readonly #inside = new Set<Socket>();

  constructor(room: Room) {
    this.room = room;
  }

  /** Connections that are open, and for how many more there is room. */
  get taken(): Taken {
    return { open: this.size, left: Math.max(0, this.room.max - this.size) };
  }

  /** Counts the connection until it closes; which limit it is over, when it must not be taken. */
  enter(socket: Socket, address: string): keyof Room | undefined {
    const source = networkOf(address);
    const here = this.#bySource.get(source) ?? 0;
    if (this.size >= this.room.max) return "max";
    if (here >= this.room.maxPerSource) return "maxPerSource";
    this.#inside.add(socket);
    this.#bySource.set(source, here + 1);
    socket.once("close", () => this.#leave(socket, source));
    return undefined;
  }

  get size(): number {
    return this.#inside.size;
  }

  /** Closes every connection, whatever is under way on it. */
  disperse(): void {
    for (const socket of this.#inside) socket.destroy();
  }

  #leave(socket: Socket, source: string): void {
    this.#inside.delete(socket);
    const left = (this.#bySource.get(source) ?? 1) - 1;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
  }
}
