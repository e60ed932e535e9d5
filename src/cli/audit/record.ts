/**
 * The entry that says who looked, before anything is shown. A running gateway has the journal open, so it is asked to write it; otherwise it is
 * written here, under the lock. Where neither can be, nothing is shown.
 */
import { copyKeyChecks, KNOWN_SECRETS } from "../../assemble/index-keys.ts";
import { accessEntry, faultOf, type Asked } from "../../journal/access.ts";
import { createCheckpoints } from "../../journal/checkpoint.ts";
import { WrongCommand } from "../../journal/command-socket.ts";
import { HANDLED } from "../../journal/handled.ts";
import { JournalHeld, type Lock } from "../../journal/lock.ts";
import { openChecked } from "../../journal/open-checked.ts";
import { JournalDamaged } from "../../journal/recover.ts";
import { readSecondPlaces } from "../../assemble/second-places.ts";
import { signingKeyOf, trustOf } from "../../assemble/trust.ts";
import type { Settings } from "../../settings/schema.ts";
import { readableKeys } from "../../settings/withheld.ts";
import { reachJournal } from "../journal.ts";
import { whoAsks } from "./who-asks.ts";
import { faultInWords } from "../../system-error.ts";

const WRONG_USAGE = 2;
const UNREACHABLE = 5;
const BROKEN = 7;
const CANNOT_TELL = 8;

export type Looked = Omit<Asked, "user" | "behind">;
/** `configHash`: given when tokens were made with the config's keys, whose check values then come first. */
type Place = { readonly settings: Settings; readonly configHash?: string };
type Written = { readonly size: number };

/** With `sign` a checkpoint covers it, and `size` is what that covers. Resolves to the exit code when it could not be written, told why. */
export const recordAccess = async (place: Place, looked: Looked, sign: boolean): Promise<Written | number> => {
  const asked: Asked = { ...(await whoAsks()), ...looked };
  const fault = faultOf(asked);
  if (fault !== undefined) return refused(fault, WRONG_USAGE);
  try {
    const way = await reachJournal(place.settings.audit.dir, COMMANDS[looked.operation] ?? `audit ${looked.operation}`);
    if (way.by === "gateway") return (await way.ask("access", { ...asked, sign })) as Written;
    return await writeHere(place, way.lock, { asked, sign });
  } catch (error) {
    if (error instanceof WrongCommand) return refused(error.message, WRONG_USAGE);
    const why = faultInWords(error);
    return refused(
      `${looked.operation === HANDLED ? "the note was not written" : "the look-up could not be recorded, so nothing is shown"}: ${why}`,
      error instanceof JournalDamaged ? BROKEN : error instanceof JournalHeld ? UNREACHABLE : CANNOT_TELL,
    );
  }
};

const COMMANDS: Readonly<Record<string, string>> = { "look-up": "audit search", [HANDLED]: "audit dnc" };

const refused = (why: string, code: number): number => {
  console.error(why);
  return code;
};

type Entry = { readonly asked: Asked; readonly sign: boolean };

/** Under the conditions of the gateway: a directory that is not what was signed before is written to by nobody. */
const writeHere = async ({ settings, configHash }: Place, lock: Lock, { asked, sign }: Entry): Promise<Written> => {
  const { dir, checkpoint, index_key } = settings.audit;
  try {
    const key = await signingKeyOf(settings);
    const { journal, anchor, warnings } = await openChecked(
      { dir, durability: "flush", lock },
      trustOf(settings, key, await readSecondPlaces(settings)),
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
      const statesKeys = journal.keys.owes;
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
