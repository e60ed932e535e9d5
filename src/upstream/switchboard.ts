/**
 * One upstream: its queue, its lanes and its active OCS. `send` waits for a turn, runs one exchange and gives the lane
 * back. `fair-queue` decides which tenant is next, `turns` on which lane, `active-ocs` to which OCS, and
 * `wait-estimate` whether a request would wait too long.
 */
import { faultInWords } from "../common/system-error.ts";
import { ActiveOcs, type ActiveOcsOptions } from "./active-ocs.ts";
import { FairQueue } from "./fair-queue.ts";
import { laneDemand } from "./lane-demand.ts";
import { LanePool } from "./lanes/lane-pool.ts";
import type { Lane } from "./lanes/lane.ts";
import { ParkedRequests } from "./parked-requests.ts";
import {
  queueStatus,
  rejectIfWithdrawn,
  rejectInternal,
  rejectRequest,
  resolveRequest,
  startWaiting,
  stopWaiting,
  type QueuedRequest,
} from "./queued-request.ts";
import { ServiceTime } from "./service-time.ts";
import type { LaneDemand, UpstreamOptions, UpstreamStatus } from "./switchboard-types.ts";
import { Turns, type Turn } from "./turns.ts";
import { UpstreamError, type Answer, type Request } from "./types.ts";
import { connectTimeout, queueFull, queueTimeout, stopping, unreachable } from "./upstream-errors.ts";
import { WaitEstimate, type Waiting } from "./wait-estimate.ts";

export type { ActiveChange, LaneDemand, UpstreamEvent, UpstreamOptions, UpstreamStatus } from "./switchboard-types.ts";

/** Interval of assigning lanes again while requests wait for lanes that are kept for other tenants. */
const ASSIGN_AGAIN_MS = 50;

export class Switchboard {
  #options: UpstreamOptions;
  readonly #queue: FairQueue<QueuedRequest>;
  readonly #parked = new ParkedRequests();
  readonly #serviceTime = new ServiceTime();
  readonly #lanes: LanePool;
  readonly #turns: Turns<Lane>;
  readonly #waitEstimate: WaitEstimate;
  readonly #ocs: ActiveOcs;
  /** Number of lanes that run requests. */
  #running = 0;
  #assignTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** The time on the monotonic clock until which requests may wait for OCS's answer. */
  #deadline = Infinity;

  /** `predecessor`: the switchboard that is replaced. No closure may refer to it, so that it is freed. */
  constructor(options: UpstreamOptions, predecessor?: Switchboard) {
    this.#options = options;
    this.#queue = new FairQueue(options.queue, options.shareOf);
    this.#lanes = new LanePool({
      name: options.name,
      userAgent: options.userAgent,
      onePerTenant: options.onePerTenant,
      answerTimeout: () => Math.max(1, Math.min(this.#options.answerTimeout, this.#deadline - performance.now())),
      onConnected: (ms) => this.#serviceTime.noteConnect(ms),
      onLost: () => this.#ocs.connectionLost(),
      onSent: options.onSent,
      onSuspicion: (suspicion) =>
        this.#options.onEvent?.({ kind: "suspicion", upstream: this.#options.name, ...suspicion }),
    });
    this.#turns = new Turns(this.#queue, this.#serviceTime, this.#lanes.free, options);
    this.#waitEstimate = new WaitEstimate(this.#queue, this.#serviceTime, this.#lanes.free);
    const ocs: ActiveOcsOptions = {
      upstream: () => this.#options,
      hasLaneSince: (time) => this.#lanes.isConnectedSince(time),
      onActive: () => this.#replaceLanes(),
      onReady: () => this.#assign(),
      onUnreachable: () => this.#rejectAll(unreachable),
    };
    this.#ocs = new ActiveOcs(ocs, predecessor && predecessor.#ocs);
    this.#replaceLanes();
  }

  /** Applies changed options. Keeps queued requests and lanes, except surplus lanes. */
  retune(change: Pick<UpstreamOptions, "connections" | "queue" | "shareOf" | "answerTimeout" | "standby">): void {
    this.#options = { ...this.#options, ...change };
    this.#queue.retune(this.#options.queue, this.#options.shareOf);
    this.setLanes(change.connections);
  }

