/**
 * Finds the primary OCS of a pair. The OCS that becomes backup closes its connections with FIN, and the other begins to
 * accept (the manual, "Guidelines for Client Connections"). So the gateway determines the roles from connections alone;
 * it sends no request to find out, so that none can reach both.
 *
 * While the watch connection or a lane is open, the active OCS is the primary, even if a connection attempt fails. When
 * all are lost, the gateway probes both addresses at once, and the table in `role-decision.ts` decides. Losing all
 * connections does not mean a change of roles: finding the same OCS is `reconnected`, finding the peer is `takeover`.
 * The watch connection may be open to a dead host. So if a lane cannot connect, or the peer announces a record, the
 * gateway doubts the active OCS: it probes both while it continues to send requests.
 */
import type { Endpoint } from "../lanes/endpoint.ts";
import { MinInterval } from "../min-interval.ts";
import { AnnouncingOcs } from "./announcing-ocs.ts";
import { Backoff } from "./backoff.ts";
import { probePair, type PairProbe } from "./probe.ts";
import { decideRole, GRACE_MS, type LossCause, type Signs } from "./role-decision.ts";
import { Standby } from "./standby.ts";
import type { EndpointStatus, FailoverOptions, Found } from "./types.ts";
import { WatchConnection, type ConnectionEnd } from "./watch-connection.ts";

/** After a takeover the new primary is preferred for this long if both accept, to prevent flapping. */
const DAMPING_MS = 5000;
/** All connections were closed in order if the last one got its FIN at most this long ago. */
const IN_ORDER_MS = 100;
/** A record announced at most this long before the loss shows which OCS is primary after it. */
const BEFORE_LOSS_MS = 2000;
/** After a takeover, records of the former primary may still arrive for this long. */
const LATE_RECORDS_MS = 1500;
/** A record that arrives this long after the loss may have been sent before it. */
const IN_TRANSIT_MS = 250;
/** Minimum interval between probes, times the number running: hundreds of announcements may arrive at once. */
const PROBE_AGAIN_MS = 100;
const DOUBT_AGAIN_MS = 500;

const ALL_LOST = "all connections to OCS have ended";

/** One search, from the loss of all connections until an OCS is found. */
type Search = { cause: LossCause; readonly reason: string; readonly since: number };

export class Failover {
  readonly #options: FailoverOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #watchConnection: WatchConnection;
  readonly #standby: Standby;
  #predecessor: Failover | undefined;
  /** The failover of the switchboard that replaces this one. */
  #successor: Failover | undefined;
  #active: Endpoint;
  /** False from `begin` until an OCS is found. Without `begin` the configured primary is the active OCS. */
  #wasFound = true;
  #state: "settled" | "searching" | "unreachable" | "closed" = "settled";
  #search: Search | undefined;
  #tookOverAt = -Infinity;
  readonly #probeInterval = new MinInterval();
  #probesRunning = 0;
  /** True if the last probe failed on this host, which says nothing about OCS. */
  #failedLocally = false;
  readonly #announcingOcs = new AnnouncingOcs();
  readonly #backoff = new Backoff();

