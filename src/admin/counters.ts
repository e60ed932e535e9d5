/**
 * Counters that are cheap enough for every request: a counter of prom-client costs about twenty times as much.
 * `metrics.ts` copies them at each scrape. Every key is a configured name or a fixed word, so their number is bounded.
 */

/** Upper bounds in milliseconds; one more bucket counts longer times. */
export const BOUNDS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000, 30_000,
] as const;

export class Histogram {
  /** One bucket for each bound and one for longer times; not cumulative. */
  readonly buckets = new Float64Array(BOUNDS.length + 1);
  /** Sum in milliseconds. */
  sum = 0;
  /** The newest example of each bucket; empty until somebody asks for examples. */
  readonly exemplars: (Exemplar | undefined)[] = [];

  /** `example`: the request, while somebody asks for examples. */
  observe(ms: number, example?: Example): void {
    let at = 0;
    while (at < BOUNDS.length && ms > BOUNDS[at]!) at++;
    this.buckets[at]!++;
    this.sum += ms;
    if (example) this.exemplars[at] = { ...example, ms, at: Date.now() };
  }
}

/** A request: its id, and the id of the trace that it is part of. */
export type Example = { readonly id: string; readonly trace?: string | undefined };
/** `at`: milliseconds since 1970. */
export type Exemplar = Example & { readonly ms: number; readonly at: number };

export const PHASES = ["policy", "journal", "queue", "ocs", "total"] as const;
export type Phase = (typeof PHASES)[number];

/** The counted parts of a request, with the same shape as in the pipeline's trace. */
export type SeenRequest = {
  /** `at`: milliseconds on the monotonic clock. */
  readonly arrival: {
    readonly at: number;
    readonly id?: string;
    readonly trace?: { readonly traceId: string } | undefined;
  };
  readonly tenant?: { readonly name: string; readonly upstream?: string } | undefined;
  readonly operation?: { readonly action: { readonly name: string } } | undefined;
  /** The code of a refusal that was recorded but not applied. */
  readonly wouldRefuse?: string | undefined;
  readonly decided?: number | undefined;
  readonly journal: number;
  /** Milliseconds until the intent and the outcome were on disk. */
  readonly intended?: number | undefined;
  readonly recorded?: number | undefined;
  readonly waits?: Waits | undefined;
};

/**
 * How the request ended. With `code` the gateway refused it or got no answer; without, OCS answered, or the gateway
 * `accepted` it. `authFailure`: why the client was not authenticated.
 */
export type Ending = {
  readonly status: number;
  readonly code?: string;
  readonly delivery?: "not-sent" | "answered" | "sent-no-answer";
  /** The gateway accepted the request with 202 and sends it later. */
  readonly accepted?: true;
  readonly authFailure?: string | undefined;
};

export type RequestCount = {
  readonly tenant: string;
  readonly action: string;
  readonly origin: "ocs" | "gateway";
  readonly status_class: string;
  readonly count: number;
};
export type RefusalCount = { readonly tenant: string; readonly code: string; readonly count: number };

/** Milliseconds; `ocs` is 0 when nothing was sent. */
type Waits = { readonly queue: number; readonly ocs: number };

/** The label of a request that was refused before its tenant or action was known. */
const NONE = "none";
const ORIGINS = ["ocs", "gateway"] as const;
/** Status classes 0xx to 5xx for each origin. */
const CLASSES = 6;

/** `refused`: no key could be kept. */
export const KEY_RESULTS = ["first", "replayed", "running", "reused", "refused"] as const;
export type KeyResult = (typeof KEY_RESULTS)[number];

export class Counts {
  /** Whether histograms keep examples: from the first scraper on that asks for them. */
  keepsExamples = false;
  readonly phases: Readonly<Record<Phase, Histogram>> = {
    policy: new Histogram(),
    journal: new Histogram(),
    queue: new Histogram(),
    ocs: new Histogram(),
    total: new Histogram(),
  };
  readonly appends = new Histogram();
  /** Requests with an Idempotency-Key, by what became of their key. */
  readonly keys = new Map<string, number>(KEY_RESULTS.map((result) => [result, 0]));
  /** By upstream. */
  readonly alarms = new Map<string, number>();
  /** Callbacks from OCS and registrars, by upstream and result. */
  readonly callbacks = new Map<string, Map<string, number>>();
  /** Requests with a rejected credential, by reason. Reasons are a closed list, and each counter starts at 0. */
  readonly authFailures: Map<string, number>;
  /** By upstream: how long OCS waits for the reply to a callback. */
  readonly callbackLatency = new Map<string, Histogram>();
  /** By upstream. */
  readonly switchovers = new Map<string, number>();
  /** The phases that depend on the upstream, by upstream. */
  readonly upstreamPhases = new Map<string, Readonly<Record<"queue" | "ocs", Histogram>>>();
  /** Clients that sent plain HTTP to a TLS listener, by listener. */
  readonly plainOnTls = new Map<string, number>();
  /** By tenant, then action, then origin and class. */
  readonly #requests = new Map<string, Map<string, Float64Array>>();
  /** By tenant, then code. */
  readonly #refusals: Tally = new Map();
  readonly #noAnswers: Tally = new Map();
  /** Refusals that were recorded but not applied, by tenant and code. */
  readonly #wouldRefuse: Tally = new Map();

