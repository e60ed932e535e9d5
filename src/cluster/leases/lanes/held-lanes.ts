/** This gateway's lanes to one upstream: the switchboards that have them, and how many they may have. */
import { RESERVED, type Demand } from "./holder.ts";

/** A switchboard, as far as its lanes are concerned. */
export type Lanes = {
  /** Idle surplus lanes close at once, busy ones after their exchange. */
  readonly setLanes: (count: number) => void;
  /** The lanes it has, with surplus ones that are still busy. */
  readonly openLanes: number;
  /** Closes surplus lanes, whatever they are doing. */
  readonly closeSurplus: () => void;
  /** The lanes that each tenant's requests could use now. */
  readonly laneDemand: () => readonly Demand[];
};

/** `grace`: milliseconds until a busy lane has ended its exchange. */
export type LaneSettings = { readonly total: number; readonly grace: number };

/** The part of the demand before that a second without demand leaves. */
const KEPT = 0.5;

export class HeldLanes {
  settings: LaneSettings;
  readonly #boards = new Set<Lanes>();
  /** What the database says that this gateway may have, when it was last written. */
  held = 0;
  #limit = 0;
  #samples = 0;
  readonly #sums = new Map<string, Demand>();
  #demands = new Map<string, Demand>();

  constructor(settings: LaneSettings) {
    this.settings = settings;
  }

  /** The number that the switchboards may have now. */
  get limit(): number {
    return this.#limit;
  }

  set limit(count: number) {
    if (count === this.#limit) return;
    this.#limit = count;
    for (const board of this.#boards) board.setLanes(count);
  }

  add(board: Lanes): void {
    this.#boards.add(board);
    board.setLanes(this.#limit);
  }

  remove(board: Lanes): void {
    this.#boards.delete(board);
  }

  get isUnused(): boolean {
    return this.#boards.size === 0;
  }

  get open(): number {
    return [...this.#boards].reduce((sum, { openLanes }) => sum + openLanes, 0);
  }

  /** Without a lease: the reserved lane alone. Busy surplus lanes may end their exchange. */
  fallBack(): void {
    this.held = Math.min(RESERVED, this.held);
    this.limit = Math.min(this.#limit, this.held);
  }

  closeSurplus(): void {
    for (const board of this.#boards) board.closeSurplus();
  }

  sample(): void {
    this.#samples++;
    for (const { tenant, share, lanes } of [...this.#boards].flatMap((board) => board.laneDemand()))
      this.#sums.set(tenant, { tenant, share, lanes: lanes + (this.#sums.get(tenant)?.lanes ?? 0) });
  }

  /** The mean of the samples since the last call; an earlier demand fades out. */
  takeDemands(): Iterable<Demand> {
    if (this.#samples === 0) return this.#demands.values();
    const before = [...this.#demands.values()].flatMap((each) =>
      each.lanes * KEPT < 0.01 ? [] : [{ ...each, lanes: each.lanes * KEPT }],
    );
    const now = [...this.#sums.values()].map((each) => ({ ...each, lanes: each.lanes / this.#samples }));
    this.#demands = new Map(before.map((each) => [each.tenant, each]));
    for (const each of now)
      if (each.lanes > (this.#demands.get(each.tenant)?.lanes ?? 0)) this.#demands.set(each.tenant, each);
    this.#sums.clear();
    this.#samples = 0;
    return this.#demands.values();
  }
}
