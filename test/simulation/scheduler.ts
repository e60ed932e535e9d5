/**
 * Virtual time, and the order of everything that happens. One step is one event. A step ends when every microtask that
 * it caused has run.
 *
 * The order follows Node's event loop, because the product relies on it: timers that are due, then all network and
 * disk events that are due (in an order that the seed picks), then the immediates that were asked for before. When
 * nothing is due, time moves to the next event.
 */
import { Heap } from "./heap.ts";
import type { Random } from "./random.ts";

/** One process whose timers and events end together. `undefined` stands for the world outside of it. */
export type Owner = {
  readonly name: string;
  isAlive: boolean;
  /** Milliseconds by which the wall clock of its machine is wrong. */
  readonly clock?: { readonly wallOffset: number };
};

type Kind = "timer" | "outside";
export type Event = {
  due: number;
  readonly order: number;
  readonly kind: Kind;
  readonly owner: Owner | undefined;
  run: (() => void) | undefined;
};
type Immediate = { readonly owner: Owner | undefined; run: (() => void) | undefined };

/** Milliseconds that a step takes at the longest, so that no two events share their time for no reason. */
const LONGEST_STEP_MS = 0.03;

export class Scheduler {
  /** Milliseconds since the simulation began: the monotonic clock. */
  now = 0;
  steps = 0;
  /** Whose code runs now: what it asks for belongs to it. */
  current: Owner | undefined;
  readonly #random: Random;
  readonly #timers = new Heap<Event>();
  readonly #outside = new Heap<Event>();
  #immediates: Immediate[] = [];
  /** What is left of the present turn of the event loop. */
  #dueTimers: Event[] = [];
  #dueOutside: Event[] = [];
  #dueImmediates: Immediate[] = [];
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** For a timer of the program under test. */
  timer(delay: number, run: () => void): Event {
    return this.#add(this.#timers, "timer", delay, run, this.current);
  }

  /** For what comes from outside: bytes, disk, people. `owner`: the process that would take it. */
  outside(delay: number, run: () => void, owner?: Owner): Event {
    return this.#add(this.#outside, "outside", delay, run, owner);
  }

  immediate(run: () => void): Immediate {
    const asked: Immediate = { owner: this.current, run };
    this.#immediates.push(asked);
    return asked;
  }

  /** Runs the next event. False when there is none. */
  step(): boolean {
    const next = this.#next();
    if (!next) return false;
    this.steps++;
    this.now += this.#random.next() * LONGEST_STEP_MS;
    this.current = next.owner;
    const { run } = next;
    next.run = undefined;
    run!();
    return true;
  }

  #add(heap: Heap<Event>, kind: Kind, delay: number, run: () => void, owner: Owner | undefined): Event {
    const event: Event = { due: this.now + delay, order: this.#order++, kind, owner, run };
    heap.push(event);
    return event;
  }

  /**
   * An event that still has something to run. A dead process runs its last immediates, because module state of the
   * living one depends on them.
   */
  #next(): Event | Immediate | undefined {
    for (;;) {
      const timer = this.#dueTimers.shift();
      if (timer && isWanted(timer)) return timer;
      if (timer) continue;
      const outside = this.#takeOutside();
      if (outside && isWanted(outside)) return outside;
      if (outside) continue;
      const immediate = this.#dueImmediates.shift();
      if (immediate?.run) return immediate;
      if (immediate) continue;
      if (!this.#turn()) return undefined;
    }
  }

  #takeOutside(): Event | undefined {
    const due = this.#dueOutside;
    if (due.length === 0) return undefined;
    const at = due.length === 1 ? 0 : this.#random.below(due.length);
    const event = due[at]!;
    due[at] = due.at(-1)!;
    due.pop();
    return event;
  }

  /** Begins the next turn of the loop. False when nothing is left to happen. */
  #turn(): boolean {
    if (this.#immediates.length === 0) {
      const next = Math.min(this.#timers.first?.due ?? Infinity, this.#outside.first?.due ?? Infinity);
      if (next === Infinity) return false;
      this.now = Math.max(this.now, next);
    }
    while (this.#timers.first && this.#timers.first.due <= this.now) this.#dueTimers.push(this.#timers.pop()!);
    while (this.#outside.first && this.#outside.first.due <= this.now) this.#dueOutside.push(this.#outside.pop()!);
    [this.#dueImmediates, this.#immediates] = [this.#immediates, []];
    return true;
  }
}

const isWanted = ({ run, owner }: Event): boolean => run !== undefined && owner?.isAlive !== false;
