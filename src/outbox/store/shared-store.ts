/**
 * The outbox of several gateways, in their database. An item is there before its client gets 202. The gateway that
 * accepted it sends it; when that gateway does not live any more, another one takes it over. All gateways know all
 * items, so that each can refuse records with their numbers; while the database is gone, those known last count.
 */
import { DatabaseUnavailable } from "../../cluster/database.ts";
import { GroupCommit } from "../../cluster/group-commit.ts";
import type { Membership } from "../../cluster/membership.ts";
import type { OutboxItem } from "../item.ts";
import { PAGE, type Holder, type OutboxRow, type OutboxRows } from "./outbox-rows.ts";
import { StoreFailed, type OutboxStore } from "./types.ts";

/** A failed change is tried again, and changes of other gateways are looked for, after this many milliseconds. */
const POLL_MS = 1000;

export type SharedStoreOptions = {
  readonly rows: OutboxRows;
  readonly membership: Pick<Membership, "node" | "instance" | "nodes" | "isLeased" | "observe">;
};

type Known = { readonly holder: Holder; readonly age: number; readonly readAt: number };

export class SharedStore implements OutboxStore {
  readonly restored: readonly OutboxItem[];
  readonly movedAside = undefined;
  readonly #rows: OutboxRows;
  readonly #membership: SharedStoreOptions["membership"];
  readonly #me: Holder;
  readonly #adding: GroupCommit<OutboxItem, undefined>;
  readonly #known = new Map<string, Known>();
  /** Changes that are not in the database yet; null: the item is to be deleted. */
  readonly #changed = new Map<string, OutboxItem | null>();
  #seq: number;
  #working: Promise<void> | undefined;
  #isAgain = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #ends: (() => void)[] = [];
  #failed: string | undefined;
  #onChange: ((item: OutboxItem) => void) | undefined;
  #isClosed = false;

  /** Reads all items. Rejects with DatabaseUnavailable. */
  static async open(options: SharedStoreOptions): Promise<SharedStore> {
    const all: OutboxRow[] = [];
    for (let page = await options.rows.read(0); page.length > 0; page = await options.rows.read(all.at(-1)!.seq)) {
      all.push(...page);
      if (page.length < PAGE) break;
    }
    return new SharedStore(options, all);
  }

  private constructor({ rows, membership }: SharedStoreOptions, all: readonly OutboxRow[]) {
    this.#rows = rows;
    this.#membership = membership;
    this.#me = { node: membership.node, instance: membership.instance };
    this.#adding = new GroupCommit(async (items) => {
      await rows.add(this.#me, items);
      return items.map(() => undefined);
    });
    for (const row of all) this.#note(row);
    this.#seq = all.at(-1)?.seq ?? 0;
    this.restored = all.map(({ item }) => item).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  readonly put = async (item: OutboxItem): Promise<void> => {
    if (!this.#membership.isLeased) throw new StoreFailed("this gateway does not reach the shared database");
    this.#known.set(item.id, { holder: this.#me, age: 0, readAt: performance.now() });
    try {
      await this.#adding.add(item);
    } catch (error) {
      this.#known.delete(item.id);
      if (!(error instanceof DatabaseUnavailable)) throw error;
      // The client hears that it was not accepted, so it must not be there.
      if (error.mayHaveHappened) this.remove(item.id);
      throw new StoreFailed(error.message);
    }
  };

  readonly save = (item: OutboxItem): void => this.#change(item.id, item);

  readonly remove = (id: string): void => {
    this.#known.delete(id);
    this.#change(id, null);
  };

  readonly drives = (id: string): "yes" | "not-now" | "no" => {
    const holder = this.#known.get(id)?.holder;
    if (!holder || !isSame(holder, this.#me)) return "no";
    return this.#membership.isLeased ? "yes" : "not-now";
  };

  readonly ageOf = (id: string): number | undefined => {
    const known = this.#known.get(id);
    return known && known.age + (performance.now() - known.readAt);
  };

  /** Begins to follow the changes of other gateways. */
  readonly watch = (onChange: (item: OutboxItem) => void): void => {
    this.#onChange = onChange;
    this.#ends.push(this.#rows.watch(() => this.#work()));
    this.#ends.push(this.#membership.observe({ onChange: () => this.#work(), onLease: () => this.#work() }));
    this.#work();
  };

  readonly trouble = (): string | undefined => this.#failed;

  readonly close = async (): Promise<void> => {
    for (const end of this.#ends.splice(0)) end();
    await this.#working;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#workOnce().catch(() => undefined);
  };

  #change(id: string, item: OutboxItem | null): void {
    this.#changed.set(id, item);
    this.#work();
  }

  /** Writes what has changed here, takes over, and reads what has changed elsewhere; one at a time. */
  #work(): void {
    if (this.#isClosed) return;
    this.#isAgain = true;
    this.#working ??= this.#workAll().finally(() => {
      this.#working = undefined;
    });
  }

  async #workAll(): Promise<void> {
    clearTimeout(this.#timer);
    // Changes of this turn of the event loop share a statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#isAgain && !this.#isClosed) {
      this.#isAgain = false;
      try {
        await this.#workOnce();
        this.#failed = undefined;
      } catch (error) {
        this.#failed = error instanceof Error ? error.message : "the database did not answer";
        if (!(error instanceof DatabaseUnavailable)) throw error;
        this.#isAgain = false;
      }
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#work(), POLL_MS).unref();
  }

  async #workOnce(): Promise<void> {
    await this.#write();
    if (this.#membership.isLeased && (await this.#rows.takeOver(this.#me, this.#live())) === PAGE) this.#isAgain = true;
    for (let page = await this.#rows.read(this.#seq); page.length > 0; page = await this.#rows.read(this.#seq))
      for (const row of page) this.#take(row);
  }

  async #write(): Promise<void> {
    const changed = [...this.#changed].slice(0, PAGE);
    const items = changed.flatMap(([, item]) => (item === null ? [] : [item]));
    const removed = changed.flatMap(([id, item]) => (item === null ? [id] : []));
    if (items.length > 0) await this.#rows.change(this.#me, items);
    if (removed.length > 0) await this.#rows.remove(removed);
    // What has changed again meanwhile is written next time.
    for (const [id, item] of changed) if (this.#changed.get(id) === item) this.#changed.delete(id);
    if (this.#changed.size > 0) this.#isAgain = true;
  }

  #live(): readonly Holder[] {
    const others = this.#membership.nodes
      .filter(({ state }) => state === "live")
      .map(({ name, instance }) => ({ node: name, instance }));
    return [this.#me, ...others];
  }

  #take(row: OutboxRow): void {
    this.#seq = row.seq;
    const { item } = row;
    const before = this.#known.get(item.id)?.holder;
    // What this gateway sends it knows better than the database; but others may close its alarms.
    const isOwn = before !== undefined && isSame(before, this.#me) && isSame(row, this.#me);
    this.#note(row);
    if (!isOwn || item.state === "closed") this.#onChange?.(item);
  }

  #note({ item, node, instance, age }: OutboxRow): void {
    this.#known.set(item.id, { holder: { node, instance }, age, readAt: performance.now() });
  }
}

const isSame = (one: Holder, other: Holder): boolean => one.node === other.node && one.instance === other.instance;