  /** `predecessor`: the failover that this one replaces. No closure may refer to it, so that it is freed. */
  constructor(options: FailoverOptions, predecessor?: Failover) {
    this.#options = options;
    this.#endpoints = options.backup ? [options.primary, options.backup] : [options.primary];
    this.#predecessor = predecessor;
    const former = predecessor?.active.origin;
    this.#active = this.#endpoints.find(({ origin }) => origin === former) ?? options.primary;
    this.#watchConnection = new WatchConnection({
      onEnd: (end) => this.#watchEnded(end),
      mayResume: () => this.#confirmSameLife(),
    });
    if (predecessor) predecessor.#successor = this;
    const { standbyBehaviour: configured, onStandbyChange: onChange } = options;
    const inherits = predecessor && predecessor.#standby;
    this.#standby = new Standby({ configured, isActiveConnected: () => this.isWatching, onChange, inherits });
  }

  get active(): Endpoint {
    return this.#active;
  }

  /** Requests may go to the active OCS. */
  get isSettled(): boolean {
    return this.#state === "settled";
  }

  /** Neither OCS has accepted a connection for `GRACE_MS`. */
  get isUnreachable(): boolean {
    return this.#state === "unreachable";
  }

  /** The watch connection to the active OCS is open, and no successor has taken over. */
  get isWatching(): boolean {
    return this.isSettled && this.#watchConnection.isConnected;
  }

  /** The watch connection is open, also while it lingers for a successor. */
  get hasWatchConnection(): boolean {
    return this.#watchConnection.isConnected;
  }

  /** Searches for the primary before the first request asks for it. Resolves after the first probe. */
  async begin(): Promise<void> {
    if (this.#state !== "settled" || this.#watchConnection.isConnected) return;
    this.#state = "searching";
    this.#wasFound = false;
    const search = this.#newSearch("start", "OCS was not reachable at the start");
    if (!(await this.#probeOnce(search))) void this.#searchUntilFound(search, true);
  }

  /** Call this some time after a connection has ended, when others that end with it have ended too. */
  connectionEnded(): void {
    if (!this.#isConnected) this.#startSearch(ALL_LOST);
  }

  /** The predecessor has lost its watch connection by a reset or a timeout, or is connected to the other OCS. */
  recheckActive(): void {
    this.#startSearch("connections from before a reload have ended");
  }

  /** A lane could not connect. While another connection is open, that puts the active OCS in doubt only. */
  connectFailed(reason: string): void {
    if (this.#isConnected) this.#doubt();
    else this.#startSearch(reason);
  }

  /** Call this when an OCS has announced a record. `origin`: undefined if its address does not identify the OCS. */
  noteAnnouncement(origin: string | undefined): void {
    const now = performance.now();
    const isPeer = origin !== undefined && origin !== this.#active.origin;
    // Just after a takeover, records of the former primary may still arrive.
    if (origin !== undefined && !(isPeer && now - this.#tookOverAt < LATE_RECORDS_MS))
      this.#announcingOcs.note(origin, now);
    if (this.isSettled && isPeer) this.#doubt();
    // A running probe may have started before OCS was up, and would end only by its timeout.
    else if (this.#search)
      this.#probeInterval.schedule(
        PROBE_AGAIN_MS * (1 + this.#probesRunning),
        () => this.#search && void this.#probeOnce(this.#search),
      );
  }

  status(): EndpointStatus[] {
    return this.#endpoints.map((endpoint, index) => {
      const active = endpoint === this.#active;
      const standby = active ? undefined : this.#standby.status(endpoint);
      return {
        endpoint: endpoint.origin,
        role: index === 0 ? "primary" : "backup",
        active,
        up: active && this.isSettled,
        ...(standby && { standby }),
      };
    });
  }

  close(): void {
    this.#state = "closed";
    this.#search = this.#predecessor = undefined;
    this.#standby.close();
    this.#probeInterval.cancel();
    this.#backoff.cancel();
  }

  /** Closes the watch connection; if a successor uses the same OCS only later, so that a dead host is noticed. */
  leave(): void {
    const sharesIt =
      this.#successor !== undefined && this.#successor.#endpoints.some(({ origin }) => origin === this.#active.origin);
    if (sharesIt) this.#watchConnection.linger();
    else this.#watchConnection.close();
  }

  /**
   * True if the connections prove that OCS has not restarted. Without the watch connection, only a lane that was
   * connected before its end proves that: a later one may be connected to a restarted OCS. After a reset or a timeout
   * no lane does, because it is unknown how long OCS was alive.
   */
  get #isConnected(): boolean {
    const { isConnected, ended } = this.#watchConnection;
    return isConnected || (ended?.inOrder !== false && this.#options.hasLane(ended?.at ?? Infinity));
  }

  #watchEnded(end: ConnectionEnd): void {
    // The successor may have connected to a restarted OCS while this connection was open to a dead host.
    if (!end.inOrder) this.#successor?.recheckActive();
    if (this.#state !== "closed") return this.#options.onWatchEnded();
    this.#watchConnection.close();
  }

  #confirmSameLife(): boolean {
    if (this.#isConnected) return true;
    this.#startSearch(ALL_LOST);
    return false;
  }

  get #peer(): Endpoint | undefined {
    return this.#endpoints.find((endpoint) => endpoint !== this.#active);
  }

  #newSearch(cause: LossCause, reason: string): Search {
    return (this.#search = { cause, reason, since: performance.now() });
  }

  #startSearch(reason: string): void {
    if (this.#state !== "settled") return;
    const { ended } = this.#watchConnection;
    const inOrder = ended !== undefined && ended.inOrder && performance.now() - ended.at < IN_ORDER_MS;
    this.#state = "searching";
    this.#watchConnection.close();
    this.#probeInterval.cancel();
    this.#options.onLost();
    void this.#searchUntilFound(this.#newSearch(inOrder ? "in order" : "failed", reason));
  }

  async #searchUntilFound(search: Search, hasProbed = false): Promise<void> {
    this.#backoff.reset();
    for (let isFirst = !hasProbed; ; isFirst = false) {
      if (!isFirst) await this.#backoff.wait();
      if (this.#search !== search || (await this.#probeOnce(search)) || this.#search !== search) return;
      if (this.#state !== "searching" || this.#failedLocally || performance.now() - search.since < GRACE_MS) continue;
      this.#state = "unreachable";
      this.#options.onUnreachable();
    }
  }

  /** Probes while the watch connection is open: the active OCS may be dead, or the peer may be the primary. */
  #doubt(): void {
    this.#probeInterval.schedule(DOUBT_AGAIN_MS, () => {
      if (!this.isSettled || !this.#peer || this.#search) return;
      const doubt = this.#newSearch("doubt", "the other OCS is the primary");
      void this.#probeOnce(doubt).then(() => {
        if (this.#search === doubt) this.#search = undefined;
      });
    });
  }

  /** Probes both at once. Resolves to true if this has shown which one is the primary. */
  async #probeOnce(search: Search): Promise<boolean> {
    this.#probeInterval.markStart();
    const [active, peer] = [this.#active, this.#peer];
    this.#probesRunning++;
    const both = await probePair(active, peer).finally(() => this.#probesRunning--);
    this.#failedLocally = both.active === undefined;
    // An OCS that gives up its role still accepts connections; one that does not accept is restarting.
    if (search.cause === "in order" && (both.active === "refuses" || both.active === "silent")) search.cause = "failed";
    const choice = this.#search === search ? decideRole(this.#signs(search, both)) : undefined;
    const chosen = choice === "peer" ? peer : active;
    const socket = both.take(search.cause === "doubt" && choice === "active" ? undefined : choice);
    if (!chosen || !socket) return false;
    const found = this.#adopt(chosen, search);
    // Reuses the probe's connection as the watch connection, so that a restart in between is noticed.
    this.#watchConnection.watch(chosen, socket);
    this.#options.onActive(found);
    this.#standby.watch(this.#peer);
    this.#backoff.cancel();
    return true;
  }

  #signs({ cause, since }: Search, { active, peer }: PairProbe): Signs {
    const [now, peerOrigin] = [performance.now(), this.#peer?.origin];
    return {
      cause,
      active,
      peer,
      standbyBehaviour: this.#standby.behaviour,
      activeAnnounced: this.#announcingOcs.announcedLast(this.#active.origin, since + IN_TRANSIT_MS),
      peerAnnounced: this.#announcingOcs.announcedLast(peerOrigin, since - BEFORE_LOSS_MS),
      onlyPeerAnnounces: this.#announcingOcs.isOnlyAnnouncer(peerOrigin),
      isDamped: now - this.#tookOverAt < DAMPING_MS,
      waited: now - since,
    };
  }

  #adopt(endpoint: Endpoint, { reason }: Search): Found {
    const to = endpoint.origin;
    const former = this.#wasFound ? this.#active.origin : this.#predecessor?.active.origin;
    const how = this.#howFound(to, former);
    if (how === "takeover") this.#tookOverAt = performance.now();
    this.#predecessor = this.#search = undefined;
    this.#announcingOcs.clear();
    [this.#active, this.#wasFound, this.#state] = [endpoint, true, "settled"];
    return { from: former ?? to, to, how, reason };
  }

  /**
   * A successor that finds its predecessor's OCS while the predecessor still watches it has lost nothing: a `start`. So
   * is an OCS that the former config did not name.
   */
  #howFound(to: string, former: string | undefined): Found["how"] {
    if (former === undefined || !this.#endpoints.some(({ origin }) => origin === former)) return "start";
    if (former !== to) return "takeover";
    return !this.#wasFound && this.#predecessor?.hasWatchConnection ? "start" : "reconnected";
  }
}
