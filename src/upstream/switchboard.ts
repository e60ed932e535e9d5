/**
 * One upstream: the queue, the lanes behind it, and which OCS they lead to. `send` takes a turn and gives it back by itself.
 * Which tenant is next is `fair-queue`, on which lane is `turns`, where to is `roles`, how long it takes is `pace`; here
 * they meet.
 */
import { NoAnswer, type Answer, type Failing, type Request } from "./exchange.ts";
import { FairQueue } from "./fair-queue.ts";
import { isWithdrawn, refuse, unwatch, type Job } from "./job.ts";
import { Lane } from "./lane.ts";
import { Pace } from "./pace.ts";
import { Roles, type Found } from "./roles.ts";
import { Turns, type Turn } from "./turns.ts";
import type { UpstreamOptions, UpstreamStatus } from "./words.ts";
import { faultInWords } from "../system-error.ts";

export type { Settled, UpstreamNews, UpstreamOptions, UpstreamStatus } from "./words.ts";

/** OCS that changes roles closes all its connections within this time. */
const ALL_CLOSE_MS = 10;
/** A lane that could not connect pauses before it tries again, longer each time, so that lanes that can take its work. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;
/** A request waits although a lane is free, because another tenant keeps that for a while: looked at again after this. */
const LOOK_AGAIN_MS = 50;
/** In seconds. Who asks now decides the wait, and others may stop: no estimate is worth more than this. */
const LONGEST_RETRY_AFTER = 60;

const secondsFor = (wait: number): number => Math.min(LONGEST_RETRY_AFTER, Math.max(1, Math.ceil(wait / 1000)));

