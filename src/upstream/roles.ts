/**
 * Which OCS is the primary now. OCS is a warm-standby pair: the one that becomes backup closes its connections in order, and the other begins
 * to accept (the manual, "Guidelines for Client Connections"). A connection that is accepted and stays open is the sign of a primary; nothing is
 * sent to find out, so no request can reach both. Every change, and every loss of all connections, begins a new epoch.
 */
import { connectTo, type Endpoint } from "./endpoint.ts";

export type Role = "primary" | "backup";

export type Change = { readonly from: string; readonly to: string; readonly epoch: number; readonly reason: string };

export type RolesOptions = {
  readonly primary: Endpoint;
  readonly backup: Endpoint | undefined;
  /** An endpoint was found after all connections were lost: `to` may be what `from` was. `first`: nothing was lost, so it was found at the beginning. */
  readonly found: (change: Change, first: boolean) => void;
  /** The endpoint that was expected is there. */
  readonly ready: () => void;
  /** All connections are lost: it looks for the primary now. */
  readonly lost: () => void;
  /** Nobody has answered for GRACE_MS. */
  readonly down: () => void;
};

export type EndpointStatus = { readonly endpoint: string; readonly role: Role; readonly active: boolean; readonly up: boolean };

/** A backup that accepts closes at once: what is open after this long is a primary. */
const HOLD_MS = 60;
/** So long an active endpoint that answers waits for its peer to do so too. */
const PATIENCE_MS = 150;
/** So long nobody is called down: an OCS that takes over needs a moment. */
const GRACE_MS = 1000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 2000;
/** After a change the new primary is preferred for so long where both accept: roles that flap are not followed. */
const DAMPING_MS = 5000;

export class Roles {
  readonly #options: RolesOptions;
  readonly #endpoints: readonly Endpoint[];
  #active: Endpoint;
  #epoch = 1;
  #state: "steady" | "seeking" | "down" | "closed" = "steady";
  #changedAt = -Infinity;
  #wake: () => void = () => undefined;

  constructor(options: RolesOptions) {
    this.#options = options;
    this.#endpoints = options.backup ? [options.primary, options.backup] : [options.primary];
    this.#active = options.primary;
  }

  get active(): Endpoint {
    return this.#active;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Requests may go to the active endpoint. */
  get steady(): boolean {
    return this.#state === "steady";
  }

  get isDown(): boolean {
    return this.#state === "down";
  }

  /** Finds out who is the primary before the first request asks for it. Resolves after the first look; it goes on looking. */
  async begin(): Promise<void> {
    if (this.#state !== "steady") return;
    this.#state = "seeking";
    const found = await this.#primaryNow();
    if (found) this.#adopt(found, undefined);
    else void this.#search("OCS was not there at the beginning");
  }

  /** All connections to the active endpoint are lost, or none can be made: finds out where the primary is. */
  seek(reason: string): void {
    if (this.#state !== "steady") return;
    this.#state = "seeking";
    this.#options.lost();
    void this.#search(reason);
  }

  status(): EndpointStatus[] {
    return this.#endpoints.map((endpoint, index) => ({
      endpoint: endpoint.origin, role: index === 0 ? "primary" : "backup", active: endpoint === this.#active, up: endpoint === this.#active && this.steady,
    }));
  }

  close(): void {
    this.#state = "closed";
    this.#wake();
  }

  async #search(reason: string): Promise<void> {
    const since = performance.now();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const found = await this.#primaryNow();
      if (found) return this.#adopt(found, reason);
      if (this.#state === "closed") return;
      if (this.#state === "seeking" && performance.now() - since >= GRACE_MS) {
        this.#state = "down";
        this.#options.down();
      }
      await this.#rest(pause);
    }
  }

  /** Both are asked at once. The peer goes first, unless it has just been left; but an active one that answers does not wait long for it. */
  async #primaryNow(): Promise<Endpoint | undefined> {
    const peer = this.#endpoints.find((endpoint) => endpoint !== this.#active);
    const activeHolds = holds(this.#active);
    const peerHolds = peer ? holds(peer) : Promise.resolve(false);
    const peerInTime = await Promise.race([peerHolds, activeHolds.then((answers) => (answers ? after(PATIENCE_MS, false) : peerHolds))]);
    const damped = performance.now() - this.#changedAt < DAMPING_MS;
    if (peerInTime && !damped) return peer;
    if (await activeHolds) return this.#active;
    return peerInTime ? peer : undefined;
  }

  /** Without a reason it is the beginning: nothing was lost, and the epoch is the first one. */
  #adopt(endpoint: Endpoint, reason: string | undefined): void {
    if (this.#state === "closed") return;
    const from = this.#active.origin;
    this.#state = "steady";
    if (reason === undefined && endpoint === this.#active) return this.#options.ready();
    if (endpoint !== this.#active) this.#changedAt = performance.now();
    this.#active = endpoint;
    this.#epoch++;
    this.#options.found({ from, to: endpoint.origin, epoch: this.#epoch, reason: reason ?? "the other OCS is the primary" }, reason === undefined);
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const after = <Value>(ms: number, value: Value): Promise<Value> => new Promise((resolve) => setTimeout(resolve, ms, value));

/** True when a connection is accepted and not closed again. */
const holds = (endpoint: Endpoint): Promise<boolean> =>
  new Promise((resolve) => {
    connectTo(endpoint, (error, socket) => {
      if (error || !socket) return resolve(false);
      const timer = setTimeout(() => done(true), HOLD_MS);
      const done = (held: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(held);
      };
      socket.on("error", () => undefined).once("end", () => done(false)).once("close", () => done(false)).resume();
    });
  });
