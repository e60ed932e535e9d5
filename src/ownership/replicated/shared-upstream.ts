/** One upstream where several gateways share the owners of record handles. */
import type { SharedLog } from "../../cluster/log/shared-log.ts";
import type { Handles } from "../handles/handles.ts";
import { verdictOn } from "../handles/verdict.ts";
import type { LeaseRequester } from "../handles/lease-decision.ts";
import type { OwnershipEvent } from "../types.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import type { Applied, ReplicaState } from "./state/apply-event.ts";
import type { Seen } from "./state/events.ts";
import type { CommitDeps } from "./commit-event.ts";
import type { Gateways } from "./gateways.ts";
import { Housekeeping } from "./housekeeping.ts";
import { OcsConnection } from "./ocs-connection.ts";
import { Replica, type AppliedRow } from "./replica.ts";

export type SharedUpstreamOptions = {
  readonly upstream: string;
  readonly log: SharedLog;
  readonly gateways: Gateways;
  readonly journalSize?: (() => number) | undefined;
  /** Milliseconds. */
  readonly staleAfter: () => number;
  readonly hasFreeHandles: () => boolean;
  readonly onEvent: (event: OwnershipEvent) => void;
  /** Called when OCS was, or may have been, restarted. */
  readonly onNewLife: () => void;
  readonly onOtherOcs: (endpoint: string) => void;
  /** Sets what other gateways see with the next beat. */
  readonly tell: () => void;
};

/** Counts since the start. */
export type LogCounts = { appended: number; applied: number; claims: number; catchUps: number; waits: number };

/** Milliseconds after which a request in flight certainly has ended. */
const IN_FLIGHT_MS = 600_000;

export class SharedUpstream {
  readonly #options: SharedUpstreamOptions;
  readonly replica: Replica;
  readonly connection: OcsConnection;
  readonly acknowledgements: Acknowledgements;
  readonly housekeeping: Housekeeping;
  readonly commit: CommitDeps;
  readonly counts: LogCounts = { appended: 0, applied: 0, claims: 0, catchUps: 0, waits: 0 };
  /** The lease during which everything in the log was applied. */
  #currentIn = -1;
  /** True after the database has not answered, until it answers again. */
  #isDown = false;
  #told = 0;
  #isAcknowledging = false;
  #begun: Promise<boolean> | undefined;
  #hasBegun = false;
  readonly #attempts = new Map<string, number>();

  constructor(options: SharedUpstreamOptions) {
    this.#options = options;
    const { upstream, gateways, onOtherOcs } = options;
    this.replica = new Replica({
      ...options,
      onApplied: (applied) => this.#onApplied(applied),
      onStalled: (reason) => this.#onStalled(reason),
      onReloaded: (isLost, before) => this.#onReloaded(isLost, before),
    });
    this.acknowledgements = new Acknowledgements({ upstream, gateways });
    this.housekeeping = new Housekeeping({ ...options, replica: this.replica });
    this.connection = new OcsConnection({ replica: this.replica, instance: gateways.instance, onOtherOcs });
    this.commit = {
      upstream,
      replica: this.replica,
      acknowledgements: this.acknowledgements,
      hasFreeHandles: options.hasFreeHandles,
      onEvent: options.onEvent,
      onWaited: () => this.counts.waits++,
    };
  }

  get handles(): Handles {
    return this.replica.state.handles;
  }

  /** What an announcement that is heard now is compared with. */
  get seen(): Seen {
    const { epoch, highest } = this.handles;
    return { epoch, highest };
  }

  /** False while other gateways may have changed what this one knows. */
  readonly mayAnswer = (): boolean => {
    const { gateways } = this.#options;
    return gateways.isLeased && this.#currentIn === gateways.leaseNumber && this.replica.stalled === undefined;
  };

  /** True if this gateway can say from memory that the tenant may use the handle. */
  canSay(requester: LeaseRequester, handle: number): boolean {
    if (!this.mayAnswer()) return false;
    const verdict = verdictOn(this.handles, requester, handle);
    return "owned" in verdict || "free" in verdict;
  }

  /** Applies everything in the log. Resolves to false if the database does not answer. */
  async catchUp(): Promise<boolean> {
    // Without this each request would wait for the database's time limit.
    if (this.#isDown || this.replica.stalled !== undefined) return false;
    const { gateways } = this.#options;
    // After a pause of this process its lease has ended, but the database answers.
    if (!gateways.isLeased && !(await gateways.beat())) return false;
    return this.begin().then(() => this.#read());
  }

  /**
   * First tells others to wait for this gateway, then applies what is in the log: what was taken from a tenant before
   * is in the log then, and what is taken later needs this gateway's acknowledgement.
   */
  begin(): Promise<boolean> {
    const { gateways, tell } = this.#options;
    tell();
    this.#begun ??= gateways.beat().then((isBeaten) => {
      this.#hasBegun = isBeaten;
      if (!isBeaten) this.#begun = undefined;
      return isBeaten;
    });
    return this.#begun;
  }

