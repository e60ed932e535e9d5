/**
 * How many keys each client may still make. Several gateways make keys of one client, so that each counts them anew
 * after it has used a sixteenth of the room that it found: up to sixteen gateways together stay within the bound.
 */
import type { KeyScope } from "../types.ts";

const PARTS = 16;
/** A client without room is counted again after this time. */
const FULL_MS = 1000;

type Room = { left: number; fullUntil: number; counting: Promise<void> | undefined };

export class KeyRoom {
  readonly #most: number;
  readonly #count: (scope: KeyScope) => Promise<number>;
  readonly #rooms = new Map<string, Room>();

  constructor(most: number, count: (scope: KeyScope) => Promise<number>) {
    [this.#most, this.#count] = [most, count];
  }

  /** Resolves to false if the client has as many keys as allowed. Rejects like `count`. */
  async take(scope: KeyScope): Promise<boolean> {
    const name = JSON.stringify([scope.upstream, scope.tenant, scope.client]);
    let room = this.#rooms.get(name);
    if (!room) this.#rooms.set(name, (room = { left: 0, fullUntil: -Infinity, counting: undefined }));
    while (room.left === 0) {
      if (performance.now() < room.fullUntil) return false;
      await (room.counting ??= this.#countInto(room, scope));
    }
    room.left--;
    return true;
  }

  /** To be called after keys were deleted. */
  freed(): void {
    for (const room of this.#rooms.values()) room.fullUntil = -Infinity;
  }

  async #countInto(room: Room, scope: KeyScope): Promise<void> {
    try {
      const free = Math.max(0, this.#most - (await this.#count(scope)));
      room.left = Math.max(Math.min(1, free), Math.floor(free / PARTS));
      if (free === 0) room.fullUntil = performance.now() + FULL_MS;
    } finally {
      room.counting = undefined;
    }
  }
}
