/**
 * Which gateways live, and this gateway's own lease. A gateway proves that it lives by raising the beat in its row
 * every 250 ms. Only monotonic clocks measure how long a lease is: clocks of machines and of the database may be wrong
 * or be set.
 *
 * - Own lease: ends 1000 ms after the last beat that succeeded was sent.
 * - Another gateway is dead when its beat has not changed for 1500 ms of our clock, while our reads succeeded. Its
 *   lease has ended then: it sent that beat before we first read it.
 *
 * A gateway whose lease had ended comes back with its next beat. The same statement reads the ends of the shared logs
 * (`log_head`); what others did meanwhile is in the logs up to there, and has to be applied before the gateway answers
 * from memory again (`heads`).
 */
import { DatabaseUnavailable, type SharedDatabase } from "./database.ts";
import { leaveRow, readOrRaiseBeat, takeRow, type NodeDetails, type NodeRow } from "./node-rows.ts";

/** Milliseconds. */
export const LEASE_MS = 1000;
const BEAT_EVERY_MS = 250;
const DEAD_AFTER_MS = 1500;

export type ClusterNode = {
  readonly name: string;
  /** UUID of this run. */
  readonly instance: string;
  readonly version: string;
  readonly started: Date;
  /** `stopped`: it stopped in order. `dead`: its lease has ended. */
  readonly state: "live" | "dead" | "stopped";
  /** The database's time of its last beat. */
  readonly seen: Date;
  readonly details: NodeDetails;
};

export type MembershipOptions = {
  /** Only for beats, so that a slow statement of another part delays none. */
  readonly database: Pick<SharedDatabase, "query">;
  readonly node: string;
  readonly version: string;
  readonly instance?: string;
  /** Its first observer. */
  readonly observer?: MembershipObserver;
  /** Monotonic milliseconds; and milliseconds since 1970. */
  readonly now?: () => number;
  readonly wallClock?: () => number;
};

/** What may be called, in the turn in which it happens. Must not throw. */
export type MembershipObserver = {
  /** A gateway began to live, died or stopped, or details changed. */
  readonly onChange?: () => void;
  /** The own lease has ended, because no beat reached the database for LEASE_MS. */
  readonly onLeaseLost?: () => void;
  /** The own lease has begun, at the start or again. */
  readonly onLease?: () => void;
  /** A beat reached the database. Called for each. */
  readonly onBeat?: () => void;
  /** A beat failed, because of this. Called for each. */
  readonly onFailure?: (error: Error) => void;
  /** Once: this run has no place in the database any more, so its process must stop. One sentence. */
  readonly onReplaced?: (reason: string) => void;
};

type Seen = { readonly instance: string; readonly beat: string; readonly since: number };

export class NameInUse extends Error {
  override readonly name = "NameInUse";
}

