/**
 * One upstream: its lanes, the queue before them, and which OCS they lead to. `send` takes a turn and gives it back by itself.
 * Today every lane leads to the primary; the choice of endpoint stands in one place, `endpoint`, for roles and epochs to come.
 */
import { Lane, type LaneState, type RawAnswer } from "./lane.ts";
import type { Endpoint } from "./endpoint.ts";
import { NoAnswer, type Answer, type Request } from "./exchange.ts";
import { FairQueue } from "./fair-queue.ts";

export type UpstreamOptions = {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly connections: number;
  readonly onePerTenant: boolean;
  readonly answerTimeout: number;
  readonly queue: { readonly max: number; readonly maxWait: number };
  readonly userAgent: string;
};

export type UpstreamStatus = {
  readonly name: string;
  readonly endpoint: string;
  readonly lanes: readonly { readonly name: string; readonly state: LaneState["name"]; readonly tenant: string | undefined }[];
  readonly queue: ReadonlyMap<string, number>;
};

type Job = {
  readonly request: Request;
  readonly queuedAt: number;
  readonly deadline: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: NoAnswer) => void;
  readonly taken: () => void;
};

/** A change of tenant costs a new connection, so one turn may serve several requests of a tenant while others wait. */
const TURN = 8;

export class Switchboard {
  readonly #options: UpstreamOptions;
  readonly #lanes: readonly Lane[];
  readonly #free: Set<Lane>;
  readonly #queue: FairQueue<Job>;
  /** Milliseconds of one exchange, smoothed. */
  #service = 20;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    const { endpoint, answerTimeout, userAgent, onePerTenant } = options;
    this.#lanes = Array.from({ length: options.connections }, (_, index) =>
      new Lane(`${options.name}/${index + 1}`, { endpoint, answerTimeout, userAgent, onePerTenant }));
    this.#free = new Set(this.#lanes);
    this.#queue = new FairQueue(options.queue.max);
  }

  /** Waits for a fair turn, runs one exchange, answers. Rejects with NoAnswer. `gone` takes a waiting request out; a sent one runs to its end. */
  send(request: Request, gone?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new NoAnswer("unreachable", false, "the gateway is stopping"));
      const { maxWait } = this.#options.queue;
      const giveUp = (why: NoAnswer): void => {
        this.#queue.remove(request.tenant, job);
        taken();
        why.waits = { queue: performance.now() - job.queuedAt, ocs: 0 };
        reject(why);
      };
      const hangUp = (): void => giveUp(new NoAnswer("abandoned", false, "the client hung up while its request waited"));
      const taken = (): void => {
        clearTimeout(timer);
        gone?.removeEventListener("abort", hangUp);
      };
      const queuedAt = performance.now();
      const job: Job = { request, queuedAt, deadline: queuedAt + maxWait, resolve, reject, taken };
      const timer = setTimeout(() => giveUp(new NoAnswer("waited", false, `no lane came free within ${maxWait} ms`, this.#retryAfter(request.tenant))), maxWait);
      if (gone?.aborted) return hangUp();
      gone?.addEventListener("abort", hangUp, { once: true });
      if (!this.#queue.push(request.tenant, job)) return giveUp(new NoAnswer("queue-full", false, "this tenant's queue is full", this.#retryAfter(request.tenant)));
      this.#assign();
    });
  }

  status(): UpstreamStatus {
    return {
      name: this.#options.name,
      endpoint: this.#options.endpoint.origin,
      lanes: this.#lanes.map(({ name, state, tenant }) => ({ name, state: state.name, tenant })),
      queue: this.#queue.depths(),
    };
  }

  /** Takes no more work, lets what was sent end, then closes every lane. */
  async close(): Promise<void> {
    this.#closed = true;
    for (let job = this.#queue.next(); job; job = this.#queue.next()) {
      job.taken();
      job.reject(new NoAnswer("unreachable", false, "the gateway is stopping"));
    }
    while (this.#free.size < this.#lanes.length) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const lane of this.#lanes) lane.close();
  }

  #assign(): void {
    while (this.#queue.size > 0 && this.#free.size > 0) {
      const job = this.#queue.next()!;
      const lane = this.#laneFor(job.request.tenant);
      this.#free.delete(lane);
      void this.#run(lane, job);
    }
  }

  /** The tenant's own lane, else one without a connection, else the one that has been free the longest. */
  #laneFor(tenant: string): Lane {
    let best: Lane | undefined;
    for (const lane of this.#free) {
      if (lane.tenant === tenant) return lane;
      if (!best || (best.tenant !== undefined && lane.tenant === undefined)) best = lane;
    }
    return best!;
  }

  /** Serves jobs on one lane until nobody waits, then gives it back. */
  async #run(lane: Lane, first: Job): Promise<void> {
    let job: Job | undefined = first;
    while (job) {
      const answer: RawAnswer | undefined = await this.#serve(lane, job);
      if (answer) await lane.quarantine(answer);
      const tenant: string = job.request.tenant;
      const stays: boolean = lane.served < TURN || !this.#queue.othersWait(tenant);
      job = this.#closed ? undefined : this.#queue.next(stays && this.#queue.depth(tenant) > 0 ? tenant : undefined);
      if (lane.served >= TURN) lane.served = 0;
    }
    this.#free.add(lane);
    this.#assign();
  }

  async #serve(lane: Lane, job: Job): Promise<RawAnswer | undefined> {
    job.taken();
    const queue = performance.now() - job.queuedAt;
    try {
      const answer = await this.#attempt(lane, job);
      this.#service += (answer.ms - this.#service) / 16;
      job.resolve({ status: answer.status, headers: answer.headers, body: answer.body, lane: lane.name, endpoint: lane.endpoint, waits: { queue, ocs: answer.ms } });
      return answer;
    } catch (error) {
      const reason = error instanceof NoAnswer ? error : new NoAnswer("garbled", true, String(error));
      reason.waits = { queue, ocs: reason.waits.ocs };
      reason.lane = lane.name;
      reason.endpoint = lane.endpoint;
      job.reject(reason);
      return undefined;
    }
  }

  /** At most one more try, and only when not one byte had left. */
  async #attempt(lane: Lane, job: Job): Promise<RawAnswer> {
    try {
      return await lane.exchange(job.request);
    } catch (error) {
      const again = error instanceof NoAnswer && !error.sent && performance.now() < job.deadline && !this.#closed;
      if (!again) throw error;
      return lane.exchange(job.request);
    }
  }

  /** Whole seconds until what waits before this tenant's next request will have been served, at today's pace. */
  #retryAfter(tenant: string): number {
    const ahead = this.#queue.depth(tenant) * Math.max(1, this.#queue.depths().size);
    return Math.max(1, Math.ceil((ahead * this.#service) / this.#lanes.length / 1000));
  }
}
