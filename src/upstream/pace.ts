/** How long a lane is busy with one request, smoothed, so that a wait can be foretold. Milliseconds on the monotonic clock. */

const ENOUGH = 16;
const SMOOTHING = 1 / 16;

export class Pace {
  #mean = 0;
  #samples = 0;
  readonly #running = new Set<number>();

  /** A lane begins with a request. Returns what `end` wants to be told. */
  start(): number {
    // A number of its own also for two that begin in the same instant.
    let began = performance.now();
    while (this.#running.has(began)) began += 1e-6;
    this.#running.add(began);
    return began;
  }

  /** The lane is free again; `counts`: what it was busy with says something about requests. */
  end(began: number, counts: boolean): void {
    this.#running.delete(began);
    if (!counts) return;
    this.#samples++;
    this.#mean += (performance.now() - began - this.#mean) * Math.max(SMOOTHING, 1 / this.#samples);
  }

  /** Milliseconds that one request holds a lane: what was seen, or what is being seen when that is longer. Undefined until enough was seen. */
  get perRequest(): number | undefined {
    if (this.#samples < ENOUGH) return undefined;
    const oldest = this.#running.values().next().value;
    return Math.max(this.#mean, oldest === undefined ? 0 : (performance.now() - oldest) / 2);
  }
}
