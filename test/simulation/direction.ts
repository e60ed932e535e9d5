/**
 * One direction of a connection: what is put in arrives in its order, unless it is stuck, crawls, or the connection is
 * cut at some byte.
 */
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** What happens to one direction once so many bytes have passed. */
export type Trap = {
  readonly towards: "server" | "client";
  readonly after: number;
  readonly effect: "stick" | "reset" | "crawl";
};

/** As much of a host as its connections depend on. */
export type Reach = {
  readonly isDark: boolean;
  readonly latency: { readonly typical: number; readonly longest: number };
};

export type Piece = Buffer | "fin" | "rst";
/** What a trap puts between two pieces: from here on the direction is stuck, or the connection is reset. */
type Mark = "stick" | "cut";
const CRAWL_MS = 40;
const CRAWL_BYTES = 16;

export type Parts = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly host: Reach;
  readonly owner: Owner | undefined;
};

export class Direction {
  stuck = false;
  trap: Trap | undefined;
  #passed = 0;
  #last = 0;
  readonly #held: (Piece | Mark)[] = [];
  readonly #deliver: (piece: Piece) => void;
  readonly #parts: Parts;
  readonly #cut: () => void;

  constructor(parts: Parts, deliver: (piece: Piece) => void, cut: () => void) {
    this.#parts = parts;
    this.#deliver = deliver;
    this.#cut = cut;
  }

  put(piece: Piece): void {
    if (typeof piece !== "string" && this.trap) this.#putTrapped(piece, this.trap);
    else this.#travel(piece, 0);
  }

  /** The way is free again: what was held arrives, in its order. */
  release(): void {
    this.stuck = false;
    const { scheduler, random, host, owner } = this.#parts;
    if (this.#held.length > 0)
      scheduler.outside(random.latency(host.latency.typical, host.latency.longest), () => this.#drain(), owner);
  }

  get #isHeld(): boolean {
    return this.stuck || this.#parts.host.isDark;
  }

  #putTrapped(bytes: Buffer, trap: Trap): void {
    const room = Math.max(0, trap.after - this.#passed);
    this.#passed += bytes.length;
    if (bytes.length < room) return this.#travel(bytes, 0);
    this.trap = undefined;
    if (room > 0) this.#travel(bytes.subarray(0, room), 0);
    const rest = bytes.subarray(room);
    if (trap.effect === "reset") return this.#travel("cut", 0);
    if (trap.effect === "stick") this.#travel("stick", 0);
    const size = trap.effect === "crawl" ? CRAWL_BYTES : Math.max(1, rest.length);
    for (let at = 0; at < rest.length; at += size)
      this.#travel(rest.subarray(at, at + size), trap.effect === "crawl" ? CRAWL_MS : 0);
  }

  #travel(piece: Piece | Mark, extra: number): void {
    const { scheduler, random, host, owner } = this.#parts;
    // In order: nothing of one direction overtakes.
    this.#last = Math.max(
      this.#last + extra + 0.001,
      scheduler.now + random.latency(host.latency.typical, host.latency.longest),
    );
    scheduler.outside(this.#last - scheduler.now, () => this.#arrive(piece), owner);
  }

  #arrive(piece: Piece | Mark): void {
    if (this.#isHeld || this.#held.length > 0) this.#held.push(piece);
    else this.#pass(piece);
  }

  #drain(): void {
    while (this.#held.length > 0 && !this.#isHeld) this.#pass(this.#held.shift()!);
  }

  #pass(piece: Piece | Mark): void {
    if (piece === "stick") this.stuck = true;
    else if (piece === "cut") this.#cut();
    else this.#deliver(piece);
  }
}
