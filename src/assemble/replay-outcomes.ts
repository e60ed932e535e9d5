/**
 * At a start: what an earlier run had finished, and epochs that it had begun, by its journal, and could not write into the ownership database any more. An outcome on disk is
 * enough to end a record handle, so no request waits for a second disk.
 */
import type { Journal } from "../journal/append.ts";
import type { Recorded } from "../journal/entry.ts";
import type { Begun } from "../journal/last-switchovers.ts";
import { readEntries } from "../journal/read.ts";
import { CATALOG } from "../ocs/catalog.ts";
import type { Ownership } from "../tenants/ownership.ts";

type Asked = { readonly upstream: string; readonly handle: number; readonly generation: number };

/**
 * `from`: the index below which every outcome has reached the database. A database without any handle has none that an outcome could end, so of the
 * lines only the last switchover of each OCS matters; where those are known, nothing is read.
 */
export const replayOutcomes = async (
  { dir, disk, status }: Journal,
  { replay, replayEpoch }: Pick<Ownership, "replay" | "replayEpoch">,
  from: number,
  { isEmpty, switchovers }: { readonly isEmpty: boolean; readonly switchovers: readonly Begun[] | undefined },
): Promise<void> => {
  const { size } = status();
  if (from >= size) return;
  if (isEmpty && switchovers) {
    for (const each of switchovers) replayEpoch(each.upstream, each);
    return;
  }
  const asked = new Map<string, Asked>();
  for await (const entry of readEntries(dir, { from, to: size }, disk)) {
    if (entry.kind === "intent") note(entry, asked);
    else if (entry.kind === "switchover" && entry.to !== null) replayEpoch(entry.upstream, { ...entry, to: entry.to });
    else if (entry.kind === "outcome") {
      const of = asked.get(entry.id);
      asked.delete(entry.id);
      // A 410 may have come before OCS opened the record, and OCS says it again.
      if (of && entry.origin === "ocs" && entry.status === 200 && !entry.suspected)
        replay(of.upstream, of.handle, of.generation, entry.id);
    }
  }
};

const finalizing: ReadonlySet<string> = new Set(
  Object.values(CATALOG.records.actions)
    .filter(({ finalizes }) => finalizes)
    .map(({ name }) => name),
);

/** Only intents on owned record handles name a generation, and only finalizing ones end it. */
const note = (
  { id, upstream, identifier, generation, action }: Extract<Recorded, { kind: "intent" }>,
  asked: Map<string, Asked>,
): void => {
  if (upstream === undefined || generation === undefined || !finalizing.has(action)) return;
  asked.set(id, { upstream, handle: Number(identifier), generation });
};
