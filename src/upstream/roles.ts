/**
 * Which OCS of a pair is the primary now? The one that becomes backup closes its connections in order, and the other begins to accept (the manual,
 * "Guidelines for Client Connections"). So it is read from connections alone: no request is sent to find out, and none can reach both.
 *
 * While the watch connection or a lane is open, the active OCS is the primary, whatever one connection attempt says. When all are lost, both
 * addresses are probed at once, and the table in `decision.ts` says which one takes requests. Losing all connections is no change of roles: the same
 * OCS found again is `reconnected`, only the peer is a `takeover`. The active OCS is doubted, with nothing stopped, when a lane cannot connect or the
 * peer announces a record: the watch connection may be open to a dead host.
 */
import { choose, GRACE_MS, type Cause, type Signs } from "./decision.ts";
import type { Endpoint } from "./endpoint.ts";
import { probeBoth, type Both } from "./probe.ts";
import { Speaker } from "./speaker.ts";
import { Standby, type Habit, type StandbyStatus } from "./standby.ts";
import { Vigil } from "./vigil.ts";
import type { Settled } from "./words.ts";

export type Role = "primary" | "backup";

export type Found = { readonly from: string; readonly to: string; readonly how: Settled["how"]; readonly reason: string };

export type RolesOptions = {
  readonly primary: Endpoint;
  readonly backup: Endpoint | undefined;
  /** What a standby does with a new connection while all is well; learned when left out. */
  readonly habit: () => Habit | undefined;
  /** Those of the board that this one replaces on the same upstream. */
  readonly inherits: Roles | undefined;
  /** A lane is connected. */
  readonly hasLane: () => boolean;
  /** Requests go to `found.to` from now on. */
  readonly found: (found: Found) => void;
  /** Every connection is lost: it looks for the primary now. */
  readonly lost: () => void;
  /** Neither has accepted for GRACE_MS. */
  readonly down: () => void;
  /** The watch connection has ended. */
  readonly ended: () => void;
  /** The standby has begun to differ from what is healthy, or is healthy again. */
  readonly standby: (endpoint: string, status: StandbyStatus) => void;
};

/** `standby`: what the last probe saw of the one that requests do not go to. */
export type EndpointStatus = { readonly endpoint: string; readonly role: Role; readonly active: boolean; readonly up: boolean; readonly standby?: StandbyStatus };

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 2000;
/** After a change the new primary is preferred for so long where both accept: roles that flap are not followed. */
const DAMPING_MS = 5000;
/** A connection that ended with FIN longer ago was not the last of all. */
const IN_ORDER_MS = 100;
/** A record that was announced so long before connections were lost is a sign of that loss. */
const LATELY_MS = 2000;
/** Announcements and failing lanes may come by the hundred: probes begin no more often. */
const PROBE_AGAIN_MS = 100;
const DOUBT_AGAIN_MS = 500;

/** One search, from the loss of all connections until an OCS is found. */
type Search = { readonly cause: Cause; readonly reason: string; readonly since: number };

export class Roles {
  readonly #options: RolesOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #vigil: Vigil;
  readonly #standby: Standby;
  #inherits: Roles | undefined;
  #active: Endpoint;
  /** Until `begin` the configured primary is taken for the active one. */
  #wasFound = true;
  #state: "steady" | "seeking" | "down" | "closed" = "steady";
  #search: Search | undefined;
  #changedAt = -Infinity;
  #probedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  /** The last probe failed on this host, which says nothing about OCS. */
  #couldNotTry = false;
  readonly #speaker = new Speaker();
  #wake: () => void = () => undefined;

  constructor(options: RolesOptions) {
    this.#options = options;
    this.#endpoints = options.backup ? [options.primary, options.backup] : [options.primary];
    this.#inherits = options.inherits;
    this.#active = this.#endpoints.find(({ origin }) => origin === options.inherits?.active.origin) ?? options.primary;
    this.#vigil = new Vigil(() => options.ended());
    this.#standby = new Standby({ habit: options.habit, isActiveWell: () => this.isWatching, changed: options.standby, inherits: options.inherits && options.inherits.#standby });
  }

  get active(): Endpoint {
    return this.#active;
  }

  /** Requests may go to the active endpoint. */
  get steady(): boolean {
    return this.#state === "steady";
  }

  get isDown(): boolean {
    return this.#state === "down";
  }

  /** The watch connection to the active endpoint is open. */
  get isWatching(): boolean {
    return this.steady && this.#vigil.isConnected;
  }

