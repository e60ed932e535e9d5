/** Changes that share one commit, and one promise. */
import type { RetriedChange, StoreChange } from "./messages.ts";
import { StoreFailed } from "./types.ts";

/** After this time a change fails for its caller, because OCS does not wait longer. */
const TIMEOUT_MS = 2000;

export class Batch {
  readonly rows: StoreChange[] = [];
  /** By subject; the later of two changes replaces the earlier. */
  readonly retried = new Map<string, RetriedChange>();
  readonly #written = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #isLate = false;

  constructor() {
    this.#written.promise.catch(() => undefined);
  }

  /** Resolves when the changes are on disk. Rejects with StoreFailed. */
  get done(): Promise<void> {
    return this.#written.promise;
  }

  /** True after a timeout: `done` has rejected, but the changes may still be written. */
  get isLate(): boolean {
    return this.#isLate;
  }

  get isEmpty(): boolean {
    return this.rows.length === 0 && this.retried.size === 0;
  }

  get changes(): StoreChange[] {
    const retried = [...this.retried.values()];
    // Rows before removals, whose generation says which rows to remove. The epoch before its announcements, even if the
    // epoch has failed and was added to a later batch.
    return [...this.rows, ...retried.filter(isEpoch), ...retried.filter((change) => !isEpoch(change))];
  }

  add(change: StoreChange): void {
    if (change.do === "put") this.rows.push(change);
    else this.addRetried(change);
    this.#timer ??= setTimeout(() => {
      this.#isLate = true;
      this.fail(new StoreFailed(`the disk did not answer within ${TIMEOUT_MS} ms`));
    }, TIMEOUT_MS);
  }

  /** As `add`, for a change that no caller waits for. */
  addRetried(change: RetriedChange): void {
    const key =
      "handle" in change ? `${change.do} ${change.handle} ${change.upstream}` : `${change.do} ${change.upstream}`;
    const known = this.retried.get(key);
    if (known === undefined || !isLater(known, change)) this.retried.set(key, change);
  }

  succeed(): void {
    clearTimeout(this.#timer);
    this.#written.resolve();
  }

  fail(reason: StoreFailed): void {
    clearTimeout(this.#timer);
    this.#written.reject(reason);
  }
}

const isEpoch = (change: RetriedChange): boolean => change.do === "epoch";

/**
 * Compares two changes of the same subject. A failed change is added to a later batch, but must not undo a newer one.
 */
const isLater = (one: RetriedChange, other: RetriedChange): boolean => {
  const [epoch, generation] = orderOf(one);
  const [otherEpoch, otherGeneration] = orderOf(other);
  return epoch === otherEpoch ? generation > otherGeneration : epoch > otherEpoch;
};

const orderOf = (change: RetriedChange): readonly [epoch: number, generation: number] => [
  "epoch" in change ? change.epoch : 0,
  "generation" in change ? change.generation : 0,
];
