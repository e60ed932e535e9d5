/**
 * Do-Not-Calls that the gateway has accepted with 202 and sends by itself. The items in memory are those on disk; the
 * driver sends them, `PendingNumbers` knows their persons. An item leaves when OCS has answered 200, or when a person
 * has closed its alarm; none is ever dropped.
 */
import { OutboxDriver, type Attempt } from "./driver.ts";
import { erased, isBlocking, type Cause, type OutboxItem, type Person } from "./item.ts";
import type { AttemptResult } from "./attempt.ts";
import { countByTenant, type OutboxCount } from "./outbox-counts.ts";
import { PendingNumbers, type TenantKey, type TokensOf } from "./pending-numbers.ts";
import { requestStateOf, type RequestState } from "./request-state.ts";
import type { OutboxStore } from "./store/types.ts";

export type OutboxOptions = {
  readonly store: OutboxStore;
  /** The believed time (`Journal.believed`), in microseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds after which a Do-Not-Call becomes an alarm. */
  readonly giveUp: () => number;
  /** Maximum items of a tenant that OCS has not carried out. */
  readonly most: () => number;
  readonly tokensOf: TokensOf;
  /** Sends the item once. */
  readonly attempt: Attempt;
  readonly onAlarm: (item: OutboxItem, says: string) => void;
  readonly onAttempt?: ((item: OutboxItem, result: AttemptResult) => void) | undefined;
  /** From 0 to 1; default: Math.random. */
  readonly random?: (() => number) | undefined;
};

/** How long items that have ended are kept, and how many, so that their clients can ask about them. */
const KEPT_MICROS = 86_400_000_000;
const MOST_ENDED = 10_000;
const SWEEP_MS = 600_000;

