/** Starts a task at most once per interval, regardless of the number of callers. */
export class MinInterval {
  #startedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** Call this when the task starts. */
  markStart(): void {
    this.#startedAt = performance.now();
  }

  /** Calls back when the last start is `ms` milliseconds ago. Ignored while another call is pending. */
  schedule(ms: number, callback: () => void): void {
    if (this.#timer) return;
    const wait = this.#startedAt + ms - performance.now();
    if (wait <= 0) return callback();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      callback();
    }, wait).unref();
  }

  /** Cancels the pending callback. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