  constructor(authFailures: readonly string[] = []) {
    this.authFailures = new Map(authFailures.map((reason) => [reason, 0]));
  }

  /** Called once for each request, when its reply is decided. */
  readonly observe = (seen: SeenRequest, { status, code, delivery, accepted, authFailure }: Ending): void => {
    const total = performance.now() - seen.arrival.at;
    const tenant = seen.tenant?.name ?? NONE;
    this.#count(
      tenant,
      seen.operation?.action.name ?? NONE,
      (code === undefined && !accepted ? 0 : CLASSES) + Math.trunc(status / 100),
    );
    // A request that was sent counts as unanswered, not as refused.
    if (code !== undefined) tally(delivery === "sent-no-answer" ? this.#noAnswers : this.#refusals, tenant, code);
    if (authFailure !== undefined) this.authFailed(authFailure);
    if (seen.wouldRefuse !== undefined) tally(this.#wouldRefuse, tenant, seen.wouldRefuse);
    const example = this.keepsExamples ? exampleOf(seen) : undefined;
    this.phases.policy.observe(seen.decided ?? total, example);
    if (seen.journal > 0) this.phases.journal.observe(seen.journal, example);
    this.phases.total.observe(total, example);
    if (seen.intended !== undefined) this.appends.observe(seen.intended, example);
    if (seen.recorded !== undefined) this.appends.observe(seen.recorded, example);
    if (seen.waits) this.#wait(seen.waits, seen.tenant?.upstream, example);
  };

  authFailed(reason: string): void {
    this.authFailures.set(reason, (this.authFailures.get(reason) ?? 0) + 1);
  }

  keyClaimed(result: KeyResult): void {
    this.keys.set(result, this.keys.get(result)! + 1);
  }

  switchover(upstream: string): void {
    this.switchovers.set(upstream, (this.switchovers.get(upstream) ?? 0) + 1);
  }

  /** Counts the reply to a callback after this many milliseconds. */
  answeredCallback(upstream: string, ms: number): void {
    let latency = this.callbackLatency.get(upstream);
    if (!latency) this.callbackLatency.set(upstream, (latency = new Histogram()));
    latency.observe(ms);
  }

  alarm(upstream: string): void {
    this.alarms.set(upstream, (this.alarms.get(upstream) ?? 0) + 1);
  }

  callback(upstream: string, result: string): void {
    let results = this.callbacks.get(upstream);
    if (!results) this.callbacks.set(upstream, (results = new Map()));
    results.set(result, (results.get(result) ?? 0) + 1);
  }

  /** Sets the listener's counter to 0 and returns a function that counts one such client. */
  plainClientsOf(listener: string): () => void {
    const count = (by: number): unknown => this.plainOnTls.set(listener, (this.plainOnTls.get(listener) ?? 0) + by);
    count(0);
    return () => void count(1);
  }

  /** Whether the tenant had a request. */
  hasTenant(name: string): boolean {
    return this.#requests.has(name);
  }

  *requests(): Iterable<RequestCount> {
    for (const [tenant, actions] of this.#requests) {
      for (const [action, counts] of actions) {
        for (const [at, count] of counts.entries()) {
          if (count > 0)
            yield { tenant, action, origin: ORIGINS[at < CLASSES ? 0 : 1], status_class: `${at % CLASSES}xx`, count };
        }
      }
    }
  }

  refusals(): Iterable<RefusalCount> {
    return rowsOf(this.#refusals);
  }

  /** Requests that were sent and got no complete answer. */
  noAnswers(): Iterable<RefusalCount> {
    return rowsOf(this.#noAnswers);
  }

  wouldRefuse(): Iterable<RefusalCount> {
    return rowsOf(this.#wouldRefuse);
  }

  #count(tenant: string, action: string, at: number): void {
    let actions = this.#requests.get(tenant);
    if (!actions) this.#requests.set(tenant, (actions = new Map()));
    let counts = actions.get(action);
    if (!counts) actions.set(action, (counts = new Float64Array(ORIGINS.length * CLASSES)));
    counts[at]!++;
  }

  #wait({ queue, ocs }: Waits, upstream: string | undefined, example: Example | undefined): void {
    this.phases.queue.observe(queue, example);
    if (ocs > 0) this.phases.ocs.observe(ocs, example);
    if (upstream === undefined) return;
    let of = this.upstreamPhases.get(upstream);
    if (!of) this.upstreamPhases.set(upstream, (of = { queue: new Histogram(), ocs: new Histogram() }));
    of.queue.observe(queue, example);
    if (ocs > 0) of.ocs.observe(ocs, example);
  }
}

const exampleOf = ({ arrival: { id, trace } }: SeenRequest): Example | undefined =>
  id === undefined ? undefined : { id, trace: trace?.traceId };

/** By tenant, then code. */
type Tally = Map<string, Map<string, number>>;

const tally = (by: Tally, tenant: string, code: string): void => {
  let codes = by.get(tenant);
  if (!codes) by.set(tenant, (codes = new Map()));
  codes.set(code, (codes.get(code) ?? 0) + 1);
};

function* rowsOf(by: Tally): Iterable<RefusalCount> {
  for (const [tenant, codes] of by) for (const [code, count] of codes) yield { tenant, code, count };
}