export class Outbox {
  readonly #options: OutboxOptions;
  /** By id, oldest first. */
  readonly #items = new Map<string, OutboxItem>();
  readonly #pending: PendingNumbers;
  /** Items that have ended, the earliest first. */
  readonly #ended = new Set<string>();
  /** Items that block, by tenant; those that are being stored are included. */
  readonly #blocking = new Map<string, number>();
  readonly #driver: OutboxDriver;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#pending = new PendingNumbers(options.tokensOf);
    this.#driver = new OutboxDriver({
      attempt: options.attempt,
      giveUp: options.giveUp,
      random: options.random ?? Math.random,
      itemOf: (id) => this.#items.get(id),
      drives: (id) => options.store.drives?.(id) ?? "yes",
      isOverdue: (item) => this.ageOf(item) >= options.giveUp(),
      onResult: (item, attemptId, result) => this.#onResult(item, attemptId, result),
      onOverdue: (item) =>
        this.#alarm(item, "gave-up", `OCS has not answered 200 within ${Math.round(options.giveUp() / 1000)} s`),
    });
    for (const item of options.store.restored) this.#set(item);
  }

  /** Begins to send the items of an earlier run. */
  start(): void {
    for (const item of this.#items.values()) this.#drive(item);
    this.#options.store.watch?.((item) => this.#adopt(item));
    this.#sweep = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  readonly hasRoom = (tenant: TenantKey): boolean => (this.#blocking.get(nameOf(tenant)) ?? 0) < this.#options.most();

  /** Resolves when the item is on disk. Rejects with StoreFailed; then it is not accepted. */
  readonly accept = async (item: OutboxItem): Promise<void> => {
    this.#set(item);
    try {
      await this.#options.store.put(item);
    } catch (error) {
      this.#delete(item.id);
      throw error;
    }
  };

  /** Begins to send an accepted item. */
  readonly begin = (id: string): void => {
    const item = this.#items.get(id);
    if (item) this.#drive(item);
  };

  /** By which value a Do-Not-Call of this tenant is pending; undefined if none is. */
  readonly pendingFor = (tenant: TenantKey, person: Person): "phone" | "customer" | undefined =>
    this.#pending.find(tenant, person);

  /** Undefined if the outbox has no such item. */
  readonly stateOf = (id: string): RequestState | undefined => {
    const item = this.#items.get(id);
    return item && requestStateOf(item);
  };

  /** Items that OCS has not carried out, oldest first. */
  get open(): readonly OutboxItem[] {
    return [...this.#items.values()].filter(isBlocking);
  }

  counts(): readonly OutboxCount[] {
    return countByTenant(this.open, this.ageOf);
  }

  /** The open alarm of the item with this id, or whose last attempt has it. */
  readonly alarmOf = (id: string): OutboxItem | undefined =>
    this.open.find((item) => item.state === "alarm" && (item.id === id || item.lastAttempt === id));

  /** A person has closed the alarm. False if there is none. */
  readonly close = (id: string): boolean => {
    const item = this.alarmOf(id);
    if (!item) return false;
    this.#save({ ...erased(item), state: "closed", endedAt: this.#options.now() });
    return true;
  };

  /**
   * Milliseconds since it was accepted, by the time that the journal believes and, if several gateways share the
   * outbox, by the clock of the database: the shorter one, so that a wrong clock raises no alarm.
   */
  readonly ageOf = ({ id, acceptedAt }: OutboxItem): number => {
    const believed = Math.max(0, (this.#options.now() - acceptedAt) / 1000);
    return Math.min(believed, this.#options.store.ageOf?.(id) ?? believed);
  };

  readonly trouble = (): string | undefined => this.#options.store.trouble();

  /** Forgets items that ended long ago. */
  sweep(): void {
    const before = this.#options.now() - KEPT_MICROS;
    for (const item of this.#items.values()) {
      if (!isBlocking(item) && (item.endedAt ?? 0) <= before) this.#remove(item.id);
    }
  }

  /** Resolves when no attempt is under way. The store is closed by its owner. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    await this.#driver.stop();
  }

  #drive(item: OutboxItem): void {
    if (item.state === "pending" && this.#options.store.drives?.(item.id) !== "no") this.#driver.add(item);
  }

  /** Another gateway has accepted or changed it, or this one has taken it over. */
  #adopt(item: OutboxItem): void {
    this.#set(item);
    this.#drive(item);
  }

  #onResult(item: OutboxItem, attemptId: string, result: AttemptResult): void {
    const tried: OutboxItem = {
      ...item,
      attempts: item.attempts + 1,
      lastAttempt: attemptId,
      lastResult: result.says,
      status: result.status,
      ...(result.end === "later" && result.mayBeDone && { mayBeDone: true }),
    };
    this.#options.onAttempt?.(tried, result);
    if (result.end === "done") this.#save({ ...erased(tried), state: "answered", endedAt: this.#options.now() });
    else if (result.end === "never") this.#alarm(tried, result.cause, result.says);
    else this.#save(tried);
  }

  #alarm(item: OutboxItem, cause: Cause, says: string): void {
    const alarmed: OutboxItem = { ...item, state: "alarm", cause, endedAt: this.#options.now() };
    this.#options.onAlarm(alarmed, says);
    this.#save(alarmed);
  }

  #save(item: OutboxItem): void {
    this.#set(item);
    this.#options.store.save(item);
  }

  #remove(id: string): void {
    this.#delete(id);
    this.#options.store.remove(id);
  }

  #set(item: OutboxItem): void {
    this.#count(this.#items.get(item.id), -1);
    this.#items.set(item.id, item);
    this.#pending.put(item);
    this.#count(item, 1);
    if (isBlocking(item)) return;
    this.#ended.add(item.id);
    if (this.#ended.size > MOST_ENDED) this.#remove(this.#ended.values().next().value!);
  }

  #delete(id: string): void {
    this.#count(this.#items.get(id), -1);
    this.#ended.delete(id);
    this.#items.delete(id);
    this.#pending.remove(id);
  }

  #count(item: OutboxItem | undefined, by: number): void {
    if (!item || !isBlocking(item)) return;
    const name = nameOf(item);
    const count = (this.#blocking.get(name) ?? 0) + by;
    if (count === 0) this.#blocking.delete(name);
    else this.#blocking.set(name, count);
  }
}

const nameOf = ({ upstream, tenant }: TenantKey): string => `${upstream}/${tenant}`;
