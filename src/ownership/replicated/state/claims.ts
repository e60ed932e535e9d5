/**
 * Finalizing requests for one handle run one after the other, on whichever gateway they are: the first in the log goes
 * first. A request that waits follows the outcome of the ones before it.
 */

export type Claim = {
  /** The id of its event. */
  readonly id: string;
  readonly handle: number;
  /** The run of the gateway that has the request. */
  readonly instance: string;
};

export class Claims {
  /** By handle, in the order of the log. */
  readonly #queues = new Map<number, Claim[]>();
  /** Requests of this gateway that wait, by the claim that they wait for. */
  readonly #waiting = new Map<string, { readonly first: (() => void)[]; readonly gone: (() => void)[] }>();

  constructor(claims: readonly Claim[] = []) {
    for (const claim of claims) this.#queueOf(claim.handle).push(claim);
  }

  get all(): readonly Claim[] {
    return [...this.#queues.values()].flat();
  }

  add(claim: Claim): void {
    this.#queueOf(claim.handle).push(claim);
  }

  isFirst(handle: number, id: string): boolean {
    return this.#queues.get(handle)?.[0]?.id === id;
  }

  /** Resolves when it is the claim's turn, or when it has ended. */
  turnOf(handle: number, id: string): Promise<void> {
    const isKnown = this.#queues.get(handle)?.some((claim) => claim.id === id) ?? false;
    return isKnown && !this.isFirst(handle, id) ? this.#wait(id, "first") : Promise.resolve();
  }

  /** Resolves when all present claims of the handle have ended; undefined if there are none. */
  whenFree(handle: number): Promise<void> | undefined {
    const last = this.#queues.get(handle)?.at(-1);
    return last && this.#wait(last.id, "gone");
  }

  release(handle: number, id: string): void {
    this.#remove(handle, (claim) => claim.id === id);
  }

  /** The record of the handle has ended, or is another one now. */
  clear(handle: number): void {
    this.#remove(handle, () => true);
  }

  /** Ends the claims of a dead gateway. */
  removeOf(instance: string): void {
    for (const handle of this.#queues.keys()) this.#remove(handle, (claim) => claim.instance === instance);
  }

  keep(isKept: (handle: number) => boolean): void {
    for (const handle of this.#queues.keys()) if (!isKept(handle)) this.clear(handle);
  }

  #remove(handle: number, isRemoved: (claim: Claim) => boolean): void {
    const queue = this.#queues.get(handle);
    if (!queue) return;
    const left = queue.filter((claim) => !isRemoved(claim));
    if (left.length === 0) this.#queues.delete(handle);
    else this.#queues.set(handle, left);
    for (const claim of queue.filter(isRemoved)) this.#wake(claim.id, ["first", "gone"]);
    if (left[0]) this.#wake(left[0].id, ["first"]);
  }

  #wait(id: string, until: "first" | "gone"): Promise<void> {
    let waiting = this.#waiting.get(id);
    if (!waiting) this.#waiting.set(id, (waiting = { first: [], gone: [] }));
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting[until].push(resolve);
    return promise;
  }

  #wake(id: string, which: readonly ("first" | "gone")[]): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    for (const each of which) for (const resolve of waiting[each].splice(0)) resolve();
    if (waiting.gone.length === 0) this.#waiting.delete(id);
  }

  #queueOf(handle: number): Claim[] {
    let queue = this.#queues.get(handle);
    if (!queue) this.#queues.set(handle, (queue = []));
    return queue;
  }
}