  /** Changes the number of lanes, which may be 0: requests then wait. A busy surplus lane ends its exchange first. */
  readonly setLanes = (connections: number): void => {
    this.#options = { ...this.#options, connections };
    this.#lanes.resize(this.#ocs.endpoint, connections);
    this.#turns.retune(this.#options, this.#lanes.all);
    this.#assign();
  };

  /** Number of lanes, with surplus ones that are still busy. */
  get openLanes(): number {
    return this.#lanes.open;
  }

  /** Closes surplus lanes now; a request on one ends without an answer. */
  readonly closeSurplus = (): void => this.#lanes.closeSurplus();

  /** The lanes that each tenant's requests could use now. */
  readonly laneDemand = (): LaneDemand[] => laneDemand(this.#queue, this.#lanes, this.#options.shareOf);

  /** Limits waiting for OCS's answer to `time`, in milliseconds on the monotonic clock. */
  setDeadline(time: number): void {
    this.#deadline = time;
  }

  /** Finds the primary OCS before the first request asks for it. */
  readonly begin = (): Promise<void> => this.#ocs.begin();

  /**
   * Waits for the request's turn, runs one exchange and resolves to OCS's answer. Rejects with UpstreamError.
   * `hangUpSignal` aborts when the client disconnects: a queued request is then abandoned; one that was sent runs to
   * its end.
   */
  send(request: Request, hangUpSignal?: () => AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#enter({
        request,
        tenant: request.tenant,
        urgent: request.urgent,
        bytes: Buffer.byteLength(request.body),
        queuedAt: performance.now(),
        resolve,
        reject,
        hangUpSignal,
      });
    });
  }

  /** Seconds after which a new request of this tenant would have a lane. */
  readonly retryAfter = (item: Waiting): number => this.#waitEstimate.retryAfter(item, this.#options.connections);

  status(): UpstreamStatus {
    const now = performance.now();
    const [{ name }, { epoch }] = [this.#options, this.#ocs];
    const queue = this.#queue.waitingTenants().map((waiting) => queueStatus(waiting, now));
    return { name, epoch, endpoints: this.#ocs.status(), lanes: this.#lanes.status(now), queue };
  }

  /** Rejects queued requests, waits for requests in flight, then closes all lanes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#assignTimer);
    this.#ocs.close();
    this.#rejectAll(() => stopping(1));
    while (this.#running > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#ocs.leave();
    this.#lanes.close();
    this.#options.onClosed?.();
  }

  /** Call this when an OCS has announced a record. `origin`: undefined if the OCS is unknown. */
  readonly noteAnnouncement = (origin: string | undefined): void => this.#ocs.noteAnnouncement(origin);

  /** Searches for the active OCS again, because another switchboard of this upstream has connected to the other OCS. */
  readonly recheckActive = (): void => this.#ocs.recheckActive();

  get #mayAssign(): boolean {
    return this.#ocs.isReady && !this.#isClosed;
  }

  #enter(queued: QueuedRequest): void {
    this.#options.beforeAssign?.();
    const error = this.#errorBeforeQueue(queued);
    if (error) return rejectRequest(queued, error);
    const earlier = queued.request.after?.();
    if (earlier) return this.#parked.park(queued, earlier, this.#options.queue, (resumed) => this.#enter(resumed));
    this.#turns.noteRequest(queued.tenant, queued.queuedAt);
    // While no request waits, a free lane needs no queue and no timer.
    const isIdle = this.#queue.size === 0 && this.#lanes.free.size > 0 && this.#mayAssign;
    const lane = isIdle ? this.#turns.laneFor(queued.tenant) : undefined;
    if (lane) void this.#run(lane, queued, this.#beginTurn(lane, queued.tenant));
    else this.#enqueue(queued);
  }

  /** The error for a request that is not queued: OCS is unreachable, or the estimated wait is too long. */
  #errorBeforeQueue(queued: QueuedRequest): UpstreamError | undefined {
    if (this.#isClosed) return stopping();
    if (this.#ocs.isUnreachable) return unreachable();
    return this.#waitEstimate.errorIfTooLong(queued, this.#options);
  }

  #enqueue(queued: QueuedRequest): void {
    if (!this.#queue.push(queued)) return rejectRequest(queued, queueFull(this.retryAfter(queued)));
    this.#startWaiting(queued);
    this.#assign();
  }

  #startWaiting(queued: QueuedRequest): void {
    const { maxWait } = this.#options.queue;
    const leave = (error: UpstreamError): void => {
      this.#queue.remove(queued);
      rejectRequest(queued, error);
    };
    const onTimeout = (): void => {
      const isConnecting = this.#ocs.isSettled && !this.#lanes.cannotConnect;
      leave(isConnecting ? queueTimeout(maxWait) : connectTimeout(maxWait));
    };
    startWaiting(queued, maxWait, { onTimeout, leave });
  }

  #assign(): void {
    while (this.#mayAssign && this.#lanes.free.size > 0 && this.#queue.size > 0) {
      const match = this.#turns.match();
      if (!match) return this.#assignAgain();
      const turn = this.#beginTurn(match.lane, match.tenant);
      void this.#run(match.lane, this.#takeFrom(match.tenant), turn);
    }
  }

  /** Assigns lanes again later: a lane that is kept for its tenant may become available by time alone. */
  #assignAgain(): void {
    this.#assignTimer ??= setTimeout(() => {
      this.#assignTimer = undefined;
      this.#assign();
    }, ASSIGN_AGAIN_MS).unref();
  }

  #beginTurn(lane: Lane, tenant: string): Turn {
    this.#lanes.free.delete(lane);
    return this.#turns.begin(lane, tenant);
  }

  #takeFrom(tenant: string): QueuedRequest {
    const queued = this.#queue.take(tenant)!;
    stopWaiting(queued);
    return queued;
  }

  /** Runs one exchange after another, for the tenants to which `turns` assigns the lane, then gives the lane back. */
  async #run(lane: Lane, first: QueuedRequest, turn: Turn): Promise<void> {
    this.#running++;
    let hasFailed = false;
    for (
      let queued: QueuedRequest | undefined = first;
      queued;
      queued = hasFailed ? undefined : this.#next(lane, turn)
    ) {
      if (rejectIfWithdrawn(queued)) continue;
      const started = this.#serviceTime.begin();
      const queue = performance.now() - queued.queuedAt;
      turn.left--;
      let counts = true;
      try {
        const answer = await lane.exchange(queued.request);
        this.#lanes.noteSuccess(lane);
        this.#serviceTime.noteExchange(answer.ms);
        resolveRequest(queued, answer, lane, queue);
        if (answer.status !== 200) await lane.quarantine();
      } catch (error) {
        const failure = error instanceof UpstreamError ? error : undefined;
        hasFailed = failure?.reason === "unreachable";
        counts = failure?.sent ?? false;
        if (failure) this.#failed(lane, queued, failure, queue);
        else rejectInternal(queued, lane, error);
      }
      this.#serviceTime.end(started, counts);
    }
    if (hasFailed) this.#turns.release(lane);
    if (hasFailed && this.#mayAssign) await this.#lanes.pause(lane);
    this.#running--;
    this.#lanes.giveBack(lane);
    this.#assign();
  }

  #next(lane: Lane, turn: Turn): QueuedRequest | undefined {
    this.#options.beforeAssign?.();
    if (!this.#mayAssign || !this.#lanes.has(lane) || !this.#turns.continueTurn(lane, turn)) return undefined;
    return this.#takeFrom(turn.tenant);
  }

  /** Puts a request whose lane could not connect back to its place in the queue; rejects other requests. */
  #failed(lane: Lane, queued: QueuedRequest, failure: UpstreamError, queue: number): void {
    const isInTime = performance.now() < queued.queuedAt + this.#options.queue.maxWait;
    if (failure.reason === "unreachable" && isInTime && !this.#isClosed && !this.#ocs.isUnreachable) {
      this.#queue.putBack(queued);
      this.#startWaiting(queued);
      return this.#ocs.connectFailed(lane.endpoint, faultInWords(failure));
    }
    failure.lane = lane.name;
    failure.endpoint = lane.endpoint;
    const waits = { queue, ocs: failure.waits.ocs };
    const { loss } = this.#ocs;
    if (!failure.sent || !loss) return rejectRequest(queued, failure, waits);
    // Whether the client may repeat the request depends on whether OCS has restarted.
    void loss.then(() => rejectRequest(queued, failure, waits));
  }

  #replaceLanes(): void {
    this.#lanes.replace(this.#ocs.endpoint, this.#options.connections);
    this.#turns.retune(this.#options, this.#lanes.all);
  }

  #rejectAll(error: () => UpstreamError): void {
    for (const queued of this.#queue.removeAll()) rejectRequest(queued, error());
  }
}
