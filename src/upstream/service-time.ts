/**
 * How long a lane is busy with one request, smoothed, to estimate waits; and the two parts of it, a new connection and
 * OCS's answer, to weigh one against the other. Milliseconds on the monotonic clock.
 */

const ENOUGH = 16;
const SMOOTHING = 1 / 16;
/**
 * A request that runs for less says nothing about the next ones. This process may have stood still for as long (a busy
 * host, a collection of garbage), and then answers have come and are not read yet.
 */
const TELLING_MS = 1000;

class Mean {
  value = 0;
  samples = 0;

  take(sample: number): void {
    this.samples++;
    this.value += (sample - this.value) * Math.max(SMOOTHING, 1 / this.samples);
  }
}

export class Pace {
  readonly #busy = new Mean();
  readonly #connect = new Mean();
  readonly #exchange = new Mean();
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
    if (counts) this.#busy.take(performance.now() - began);
  }

  /** A connection was made in so many milliseconds. */
  connected(ms: number): void {
    this.#connect.take(ms);
  }

  /** OCS answered in so many milliseconds. */
  answered(ms: number): void {
    this.#exchange.take(ms);
  }

  /** Milliseconds that OCS takes to answer; 0 while unknown. */
  get exchange(): number {
    return this.#exchange.value;
  }

  /** Milliseconds until a new connection can carry a request; 0 while unknown. */
  get connect(): number {
    return this.#connect.value;
  }

  /** Milliseconds that one request holds a lane: what was seen, or what is being seen where that is longer. Undefined until enough was seen. */
  get perRequest(): number | undefined {
    if (this.#busy.samples < ENOUGH) return undefined;
    if (this.#running.size === 0) return this.#busy.value;
    // Lanes work side by side: one that is stuck takes its own part of the pace and not that of the others.
    const now = performance.now();
    let pace = 0;
    for (const began of this.#running.values()) {
      const age = now - began;
      pace += 1 / Math.max(this.#busy.value, age < TELLING_MS ? 0 : age / 2);
    }
    return this.#running.size / pace;
  }
}
