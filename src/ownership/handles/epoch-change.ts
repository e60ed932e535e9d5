/** The change to the next epoch, because of a new life of OCS: which handles stay valid in it. */
import type { AnnouncedHandles, NewLife } from "./announced-handles.ts";
import type { HandleEntry } from "./handle-state.ts";

export type EpochChange = {
  /** The first generation of the new life; Infinity after a takeover, when no handle stays valid. */
  readonly keepFrom: number;
  readonly kept: Map<number, HandleEntry>;
  readonly voided: ReadonlyMap<number, HandleEntry>;
  /** Handles that the new life has announced. */
  readonly announced: readonly number[];
};

/**
 * With a `newLife` the same OCS was restarted: handles named after the last announcement above `newLife.upTo` belong to
 * the new life and stay valid. All others are void.
 */
export const epochChange = (
  entries: Iterable<readonly [handle: number, entry: HandleEntry]>,
  announced: AnnouncedHandles,
  newLife: NewLife | undefined,
): EpochChange => {
  const all = [...entries];
  if (newLife === undefined) return { keepFrom: Infinity, kept: new Map(), voided: new Map(all), announced: [] };
  const { upTo, proof } = newLife;
  const keepFrom = newLife.keepFrom ?? announced.lastAbove(upTo) + 1;
  const isKept = ([handle, { generation, state }]: readonly [number, HandleEntry]): boolean =>
    handle <= upTo && generation >= keepFrom && state.name !== "storing";
  return {
    keepFrom,
    kept: new Map(all.filter(isKept)),
    voided: new Map(all.filter((each) => !isKept(each))),
    // An earlier run has announced its proof already; the proof of this run is announced next.
    announced: [...announced.announcedIn(newLife), ...(newLife.keepFrom === undefined ? [] : [proof])],
  };
};
