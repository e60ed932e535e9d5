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
import { Soon } from "./soon.ts";
import { Speaker } from "./speaker.ts";
import { Standby, type Habit, type StandbyStatus } from "./standby.ts";
import { Vigil, type Ended } from "./vigil.ts";
import type { Settled } from "./words.ts";

export type Role = "primary" | "backup";

export type Found = {
  readonly from: string;
  readonly to: string;
  readonly how: Settled["how"];
  readonly reason: string;
};

export type RolesOptions = {
  readonly primary: Endpoint;
  readonly backup: Endpoint | undefined;
  /** What a standby does with a new connection while all is well; learned when left out. */
  readonly habit: () => Habit | undefined;
  /** Those of the board that this one replaces on the same upstream. */
  readonly inherits: Roles | undefined;
  /** A lane is connected that was already at that time of the monotonic clock. */
  readonly hasLane: (since: number) => boolean;
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
export type EndpointStatus = {
  readonly endpoint: string;
  readonly role: Role;
  readonly active: boolean;
  readonly up: boolean;
  readonly standby?: StandbyStatus;
};

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 2000;
/** After a change the new primary is preferred for so long where both accept: roles that flap are not followed. */
const DAMPING_MS = 5000;
/** A connection that ended with FIN longer ago was not the last of all. */
const IN_ORDER_MS = 100;
/** A record that was announced so long before connections were lost is a sign of that loss. */
const LATELY_MS = 2000;
const STRAGGLING_MS = 1500;
/** So long after it announcements may arrive that were sent before. */
const UNDER_WAY_MS = 250;
/** Announcements and failing lanes may come by the hundred: probes begin no more often, and less often the more are under way. */
const PROBE_AGAIN_MS = 100;
const DOUBT_AGAIN_MS = 500;

/** One search, from the loss of all connections until an OCS is found. */
type Search = { cause: Cause; readonly reason: string; readonly since: number };

export class Roles {
  readonly #options: RolesOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #vigil: Vigil;
  readonly #standby: Standby;
  #inherits: Roles | undefined;
  /** Those of the board that replaces this one. */
  #heir: Roles | undefined;
  #active: Endpoint;
  /** Until `begin` the configured primary is taken for the active one. */
  #wasFound = true;
  #state: "steady" | "seeking" | "down" | "closed" = "steady";
  #search: Search | undefined;
  #changedAt = -Infinity;
  readonly #soon = new Soon();
  #looks = 0;
  /** The last probe failed on this host, which says nothing about OCS. */
  #couldNotTry = false;
  readonly #speaker = new Speaker();
  #wake: () => void = () => undefined;

  constructor(options: RolesOptions) {
    this.#options = { ...options, inherits: undefined }; // A closure that names it would keep every board before.
    this.#endpoints = options.backup ? [options.primary, options.backup] : [options.primary];
    this.#inherits = options.inherits;
    const before = options.inherits?.active.origin;
    this.#active = this.#endpoints.find(({ origin }) => origin === before) ?? options.primary;
    this.#vigil = new Vigil({ lost: (ended) => this.#vigilEnded(ended), goesOn: () => this.#goesOn() });
    if (this.#inherits) this.#inherits.#heir = this;
    const { habit, standby: changed } = options;
    const inherits = this.#inherits && this.#inherits.#standby;
    this.#standby = new Standby({ habit, isActiveWell: () => this.isWatching, changed, inherits });
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

  /** The same, also when another board has replaced this one and the connection is about to be closed. */
  get stillWatches(): boolean {
    return this.#vigil.isConnected;
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

  /** The board that this one has replaced has lost its watch connection by a reset or a timeout, or is at the other OCS. */
  lookAgain(): void {
    this.#seek("connections of before a reload have ended");
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
    if (origin !== undefined && !(isPeer && now - this.#changedAt < STRAGGLING_MS)) this.#speaker.heard(origin, now);
    if (this.steady && isPeer) this.#doubt();
    // A probe that is under way may have begun before OCS was up, and would be seen to fail by its timeout only.
    else if (this.#search)
      this.#soon.act(PROBE_AGAIN_MS * (1 + this.#looks), () => this.#search && void this.#look(this.#search));
  }

  status(): EndpointStatus[] {
    return this.#endpoints.map((endpoint, index) => {
      const active = endpoint === this.#active;
      const standby = active ? undefined : this.#standby.status(endpoint);
      return {
        endpoint: endpoint.origin,
        role: index === 0 ? "primary" : "backup",
        active,
        up: active && this.steady,
        ...(standby && { standby }),
      };
    });
  }

  close(): void {
    this.#state = "closed";
    this.#search = this.#inherits = undefined;
    this.#standby.close();
    this.#soon.dismiss();
    this.#wake();
  }

  /** Ends the watch connection as well; later where another board has replaced this one, so that a dead host is noticed. */
  leave(): void {
    // The next board may lead to other addresses, and then nobody has to know what becomes of this OCS.
    const sharesIt =
      this.#heir !== undefined && this.#heir.#endpoints.some(({ origin }) => origin === this.#active.origin);
    if (sharesIt) this.#vigil.linger();
    else this.#vigil.close();
  }

  /**
   * The OCS life that requests go to goes on, as far as connections tell. Without the watch connection a lane tells only when it is older than its
   * end: a later one may be connected to the next life. And a reset or a timeout does not tell until when OCS was alive.
   */
  get #isConnected(): boolean {
    const { isConnected, ended } = this.#vigil;
    return isConnected || (ended?.inOrder !== false && this.#options.hasLane(ended?.at ?? Infinity));
  }

  #vigilEnded(ended: Ended): void {
    // On a reload of the same second the next board may have connected to the next life while this connection was open to a dead host.
    if (!ended.inOrder) this.#heir?.lookAgain();
    if (this.#state !== "closed") return this.#options.ended();
    this.#vigil.close();
  }

  #goesOn(): boolean {
    if (this.#isConnected) return true;
    this.#seek("all connections to OCS have ended");
    return false;
  }

  get #peer(): Endpoint | undefined {
    return this.#endpoints.find((endpoint) => endpoint !== this.#active);
  }

  #searchFor(cause: Cause, reason: string): Search {
    return (this.#search = { cause, reason, since: performance.now() });
  }

  #seek(reason: string): void {
    if (this.#state !== "steady") return;
    const { ended } = this.#vigil;
    const inOrder = ended !== undefined && ended.inOrder && performance.now() - ended.at < IN_ORDER_MS;
    this.#state = "seeking";
    this.#vigil.close();
    this.#soon.dismiss();
    this.#options.lost();
    void this.#keepLooking(this.#searchFor(inOrder ? "in order" : "failed", reason), 0);
  }

  async #keepLooking(search: Search, firstPause: number): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(Math.max(pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)) {
      if (pause > 0) await this.#rest(pause);
      if (this.#search !== search || (await this.#look(search)) || this.#search !== search) return;
      if (this.#state !== "seeking" || this.#couldNotTry || performance.now() - search.since < GRACE_MS) continue;
      this.#state = "down";
      this.#options.down();
    }
  }

  /** The watch connection is open, and yet the active OCS may be gone, or only the peer be working. */
  #doubt(): void {
    this.#soon.act(DOUBT_AGAIN_MS, () => {
      if (!this.steady || !this.#peer || this.#search) return;
      const doubt = this.#searchFor("doubt", "the other OCS is the primary");
      void this.#look(doubt).then(() => {
        if (this.#search === doubt) this.#search = undefined;
      });
    });
  }

  /** Probes both at once. True when that has shown which one is the primary. */
  async #look(search: Search): Promise<boolean> {
    this.#soon.begin();
    const [active, peer] = [this.#active, this.#peer];
    this.#looks++;
    const both = await probeBoth(active, peer).finally(() => this.#looks--);
    this.#couldNotTry = both.active === undefined;
    // One that gives up its role goes on accepting, to keep or to close: this is a restart.
    if (search.cause === "in order" && (both.active === "refuses" || both.active === "silent")) search.cause = "failed";
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
    const [now, peerOrigin] = [performance.now(), this.#peer?.origin];
    return {
      cause,
      active,
      peer,
      habit: this.#standby.habit,
      activeSpoke: this.#speaker.hasSpoken(this.#active.origin, since + UNDER_WAY_MS),
      peerSpoke: this.#speaker.hasSpoken(peerOrigin, since - LATELY_MS),
      peerInsists: this.#speaker.insists(peerOrigin),
      damped: now - this.#changedAt < DAMPING_MS,
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
    return !this.#wasFound && this.#inherits?.stillWatches ? "start" : "reconnected";
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
