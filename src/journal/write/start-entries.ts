/** The first entries of a run: that it began, and what the run before left open. */
import type { Journal } from "./append.ts";
import type { InDoubt, Intent, Start } from "./entry.ts";
import { FORMAT } from "./entry-line.ts";
import { readEntries } from "./read.ts";

const REASON =
  "the run that sent it ended before an outcome was on disk: OCS may have carried it out, or never have seen it";
const BATCH = 1000;
/** So many entries are read sooner than another segment is opened. */
const APART = 10_000;

/** Resolves with the number of intents in doubt when all is on disk. Rejects with JournalBroken. */
export const beginRun = async (journal: Journal, start: Pick<Start, "version" | "config_hash">): Promise<number> => {
  const { torn } = journal.status();
  await journal.append({
    kind: "start",
    format: FORMAT,
    version: start.version,
    pid: process.pid,
    config_hash: start.config_hash,
    torn,
  });
  let doubts = 0;
  const batch: Promise<void>[] = [];
  for await (const doubt of doubtsOf(journal)) {
    doubts++;
    batch.push(journal.append(doubt));
    if (batch.length === BATCH) await Promise.all(batch.splice(0));
  }
  await Promise.all(batch);
  return doubts;
};

const doubtsOf = async function* ({ dir, disk, unsettled }: Journal): AsyncGenerator<InDoubt, void, undefined> {
  const indexes = new Set(unsettled.values());
  for (const range of rangesOf([...indexes])) {
    for await (const entry of readEntries(dir, range, disk)) {
      if (entry.kind === "intent" && indexes.has(entry.index)) yield doubtOf(entry, entry.index);
    }
  }
};

/** One that a disk error left without an end may lie months below the others: what is between is not read. */
const rangesOf = (indexes: readonly number[]): { readonly from: number; readonly to: number }[] => {
  const ranges: { from: number; to: number }[] = [];
  for (const index of indexes.toSorted((left, right) => left - right)) {
    const last = ranges.at(-1);
    if (last && index - last.to < APART) last.to = index + 1;
    else ranges.push({ from: index, to: index + 1 });
  }
  return ranges;
};

const doubtOf = ({ id, tenant, client, resource, action }: Intent, intent: number): InDoubt => ({
  kind: "in-doubt",
  id,
  intent,
  tenant,
  client,
  resource,
  action,
  reason: REASON,
});
