/** The first entries of a run: its start, and the requests that the previous run left open. */
import type { Journal } from "../journal.ts";
import type { InDoubt, Intent, Start } from "../entry.ts";
import { FORMAT } from "../entry-line.ts";
import { readEntries } from "../read/read-entries.ts";

const REASON =
  "the run that sent it ended before an outcome was on disk: OCS may have carried it out, or never have seen it";
/** What entries of an older gateway lack; `ocsgw learn` must know whether their absence means anything. */
const RECORDS = ["dropped_fields", "named"] as const;
const BATCH = 1000;
/** Across fewer entries than this, reading on is cheaper than opening another segment. */
const APART = 10_000;

/** Resolves with the number of intents in doubt when all entries are on disk. Rejects with JournalBroken. */
export const writeStartEntries = async (
  journal: Journal,
  start: Pick<Start, "version" | "config_hash">,
): Promise<number> => {
  const { torn } = journal.status();
  await journal.append({
    kind: "start",
    format: FORMAT,
    version: start.version,
    pid: process.pid,
    config_hash: start.config_hash,
    torn,
    records: RECORDS,
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

/** An intent that a disk error left open may be months older than the others: the entries between are not read. */
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
