/** The state of `Handles`, as plain data: what another gateway needs to apply the next event in the same way. */
import type { AnnouncedSnapshot } from "./announced-handles.ts";
import type { ConfirmationSnapshot } from "./confirmation.ts";
import type { HandleEntry } from "./handle-state.ts";
import type { TableSnapshot } from "./handle-table.ts";
import type { RecentSnapshot } from "./recent-values.ts";

export type HandlesSnapshot = {
  readonly endpoint?: string | undefined;
  readonly epoch: number;
  readonly keepFrom?: number | undefined;
  readonly generation: number;
  readonly isStoreLost: boolean;
  readonly announced: AnnouncedSnapshot;
  readonly announcedBefore?: AnnouncedSnapshot | undefined;
  readonly confirmation: ConfirmationSnapshot;
  readonly table: TableSnapshot;
};

/** Copies a table with another form of its entries. */
export const mapEntries = (table: TableSnapshot, convert: (entry: HandleEntry) => HandleEntry): TableSnapshot => {
  const list = (entries: TableSnapshot["current"]): TableSnapshot["current"] =>
    entries.map(([handle, entry]) => [handle, convert(entry)]);
  const recent = ({ young, old }: RecentSnapshot<HandleEntry>): RecentSnapshot<HandleEntry> => ({
    young: list(young),
    old: list(old),
  });
  const { current, stale, previousEpoch, ...rest } = table;
  return { ...rest, current: list(current), stale: recent(stale), previousEpoch: list(previousEpoch) };
};

/** Without what only this gateway knows. */
export const plainEntry = (entry: HandleEntry): HandleEntry => ({
  ...entry,
  finalizing: undefined,
  finished: undefined,
  acknowledgedAt: undefined,
});

/** `acknowledgedAt`: see `HandleEntry`. */
export const restoredEntry = (entry: HandleEntry, acknowledgedAt: number): HandleEntry => ({
  ...entry,
  acknowledgedAt: entry.state.name === "storing" ? undefined : entry.registered ? -Infinity : acknowledgedAt,
});
