/** Progress of a command that reads a journal. */
import { stat } from "node:fs/promises";
import { nodeDisk } from "../../journal/disk.ts";
import { paths } from "../../journal/paths.ts";
import { lastEntry } from "../../journal/read/last-entry.ts";
import { firstsOf } from "../../journal/segments/segment.ts";
import { showProgress, type Progress, type Screen } from "./progress.ts";

/** `reach` takes the number of entries that precede the next one to read. */
export const journalProgress = async (what: string, dir: string, screen: Screen = process.stderr): Promise<Progress> =>
  showProgress(what, screen.isTTY ? await entriesIn(dir) : undefined, { unit: "entries", screen });

/** Undefined if the last segment cannot be read. The command itself says why. */
const entriesIn = async (dir: string): Promise<number | undefined> => {
  try {
    const last = (await firstsOf(nodeDisk, dir)).at(-1);
    if (last === undefined) return undefined;
    const at = paths(dir);
    const found = await stat(at.segment(last)).catch(() => stat(at.compressed(last)));
    // A pipe in the place of a segment would be read for ever.
    if (!found.isFile()) return undefined;
    const entry = await lastEntry(nodeDisk, dir);
    return entry && entry.index + 1;
  } catch {
    return undefined;
  }
};

/** Passes entries on, and counts them. Ends the progress when no more of them are read. */
export const counting = async function* <Entry extends { readonly index: number }>(
  entries: AsyncIterable<Entry>,
  progress: Progress,
): AsyncGenerator<Entry, void, undefined> {
  try {
    for await (const entry of entries) {
      progress.reach(entry.index);
      yield entry;
    }
  } finally {
    progress.end();
  }
};
