/**
 * The active OCS of an upstream: the result of failover, the epoch that counts takeovers, and the events about both.
 * After a connection ends, no request is sent until it is known which connections ended together.
 */
import { Failover } from "./failover/failover.ts";
import type { EndpointStatus, FailoverOptions, Found } from "./failover/types.ts";
import type { Endpoint } from "./lanes/endpoint.ts";
import type { UpstreamOptions } from "./switchboard-types.ts";

export type ActiveOcsOptions = {
  /** The current options. */
  readonly upstream: () => UpstreamOptions;
  /** True if a lane has been connected since before this time of the monotonic clock. */
  readonly hasLaneSince: (time: number) => boolean;
  /** Connects the lanes to this endpoint; called before the change is reported. */
  readonly onActive: (endpoint: Endpoint) => void;
  /** Called when requests may be sent again. */
  readonly onReady: () => void;
  readonly onUnreachable: () => void;
};

/** An OCS that changes roles closes all its connections within this time. */
const ALL_CLOSE_MS = 10;

export class ActiveOcs {
  readonly #options: ActiveOcsOptions;
  readonly #failover: Failover;
  #takeovers: number;
  #loss: Promise<void> | undefined;
  /** Until the gateways that share record handles agree which OCS is active. */
  #agreement: Promise<void> | undefined;
  #isClosed = false;

  /** `predecessor`: that of the replaced switchboard. No closure may refer to it, so that it is freed. */
  constructor(options: ActiveOcsOptions, predecessor?: ActiveOcs) {
    this.#options = options;
    this.#takeovers = predecessor ? predecessor.#takeovers : 0;
    const { primary, backup } = options.upstream();
    const failover: FailoverOptions = {
      primary,
      backup,
      standbyBehaviour: () => this.#upstream.standby,
      hasLane: options.hasLaneSince,
      onActive: (found) => this.#found(found),
      onLost: () => this.#upstream.onActiveChange?.(undefined),
      onUnreachable: () => {
        this.#upstream.onEvent?.({ kind: "down", upstream: this.#upstream.name });
        this.#options.onUnreachable();
      },
      onWatchEnded: () => this.connectionLost(),
      onStandbyChange: (endpoint, status) =>
        this.#upstream.onEvent?.({ kind: "standby", upstream: this.#upstream.name, endpoint, ...status }),
    };
    this.#failover = new Failover(failover, predecessor && predecessor.#failover);
  }
  get #upstream(): UpstreamOptions {
    return this.#options.upstream();
  }

  get endpoint(): Endpoint {
    return this.#failover.active;
  }

  /** Requests may be sent: the active OCS is known and agreed, and no connection has just been lost. */
  get isReady(): boolean {
    return this.#failover.isSettled && !this.#loss && !this.#agreement;
  }

  /** The active OCS is known. */
  get isSettled(): boolean {
    return this.#failover.isSettled;
  }

  /** No OCS of the upstream accepts a connection. */
  get isUnreachable(): boolean {
    return this.#failover.isUnreachable;
  }

  /** The number of the active OCS's current run, counting all runs that got requests. */
  get epoch(): number {
    return this.#upstream.epoch?.() ?? 1 + this.#takeovers;
  }

  /** Resolves when it is known which connections have ended together; undefined unless one has just ended. */
  get loss(): Promise<void> | undefined {
    return this.#loss;
  }

  status(): EndpointStatus[] {
    return this.#failover.status();
  }

  /** Finds the primary before the first request asks for it. */
  begin(): Promise<void> {
    return this.#failover.begin();
  }

  /** Call this when an OCS has announced a record. `origin`: undefined if its address does not identify the OCS. */
  noteAnnouncement(origin: string | undefined): void {
    this.#failover.noteAnnouncement(origin);
  }

  /** Call this when another switchboard of the upstream has connected to the other OCS. */
  recheckActive(): void {
    this.#failover.recheckActive();
  }

  /** Call this when a lane to this origin could not connect. */
  connectFailed(origin: string, detail: string): void {
    if (origin === this.endpoint.origin) this.#failover.connectFailed(detail);
  }

  /** Call this when OCS has ended a connection. If it has ended all, it may have restarted or changed roles. */
  connectionLost(): void {
    if (this.#isClosed || this.#loss) return;
    this.#loss = new Promise((resolve) => {
      setTimeout(() => {
        this.#loss = undefined;
        if (!this.#isClosed) this.#failover.connectionEnded();
        resolve();
        this.#options.onReady();
      }, ALL_CLOSE_MS);
    });
  }

  /** Stops searching and probing; the watch connection stays until `leave`. */
  close(): void {
    this.#isClosed = true;
    this.#failover.close();
  }

  leave(): void {
    this.#failover.leave();
  }

  #found({ from, to, how, reason }: Found): void {
    const { name: upstream, onActiveChange, whenAgreed, onEvent } = this.#upstream;
    this.#options.onActive(this.endpoint);
    if (how === "takeover") this.#takeovers++;
    onActiveChange?.({ endpoint: to, how });
    this.#awaitAgreement(whenAgreed?.());
    if (how === "takeover") onEvent?.({ kind: "switchover", upstream, from, to, epoch: this.epoch, reason });
    else if (how === "reconnected") onEvent?.({ kind: "reconnected", upstream, endpoint: to, reason });
    this.#options.onReady();
  }

  #awaitAgreement(agreement: Promise<void> | undefined): void {
    this.#agreement = agreement;
    void agreement?.then(() => {
      if (this.#agreement !== agreement) return;
      this.#agreement = undefined;
      if (!this.#isClosed) this.#options.onReady();
    });
  }
}
