/** How long a lane is busy with one request, smoothed, so that a wait can be foretold. Milliseconds on the monotonic clock. */

const ENOUGH = 16;
const SMOOTHING = 1 / 16;

export class Pace {
  #mean = 0;
  #samples = 0;
  #started = 0;
  /** When each began, the oldest first. */
  readonly #running = new Map<number, number>();

  /** A lane begins with a request. Returns what `end` wants to be told. */
  start(): number {
    this.#running.set(++this.#started, performance.now());
    return this.#started;
  }

  /** The lane is free again; `counts`: what it was busy with says something about requests. */
  end(started: number, counts: boolean): void {
    const began = this.#running.get(started)!;
    this.#running.delete(started);
    if (!counts) return;
    this.#samples++;
    this.#mean += (performance.now() - began - this.#mean) * Math.max(SMOOTHING, 1 / this.#samples);
  }

  /** Milliseconds that one request holds a lane: what was seen, or what is being seen where that is longer. Undefined until enough was seen. */
  get perRequest(): number | undefined {
    if (this.#samples < ENOUGH) return undefined;
    if (this.#running.size === 0) return this.#mean;
    // Lanes work side by side: one that is stuck takes its own part of the pace and not that of the others.
    const now = performance.now();
    let pace = 0;
    for (const began of this.#running.values()) pace += 1 / Math.max(this.#mean, (now - began) / 2);
    return this.#running.size / pace;
  }
}
