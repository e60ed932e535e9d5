/** What happened lately, and what was wrong: a violation ends the run and is printed with the events before it. */
import type { Scheduler } from "./scheduler.ts";

export type Violation = {
  readonly invariant: string;
  readonly what: string;
  readonly at: number;
  readonly step: number;
};

const KEPT = 4000;

export class Trace {
  readonly violations: Violation[] = [];
  readonly #scheduler: Scheduler;
  readonly #lines: string[] = [];
  #next = 0;
  /** Invariants that this run does not look at. */
  tolerated: ReadonlySet<string> = new Set();
  /** Of every line so far: two runs of a seed agree when it is the same. */
  digest = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  note(who: string, what: string): void {
    const line = `${this.#scheduler.now.toFixed(2).padStart(10)}  ${who.padEnd(9)} ${what}`;
    this.#lines[this.#next++ % KEPT] = line;
    for (let at = 0; at < line.length; at++) this.digest = (Math.imul(this.digest, 31) + line.charCodeAt(at)) | 0;
  }

  violate(invariant: string, what: string): void {
    if (this.tolerated.has(invariant)) return;
    this.note("VIOLATION", `${invariant}: ${what}`);
    this.violations.push({ invariant, what, at: this.#scheduler.now, step: this.#scheduler.steps });
  }

  /** The last so many lines, the oldest first. */
  last(count: number): string[] {
    const all = [...this.#lines.slice(this.#next % KEPT), ...this.#lines.slice(0, this.#next % KEPT)];
    return all.slice(-count);
  }
}
