/** Finalizing requests for one handle run one after the other. */

/** One finalizing request. It ends when it and all before it have ended. */
export class Finalization {
  readonly ended: Promise<void>;
  readonly #own = Promise.withResolvers<void>();
  #before: Promise<void> | undefined;

  constructor(before: Promise<void> | undefined) {
    this.#before = before;
    void before?.then(() => (this.#before = undefined));
    this.ended = before ? Promise.all([before, this.#own.promise]).then(() => undefined) : this.#own.promise;
  }

  /** Resolves at the end of the previous one; undefined if that has ended. */
  get before(): Promise<void> | undefined {
    return this.#before;
  }

  end(): void {
    this.#own.resolve();
  }
}

/** The last finalizing request for each handle that needs no owner, until it has ended. */
export class FreeFinalizations {
  readonly #last = new Map<number, Promise<void>>();

  last(handle: number): Promise<void> | undefined {
    return this.#last.get(handle);
  }

  add(handle: number, ended: Promise<void>): void {
    this.#last.set(handle, ended);
    void ended.then(() => this.#last.get(handle) === ended && this.#last.delete(handle));
  }

  clear(): void {
    this.#last.clear();
  }
}