  /** The handle of a call attempt; undefined if no owned handle has it. */
  handleOf(attempt: string): number | undefined {
    const handle = this.#attempts.get(attempt);
    return handle !== undefined && this.handles.table.find(handle)?.attempt === attempt ? handle : undefined;
  }

  /** Call this four times a second. */
  async tick(head: number | undefined): Promise<void> {
    const { gateways } = this.#options;
    // A lower number may be older than what was applied, or the database may have lost events.
    const differs = head !== undefined && head !== this.replica.applied;
    if (!this.#hasBegun && !(await this.begin())) return;
    if (differs || this.#isDown || (gateways.isLeased && !this.mayAnswer())) await this.#read();
    if (!this.mayAnswer()) return;
    this.connection.tick();
    await this.housekeeping.tick();
  }

  async stop(): Promise<void> {
    // Says in the log whether the database has lost events: then this gateway stops because of that.
    await this.#read();
    await this.connection.stop();
    this.replica.close();
  }

  async #read(): Promise<boolean> {
    const { gateways } = this.#options;
    const [lease, begun] = [gateways.leaseNumber, this.#hasBegun];
    this.counts.catchUps++;
    try {
      await this.replica.catchUp();
      this.#isDown = false;
      if (begun && gateways.isLeased && gateways.leaseNumber === lease) this.#currentIn = lease;
      return true;
    } catch {
      this.#isDown = true;
      return false;
    }
  }

  #onApplied(row: AppliedRow): void {
    const { seq, event, applied } = row;
    const { instance } = row.row;
    this.counts.applied++;
    if (event.kind === "claim") this.counts.claims++;
    const isOwn = instance === this.#options.gateways.instance;
    if (isOwn) this.counts.appended++;
    this.acknowledgements.noteApplied(seq);
    this.#hold(seq, applied);
    if ("handle" in event) this.#noteAttempt(applied, event.handle);
    if (applied.epoch) {
      const { to: endpoint, ...epoch } = applied.epoch;
      this.#options.onEvent({ kind: "epoch", upstream: this.#options.upstream, endpoint, ...epoch });
      this.#options.onNewLife();
    } else if (applied.isUnconfirmed) this.#options.onNewLife();
    this.housekeeping.noteApplied(row);
    this.connection.noteApplied(row);
    // The writer of this event may wait for this gateway.
    if (!isOwn && (event.kind === "announce" || event.kind === "unowned" || event.kind === "register"))
      this.#acknowledgeIfAwaited(event.handle, seq);
  }

  #hold(seq: number, { took }: Applied): void {
    if (took === undefined) return;
    const { inFlight } = this.handles;
    const taken = took === "all" ? inFlight.handles.map((handle) => ({ handle, except: undefined })) : [took];
    for (const { handle, except } of taken) {
      if (!inFlight.isBusy(handle, except)) continue;
      const ended = inFlight.drained(handle, except, IN_FLIGHT_MS);
      this.acknowledgements.hold(seq, ended);
      void ended.then(() => this.#acknowledge());
    }
  }

  #acknowledgeIfAwaited(handle: number, seq: number): void {
    const mustKnow = this.#options.hasFreeHandles() ? seq : this.replica.state.taken.of(handle);
    if (mustKnow > this.#told) this.#acknowledge();
  }

  /** Tells others at once what this gateway has acknowledged. */
  #acknowledge(): void {
    const { upstream, gateways, log, tell } = this.#options;
    // After this turn of the loop, so that a batch of events is acknowledged once.
    if (this.#isAcknowledging) return;
    this.#isAcknowledging = true;
    setImmediate(() => {
      this.#isAcknowledging = false;
      this.#told = this.acknowledgements.own;
      tell();
      log.acknowledge({ log: upstream, instance: gateways.instance, seq: this.#told }).catch(() => undefined);
    });
  }

  /** The index has at most about twice as many attempts as there are handles. */
  #noteAttempt({ claimed }: Applied, handle: number): void {
    if (!claimed || !("entry" in claimed) || claimed.entry.attempt === undefined) return;
    this.#attempts.set(claimed.entry.attempt, handle);
    if (this.#attempts.size > 2 * this.handles.table.size + 1000) this.#reindex();
  }

  #onStalled(reason: string): void {
    const { upstream, onEvent } = this.#options;
    onEvent({ kind: "log-stalled", upstream, reason });
    this.connection.update();
  }

  #onReloaded(isLost: boolean, { handles: { inFlight } }: ReplicaState): void {
    const { upstream, onEvent } = this.#options;
    this.#reindex();
    this.acknowledgements.noteApplied(this.replica.applied);
    for (const handle of inFlight.handles)
      this.acknowledgements.hold(this.replica.applied, inFlight.drained(handle, undefined, IN_FLIGHT_MS));
    this.connection.update();
    if (!isLost) return;
    onEvent({ kind: "log-lost", upstream });
    void this.replica.appendSurely({ kind: "log-lost" });
  }

  #reindex(): void {
    this.#attempts.clear();
    for (const [handle, { attempt }] of this.handles.table.entries())
      if (attempt !== undefined) this.#attempts.set(attempt, handle);
  }
}
