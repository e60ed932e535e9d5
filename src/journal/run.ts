/** The first entries of a run: that it began, and what the run before left open. */
import type { Journal } from "./append.ts";
import { FORMAT, type InDoubt, type Intent, type Start } from "./entry.ts";
import { readEntries } from "./read.ts";

const REASON = "the run that sent it ended before an outcome was on disk: OCS may have carried it out, or never have seen it";
const BATCH = 1000;

/** Resolves with the number of intents in doubt when all is on disk. Rejects with JournalBroken. */
export const beginRun = async (journal: Journal, start: Pick<Start, "version" | "config_hash">): Promise<number> => {
  const { torn } = journal.status();
  await journal.append({ kind: "start", format: FORMAT, version: start.version, pid: process.pid, config_hash: start.config_hash, torn });
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
  // Intents were met in the order of their indexes.
  const [first, last] = [unsettled.values().next().value, [...indexes].at(-1)];
  if (first === undefined || last === undefined) return;
  for await (const entry of readEntries(dir, { from: first, to: last + 1 }, disk)) {
    if (entry.kind === "intent" && indexes.has(entry.index)) yield doubtOf(entry, entry.index);
  }
};

const doubtOf = ({ id, tenant, client, resource, action }: Intent, intent: number): InDoubt => ({ kind: "in-doubt", id, intent, tenant, client, resource, action, reason: REASON });
