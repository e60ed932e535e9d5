/**
 * This gateway's own connection to the active OCS, as the log knows it (`votes.ts`). Requests with record handles are
 * sent only while the log agrees which OCS is active, and which of its lives this is.
 */
import type { ActiveOcs } from "../types.ts";
import type { Replica, AppliedRow } from "./replica.ts";

type Options = {
  readonly replica: Replica;
  readonly instance: string;
  /** Called when another gateway is connected to this OCS, and this gateway to another one. */
  readonly onOtherOcs: (endpoint: string) => void;
};

/** A gateway that has lost its connection, too, has noticed and said so after this time. */
const SEEN_MS = 50;
/** A connection to a dead host is noticed after eleven seconds: see `watch-connection.ts`. */
const LASTING_MS = 12_000;
/** Maximum milliseconds that requests wait until the gateways agree. */
const AGREED_MS = 1000;
/** At a stop, connections that are open for this time are vouched for. */
const STOP_AFTER_MS = 1000;

export class OcsConnection {
  readonly #options: Options;
  #endpoint: string | undefined;
  /** Counts the losses, so that a timer knows whether its connection is still the same one. */
  #losses = 0;
  /** Own events that are not in the log yet. */
  #unwritten = 0;
  #connectedAt = new Map<string, number>();
  #change = Promise.withResolvers<void>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The active OCS as this gateway sees it. */
  get endpoint(): string | undefined {
    return this.#endpoint;
  }

  /** True if this gateway is connected to the log's OCS, and it is certain which of its lives that is. */
  get isActive(): boolean {
    const { replica, instance } = this.#options;
    const { votes } = replica.state;
    return (
      this.#endpoint !== undefined &&
      this.#unwritten === 0 &&
      votes.endpoint === this.#endpoint &&
      votes.isTrusted(instance)
    );
  }

  connect({ endpoint, how }: ActiveOcs): void {
    if (this.#endpoint !== undefined && this.#endpoint !== endpoint) this.#losses++;
    this.#endpoint = endpoint;
    void this.#write({ kind: "connected", endpoint, how });
  }

  lose(): void {
    if (this.#endpoint === undefined) return;
    this.#endpoint = undefined;
    this.#losses++;
    void this.#write({ kind: "lost" });
  }

  /**
   * Resolves to the active OCS once the log agrees; to undefined after `ms`, or if this gateway has lost it meanwhile:
   * what it heard before may be from an earlier life of OCS.
   */
  async whenActive(ms: number): Promise<string | undefined> {
    const losses = this.#losses;
    if (this.#endpoint === undefined) return undefined;
    await this.#whenActive(ms);
    return this.isActive && this.#losses === losses ? this.#endpoint : undefined;
  }

  async #whenActive(ms: number): Promise<void> {
    for (const deadline = performance.now() + ms; !this.isActive;) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([this.#change.promise, new Promise((resolve) => (timer = setTimeout(resolve, left)))]);
      clearTimeout(timer);
    }
  }

  /** As `whenActive`, so that requests wait instead of being refused; undefined if it is so now. */
  whenAgreed(): Promise<void> | undefined {
    return this.isActive ? undefined : this.#whenActive(AGREED_MS);
  }

  /** Call this after each event. */
  noteApplied({ seq, row: { instance }, event }: AppliedRow): void {
    if (event.kind === "connected") {
      this.#connectedAt.set(instance, performance.now());
      if (instance !== this.#options.instance) this.#vouchFor(instance, seq);
    }
    if ("endpoint" in event && event.endpoint !== undefined && instance !== this.#options.instance)
      this.#compare(event.endpoint);
    this.update();
  }

  /** Call this when the state was read again. */
  update(): void {
    this.#options.replica.state.handles.isActiveOcsKnown = this.isActive;
    if (!this.isActive) return;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Connects again where others believed that this gateway was dead, and the database has lost its connection. */
  tick(): void {
    const { replica, instance } = this.#options;
    if (this.#endpoint === undefined || this.#unwritten > 0) return;
    if (replica.state.votes.of(instance)?.endpoint === this.#endpoint) return;
    void this.#write({ kind: "connected", endpoint: this.#endpoint, how: "reconnected" });
  }

  /** Before an orderly stop: this gateway's connection is open, so those of the others are to the same life of OCS. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#endpoint === undefined) return;
    const now = performance.now();
    const { replica, instance } = this.#options;
    for (const { instance: other, connected } of replica.state.votes.all) {
      if (other !== instance && now - (this.#connectedAt.get(other) ?? -Infinity) >= STOP_AFTER_MS)
        void replica.appendSurely({ kind: "vouch", instance: other, connected, lasting: true });
    }
    this.lose();
    await replica.flushed(STOP_AFTER_MS);
  }

  async #write(event: Parameters<Replica["appendSurely"]>[0]): Promise<void> {
    this.#unwritten++;
    this.update();
    await this.#options.replica.appendSurely(event);
    this.#unwritten--;
    this.update();
  }

  #vouchFor(instance: string, connected: number): void {
    const losses = this.#losses;
    const after = (ms: number, lasting: boolean): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const { replica, instance: own } = this.#options;
        const { votes } = replica.state;
        const [mine, theirs] = [votes.of(own), votes.of(instance)];
        if (this.#losses !== losses || !this.isActive || !mine || mine.connected > connected) return;
        if (theirs?.connected !== connected || theirs.endpoint !== this.#endpoint) return;
        if (lasting ? theirs.since > mine.since : !theirs.isTrusted)
          void replica.appendSurely({ kind: "vouch", instance, connected, lasting });
      }, ms).unref();
      this.#timers.add(timer);
    };
    after(SEEN_MS, false);
    after(LASTING_MS, true);
  }

  #compare(endpoint: string): void {
    if (this.#endpoint !== undefined && endpoint !== this.#endpoint) this.#options.onOtherOcs(endpoint);
  }
}