export class Switchboard {
  #options: UpstreamOptions;
  readonly #queue: FairQueue<Job>;
  readonly #pace = new Pace();
  readonly #turns: Turns<Lane>;
  readonly #roles: Roles;
  #lanes: Lane[] = [];
  readonly #free = new Set<Lane>();
  /** Milliseconds that a lane pauses after its next failure to connect; none of those that connected last. */
  readonly #pauses = new WeakMap<Lane, number>();
  #takeovers: number;
  /** Requests that wait for an earlier one and not for a lane. */
  readonly #parked = new Set<Job>();
  #inFlight = 0;
  #later: NodeJS.Timeout | undefined;
  /** While it is seen which connections end together with one that has. */
  #loss: Promise<void> | undefined;
  #closed = false;
  /** On the monotonic clock. What is sent until then has its answer by then, or none. */
  #endsAt = Infinity;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.queue, options.shareOf);
    this.#turns = new Turns(this.#queue, this.#pace, this.#free, options);
    this.#takeovers = options.inherits ? options.inherits.#takeovers : 0;
    this.#roles = new Roles({
      primary: options.primary,
      backup: options.backup,
      habit: () => this.#options.standby,
      inherits: options.inherits && options.inherits.#roles,
      hasLane: (since) => this.#lanes.some(({ connectedAt }) => connectedAt !== undefined && connectedAt < since),
      found: (found) => this.#found(found),
      lost: () => this.#options.settled?.(undefined),
      down: () => this.#down(),
      ended: () => this.#lost(),
      standby: (endpoint, status) =>
        this.#options.tell?.({ kind: "standby", upstream: this.#options.name, endpoint, ...status }),
    });
    // The board before ends, and is not kept by this one: no closure here may name `options`.
    this.#options = { ...options, inherits: undefined };
    this.#layLanes();
  }

  /** What may change while it works. What waits stays, and every lane that is not one too many. */
  retune(change: Pick<UpstreamOptions, "connections" | "queue" | "shareOf" | "answerTimeout" | "standby">): void {
    this.#options = { ...this.#options, ...change };
    this.#queue.retune(this.#options.queue, this.#options.shareOf);
    // One that is busy is closed when its turn is over.
    for (const lane of this.#lanes.splice(change.connections)) if (this.#free.delete(lane)) lane.close();
    while (this.#lanes.length < change.connections) this.#layLane();
    this.#turns.retune(this.#options, this.#lanes);
    this.#assign();
  }

  /** From now on no request waits for OCS's answer past `at`, in milliseconds on the monotonic clock. */
  endBy(at: number): void {
    this.#endsAt = at;
  }

  /** Finds out which OCS is the primary before the first request asks. */
  begin(): Promise<void> {
    return this.#roles.begin();
  }

  /** Waits for a fair turn, runs one exchange, answers. Rejects with NoAnswer. `gone` takes a waiting request out; a sent one runs to its end. */
  send(request: Request, gone?: () => AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        request,
        tenant: request.tenant,
        urgent: request.urgent,
        bytes: Buffer.byteLength(request.body),
        queuedAt: performance.now(),
        resolve,
        reject,
        gone,
        tries: 0,
      };
      this.#enter(job);
    });
  }

  #enter(job: Job): void {
    const no = this.#whyNot(job);
    if (no) return refuse(job, no);
    const earlier = job.request.after?.();
    if (earlier) return this.#park(job, earlier);
    this.#turns.asked(job.tenant, job.queuedAt);
    // While no request waits, a free lane needs no queue and no timer.
    const isEasy = this.#queue.size === 0 && this.#free.size > 0 && this.#mayAssign;
    const lane = isEasy ? this.#turns.laneFor(job.tenant) : undefined;
    if (lane) void this.#run(lane, job, this.#begin(lane, job.tenant));
    else this.#wait(job);
  }

  /** An earlier request decides what becomes of this one. It takes no turn meanwhile, and has no more time than one that waits for a lane. */
  #park(job: Job, earlier: Promise<void>): void {
    const leave = (no: NoAnswer): void => {
      if (this.#parked.delete(job)) refuse(job, no);
    };
    const { max, maxWait } = this.#options.queue;
    if ([...this.#parked].filter(({ tenant }) => tenant === job.tenant).length >= max) {
      return refuse(job, new NoAnswer("queue-full", false, "this tenant's queue is full", 1));
    }
    this.#parked.add(job);
    const late = (): void =>
      leave(new NoAnswer("unclear", false, "an earlier request on this record is still in flight", 1));
    this.#watchFor(job, late, maxWait, leave);
    void earlier.then(() => {
      if (!this.#parked.delete(job)) return;
      unwatch(job);
      if (!isWithdrawn(job)) this.#enter(job);
    });
  }

  status(): UpstreamStatus {
    const now = performance.now();
    return {
      name: this.#options.name,
      epoch: this.#epoch,
      endpoints: this.#roles.status(),
      lanes: this.#lanes.map(({ name, endpoint, state, tenant, since }) => ({
        name,
        endpoint,
        state: state.name,
        tenant,
        since: now - since,
      })),
      queue: this.#queue
        .waiting()
        .map(({ tenant, items, bytes }) => ({
          tenant,
          waiting: items.length,
          bytes,
          oldest: now - Math.min(...items.map(({ queuedAt }) => queuedAt)),
        })),
    };
  }

  /** Takes no more work, lets what was sent end, then closes every lane. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#later);
    this.#roles.close();
    this.#refuseAll("unreachable", "the gateway is stopping");
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#roles.leave();
    for (const lane of this.#lanes) lane.close();
  }

  /** A record was announced, which proves that an OCS is up: no pause between probes is waited for. `origin`: which one; undefined when unknown. */
  heardFrom(origin: string | undefined): void {
    this.#roles.heardFrom(origin);
  }

  /** Another board has found the other OCS: where are requests to go? */
  lookAgain(): void {
    this.#roles.lookAgain();
  }

  get #epoch(): number {
    return this.#options.epoch?.() ?? 1 + this.#takeovers;
  }

  get #isConnected(): boolean {
    return this.#lanes.some(({ state }) => state.name === "ready" || state.name === "busy");
  }

  get #mayAssign(): boolean {
    return this.#roles.steady && !this.#loss && !this.#closed;
  }

  /** What is known before it waits: nobody there, or a wait that is longer than anyone would. */
  #whyNot({ tenant, urgent }: Job): NoAnswer | undefined {
    if (this.#closed) return new NoAnswer("unreachable", false, "the gateway is stopping");
    if (this.#roles.isDown) return new NoAnswer("unreachable", false, "no OCS accepts a connection", 1);
    const wait = this.#foretell(tenant, urgent);
    if (wait <= this.#options.queue.maxWait) return undefined;
    return new NoAnswer(
      "queue-full",
      false,
      `the wait would be longer than ${this.#options.queue.maxWait} ms`,
      secondsFor(wait),
    );
  }

  /** Milliseconds until a new request of this tenant would have a lane, at today's pace and with its share of the lanes; 0 while unknown. */
  #foretell(tenant: string, urgent: boolean): number {
    if (this.#free.size > 0 && this.#queue.size === 0) return 0;
    const { perRequest } = this.#pace;
    if (perRequest === undefined) return 0;
    return ((this.#queue.before(tenant, urgent) + 1) * perRequest) / this.#options.connections;
  }

  #wait(job: Job): void {
    if (!this.#queue.push(job)) {
      return refuse(
        job,
        new NoAnswer(
          "queue-full",
          false,
          "this tenant's queue is full",
          secondsFor(this.#foretell(job.tenant, job.urgent)),
        ),
      );
    }
    this.#watch(job);
    this.#assign();
  }

  /** While it waits, time and the client may take it out. */
  #watch(job: Job): void {
    const leave = (no: NoAnswer): void => {
      this.#queue.remove(job);
      refuse(job, no);
    };
    const { maxWait } = this.#options.queue;
    const late = (): void =>
      leave(
        this.#roles.steady && (this.#isConnected || !this.#lanes.some((lane) => this.#pauses.has(lane)))
          ? new NoAnswer("waited", false, `no lane came free within ${maxWait} ms`, 1)
          : new NoAnswer("unreachable", false, `no OCS accepted a connection within ${maxWait} ms`, 1),
      );
    this.#watchFor(job, late, maxWait, leave);
  }

  #watchFor(job: Job, late: () => void, maxWait: number, leave: (no: NoAnswer) => void): void {
    job.timer = setTimeout(late, Math.max(0, job.queuedAt + maxWait - performance.now()));
    job.hangUp = () => leave(new NoAnswer("abandoned", false, "the client hung up while its request waited", 1));
    job.signal = job.gone?.();
    if (job.signal?.aborted) job.hangUp();
    else job.signal?.addEventListener("abort", job.hangUp, { once: true });
  }

  #assign(): void {
    while (this.#mayAssign && this.#free.size > 0 && this.#queue.size > 0) {
      const match = this.#turns.match();
      if (!match) return this.#assignLater();
      const turn = this.#begin(match.lane, match.tenant);
      const job = this.#queue.take(match.tenant)!;
      unwatch(job);
      void this.#run(match.lane, job, turn);
    }
  }

  /** Only time makes a free lane of another tenant one to take over: no request and no answer need come meanwhile. */
  #assignLater(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#assign();
    }, LOOK_AGAIN_MS).unref();
  }

  #begin(lane: Lane, tenant: string): Turn {
    this.#free.delete(lane);
    return this.#turns.begin(lane, tenant);
  }

  /** One exchange after the other, for the tenants that `turns` gives the lane to. Then the lane is free again. */
  async #run(lane: Lane, first: Job, turn: Turn): Promise<void> {
    this.#inFlight++;
    let hasFailed = false;
    for (let job: Job | undefined = first; job; job = hasFailed ? undefined : this.#next(lane, turn)) {
      if (isWithdrawn(job)) continue;
      const started = this.#pace.start();
      const queue = performance.now() - job.queuedAt;
      job.tries++;
      turn.left--;
      let counts = true;
      try {
        const answer = await lane.exchange(job.request);
        this.#pauses.delete(lane);
        this.#pace.answered(answer.ms);
        const { status, headers, body, ms, suspected } = answer;
        const waits = { queue, ocs: ms };
        job.resolve({
          status,
          headers,
          body,
          lane: lane.name,
          endpoint: lane.endpoint,
          waits,
          ...(suspected && { suspected: true }),
        });
        if (answer.status !== 200) await lane.quarantine();
      } catch (error) {
        const reason = error instanceof NoAnswer ? error : new NoAnswer("garbled", true, String(error));
        hasFailed = reason.why === "unreachable";
        counts = reason.sent;
        this.#failed(lane, job, reason, queue);
      }
      this.#pace.end(started, counts);
    }
    if (hasFailed) this.#turns.abandon(lane);
    if (hasFailed && this.#mayAssign) await this.#pause(lane);
    this.#inFlight--;
    if (this.#lanes.includes(lane)) this.#free.add(lane);
    else lane.close();
    this.#assign();
  }

  async #pause(lane: Lane): Promise<void> {
    const pause = this.#pauses.get(lane) ?? FIRST_PAUSE_MS;
    this.#pauses.set(lane, Math.min(pause * 2, LONGEST_PAUSE_MS));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  #next(lane: Lane, turn: Turn): Job | undefined {
    if (!this.#mayAssign || !this.#lanes.includes(lane) || !this.#turns.goOn(lane, turn)) return undefined;
    const job = this.#queue.take(turn.tenant)!;
    unwatch(job);
    return job;
  }

  /** A request whose lane could not connect goes back to its place, for another lane or a later attempt; anything else is over. */
  #failed(lane: Lane, job: Job, reason: NoAnswer, queue: number): void {
    const inTime = performance.now() < job.queuedAt + this.#options.queue.maxWait;
    if (reason.why === "unreachable" && inTime && !this.#closed && !this.#roles.isDown) {
      this.#queue.putBack(job);
      this.#watch(job);
      if (lane.endpoint === this.#roles.active.origin) this.#roles.connectFailed(faultInWords(reason));
      return;
    }
    reason.lane = lane.name;
    reason.endpoint = lane.endpoint;
    const waits = { queue, ocs: reason.waits.ocs };
    if (!reason.sent || !this.#loss) return refuse(job, reason, waits);
    // Whether the same request may be sent again depends on whether OCS's life goes on.
    void this.#loss.then(() => refuse(job, reason, waits));
  }

  /** A connection has ended, and not by us. When all of them have, OCS may have restarted or changed roles. */
  #lost(): void {
    if (this.#closed || this.#loss) return;
    this.#loss = new Promise((resolve) => {
      setTimeout(() => {
        this.#loss = undefined;
        if (!this.#closed) this.#roles.connectionEnded();
        resolve();
        this.#assign();
      }, ALL_CLOSE_MS);
    });
  }

  /** New lanes for the endpoint that was found. What is under way on the old ones runs to its end there. */
  #found({ from, to, how, reason }: Found): void {
    const { name: upstream, settled, tell } = this.#options;
    for (const lane of this.#free) lane.close();
    this.#layLanes();
    if (how === "takeover") this.#takeovers++;
    settled?.({ endpoint: to, how });
    if (how === "takeover") tell?.({ kind: "switchover", upstream, from, to, epoch: this.#epoch, reason });
    else if (how === "reconnected") tell?.({ kind: "reconnected", upstream, endpoint: to, reason });
    this.#assign();
  }

  #layLanes(): void {
    this.#lanes = [];
    this.#free.clear();
    while (this.#lanes.length < this.#options.connections) this.#layLane();
    this.#turns.retune(this.#options, this.#lanes);
  }

  #layLane(): void {
    const { name, userAgent, onePerTenant } = this.#options;
    const lane: Lane = new Lane(`${name}/${this.#lanes.length + 1}`, {
      endpoint: this.#roles.active,
      userAgent,
      onePerTenant,
      answerTimeout: () => Math.max(1, Math.min(this.#options.answerTimeout, this.#endsAt - performance.now())),
      connected: (ms) => this.#pace.connected(ms),
      lost: () => this.#lanes.includes(lane) && this.#lost(),
      suspected: (suspicion) => this.#options.tell?.({ kind: "suspicion", upstream: name, ...suspicion }),
    });
    this.#lanes.push(lane);
    this.#free.add(lane);
  }

  #down(): void {
    this.#options.tell?.({ kind: "down", upstream: this.#options.name });
    this.#refuseAll("unreachable", "no OCS accepts a connection");
  }

  #refuseAll(why: Failing, detail: string): void {
    for (const { items } of this.#queue.waiting()) {
      for (const job of items) {
        this.#queue.remove(job);
        refuse(job, new NoAnswer(why, false, detail, 1));
      }
    }
  }
}
