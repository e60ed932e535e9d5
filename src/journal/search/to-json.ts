/** A story as programs read it: its facts under the names of the filter language's keys, and its entries as they stand in the journal. */
import type { Recorded } from "./entry.ts";
import { factsOf, type Facts, type Story } from "./story.ts";

export type View = Omit<Facts, "time"> & {
  readonly time: string;
  readonly identifier: string | null;
  readonly entries: readonly Recorded[];
};

export const viewOf = (story: Story): View => {
  const [first] = story.entries;
  return {
    ...factsOf(story),
    time: first?.time ?? "",
    identifier: first && "identifier" in first ? (first.identifier ?? null) : null,
    entries: story.entries,
  };
};

/** `null` where there is no next page. */
export const cursorOf = (next: number | undefined): string | null => (next === undefined ? null : String(next));

/** Undefined when it is none. */
export const readCursor = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
