/** Changes of the config, from the journal: starts, reloads and rejected reloads. */
import type { Recorded } from "../../journal/entry.ts";
import { describeSetAside } from "../../journal/search/missing-segments.ts";
import type { Searched } from "../../journal/search/journal-search.ts";
import type { ConfigHistory } from "../schemas/config-view.ts";
import type { AuditParts } from "../audit-parts.ts";

type Change = Omit<ConfigHistory["changes"][number], "comparable">;
type Found = { readonly changes: readonly Change[]; readonly next: number | undefined; readonly not_covered: string[] };

/** Entries that one question looks at: revocations have the same kind. */
const MOST_LOOKED = 2000;
const PAGE = 200;

/** `before`: an index of the journal. */
export const configChanges = async (
  ask: AuditParts["ask"],
  { before, wanted }: { readonly before: number | undefined; readonly wanted: number },
): Promise<Found> => {
  const changes: Change[] = [];
  let [from, looked] = [before, 0];
  for (;;) {
    const {
      transactions = [],
      next,
      searched,
    } = await ask({
      kind: "page",
      filter: "kind:config,start",
      names: [],
      ...(from !== undefined && { before: from }),
      limit: PAGE,
    });
    const not_covered = notCovered(searched);
    for (const [place, { entries, at }] of transactions.entries()) {
      const change = entries[0] && changeIn(entries[0]);
      if (!change) continue;
      changes.push(change);
      const isLast = place === transactions.length - 1 && next === undefined;
      if (changes.length === wanted) return { changes, next: isLast ? undefined : at, not_covered };
    }
    looked += transactions.length;
    if (next === undefined || looked >= MOST_LOOKED) return { changes, next, not_covered };
    from = next;
  }
};

const changeIn = (entry: Recorded): Change | undefined => {
  const { index, time } = entry;
  const nothing = { previous_hash: null, by: null, user: null, file: null, detail: null, changes: [] };
  if (entry.kind === "start") return { ...nothing, index, time, change: "started", hash: entry.config_hash ?? "" };
  if (entry.kind !== "config" || (entry.change !== "reloaded" && entry.change !== "refused")) return undefined;
  const { change, config_hash: hash, previous_hash, by, user, file, detail, changes = [] } = entry;
  return {
    index,
    time,
    change,
    hash,
    previous_hash: previous_hash ?? null,
    by: by ?? null,
    user: user ?? null,
    file: file ?? null,
    detail: detail ?? null,
    changes: [...changes],
  };
};

const notCovered = (searched: Searched | undefined): string[] => [
  ...(searched?.set_aside ?? []).map(describeSetAside),
  ...(searched?.deleted_to === undefined ? [] : [`entries up to ${searched.deleted_to} are deleted (audit.retention)`]),
];
