/** Changes of the config, from the journal: starts, reloads and rejected reloads. */
import type { Recorded } from "../../journal/entry.ts";
import type { ConfigHistory } from "../schemas/config-view.ts";
import type { AuditParts } from "../audit-parts.ts";
import { rowsOfEntries, type RowPage } from "../entry-rows.ts";

type Change = Omit<ConfigHistory["changes"][number], "comparable">;
/** Entries read at once: revocations have the same kind. */
const PAGE = 200;

/** `before`: an index of the journal. */
export const configChanges = (
  ask: AuditParts["ask"],
  { before, wanted }: { readonly before: number | undefined; readonly wanted: number },
): Promise<RowPage<Change>> =>
  rowsOfEntries(ask, {
    kinds: ["config", "start"],
    before,
    wanted,
    atOnce: PAGE,
    rowOf: ({ entries: [entry] }) => entry && changeIn(entry),
  });

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
