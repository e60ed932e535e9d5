/** Something that many may ask for at once and that begins only so often: at once, or when enough time has passed since it last began. */
export class Soon {
  #began = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** It begins, whoever asked. */
  begin(): void {
    this.#began = performance.now();
  }

  /** Calls back when it last began `ms` ago or more. While one waits for that, others are not needed. */
  act(ms: number, callback: () => void): void {
    if (this.#timer) return;
    const early = this.#began + ms - performance.now();
    if (early <= 0) return callback();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      callback();
    }, early).unref();
  }

  /** Cancels the pending callback. */
  dismiss(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
