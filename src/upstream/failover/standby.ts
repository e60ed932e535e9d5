/**
 * Watches the standby OCS of a pair. How a healthy standby reacts to a new connection depends on the site: it closes
 * it, refuses it, or keeps it open and silent. A standby is healthy if it reacts as configured (`standby`) or, without
 * that setting, as it did earlier beside a working primary. Refusing alone is not learned, because a dead host refuses
 * too.
 */
import type { Endpoint } from "../lanes/endpoint.ts";
import { probe, type Probe, type ProbeResult } from "./probe.ts";

/** What a healthy standby does with a new connection. */
export type StandbyBehaviour = "closes" | "refuses" | "accepts";

export type StandbyStatus = {
  readonly seen: ProbeResult;
  /** The error, if any, such as ECONNREFUSED or CERT_HAS_EXPIRED. */
  readonly detail: string | undefined;
  /** Milliseconds since `seen` and `detail` last changed. */
  readonly since: number;
  /** The healthy behaviour, configured or learned; undefined while unknown. */
  readonly expected: StandbyBehaviour | undefined;
  readonly healthy: boolean;
};

export type StandbyOptions = {
  /** The configured behaviour; undefined: it is learned. */
  readonly configured: () => StandbyBehaviour | undefined;
  /** True if the active OCS is connected: only then is the other one its standby. */
  readonly isActiveConnected: () => boolean;
  /** Called when the standby becomes unhealthy, or healthy again. */
  readonly onChange: (endpoint: string, status: StandbyStatus) => void;
  /** The Standby that this one replaces, whose learned behaviour is kept. */
  readonly inherits: Standby | undefined;
};

const EVERY_MS = 60_000;
/** Longer than in a search for the primary, because no request waits for this probe. */
const HOLD_MS = 200;
const BEHAVIOUR_OF: Readonly<Record<ProbeResult, StandbyBehaviour | undefined>> = {
  accepts: "accepts",
  "accepts and closes": "closes",
  refuses: "refuses",
  silent: undefined,
  "fails TLS": undefined,
};

type Observation = {
  readonly endpoint: Endpoint;
  readonly seen: ProbeResult;
  readonly detail: string | undefined;
  readonly at: number;
};

export class Standby {
  readonly #options: StandbyOptions;
  #learned: StandbyBehaviour | undefined;
  #endpoint: Endpoint | undefined;
  #last: Observation | undefined;
  #wasHealthy = true;
  #probedAt = -Infinity;
  #latest: Probe | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StandbyOptions) {
    this.#options = { ...options, inherits: undefined };
    this.#learned = options.inherits?.behaviour;
  }

  get behaviour(): StandbyBehaviour | undefined {
    return this.#options.configured() ?? this.#learned;
  }

  /** The end of the last probe, in milliseconds of the monotonic clock. */
  get probedAt(): number {
    return this.#probedAt;
  }

  /** Probes this OCS from now on, at once and then every minute. */
  watch(endpoint: Endpoint | undefined): void {
    this.close();
    this.#endpoint = endpoint;
    if (endpoint) void this.#probe(endpoint);
  }

  /** Undefined until a probe of this OCS has ended. */
  status(endpoint: Endpoint): StandbyStatus | undefined {
    if (this.#last?.endpoint !== endpoint) return undefined;
    const { seen, detail, at } = this.#last;
    // A dead host refuses too, so only the config can say that refusing is healthy.
    const learned = this.#learned === "refuses" ? undefined : this.#learned;
    const expected = this.#options.configured() ?? learned;
    const behaviour = BEHAVIOUR_OF[seen];
    const healthy =
      behaviour !== undefined && (expected === undefined ? behaviour !== "refuses" : behaviour === expected);
    return { seen, detail, since: performance.now() - at, expected, healthy };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#endpoint = undefined;
  }

  async #probe(endpoint: Endpoint): Promise<void> {
    const wasConnected = this.#options.isActiveConnected();
    const current = (this.#latest = probe(endpoint, HOLD_MS));
    await current.done;
    current.release()?.destroy();
    // Only the latest probe schedules the next one: however often `watch` is called, there is one every minute.
    if (this.#endpoint !== endpoint || this.#latest !== current) return;
    this.#timer = setTimeout(() => void this.#probe(endpoint), EVERY_MS).unref();
    this.#probedAt = performance.now();
    const seen = current.result();
    if (seen === undefined) return;
    const [detail, last] = [current.detail(), this.#last];
    if (last?.endpoint !== endpoint || last.seen !== seen || last.detail !== detail)
      this.#last = { endpoint, seen, detail, at: performance.now() };
    if (wasConnected && this.#options.isActiveConnected()) this.#learn(BEHAVIOUR_OF[seen]);
    const status = this.status(endpoint)!;
    // The health of the OCS that was watched before says nothing about this one.
    const wasHealthy = last?.endpoint === endpoint ? this.#wasHealthy : true;
    if (status.healthy !== wasHealthy) this.#options.onChange(endpoint.origin, status);
    this.#wasHealthy = status.healthy;
  }

  /** Any later behaviour replaces a refusal, because a dead host refuses too. */
  #learn(behaviour: StandbyBehaviour | undefined): void {
    if (behaviour !== undefined && (this.#learned === undefined || this.#learned === "refuses"))
      this.#learned = behaviour;
  }
}
