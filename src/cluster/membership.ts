/**
 * Which gateways live, and this gateway's own lease. A gateway proves that it lives by raising the beat in its row
 * every 250 ms. Only monotonic clocks measure how long a lease is: clocks of machines and of the database may be wrong
 * or be set.
 *
 * - Own lease: ends 1000 ms after the last beat that succeeded was sent.
 * - Another gateway is dead when a reading that was sent 1500 ms after we first saw its beat still finds that beat. Its
 *   lease has ended then: it sent that beat before we first saw it. A beat that is still under way renews no lease that
 *   has ended meanwhile.
 * - A gateway whose lease had ended, or never began, comes back in two steps. First it raises its beat: who reads the
 *   nodes from then on counts on it. Then it reads the ends of the shared logs (`heads`); what others wrote without
 *   counting on it is in the logs up to there, and has to be applied before it answers from memory. For this, a gateway
 *   that has written to a log counts on those that live by a reading that it sent afterwards (`readAt`).
 */
import { DatabaseUnavailable, type SharedDatabase } from "./database.ts";
import { OwnLease, type Moment } from "./own-lease.ts";
import { comeBack, leaveRow, readOrRaiseBeat, takeRow, type NodeDetails, type NodeRow } from "./node-rows.ts";

/** Milliseconds. */
const BEAT_EVERY_MS = 250;
export const DEAD_AFTER_MS = 1500;

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

/** `since`: when its reading arrived. */
type Seen = { readonly instance: string; readonly beat: string; readonly since: number };

export class NameInUse extends Error {
  override readonly name = "NameInUse";
}

export class Membership {
  readonly node: string;
  readonly instance: string;
  readonly #options: MembershipOptions;
  readonly #now: () => number;
  #nodes: readonly ClusterNode[] = [];
  readonly #seen = new Map<string, Seen>();
  #details: Record<string, unknown> = {};
  readonly #lease: OwnLease;
  #heads: ReadonlyMap<string, bigint> = new Map();
  #readAt = -Infinity;
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
    this.#lease = new OwnLease({ now: this.#now, wallClock: options.wallClock ?? Date.now });
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
    if (this.#state !== "joined") return;
    this.#timer = setInterval(() => void this.beat(), BEAT_EVERY_MS).unref();
  }

  /** Milliseconds that the own lease still lasts, 0 if it has ended. */
  get leaseLeft(): number {
    return this.#state === "joined" ? this.#lease.left : 0;
  }

  /**
   * True while others count on this gateway: no owner is taken away without its acknowledgement. Only meanwhile may it
   * rely on `live`.
   */
  get isLeased(): boolean {
    return this.leaseLeft > 0;
  }

  /** Counts the leases from 1 on: after a gap, a new one begins. */
  get leaseNumber(): number {
    return this.#lease.number;
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

  /** When the reading that `nodes` shows was sent; monotonic milliseconds. */
  get readAt(): number {
    return this.#readAt;
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

  /** Beats now. Resolves to true if the database has it, and the lease goes on. */
  async beat(): Promise<boolean> {
    const done = new Promise<boolean>((resolve) => this.#beaten.push(resolve));
    this.#running ??= this.#beatAll();
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

  async #beatAll(): Promise<void> {
    while (this.#beaten.length > 0) {
      const waiting = this.#beaten.splice(0);
      const isSuccess = await this.#beatOnce();
      for (const resolve of waiting) resolve(isSuccess);
    }
    this.#running = undefined;
  }

  async #beatOnce(): Promise<boolean> {
    this.#watchLease();
    try {
      if (this.#state !== "joined") return false;
      if (!this.isLeased) await this.#comeBack();
      return await this.#renew();
    } catch (error) {
      // Until the database answers again, the lease runs out; the next beat tries again.
      this.#tell(({ onFailure }) => onFailure?.(error as Error));
      return false;
    } finally {
      this.#watchLease();
    }
  }

  /** Makes the others know that this gateway lives, before its lease begins. */
  async #comeBack(): Promise<void> {
    this.#lease.end();
    const sent = this.#lease.moment();
    if (await comeBack(this.#options.database, this)) this.#lease.comeBack(sent);
  }

  /** Resolves to false if the lease cannot go on: it ended while this beat was under way, or the row is lost. */
  async #renew(): Promise<boolean> {
    const sent: Moment = this.#lease.moment();
    const { holder, nodes, heads } = await readOrRaiseBeat(this.#options.database, this, this.#details);
    if (this.#state !== "joined") return false;
    if (holder !== this.instance) return this.#beReplaced(whyReplaced(this.node, holder));
    if (isBehind(heads, this.#heads)) return this.#beReplaced(LOST_ENTRIES);
    this.#heads = heads;
    this.#tell(({ onBeat }) => onBeat?.());
    const isInTime = this.#lease.renew(sent);
    this.#readAt = sent.monotonic;
    this.#note(nodes, sent.monotonic);
    return isInTime;
  }

  #beReplaced(reason: string): false {
    this.#state = "replaced";
    clearInterval(this.#timer);
    this.#tell(({ onReplaced }) => onReplaced?.(reason));
    return false;
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

  #note(rows: readonly NodeRow[], sent: number): void {
    const now = this.#now();
    const before = JSON.stringify(this.#nodes.map(visible));
    this.#nodes = rows.map((row) => ({ ...row, state: this.#stateOf(row, { sent, now }) }));
    for (const name of this.#seen.keys()) if (!rows.some((row) => row.name === name)) this.#seen.delete(name);
    if (JSON.stringify(this.#nodes.map(visible)) !== before) this.#tell(({ onChange }) => onChange?.());
  }

  /** `sent`, `now`: when this reading was sent, and when it arrived. */
  #stateOf({ name, instance, beat, stopped }: NodeRow, reading: { sent: number; now: number }): ClusterNode["state"] {
    if (stopped) return "stopped";
    if (name === this.node && instance === this.instance) return "live";
    const seen = this.#seen.get(name);
    if (seen?.instance !== instance || seen.beat !== beat) this.#seen.set(name, { instance, beat, since: reading.now });
    else if (reading.sent - seen.since >= DEAD_AFTER_MS) return "dead";
    return "live";
  }
}

const whyReplaced = (node: string, holder: string | undefined): string =>
  holder === undefined
    ? `the shared database has no node ${node} any more: it was restored, or the node was removed`
    : `another gateway has taken the name ${node} in the shared database`;

/** Entries that a gateway has applied cannot be taken back, so it starts again from what is there. */
const LOST_ENTRIES =
  "the shared database has lost entries that it had: it was restored, or a standby took over without the newest ones";

const isBehind = (heads: ReadonlyMap<string, bigint>, before: ReadonlyMap<string, bigint>): boolean =>
  [...before].some(([log, seq]) => (heads.get(log) ?? -1n) < seq);

const visible = ({ name, instance, state, details }: ClusterNode): unknown => [name, instance, state, details];

const ignoreUnavailable = (error: unknown): void => {
  if (!(error instanceof DatabaseUnavailable)) throw error;
};