  /** Finds out who is the primary before the first request asks for it. Resolves after the first look; it goes on looking. */
  async begin(): Promise<void> {
    if (this.#state !== "steady" || this.#vigil.isConnected) return;
    this.#state = "seeking";
    this.#wasFound = false;
    const search = this.#searchFor("start", "OCS was not there at the start");
    if (!(await this.#look(search))) void this.#keepLooking(search, FIRST_PAUSE_MS);
  }

  /** A connection has ended, and those that end with it have had the time to. */
  connectionEnded(): void {
    if (!this.#isConnected) this.#seek("all connections to OCS have ended");
  }

  /** A lane could not connect. Nothing is lost by that while another connection is open. */
  connectFailed(reason: string): void {
    if (this.#isConnected) this.#doubt();
    else this.#seek(reason);
  }

  /** A record was announced, which proves that an OCS is up. `origin`: which one; undefined where its address does not tell. */
  heardFrom(origin: string | undefined): void {
    const now = performance.now();
    const isPeer = origin !== undefined && origin !== this.#active.origin;
    // Just after a change, records of the OCS before may still arrive.
    if (origin !== undefined && !(isPeer && this.#isDamped(now))) this.#speaker.heard(origin, now);
    if (this.steady && isPeer) this.#doubt();
    // A probe that is under way may have begun before OCS was up, and would be seen to fail by its timeout only.
    else if (this.#search) this.#soon(PROBE_AGAIN_MS, () => this.#search && void this.#look(this.#search));
  }

  status(): EndpointStatus[] {
    return this.#endpoints.map((endpoint, index) => {
      const active = endpoint === this.#active;
      const standby = active ? undefined : this.#standby.status(endpoint);
      return { endpoint: endpoint.origin, role: index === 0 ? "primary" : "backup", active, up: active && this.steady, ...(standby && { standby }) };
    });
  }

  close(): void {
    this.#state = "closed";
    this.#search = this.#inherits = undefined;
    this.#standby.close();
    this.#dismiss();
    this.#wake();
  }

  /** Ends the watch connection as well. */
  leave(): void {
    this.#vigil.close();
  }

  get #isConnected(): boolean {
    return this.#vigil.isConnected || this.#options.hasLane();
  }

  get #peer(): Endpoint | undefined {
    return this.#endpoints.find((endpoint) => endpoint !== this.#active);
  }

  #searchFor(cause: Cause, reason: string): Search {
    return (this.#search = { cause, reason, since: performance.now() });
  }

  #seek(reason: string): void {
    if (this.#state !== "steady") return;
    const inOrder = performance.now() - this.#vigil.endedInOrderAt < IN_ORDER_MS;
    this.#state = "seeking";
    this.#vigil.close();
    this.#dismiss();
    this.#options.lost();
    void this.#keepLooking(this.#searchFor(inOrder ? "in order" : "failed", reason), 0);
  }

  async #keepLooking(search: Search, firstPause: number): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(Math.max(pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)) {
      if (pause > 0) await this.#rest(pause);
      if (this.#search !== search || await this.#look(search) || this.#search !== search) return;
      if (this.#state !== "seeking" || this.#couldNotTry || performance.now() - search.since < GRACE_MS) continue;
      this.#state = "down";
      this.#options.down();
    }
  }

  /** The watch connection is open, and yet the active OCS may be gone, or only the peer be working. */
  #doubt(): void {
    this.#soon(DOUBT_AGAIN_MS, () => {
      if (!this.steady || !this.#peer || this.#search) return;
      const doubt = this.#searchFor("doubt", "the other OCS is the primary");
      void this.#look(doubt).then(() => {
        if (this.#search === doubt) this.#search = undefined;
      });
    });
  }

  /** At once, or when the last probes began `ms` ago. */
  #soon(ms: number, act: () => void): void {
    if (this.#timer) return;
    const early = this.#probedAt + ms - performance.now();
    if (early <= 0) return act();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      act();
    }, early).unref();
  }

  #dismiss(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Probes both at once. True when that has shown which one is the primary. */
  async #look(search: Search): Promise<boolean> {
    this.#probedAt = performance.now();
    const [active, peer] = [this.#active, this.#peer];
    const both = await probeBoth(active, peer);
    this.#couldNotTry = both.active === undefined;
    const choice = this.#search === search ? choose(this.#signs(search, both)) : undefined;
    const chosen = choice === "peer" ? peer : active;
    const socket = both.take(search.cause === "doubt" && choice === "active" ? undefined : choice);
    if (!chosen || !socket) return false;
    const found = this.#adopt(chosen, search);
    // The connection that has shown it becomes the watch connection: nothing can go unnoticed between the two.
    this.#vigil.watch(chosen, socket);
    this.#options.found(found);
    this.#standby.watch(this.#peer);
    this.#wake();
    return true;
  }

  #signs({ cause, since }: Search, { active, peer }: Both): Signs {
    const now = performance.now();
    const peerOrigin = this.#peer?.origin;
    return {
      cause, active, peer,
      habit: this.#standby.habit,
      peerSpoke: this.#speaker.hasSpoken(peerOrigin, since - LATELY_MS),
      peerInsists: this.#speaker.insists(peerOrigin),
      damped: this.#isDamped(now),
      waited: now - since,
    };
  }

  #adopt(endpoint: Endpoint, { reason }: Search): Found {
    const to = endpoint.origin;
    const before = this.#wasFound ? this.#active.origin : this.#inherits?.active.origin;
    const how = this.#howFound(to, before);
    if (how === "takeover") this.#changedAt = performance.now();
    this.#inherits = this.#search = undefined;
    this.#speaker.forget();
    [this.#active, this.#wasFound, this.#state] = [endpoint, true, "steady"];
    return { from: before ?? to, to, how, reason };
  }

  /**
   * A board that replaces another one starts where that one was, if the other's watch connection is open still: then both were for a moment, and
   * nothing was lost. Where the config names other addresses than before, it is the start of another OCS.
   */
  #howFound(to: string, before: string | undefined): Settled["how"] {
    if (before === undefined || !this.#endpoints.some(({ origin }) => origin === before)) return "start";
    if (before !== to) return "takeover";
    return !this.#wasFound && this.#inherits?.isWatching ? "start" : "reconnected";
  }

  #isDamped(now: number): boolean {
    return now - this.#changedAt < DAMPING_MS;
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
