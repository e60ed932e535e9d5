/** Exponential backoff: each pause is twice as long as the previous one, up to LONGEST_MS. */

const FIRST_MS = 25;
const LONGEST_MS = 2000;

export class Backoff {
  #pause = FIRST_MS;
  #wake: () => void = () => undefined;

  /** Makes the next pause the shortest. */
  reset(): void {
    this.#pause = FIRST_MS;
  }

  /** Resolves after the pause, or when it is cancelled. */
  wait(): Promise<void> {
    const pause = this.#pause;
    this.#pause = Math.min(2 * pause, LONGEST_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  cancel(): void {
    this.#wake();
  }
}