export class Membership {
  readonly node: string;
  readonly instance: string;
  readonly #options: MembershipOptions;
  readonly #now: () => number;
  readonly #wallClock: () => number;
  #nodes: readonly ClusterNode[] = [];
  readonly #seen = new Map<string, Seen>();
  #details: Record<string, unknown> = {};
  /** When the last successful beat was sent, on both clocks. */
  #sent = { monotonic: -Infinity, wall: -Infinity };
  #heads: ReadonlyMap<string, bigint> = new Map();
  #beaten: ((isSuccess: boolean) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #state: "joining" | "joined" | "replaced" | "left" = "joining";
  readonly #observers = new Set<MembershipObserver>();
  #leaseEnd: NodeJS.Timeout | undefined;
  #wasLeased = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.node = options.node;
    this.instance = options.instance ?? crypto.randomUUID();
    this.#now = options.now ?? (() => performance.now());
    this.#wallClock = options.wallClock ?? Date.now;
    if (options.observer) this.#observers.add(options.observer);
  }

  /**
   * Takes the name and begins to beat. Rejects with NameInUse if a live gateway has it; that takes 1500 ms to find out
   * where the last gateway of this name did not stop in order.
   */
  async join(): Promise<void> {
    const { database, node, version } = this.#options;
    const about = { name: node, instance: this.instance, version };
    let before = await takeRow(database, about, undefined);
    if (before !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, DEAD_AFTER_MS));
      before = await takeRow(database, about, before);
    }
    if (before !== undefined)
      throw new NameInUse(
        `another gateway with the name ${node} is running; give each gateway a name of its own (node in the config)`,
      );
    this.#state = "joined";
    await this.beat();
    this.#timer = setInterval(() => void this.beat(), BEAT_EVERY_MS).unref();
  }

  /** Milliseconds that the own lease still lasts, 0 if it has ended. A paused machine's clock may stand: both count. */
  get leaseLeft(): number {
    const { monotonic, wall } = this.#sent;
    if (this.#state !== "joined") return 0;
    return Math.max(0, LEASE_MS - Math.max(this.#now() - monotonic, this.#wallClock() - wall));
  }

  /** True while others count on this gateway: until then no owner is taken away without its acknowledgement. */
  get isLeased(): boolean {
    return this.leaseLeft > 0;
  }

  /** All gateways that the database knows, this one included, by name. */
  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** The names of those that live, this one included. */
  get live(): readonly string[] {
    return this.#nodes.filter(({ state }) => state === "live").map(({ name }) => name);
  }

  isLive(name: string, instance: string): boolean {
    return this.#nodes.some((node) => node.name === name && node.instance === instance && node.state === "live");
  }

  /** The last number of each shared log when the last successful beat was written. */
  get heads(): ReadonlyMap<string, bigint> {
    return this.#heads;
  }

  /** Returns the function that ends it. */
  observe(observer: MembershipObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Sets what others see of a part of this gateway, from the next beat on. */
  tell(part: string, value: unknown): void {
    this.#details = { ...this.#details, [part]: value };
  }

  /** Beats now. Resolves to true if the database has it. */
  async beat(): Promise<boolean> {
    const done = new Promise<boolean>((resolve) => this.#beaten.push(resolve));
    this.#running ??= this.#beatOnce().finally(() => (this.#running = undefined));
    return done;
  }

  /** Stops in order: others need not wait for the end of the lease. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#leaseEnd);
    await this.#running;
    if (this.#state !== "joined") return;
    this.#state = "left";
    await leaveRow(this.#options.database, this.node, this.instance).catch(ignoreUnavailable);
  }

  async #beatOnce(): Promise<void> {
    const waiting = this.#beaten;
    this.#beaten = [];
    const sent = { monotonic: this.#now(), wall: this.#wallClock() };
    let isSuccess = false;
    try {
      if (this.#state === "joined") {
        const { isRaised, nodes, heads } = await readOrRaiseBeat(this.#options.database, this, this.#details);
        isSuccess = isRaised;
        if (isRaised) [this.#sent, this.#heads] = [sent, heads];
        else this.#beReplaced();
        if (isRaised) this.#tell(({ onBeat }) => onBeat?.());
        this.#note(nodes);
        this.#watchLease();
      }
    } catch (error) {
      // Until the database answers again, the lease runs out; the next beat tries again.
      this.#tell(({ onFailure }) => onFailure?.(error as Error));
      this.#watchLease();
    } finally {
      for (const resolve of waiting) resolve(isSuccess);
    }
    if (this.#beaten.length > 0) await this.#beatOnce();
  }

  #beReplaced(): void {
    if (this.#state !== "joined") return;
    this.#state = "replaced";
    clearInterval(this.#timer);
    const reason = `another gateway has taken the name ${this.node} in the shared database`;
    this.#tell(({ onReplaced }) => onReplaced?.(reason));
  }

  #tell(call: (observer: MembershipObserver) => void): void {
    for (const observer of this.#observers) call(observer);
  }

  /** Tells when the lease begins and ends. Whether it lasts is measured anew whenever somebody asks. */
  #watchLease(): void {
    clearTimeout(this.#leaseEnd);
    const left = this.leaseLeft;
    if (left > 0 !== this.#wasLeased) {
      this.#wasLeased = left > 0;
      this.#tell(({ onLease, onLeaseLost }) => (left > 0 ? onLease : onLeaseLost)?.());
    }
    if (left > 0) this.#leaseEnd = setTimeout(() => this.#watchLease(), Math.ceil(left)).unref();
  }

  #note(rows: readonly NodeRow[]): void {
    const now = this.#now();
    const before = JSON.stringify(this.#nodes.map(visible));
    this.#nodes = rows.map((row) => ({ ...row, state: this.#stateOf(row, now) }));
    for (const name of this.#seen.keys()) if (!rows.some((row) => row.name === name)) this.#seen.delete(name);
    if (JSON.stringify(this.#nodes.map(visible)) !== before) this.#tell(({ onChange }) => onChange?.());
  }

  #stateOf({ name, instance, beat, stopped }: NodeRow, now: number): ClusterNode["state"] {
    if (stopped) return "stopped";
    if (name === this.node && instance === this.instance) return "live";
    const seen = this.#seen.get(name);
    if (seen?.instance !== instance || seen.beat !== beat) this.#seen.set(name, { instance, beat, since: now });
    else if (now - seen.since >= DEAD_AFTER_MS) return "dead";
    return "live";
  }
}

const visible = ({ name, instance, state, details }: ClusterNode): unknown => [name, instance, state, details];

const ignoreUnavailable = (error: unknown): void => {
  if (!(error instanceof DatabaseUnavailable)) throw error;
};
