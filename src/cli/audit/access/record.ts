/**
 * Writes the journal entry about an access before any result is shown. A running gateway writes it; otherwise the
 * command does, under the lock. If neither is possible, nothing is shown.
 */
import { copyKeyChecks, KNOWN_SECRETS } from "../../../app/wiring/journal/index-keys.ts";
import { accessEntry, faultOf, FORGET_NODE, type AccessRequest } from "../../../journal/access.ts";
import { createCheckpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import { WrongCommand } from "../../../journal/command-socket.ts";
import { HANDLED } from "../../../journal/open-dnc/handled-notes.ts";
import { JournalHeld, type Lock } from "../../../journal/lock/lock.ts";
import { openChecked } from "../../../journal/write/open-checked.ts";
import { JournalDamaged } from "../../../journal/errors.ts";
import { readCheckpointSinks } from "../../../app/wiring/journal/checkpoint-sinks.ts";
import { signingKeyOf, trustOf } from "../../../app/wiring/journal/journal-trust.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import { readableKeys } from "../../../settings/unreadable-index-keys.ts";
import { fail } from "../fail.ts";
import { reachJournal } from "../reach-journal.ts";
import { whoAsks } from "./who-asks.ts";
import { faultInWords } from "../../../common/system-error.ts";
import { BROKEN, CANNOT_TELL, UNREACHABLE, WRONG_USAGE } from "../../exit-codes.ts";

export type AccessRecord = Omit<AccessRequest, "user" | "behind">;
/**
 * `configHash`: set if tokens were made with the config's index keys; the keys' check values are then written first.
 */
type Place = { readonly settings: Settings; readonly configHash?: string };
type Written = { readonly size: number };

/**
 * `sign`: a checkpoint covers the entry, and `size` is the checkpoint's. Resolves to an exit code if the entry could
 * not be written; the reason is printed.
 */
export const recordAccess = async (place: Place, looked: AccessRecord, sign: boolean): Promise<Written | number> => {
  const asked: AccessRequest = { ...(await whoAsks()), ...looked };
  const fault = faultOf(asked);
  if (fault !== undefined) return fail(fault, WRONG_USAGE);
  try {
    const access = await reachJournal(
      place.settings.audit.dir,
      COMMANDS[looked.operation] ?? `audit ${looked.operation}`,
    );
    if (access.by === "gateway") return (await access.ask("access", { ...asked, sign })) as Written;
    return await recordDirectly(place, access.lock, { asked, sign });
  } catch (error) {
    if (error instanceof WrongCommand) return fail(error.message, WRONG_USAGE);
    const why = faultInWords(error);
    const what = NOT_DONE[looked.operation] ?? "the access could not be recorded, so nothing is shown";
    return fail(
      `${what}: ${why}`,
      error instanceof JournalDamaged ? BROKEN : error instanceof JournalHeld ? UNREACHABLE : CANNOT_TELL,
    );
  }
};

const COMMANDS: Readonly<Record<string, string>> = {
  "look-up": "audit search",
  [HANDLED]: "audit dnc",
  [FORGET_NODE]: "nodes",
};

const NOT_DONE: Readonly<Record<string, string>> = {
  [HANDLED]: "the note was not written",
  [FORGET_NODE]: "the node was not removed, because the journal cannot record it",
};

type Entry = { readonly asked: AccessRequest; readonly sign: boolean };

/** Like the gateway, refuses to write if the directory does not agree with what was signed before. */
const recordDirectly = async (
  { settings, configHash }: Place,
  lock: Lock,
  { asked, sign }: Entry,
): Promise<Written> => {
  const { dir, checkpoint, index_key } = settings.audit;
  try {
    const key = await signingKeyOf(settings);
    const { journal, anchor, warnings } = await openChecked(
      { dir, durability: "flush", lock },
      trustOf(settings, key, await readCheckpointSinks(settings)),
    );
    try {
      for (const warning of warnings) console.error(`warning: ${warning}`);
      const checkpoints = await createCheckpoints(journal, {
        key,
        origin: checkpoint.origin,
        everyMs: checkpoint.every,
        anchor,
      });
      const { keys } = readableKeys(index_key);
      if (configHash !== undefined && keys !== undefined) journal.keys.use(keys, configHash, KNOWN_SECRETS);
      const statesKeys = journal.keys.hasUnstated;
      await journal.append(accessEntry(asked));
      if (statesKeys) await copyKeyChecks(journal);
      if (!sign) return { size: journal.status().size };
      await checkpoints.stop();
      return { size: checkpoints.last().size };
    } finally {
      await journal.close();
    }
  } finally {
    await lock.release();
  }
};
