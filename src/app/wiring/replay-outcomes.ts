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
  const epochs = new Epochs();
  for await (const entry of readEntries(dir, { from, to: size }, disk)) {
    epochs.take(entry);
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
  // A database that is not new knows its epochs itself.
  if (isEmpty) for (const each of epochs.untold()) replayEpoch(each.upstream, each);
};

/**
 * Epochs that entries name and no switchover that was read begins: its line was deleted, or set aside. Their numbers must
 * not be given again, because a record handle is one record only in one epoch.
 */
class Epochs {
  readonly #begun = new Map<string, { readonly epoch: number; readonly to: string }>();
  readonly #named = new Map<string, number>();

  take(entry: Recorded): void {
    if (!("upstream" in entry) || !("epoch" in entry) || entry.upstream === undefined || entry.epoch === undefined)
      return;
    const { upstream, epoch } = entry;
    this.#named.set(upstream, Math.max(epoch, this.#named.get(upstream) ?? 0));
    if (entry.kind === "switchover" && entry.to !== null && epoch >= (this.#begun.get(upstream)?.epoch ?? 0))
      this.#begun.set(upstream, { epoch, to: entry.to });
  }

  /** `to`: the last endpoint that is known; none is called "", so that whichever answers is another one. */
  *untold(): Generator<
    { readonly upstream: string; readonly epoch: number; readonly from: null; readonly to: string },
    void,
    undefined
  > {
    for (const [upstream, epoch] of this.#named) {
      const { epoch: begun, to } = this.#begun.get(upstream) ?? { epoch: 0, to: "" };
      if (epoch > begun) yield { upstream, epoch, from: null, to };
    }
  }
}

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
