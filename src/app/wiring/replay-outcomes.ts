/**
 * Runs at the start. Replays outcomes and epochs that the journal has but the ownership database may lack, because an
 * earlier run could not write them. An outcome in the journal is enough to end a record handle, so no request waits for
 * a second disk.
 */
import type { Journal } from "../../journal/journal.ts";
import type { Recorded } from "../../journal/entry.ts";
import type { KnownSwitchover } from "../../journal/write/last-switchovers.ts";
import { readEntries } from "../../journal/read/read-entries.ts";
import { CATALOG } from "../../ocs/catalog.ts";
import type { Ownership } from "../../ownership/ownership.ts";

type FinalizingIntent = { readonly upstream: string; readonly handle: number; readonly generation: number };

/**
 * `from`: the database has every outcome below this index. In a database without handles, no outcome can end one, so
 * only the last switchover of each OCS matters; where those are known, no entry is read.
 */
export const replayOutcomes = async (
  { dir, disk, status }: Journal,
  { replay, replayEpoch }: Pick<Ownership, "replay" | "replayEpoch">,
  from: number,
  { isEmpty, switchovers }: { readonly isEmpty: boolean; readonly switchovers: readonly KnownSwitchover[] | undefined },
): Promise<void> => {
  const { size } = status();
  if (from >= size) return;
  if (isEmpty && switchovers) {
    for (const each of switchovers) replayEpoch(each.upstream, each);
    return;
  }
  const intents = new Map<string, FinalizingIntent>();
  const epochs = new Epochs();
  for await (const entry of readEntries(dir, { from, to: size }, disk)) {
    epochs.add(entry);
    if (entry.kind === "intent") noteIntent(entry, intents);
    else if (entry.kind === "switchover" && entry.to !== null) replayEpoch(entry.upstream, { ...entry, to: entry.to });
    else if (entry.kind === "outcome") {
      const of = intents.get(entry.id);
      intents.delete(entry.id);
      // A 410 does not end it: OCS may have sent it before it opened the record, and would send it again.
      if (of && entry.origin === "ocs" && entry.status === 200 && !entry.suspected)
        replay(of.upstream, of.handle, of.generation, entry.id);
    }
  }
  // An existing database has its own epochs.
  if (isEmpty) for (const each of epochs.withoutSwitchover()) replayEpoch(each.upstream, each);
};

/**
 * Epochs that entries name although no switchover that was read begins them: its entry was deleted or set aside. Their
 * numbers must not be used again, because a record handle identifies one record only within one epoch.
 */
class Epochs {
  readonly #switchovers = new Map<string, { readonly epoch: number; readonly to: string }>();
  readonly #highest = new Map<string, number>();

  add(entry: Recorded): void {
    if (!("upstream" in entry) || !("epoch" in entry) || entry.upstream === undefined || entry.epoch === undefined)
      return;
    const { upstream, epoch } = entry;
    this.#highest.set(upstream, Math.max(epoch, this.#highest.get(upstream) ?? 0));
    if (entry.kind === "switchover" && entry.to !== null && epoch >= (this.#switchovers.get(upstream)?.epoch ?? 0))
      this.#switchovers.set(upstream, { epoch, to: entry.to });
  }

  /** `to`: the last known endpoint, or "" if none is known, so that any endpoint that answers differs from it. */
  *withoutSwitchover(): Generator<
    { readonly upstream: string; readonly epoch: number; readonly from: null; readonly to: string },
    void,
    undefined
  > {
    for (const [upstream, epoch] of this.#highest) {
      const { epoch: begun, to } = this.#switchovers.get(upstream) ?? { epoch: 0, to: "" };
      if (epoch > begun) yield { upstream, epoch, from: null, to };
    }
  }
}

const finalizing: ReadonlySet<string> = new Set(
  Object.values(CATALOG.records.actions)
    .filter(({ finalizes }) => finalizes)
    .map(({ name }) => name),
);

/** Only intents on owned record handles name a generation, and only finalizing actions end it. */
const noteIntent = (
  { id, upstream, identifier, generation, action }: Extract<Recorded, { kind: "intent" }>,
  intents: Map<string, FinalizingIntent>,
): void => {
  if (upstream === undefined || generation === undefined || !finalizing.has(action)) return;
  intents.set(id, { upstream, handle: Number(identifier), generation });
};
