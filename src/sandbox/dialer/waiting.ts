/** Why no record can be dialed now, in words. */
import type { CallingList } from "../world/directory.ts";
import { countWaiting } from "../world/records.ts";
import type { World } from "../world/world.ts";

/** For example "no more records are due: 60 wait for calling hours, 4 for a later day". */
export const waitingIn = (world: World, lists: readonly CallingList[]): string => {
  if (lists.length === 0) return "no campaign group is running";
  const counts = lists.map(({ dbid }) => countWaiting(world, dbid));
  const parts = (
    [
      ["outsideHours", "calling hours"],
      ["scheduled", "a later day"],
      ["behindTheirChain", "another record of their chain"],
    ] as const
  )
    .map(([kind, what]) => ({ what, count: counts.reduce((sum, each) => sum + each[kind], 0) }))
    .filter(({ count }) => count > 0)
    .map(({ what, count }, at) => `${count}${at === 0 ? (count === 1 ? " waits" : " wait") : ""} for ${what}`);
  return parts.length === 0 ? "no records are left" : `no more records are due: ${parts.join(", ")}`;
};
