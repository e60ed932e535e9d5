/** One call after the other, in their order. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = new Set<() => void>();
  closed = false;

  /** Calls `work` when all earlier calls have ended; undefined if the signal aborts before, or it is closed. */
  take<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value | undefined> {
    let leave: () => void = () => undefined;
    const left = new Promise<undefined>((resolve) => (leave = () => resolve(undefined)));
    let isLeft = false;
    const give = (): void => {
      isLeft = true;
      leave();
    };
    if (signal.aborted) return Promise.resolve(undefined);
    signal.addEventListener("abort", give);
    this.#waiting.add(give);
    const mine = this.#last.then(() => {
      signal.removeEventListener("abort", give);
      this.#waiting.delete(give);
      return isLeft ? undefined : work();
    });
    this.#last = mine.catch(() => undefined);
    return Promise.race([mine, left]);
  }

  /** No further turns; `then` is called when the one under way has ended. */
  close(then: () => void): void {
    this.closed = true;
    for (const give of this.#waiting) give();
    void this.#last.then(then);
  }
}
