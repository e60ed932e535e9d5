/** What a case is, and how long it may take. */
import type { Section } from "../report.ts";
import type { Rig } from "../rig/rig.ts";

export type Pace = {
  /** How often each peer has its turn. */
  readonly rounds: number;
  /** Milliseconds of one turn. */
  readonly turn: number;
  /** Requests that nobody counts, to each peer at its start: a server on Node gets compiled under way. */
  readonly warmUp: number;
  /** Milliseconds over which shares are counted. */
  readonly long: number;
  /** Requests of the memory case: at the first look at the heap, and in all. */
  readonly memory: readonly [first: number, all: number];
  /** Entries of the journal that is searched. */
  readonly entries: number;
  /** Entries of the journals that the gateway is started on, ascending. */
  readonly started: readonly number[];
};

export type Case = { readonly name: string; readonly run: (rig: Rig, pace: Pace) => Promise<Section> };
