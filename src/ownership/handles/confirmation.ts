/**
 * Which handles are confirmed. A loss of all connections to OCS, or a restart of the gateway, makes every handle
 * unconfirmed, because OCS may have been restarted meanwhile. A handle is confirmed when OCS announces it again or a
 * registrar names it again. All are confirmed when OCS announces a new handle above all known ones, which proves that
 * OCS was not restarted.
 */
import type { HandleEntry } from "./handle-state.ts";

/** Maximum number of ends kept; older ones count as the oldest of these. */
const MAX_ENDS = 10_000;

/** The whole state; see the members of `Confirmation`. */
export type ConfirmationSnapshot = {
  readonly connectionPeriod: number;
  readonly confirmedFrom: number;
  readonly highest: number;
  readonly highestBefore: number;
  readonly doubtUpTo: number;
  readonly ends: readonly number[];
};

export class Confirmation {
  /** Each loss of all connections begins a new period. */
  #connectionPeriod = 1;
  /** A handle that was last named in an earlier period is unconfirmed. */
  #confirmedFrom = 0;
  /** The highest handle that OCS has announced, or a registrar has named, in this epoch. */
  #highest: number;
  /** `#highest` at the start of the current period, while handles are unconfirmed; otherwise 0. */
  #highestBefore = 0;
  #doubtUpTo: number;
  /**
   * Generations after which OCS may have been restarted: all connections were lost, or a new life was proven. Rising.
   */
  #ends: number[];

  constructor(highest: number, generation: number, doubtUpTo: number) {
    this.#highest = highest;
    this.#ends = [generation];
    this.#doubtUpTo = doubtUpTo;
  }

  static from({ highest, doubtUpTo, ends, ...periods }: ConfirmationSnapshot): Confirmation {
    const restored = new Confirmation(highest, 0, doubtUpTo);
    restored.#connectionPeriod = periods.connectionPeriod;
    restored.#confirmedFrom = periods.confirmedFrom;
    restored.#highestBefore = periods.highestBefore;
    restored.#ends = [...ends];
    return restored;
  }

  get snapshot(): ConfirmationSnapshot {
    return {
      connectionPeriod: this.#connectionPeriod,
      confirmedFrom: this.#confirmedFrom,
      highest: this.#highest,
      highestBefore: this.#highestBefore,
      doubtUpTo: this.#doubtUpTo,
      ends: [...this.#ends],
    };
  }

  get connectionPeriod(): number {
    return this.#connectionPeriod;
  }

  /**
   * Entries up to this generation may be of an earlier life of OCS, although none was proven, and are confirmed one by
   * one only; -1 for none. It has to outlive the process and the epoch.
   */
  get doubtUpTo(): number {
    return this.#doubtUpTo;
  }

  isConfirmed({ connectionPeriod, generation }: Pick<HandleEntry, "connectionPeriod" | "generation">): boolean {
    return connectionPeriod >= this.#confirmedFrom && generation > this.#doubtUpTo;
  }

  /** Call this when OCS announces the handle. */
  noteAnnounced(handle: number, isFirst: boolean): void {
    if (isFirst && this.#highestBefore > 0 && handle > this.#highestBefore) {
      this.#confirmedFrom = 0;
      this.#highestBefore = 0;
    }
    this.noteKnown(handle);
  }

  noteKnown(handle: number): void {
    this.#highest = Math.max(this.#highest, handle);
  }

  /** Call this at a restart of the gateway: handles of an earlier run are unconfirmed. */
  noteRestored(): void {
    this.#confirmedFrom = this.#connectionPeriod;
    this.#highestBefore = this.#highest;
  }

  /** Call this when all connections to OCS were lost. `generation`: the last one so far. */
  noteConnectionsLost(generation: number): void {
    this.#addEnd(generation);
    this.#confirmedFrom = ++this.#connectionPeriod;
    this.#highestBefore = this.#highest;
  }

  /**
   * OCS gives an unconfirmed handle to another record, or a registrar says so: OCS was restarted after it had named the
   * handle, at the first end since then at the earliest. Entries as old are not confirmed together any more.
   */
  doubt({ generation }: HandleEntry): void {
    const end = this.#ends.find((each) => each >= generation) ?? -1;
    this.#doubtUpTo = Math.max(this.#doubtUpTo, end);
  }

  /** Call this when another OCS took over. */
  noteTakeover(): void {
    this.#connectionPeriod++;
    this.#confirmedFrom = 0;
    this.#ends = [];
    this.#restartCount(0);
  }

  /** Call this when the same OCS has begun another life. Handles named before its proof may belong to either life. */
  noteNewLife(generation: number, highest: number): void {
    this.#addEnd(generation);
    this.#restartCount(highest);
  }

  #restartCount(highest: number): void {
    this.#highest = highest;
    this.#highestBefore = this.#confirmedFrom > 0 ? highest : 0;
  }

  #addEnd(generation: number): void {
    const at = this.#ends.findLastIndex((each) => each <= generation);
    if (this.#ends[at] !== generation) this.#ends.splice(at + 1, 0, generation);
    if (this.#ends.length > MAX_ENDS) this.#ends.shift();
  }
}
