/**
 * Smoothed durations, in milliseconds. The time that a request keeps a lane busy is for estimating waits; its two
 * parts, a new connection and OCS's answer, are for computing the length of turns.
 */

const MIN_SAMPLES = 16;
const SMOOTHING = 1 / 16;
/**
 * The age of a running request is used only above this: after a pause of this process (a busy host, garbage
 * collection), answers may have arrived that are not read yet.
 */
const MIN_AGE_MS = 1000;

class Mean {
  value = 0;
  samples = 0;

  add(sample: number): void {
    this.samples++;
    this.value += (sample - this.value) * Math.max(SMOOTHING, 1 / this.samples);
  }
}

export class ServiceTime {
  readonly #busy = new Mean();
  readonly #connect = new Mean();
  readonly #exchange = new Mean();
  #started = 0;
  /** The start of each running request, oldest first. */
  readonly #running = new Map<number, number>();

  /** Call this when a lane begins a request. Returns its number for `end`. */
  begin(): number {
    this.#running.set(++this.#started, performance.now());
    return this.#started;
  }

  /** Call this when the request has ended. `counts`: true if its duration is representative. */
  end(started: number, counts: boolean): void {
    const began = this.#running.get(started)!;
    this.#running.delete(started);
    if (counts) this.#busy.add(performance.now() - began);
  }

  /** Records that connecting took `ms`. */
  noteConnect(ms: number): void {
    this.#connect.add(ms);
  }

  /** Records that OCS answered after `ms`. */
  noteExchange(ms: number): void {
    this.#exchange.add(ms);
  }

  /** Milliseconds that OCS takes to answer; 0 while unknown. */
  get exchange(): number {
    return this.#exchange.value;
  }

  /** Milliseconds until a new connection can carry a request; 0 while unknown. */
  get connect(): number {
    return this.#connect.value;
  }

  /** Milliseconds that a request keeps a lane busy, including running ones; undefined with too few samples. */
  get perRequest(): number | undefined {
    if (this.#busy.samples < MIN_SAMPLES) return undefined;
    if (this.#running.size === 0) return this.#busy.value;
    // Lanes work in parallel, so a stuck lane reduces only its own part of the throughput.
    const now = performance.now();
    let throughput = 0;
    for (const began of this.#running.values()) {
      const age = now - began;
      throughput += 1 / Math.max(this.#busy.value, age < MIN_AGE_MS ? 0 : age / 2);
    }
    return this.#running.size / throughput;
  }
}
